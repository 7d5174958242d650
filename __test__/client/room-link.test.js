'use strict'

const assert = require('node:assert/strict')
const { before, test } = require('node:test')

/** @type {typeof import('../../lib/client/room-link.js')} */
let link
before(async () => {
  link = await import('../../lib/client/room-link.js')
})

test('a link has the server, the room, a token and a key', () => {
  assert.deepEqual(link.readLink('https://example.org/media/r/amber%20loom?codec=vp9#token=a.b.c&key=secret'), {
    server: 'https://example.org/media/',
    room: 'amber loom',
    token: 'a.b.c',
    key: 'secret'
  })
})

test('a token may be in the query, and the address of a server has no room', () => {
  assert.deepEqual(link.readLink('wss://example.org/?token=t'), { server: 'wss://example.org/', room: null, token: 't', key: null })
  assert.equal(link.readLink('https://example.org/media/').server, 'https://example.org/media/')
})

test('a room that is spelled wrong is none', () => {
  assert.equal(link.readLink('https://example.org/r/%E0%A4%A').room, null)
})

test('what is written is read again', () => {
  const parts = { server: 'https://example.org/media/', room: 'a/b?#ä', token: 'x&y=z', key: 'k+/ä' }
  const written = link.writeLink({ ...parts, query: '?codec=vp9' })
  assert.deepEqual(link.readLink(written), parts)
  assert.equal(new URL(written).search, '?codec=vp9')
  assert.equal(link.writeLink({ server: 'https://example.org/', room: 'loom' }), 'https://example.org/r/loom')
})
