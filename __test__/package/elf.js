'use strict'

const fs = require('node:fs')

/** Of the dynamic section (System V ABI, chapter 5), and of GNU's symbol versions (LSB Core 10.7). */
const DT = { NULL: 0, NEEDED: 1, STRTAB: 5, VERNEED: 0x6ffffffe, VERNEEDNUM: 0x6fffffff }
const PT = { LOAD: 1, DYNAMIC: 2 }
const MACHINES = { 62: 'x64', 183: 'arm64' }

/**
 * What a 64-bit little-endian shared object asks for of the system that loads it.
 *
 * @param {string} path
 * @returns {{ arch: string, needed: string[], versions: { library: string, version: string }[], sections: string[], symbolBytes: number }}
 *   the libraries by name, the versions of their symbols, such as `GLIBC_2.28` of `libc.so.6`, and the bytes of what names its own
 */
function readElf(path) {
  const file = fs.readFileSync(path)
  if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1) throw new Error(`${path} is no 64-bit ELF file`)
  const word = at => Number(file.readBigUInt64LE(at))
  const text = at => file.toString('latin1', at, file.indexOf(0, at))

  const segments = rows(word(32), file.readUInt16LE(54), file.readUInt16LE(56)).map(at => ({
    type: file.readUInt32LE(at),
    offset: word(at + 8),
    address: word(at + 16),
    size: word(at + 32)
  }))
  const offsetOf = address => {
    const { offset, address: start } = segments.find(s => s.type === PT.LOAD && address >= s.address && address < s.address + s.size)
    return address - start + offset
  }
  const { offset, size } = segments.find(segment => segment.type === PT.DYNAMIC)
  const all = rows(offset, 16, size / 16).map(at => ({ tag: word(at), value: word(at + 8) }))
  const entries = all.slice(
    0,
    all.findIndex(({ tag }) => tag === DT.NULL)
  )
  const value = tag => entries.find(entry => entry.tag === tag)?.value
  const strings = offsetOf(value(DT.STRTAB))

  const versions = []
  let need = value(DT.VERNEED) === undefined ? 0 : offsetOf(value(DT.VERNEED))
  for (let left = value(DT.VERNEEDNUM) ?? 0; left > 0; left--) {
    const library = text(strings + file.readUInt32LE(need + 4))
    let version = need + file.readUInt32LE(need + 8)
    for (let more = file.readUInt16LE(need + 2); more > 0; more--) {
      versions.push({ library, version: text(strings + file.readUInt32LE(version + 8)) })
      version += file.readUInt32LE(version + 12)
    }
    need += file.readUInt32LE(need + 12)
  }

  const headers = rows(word(40), file.readUInt16LE(58), file.readUInt16LE(60))
  const names = headers.length > 0 ? word(headers[file.readUInt16LE(62)] + 24) : 0
  const sections = headers.map(at => ({ name: text(names + file.readUInt32LE(at)), size: word(at + 32) }))
  const symbols = sections.filter(({ name }) => name === '.symtab' || name === '.strtab')
  return {
    arch: MACHINES[file.readUInt16LE(18)],
    needed: entries.filter(({ tag }) => tag === DT.NEEDED).map(entry => text(strings + entry.value)),
    versions,
    sections: sections.map(({ name }) => name),
    symbolBytes: symbols.reduce((sum, { size }) => sum + size, 0)
  }
}

/** Where each of so many rows of a table begins. */
function rows(start, size, count) {
  return Array.from({ length: count }, (_, row) => start + row * size)
}

module.exports = { readElf }
