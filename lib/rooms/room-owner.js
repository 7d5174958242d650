'use strict'

const { createHash } = require('node:crypto')
const { RoomError } = require('./room-error.js')

/**
 * Rendezvous hashing (Thaler and Ravishankar, "Using Name-Based Mappings to Increase Hit Rates", 1998): each server has a
 * weight for each room, and the heaviest has it. So when a server comes or goes, the rooms of the others
 * stay where they are.
 *
 * @param {string} room
 * @param {readonly string[]} servers
 * @returns {string}
 */
function roomOwner(room, servers) {
  if (typeof room !== 'string') throw new RoomError('ERR_INVALID_ARG', 'room must be a string', { field: 'room' })
  if (!Array.isArray(servers) || servers.length === 0 || !servers.every(server => typeof server === 'string')) {
    throw new RoomError('ERR_INVALID_ARG', 'servers must be an array of strings, one or more', { field: 'servers' })
  }
  const name = room.normalize('NFC')
  const weighed = servers.map(server => ({ server, weight: weightOf(server, name) }))
  return weighed.reduce((heaviest, each) => (each.weight.compare(heaviest.weight) > 0 ? each : heaviest)).server
}

/**
 * @param {string} server
 * @param {string} room
 */
function weightOf(server, room) {
  return createHash('sha256')
    .update(JSON.stringify([server, room]))
    .digest()
}

exports.roomOwner = roomOwner
