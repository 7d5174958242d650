'use strict'

const { sum } = require('./sum.js')

/** No room can be called so. */
const OTHERS = '(others)'
const MODES = /** @type {const} */ (['sfu', 'mcu', 'broadcast', 'p2p'])
const ROLES = /** @type {const} */ (['member', 'listener', 'publisher', 'viewer', 'agent'])

/**
 * @param {import('../rooms/index.js').Rooms} rooms
 * @param {import('../../index.js').TransportStats[]} transports
 * @param {number} largest how many rooms have figures of their own
 * @param {import('./observe.js').Record} record
 */
function observeRooms(rooms, transports, largest, record) {
  const present = [...rooms].map(room => ({ room, participants: room.participants }))
  for (const mode of MODES)
    record('medialoom.rooms', present.filter(({ room }) => room.mode === mode).length, { 'medialoom.room.mode': mode })
  const everyone = present.flatMap(({ participants }) => participants)
  for (const role of ROLES) {
    record('medialoom.rooms.participants', everyone.filter(participant => participant.role === role).length, {
      'medialoom.participant.role': role
    })
  }
  if (largest === 0) return

  const bitrates = new Map(transports.map(transport => [transport.id, bitrateOf(transport)]))
  /** @type {Map<string, { participants: number, receive: number, transmit: number }>} */
  const figures = new Map()
  present.sort((one, other) => other.participants.length - one.participants.length)
  for (const [rank, { room, participants }] of present.entries()) {
    const name = rank < largest ? room.name : OTHERS
    const figure = figures.get(name) ?? { participants: 0, receive: 0, transmit: 0 }
    figures.set(name, figure)
    figure.participants += participants.length
    for (const { transport } of participants) {
      const bitrate = transport && bitrates.get(transport.id)
      figure.receive += bitrate?.receive ?? 0
      figure.transmit += bitrate?.transmit ?? 0
    }
  }
  for (const [name, { participants, receive, transmit }] of figures) {
    const room = { 'medialoom.room': name }
    record('medialoom.room.participants', participants, room)
    record('medialoom.room.bitrate', receive, { ...room, 'network.io.direction': 'receive' })
    record('medialoom.room.bitrate', transmit, { ...room, 'network.io.direction': 'transmit' })
  }
}

/** @param {import('../../index.js').TransportStats} transport */
function bitrateOf({ incomingTracks, outgoingTracks }) {
  return {
    receive: sum(
      incomingTracks.flatMap(track => track.encodings),
      'bitrate'
    ),
    transmit: sum(outgoingTracks, 'bitrate')
  }
}

exports.observeRooms = observeRooms
