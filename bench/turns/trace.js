'use strict'

const fs = require('node:fs')
const { execFileSync } = require('node:child_process')

const LINE = 64
const PAGE = 4096

/**
 * What `step.c` wrote of turns of a module that is loaded by `maps` (/proc/PID/maps).
 *
 * @param {string} file
 * @param {string} module its path
 * @param {string} maps
 */
function readTurns(file, module, maps) {
  const base = maps.split('\n').find(line => line.endsWith(module) && line.split(/\s+/)[2] === '00000000')
  if (!base) throw new Error(`${module} is not loaded`)
  const { functions, nameOf } = symbols(module, Number.parseInt(base, 16))
  const bytes = fs.readFileSync(file)
  const words = new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8)
  const turns = []
  for (let at = 0; at < words.length;) {
    const [instructions, receives, sends] = [...words.subarray(at, at + 3)].map(Number)
    const addresses = Float64Array.from(words.subarray(at + 3, at + 3 + instructions), Number)
    turns.push({ ...figures(addresses, nameOf), instructions, receives, sends })
    at += 3 + instructions
  }
  return { turns, functions }
}

/** Cache lines and pages of code, and both by function, in the order of first use. */
function figures(addresses, nameOf) {
  const byFunction = new Map()
  const lines = new Set()
  for (const address of addresses) {
    const name = nameOf(address)
    if (!byFunction.has(name)) byFunction.set(name, { instructions: 0, lines: new Set() })
    const one = byFunction.get(name)
    one.instructions++
    one.lines.add(Math.floor(address / LINE))
    lines.add(Math.floor(address / LINE))
  }
  const pages = new Set([...lines].map(line => Math.floor((line * LINE) / PAGE)))
  return { lines: lines.size, pages: pages.size, byFunction }
}

/** The functions of a module, and the one at an address when it is loaded at `base`. */
function symbols(module, base) {
  const output = execFileSync('nm', ['-S', '-n', module], { encoding: 'utf8', maxBuffer: 1 << 28 })
  const functions = []
  for (const line of output.split('\n')) {
    const [at, size, kind, name] = line.split(' ')
    if (/^[tTwW]$/.test(kind)) functions.push({ at: Number.parseInt(at, 16), size: Number.parseInt(size, 16), name })
  }
  const known = new Map()
  const find = address => {
    let [low, high] = [0, functions.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (functions[middle].at <= address - base) low = middle + 1
      else high = middle
    }
    const found = functions[low - 1]
    return found && address - base < found.at + found.size ? found.name : 'outside of the module'
  }
  const nameOf = address => {
    if (!known.has(address)) known.set(address, find(address))
    return known.get(address)
  }
  return { functions, nameOf }
}

module.exports = { readTurns }
