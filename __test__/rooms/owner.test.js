'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { roomOwner } = require('medialoom/rooms')

const rooms = Array.from({ length: 3000 }, (_, index) => `room ${index}`)
const servers = ['http://a:3000', 'http://b:3000', 'http://c:3000']

test('every server says the same of each room, in whatever order it knows the others, and each has its share', () => {
  const owners = rooms.map(room => roomOwner(room, servers))
  assert.deepEqual(
    rooms.map(room => roomOwner(room, [...servers].reverse())),
    owners
  )
  for (const server of servers) {
    const share = owners.filter(owner => owner === server).length / rooms.length
    assert.ok(share > 0.28 && share < 0.39, `${server} has ${share}`)
  }
  assert.equal(roomOwner('cafe\u0301', servers), roomOwner('café', servers), 'two spellings of one name are one room')
})

test('when a server comes or goes, no room moves between the others', () => {
  for (const room of rooms) {
    const owner = roomOwner(room, servers)
    const more = roomOwner(room, [...servers, 'http://d:3000'])
    assert.ok(more === owner || more === 'http://d:3000')
    const [gone, ...left] = servers
    if (owner !== gone) assert.equal(roomOwner(room, left), owner)
  }
})

test('what is no room or no servers is refused', () => {
  for (const args of [
    ['loom', []],
    ['loom', 'http://a'],
    ['loom', [1]],
    [7, servers]
  ]) {
    assert.throws(() => roomOwner(...args), { code: 'ERR_INVALID_ARG' })
  }
})
