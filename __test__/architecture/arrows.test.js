'use strict'

/**
 * The direction of the arrows in ARCHITECTURE.md, read from the source: who may name whom. A
 * dependency that points the wrong way fails with its file and line.
 */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { ROOT, filesBelow, rustFiles, withoutComments } = require('./sources.js')

/** Rust: which parts of the crate a part may name. */
const MAY_USE = {
  node: ['host', 'control', 'queue', 'codec', 'log'],
  host: ['engine', 'net', 'webrtc', 'plain', 'hls', 'container', 'ingest', 'control', 'queue', 'codec'],
  net: ['control', 'queue'],
  engine: [
    'webrtc',
    'plain',
    'peer',
    'sending',
    'receiving',
    'srtp',
    'sfu',
    'speakers',
    'mcu',
    'hls',
    'container',
    'ingest',
    'control',
    'queue',
    'codec'
  ],
  webrtc: ['peer', 'sdp', 'sending', 'receiving', 'srtp', 'sfu', 'bandwidth', 'control', 'codec'],
  plain: ['peer', 'sdp', 'sending', 'receiving', 'srtp', 'sfu', 'control', 'codec'],
  // What every kind of peer says to its shard; names none of the kinds.
  peer: ['sending', 'srtp', 'sfu', 'dump', 'control', 'codec'],
  sdp: ['codec'],
  srtp: [],
  sending: ['srtp', 'sfu', 'bandwidth', 'control', 'codec'],
  receiving: ['srtp', 'sfu', 'control', 'codec'],
  sfu: ['control', 'codec'],
  bandwidth: [],
  // Files; knows no disk.
  hls: ['container', 'control', 'codec'],
  container: ['codec'],
  ingest: ['codec'],
  mcu: ['speakers', 'control', 'codec'],
  speakers: ['control'],
  dump: [],
  // The words the others share: commands, events, ids, statistics.
  control: ['queue', 'bandwidth', 'codec'],
  // What carries words between threads, whatever they are.
  queue: [],
  codec: [],
  // Hands tracing's records to JavaScript; knows nothing of media.
  log: []
}

/** Rust: what only some parts may name, and why the others may not. */
const RESERVED = [
  { name: 'napi', pattern: /\bnapi(?:_derive)?::|#\[napi\b/, only: ['node'] },
  { name: 'str0m::Rtc', pattern: /\bRtc\b|\bRtcConfig\b/, only: ['webrtc'] },
  {
    name: 'tokio',
    pattern: /\btokio::/,
    except: ['peer', 'sending', 'receiving', 'sdp', 'sfu', 'speakers', 'bandwidth', 'mcu', 'hls', 'container', 'ingest', 'codec']
  },
  {
    name: 'a clock (time is an argument)',
    pattern: /\b(?:Instant|SystemTime)::now\b/,
    except: ['peer', 'sending', 'receiving', 'sdp', 'sfu', 'speakers', 'bandwidth', 'mcu', 'hls', 'container', 'ingest', 'codec'],
    // An Instant can only be had from a clock; a test may start from one.
    inTests: true
  }
]

test('every part of the crate has its place in the order', () => {
  for (const { part, file } of rustFiles()) {
    if (part !== null) assert.ok(part in MAY_USE, `${file}: ${part} is not in the table of this test`)
  }
})

test('the table of ARCHITECTURE.md says the same', () => {
  const table = fs.readFileSync(path.join(ROOT, 'ARCHITECTURE.md'), 'utf8')
  const rows = [...table.matchAll(/^\| `src\/(\w+)` \|[^|]*\| ?([^|]*?) ?\|$/gm)]
  const told = Object.fromEntries(rows.map(([, part, named]) => [part, named.split(', ').filter(Boolean).sort()]))
  const tested = Object.entries(MAY_USE).map(([part, named]) => [part, [...named].sort()])
  assert.deepEqual(told, Object.fromEntries(tested))
})

test('grouped, nested and relative uses are read for what they name', () => {
  const named = (file, ...lines) => [...namedParts(file, withoutComments(lines.join('\n')))].map(use => use.named)
  assert.deepEqual(named('src/sfu/a.rs', 'use crate::{', '  engine::ids::{Mid, net},', '  codec::vp8,', '};'), ['engine', 'codec'])
  assert.deepEqual(named('src/sfu/a.rs', 'let x = crate::net::udp::bind();'), ['net'])
  assert.deepEqual(named('src/sfu/mod.rs', 'use super::engine::ids;'), ['engine'])
  assert.deepEqual(named('src/sfu/a.rs', 'use super::engine::ids;', 'use super::super::webrtc;'), ['webrtc'])
  assert.deepEqual(named('src/sfu/a.rs', '// see crate::engine', 'let s = "crate::engine";'), [])
})

test('a part of the crate names only the parts below it', () => {
  const wrong = []
  for (const { part, file, lines } of rustFiles()) {
    if (part === null) continue
    for (const { number, text, named } of namedParts(file, lines)) {
      if (named !== part && !MAY_USE[part].includes(named)) {
        wrong.push(`${file}:${number}: ${part} -> ${named}: ${text.trim()}`)
      }
    }
  }
  assert.deepEqual(wrong, [])
})

test('napi, the peer connection, the runtime and clocks stay where they belong', () => {
  const wrong = []
  for (const { part, file, lines, testsFrom } of rustFiles()) {
    if (part === null) continue
    for (const { name, pattern, only, except, inTests } of RESERVED) {
      if (only ? only.includes(part) : !except.includes(part)) continue
      lines.forEach((text, index) => {
        if (inTests && index >= testsFrom) return
        if (pattern.test(text)) wrong.push(`${file}:${index + 1}: ${part} names ${name}: ${text.trim()}`)
      })
    }
  }
  assert.deepEqual(wrong, [])
})

test('lib/ requires Node, its own files and nothing else', () => {
  const wrong = []
  for (const { file, number, text, specifier } of javaScriptImports('lib')) {
    // A house of its own, for browsers: see below.
    if (file.startsWith('lib/client/')) continue
    if (specifier.startsWith('node:')) continue
    if (specifier === 'express' && file.startsWith('lib/express/')) continue
    if (specifier === '@opentelemetry/api' && file === 'lib/opentelemetry/index.d.ts') continue
    if (specifier === 'jose' && file.startsWith('lib/auth/')) continue
    if (specifier.startsWith('@medialoom/') && file === 'lib/native/prebuilt.js') continue
    // What is built on the engine comes in by the front door, and types may be read there.
    if (/^lib\/(?:rooms|http|express|fetch|testing)\//.test(file) || file.endsWith('.d.ts')) {
      if (specifier === 'medialoom' || resolves(file, specifier, 'index.js')) continue
    }
    if (isBelow('lib', file, specifier) || resolves(file, specifier, 'package.json')) continue
    wrong.push(`${file}:${number}: ${text.trim()}`)
  }
  assert.deepEqual(wrong, [])
})

test('lib/client names its own files and nothing else, and nobody else names it', () => {
  const wrong = []
  for (const { file, number, text, specifier } of javaScriptImports('lib')) {
    const inside = file.startsWith('lib/client/')
    if (inside && specifier === 'react' && file.startsWith('lib/client/react/')) continue
    if (isBelow('lib/client', file, specifier) !== inside) wrong.push(`${file}:${number}: ${text.trim()}`)
  }
  assert.deepEqual(wrong, [])
})

test('files of lib/client name each other one way', () => {
  const edges = new Map()
  for (const { file, specifier } of javaScriptImports('lib/client')) {
    if (!file.endsWith('.js') || file.endsWith('/index.js') || !specifier.startsWith('.')) continue
    const named = path.posix.join(path.posix.dirname(file), specifier)
    // Types are read from the door, as a program reads them.
    if (!named.endsWith('/index.js')) edges.set(file, [...(edges.get(file) ?? []), named])
  }
  const reaches = (from, to, seen = new Set()) =>
    (edges.get(from) ?? []).some(next => next === to || (!seen.has(next) && reaches(next, to, seen.add(next))))
  assert.deepEqual(
    [...edges.keys()].filter(file => reaches(file, file)),
    []
  )
})

test('only lib/native/binding.js loads a native module', () => {
  const wrong = []
  for (const { file, lines } of javaScriptFiles('lib')) {
    if (file === 'lib/native/binding.js') continue
    lines.forEach((text, index) => {
      if (/\.node['"`]|process\.dlopen|native\.js/.test(text)) wrong.push(`${file}:${index + 1}: ${text.trim()}`)
    })
  }
  assert.deepEqual(wrong, [])
})

test('examples use the package by its name', () => {
  const wrong = []
  for (const name of fs.readdirSync(path.join(ROOT, 'examples'))) {
    const folder = `examples/${name}`
    for (const { file, number, text, specifier } of javaScriptImports(folder)) {
      if (specifier.startsWith('.') && !isBelow(folder, file, specifier)) {
        wrong.push(`${file}:${number}: ${text.trim()}`)
      }
    }
  }
  assert.deepEqual(wrong, [])
})

/** The parts of the crate that a file names by `crate::`, or by enough `super::` to get out of its own. */
function* namedParts(file, lines) {
  // From inside a file, `super` of src/sfu/mod.rs and of src/sfu.rs is the crate, of src/sfu/a.rs it is sfu.
  const folders = file.replace(/(?:\/mod)?\.rs$/, '').split('/').length - 1
  const source = lines.join('\n')
  const root = new RegExp(String.raw`\b(?:crate|(?:super::){${folders - 1}}super)::(\{[^;]*|\w+)`, 'g')
  for (const match of source.matchAll(root)) {
    const number = source.slice(0, match.index).split('\n').length
    const names = match[1].startsWith('{') ? topLevelNames(match[1]) : [match[1]]
    for (const named of names) {
      if (named in MAY_USE) yield { number, text: lines[number - 1], named }
    }
  }
}

/** `{a::b, c::{d, e}, f}` -> a, c, f */
function topLevelNames(tree) {
  const names = []
  let depth = 0
  let atStart = false
  for (const [token] of tree.matchAll(/\w+|[{},]/g)) {
    if (token === '{') atStart = ++depth === 1
    else if (token === ',') atStart = depth === 1
    else if (token === '}') {
      if (--depth === 0) break
    } else if (atStart) {
      names.push(token)
      atStart = false
    }
  }
  return names
}

function* javaScriptImports(folder) {
  for (const { file, lines } of javaScriptFiles(folder)) {
    for (const [index, text] of lines.entries()) {
      for (const [, specifier] of text.matchAll(/(?:\brequire\(|\bimport\(?|\bfrom)\s*['"]([^'"]+)['"]/g)) {
        yield { file, number: index + 1, text, specifier }
      }
    }
  }
}

function javaScriptFiles(folder) {
  return filesBelow(folder, /\.(?:[cm]?js|ts)$/).map(file => ({
    file,
    lines: fs
      .readFileSync(path.join(ROOT, file), 'utf8')
      .replace(/\/\*[^]*?\*\//g, comment => comment.replace(/[^\n]/g, ' '))
      .split('\n')
      .map(line => line.replace(/^\s*\/\/.*$/, ''))
  }))
}

function isBelow(folder, file, specifier) {
  return specifier.startsWith('.') && path.posix.join(path.posix.dirname(file), specifier).startsWith(`${folder}/`)
}

function resolves(file, specifier, target) {
  return specifier.startsWith('.') && path.posix.join(path.posix.dirname(file), specifier) === target
}
