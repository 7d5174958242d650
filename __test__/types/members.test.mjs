/** index.d.ts says what is shipped, and what is shipped is in index.d.ts. */

import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { Readable, Writable } from 'node:stream'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { API } from 'typescript/unstable/sync'
import { SyntaxKind } from 'typescript/unstable/ast'
import medialoom from '../../index.js'

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

const typescript = new API({ cwd: ROOT })
after(() => typescript.close())
const [project] = typescript.updateSnapshot({ openProjects: [path.join(ROOT, 'tsconfig.json')] }).getProjects()
const { statements } = project.program.getSourceFile(path.join(ROOT, 'index.d.ts'))

const has = (node, kind) => node.modifiers?.some(modifier => modifier.kind === kind) ?? false
const declarations = kind => statements.filter(statement => statement.kind === kind && has(statement, SyntaxKind.ExportKeyword))

/** `close` or, for `[Symbol.dispose]`, `Symbol.dispose`. */
function nameOf(member) {
  return member.name.kind === SyntaxKind.ComputedPropertyName ? `Symbol.${member.name.expression.name.text}` : member.name.text
}

/** What a class declares, as `static name`, `name()`, `name` or `readonly name`. */
function declaredMembers(declaration) {
  const members = []
  for (const member of declaration.members) {
    if (member.kind === SyntaxKind.Constructor) continue
    const name = `${has(member, SyntaxKind.StaticKeyword) ? 'static ' : ''}${nameOf(member)}`
    if (member.kind === SyntaxKind.MethodDeclaration) members.push(`${name}()`)
    else members.push(has(member, SyntaxKind.ReadonlyKeyword) ? `readonly ${name}` : name)
  }
  return [...new Set(members)].sort()
}

/** Whose members are theirs. */
const STREAMS = [Readable.prototype, Writable.prototype]
/** Methods of an event emitter that do the same here, and a little more. */
const EMITTERS = ['removeAllListeners']
const FOREIGN = [EventEmitter.prototype, Error.prototype, ...STREAMS]

/** The same of the class itself, with what it inherits from classes of the package. */
function shippedMembers(shipped) {
  const members = []
  const add = (object, prefix) => {
    for (const key of Reflect.ownKeys(object)) {
      // Symbols of the package's own are how its classes talk among themselves.
      const name = typeof key === 'symbol' ? wellKnown(key) : key
      if (!name || name === 'constructor' || EMITTERS.includes(name)) continue
      const { value, set } = Object.getOwnPropertyDescriptor(object, key)
      if (typeof value === 'function') members.push(`${prefix}${name}()`)
      else members.push(`${set ? '' : 'readonly '}${prefix}${name}`)
    }
  }
  let proto = shipped.prototype
  for (; !FOREIGN.includes(proto); proto = Object.getPrototypeOf(proto)) add(proto, '')
  // What a stream calls itself begins with `_`; not all of it is on the prototype.
  const inherited = name => STREAMS.includes(proto) && (name.startsWith('_') || name.replace('()', '') in proto)
  for (const key of Object.getOwnPropertyNames(shipped)) {
    if (typeof shipped[key] === 'function' && key !== 'prototype') members.push(`static ${key}()`)
  }
  return [...new Set(members)].filter(name => !inherited(name)).sort()
}

function wellKnown(symbol) {
  if (symbol === Symbol.dispose) return 'Symbol.dispose'
  if (symbol === Symbol.asyncDispose) return 'Symbol.asyncDispose'
  return null
}

const classes = declarations(SyntaxKind.ClassDeclaration)

for (const declaration of classes) {
  const name = declaration.name.text
  test(`${name} has the members that index.d.ts declares, and no others`, () => {
    const shipped = medialoom[name]
    // That readers are iterable is inherited; declared is what comes out.
    const declared = declaredMembers(declaration).filter(member => member !== 'Symbol.asyncIterator()')
    let found = shippedMembers(shipped)
    if (name === 'MediaLoomError') {
      // Properties of the instance: there only when there is something to say.
      const full = new medialoom.MediaLoomError('ERR_SDP', 'text', { field: 'a', line: 'b' })
      found = [...found, ...Object.keys(full).map(key => `readonly ${key}`)].sort()
    }
    assert.deepEqual(found, declared)
  })
}

test('what index.d.ts exports is exported, and nothing else', () => {
  const variables = declarations(SyntaxKind.VariableStatement).flatMap(statement =>
    statement.declarationList.declarations.map(declaration => declaration.name.text)
  )
  const functions = declarations(SyntaxKind.FunctionDeclaration).map(declaration => declaration.name.text)
  const declared = [...classes.map(declaration => declaration.name.text), ...functions, ...variables]
  assert.deepEqual(Object.keys(medialoom).sort(), declared.sort())
})

test('every class that emits has a map of its events', () => {
  const interfaces = new Map(declarations(SyntaxKind.InterfaceDeclaration).map(declaration => [declaration.name.text, declaration]))
  for (const declaration of classes) {
    const name = declaration.name.text
    const { prototype } = medialoom[name]
    const stream = prototype instanceof Readable || prototype instanceof Writable
    if (!(prototype instanceof EventEmitter) || stream) continue
    const events = interfaces.get(`${name}Events`)
    assert.ok(events, `${name}Events`)
    assert.ok(
      events.members.some(member => member.name.text === 'closed'),
      `${name}: closed`
    )
  }
})

test('the codes of the engine and of index.d.ts are the same', () => {
  const engine = fs.readFileSync(path.join(ROOT, 'src/control/error.rs'), 'utf8').match(/"ERR_\w+"/g)
  const [{ type }] = declarations(SyntaxKind.TypeAliasDeclaration).filter(({ name }) => name.text === 'ErrorCode')
  const declared = type.types.map(({ literal }) => `"${literal.text}"`)
  assert.deepEqual([...new Set(engine)].sort(), declared.sort())
})
