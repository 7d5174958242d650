'use strict'

/**
 * Circles inside a part of the crate, which the arrows between parts do not show: files whose methods
 * of one type call each other around, and files that name each other around by `use`. A type whose
 * methods are in several files is fine as long as they have an order, from the outside in.
 */

const assert = require('node:assert/strict')
const path = require('node:path')
const { test } = require('node:test')
const { rustFiles, withoutComments } = require('./sources.js')

/**
 * Circles by method calls that are still there. They may shrink, and what has shrunk has to be taken
 * out here, so that it does not grow again; none may be added.
 */
const KNOWN = []

/** Files that still name each other around by `use`; as above. */
const KNOWN_USES = []

test('the files of one type call each other one way', () => {
  const circles = methodCircles(rustFiles())
  const wrong = circles
    .filter(circle => !KNOWN.some(known => known.type === circle.type && isSubset(circle.files, known.files)))
    .map(describeCircle)
  assert.deepEqual(wrong, [], 'a new circle by method calls')
})

test('the list of known circles has none that are gone', () => {
  const circles = methodCircles(rustFiles())
  for (const known of KNOWN) {
    const left = circles.filter(circle => circle.type === known.type).flatMap(circle => circle.files)
    assert.deepEqual(known.files, [...new Set(left)].sort(), `${known.type}: take out of KNOWN what is in no circle any more`)
  }
})

test('files beside each other name each other one way', () => {
  const circles = useCircles(rustFiles())
  assert.deepEqual(
    circles.filter(files => !KNOWN_USES.some(known => isSubset(files, known))),
    [],
    'a new circle by use'
  )
  const left = KNOWN_USES.filter(known => circles.some(files => isSubset(known, files)))
  assert.deepEqual(KNOWN_USES, left, 'take out of KNOWN_USES what is in no circle any more')
})

test('a circle of calls between files of one type is found, and calls of others are not', () => {
  const file = (name, text) => ({ file: name, part: 'x', lines: withoutComments(text), testsFrom: Infinity })
  const a = 'impl<S: Send> Large<S> {\n  pub fn one(&mut self) {\n    self.two()\n  }\n}'
  const b = 'impl<S> Large<S> where S: Send {\n  fn two(&self) { Self::three(1) }\n}\nimpl Other {\n  fn three() {}\n}'
  const c = 'impl<S> Large<S> {\n  fn three(_: u8) { self.field.one(); }\n}'
  const back = 'impl<S> Large<S> {\n  fn three(_: u8) { self.one(); }\n}'
  assert.deepEqual(methodCircles([file('a', a), file('b', b), file('c', c)]), [])
  assert.deepEqual(methodCircles([file('a', a), file('b', b), file('c', back)]), [
    { type: 'x::Large', files: ['a', 'b', 'c'], calls: ['a -> b by two', 'b -> c by three', 'c -> a by one'] }
  ])
  const inTests = { ...file('c', back), testsFrom: 0 }
  assert.deepEqual(methodCircles([file('a', a), file('b', b), inTests]), [])
})

test('a circle by use is found between files, and not with the file that holds them', () => {
  const file = (name, text) => ({ file: name, part: 'x', lines: withoutComments(text), testsFrom: Infinity })
  const a = file('src/x/a.rs', 'use super::b::{B, C};')
  const b = file('src/x/b.rs', 'use crate::x::c::D;')
  const c = file('src/x/c.rs', 'fn f() -> super::a::A {}')
  const holder = file('src/x/mod.rs', 'mod a;\nuse a::A;')
  assert.deepEqual(useCircles([holder, a, b]), [])
  assert.deepEqual(useCircles([holder, a, b, c]), [['src/x/a.rs', 'src/x/b.rs', 'src/x/c.rs']])
})

/** Circles of files, by type: which file calls methods on `self` that another one defines. */
function methodCircles(files) {
  const types = new Map()
  for (const { part, file, lines, testsFrom } of files) {
    const source = lines.slice(0, testsFrom === Infinity ? undefined : testsFrom).join('\n')
    for (const { type, body } of implementations(source)) {
      const key = `${part}::${type}`
      if (!types.has(key)) types.set(key, [])
      const methods = [...body.matchAll(/\bfn (\w+)/g)].map(match => match[1])
      const calls = [...body.matchAll(/\b(?:self\s*\.\s*|Self::)(\w+)(?:::<[^>]*>)?\(/g)].map(match => match[1])
      types.get(key).push({ file, methods, calls })
    }
  }
  return [...types].flatMap(([type, parts]) => {
    const home = new Map(parts.flatMap(({ file, methods }) => methods.map(method => [method, file])))
    const edges = new Map()
    const by = new Map()
    for (const { file, calls } of parts) {
      if (!edges.has(file)) edges.set(file, new Set())
      for (const call of calls) {
        const to = home.get(call)
        if (to === undefined || to === file) continue
        edges.get(file).add(to)
        by.set(`${file} -> ${to}`, call)
      }
    }
    return circlesOf(edges).map(circle => ({
      type,
      files: circle,
      calls: [...by].filter(([edge]) => edge.split(' -> ').every(end => circle.includes(end))).map(([edge, call]) => `${edge} by ${call}`)
    }))
  })
}

/** `impl` blocks at the margin, with the name of their type and what is between their braces. */
function* implementations(source) {
  for (const match of source.matchAll(/^impl\b([^{]*)\{([^]*?)^\}/gm)) {
    let head = match[1].replace(/\bwhere\b[^]*/, '').trim()
    head = withoutAngles(head.includes(' for ') ? head.slice(head.lastIndexOf(' for ') + 5) : head)
    const type = /(\w+)\s*$/.exec(head.trim())?.[1]
    if (type) yield { type, body: match[2] }
  }
}

/** `<S: Shards<T>> Mixer<S>` -> ` Mixer` */
function withoutAngles(text) {
  let depth = 0
  let out = ''
  for (const letter of text.replaceAll('->', '')) {
    if (letter === '<') depth++
    else if (letter === '>') depth--
    else if (depth === 0) out += letter
  }
  return out
}

/** Circles of files in one folder that name each other. Files that hold others (mod.rs) are left out. */
function useCircles(files) {
  const edges = new Map()
  // A folder with nothing but tests makes nobody a holder.
  const known = new Set(files.filter(({ testsFrom }) => testsFrom > 0).map(({ file }) => file))
  for (const { file, lines, testsFrom } of files) {
    const folder = path.posix.dirname(file)
    const source = lines.slice(0, testsFrom === Infinity ? undefined : testsFrom).join('\n')
    const modules = folder
      .replace(/^src\/?/, '')
      .split('/')
      .filter(Boolean)
      .join('::')
    const beside = new RegExp(String.raw`\b(?:super|crate::${modules})::(\w+)`, 'g')
    const grouped = new RegExp(String.raw`\b(?:super|crate::${modules})::\{([^;]*)\};`, 'g')
    const names = [...source.matchAll(beside)].map(match => match[1])
    for (const match of source.matchAll(grouped)) names.push(...(match[1].match(/\w+(?=::)/g) ?? []))
    edges.set(file, new Set())
    if (isHolder(file, known)) continue
    for (const name of names) {
      const other = `${folder}/${name}.rs`
      if (other !== file && known.has(other) && !isHolder(other, known)) edges.get(file).add(other)
    }
  }
  return circlesOf(edges)
}

function isHolder(file, known) {
  if (/(?:^|\/)(?:mod|lib)\.rs$/.test(file)) return true
  const folder = file.replace(/\.rs$/, '/')
  return [...known].some(other => other.startsWith(folder))
}

/** Sets of nodes that reach each other (strongly connected), of more than one, sorted. */
function circlesOf(edges) {
  const reach = new Map([...edges.keys()].map(node => [node, reachable(edges, node)]))
  const seen = new Set()
  const circles = []
  for (const node of edges.keys()) {
    if (seen.has(node)) continue
    const circle = [...reach.get(node)].filter(other => reach.get(other)?.has(node))
    if (!circle.includes(node)) continue
    circle.forEach(other => seen.add(other))
    circles.push(circle.sort())
  }
  return circles
}

function reachable(edges, from) {
  const found = new Set()
  const open = [...edges.get(from)]
  while (open.length > 0) {
    const node = open.pop()
    if (found.has(node)) continue
    found.add(node)
    open.push(...(edges.get(node) ?? []))
  }
  return found
}

function isSubset(files, of) {
  return files.every(file => of.includes(file))
}

function describeCircle({ type, files, calls }) {
  return `${type}: ${files.join(', ')}\n  ${calls.join('\n  ')}`
}
