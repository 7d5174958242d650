'use strict'

/**
 * @typedef {object} Description
 * @property {'Counter' | 'UpDownCounter' | 'Gauge'} type
 * @property {string} unit as UCUM has it
 * @property {string} description
 */

/** By name. Names and attributes follow OpenTelemetry's general conventions. */
const ENDPOINT = /** @type {const} */ ({
  'medialoom.network.packets': { type: 'Counter', unit: '{packet}', description: 'Datagrams, by media thread and direction' },
  'medialoom.network.io': { type: 'Counter', unit: 'By', description: 'Bytes of datagrams, by media thread and direction' },
  'medialoom.network.dropped': { type: 'Counter', unit: '{packet}', description: 'Datagrams dropped, by media thread and reason' },
  'medialoom.thread.load': { type: 'Gauge', unit: '1', description: 'Share of its time in which a media thread works' },
  'medialoom.thread.layer_share': {
    type: 'Gauge',
    unit: '1',
    description: 'Share of the best bitrate that video tracks of a thread are sent at most'
  },
  'medialoom.thread.transports': { type: 'UpDownCounter', unit: '{transport}', description: 'Transports, by media thread' },
  'medialoom.thread.transports_over_budget': {
    type: 'UpDownCounter',
    unit: '{transport}',
    description: 'Transports that take too much of their thread'
  },
  'medialoom.thread.panics': { type: 'Counter', unit: '{peer}', description: 'Peers closed because handling them failed' },
  'medialoom.transports': { type: 'UpDownCounter', unit: '{transport}', description: 'Transports, by state' },
  'medialoom.media.bitrate': { type: 'Gauge', unit: 'bit/s', description: 'Media, by direction' },
  'medialoom.media.packets_lost': {
    type: 'UpDownCounter',
    unit: '{packet}',
    description: 'Packets that never came, over all open incoming tracks'
  },
  'medialoom.media.round_trip_time': { type: 'Gauge', unit: 's', description: 'Median and longest of all tracks' },
  'medialoom.mixers': { type: 'UpDownCounter', unit: '{mixer}', description: 'Mixers, by the effort that they make for pictures' },
  'medialoom.mixer.ports': { type: 'UpDownCounter', unit: '{port}', description: 'Ports of all open mixers' },
  'medialoom.mixer.lateness': { type: 'Gauge', unit: 's', description: 'How late the latest mixer was in the last second' },
  'medialoom.mixer.packets_dropped': {
    type: 'UpDownCounter',
    unit: '{packet}',
    description: 'Packets that found no room on their way in, over all open mixers'
  }
})

const ROOMS = /** @type {const} */ ({
  'medialoom.rooms': { type: 'UpDownCounter', unit: '{room}', description: 'Rooms, by mode' },
  'medialoom.rooms.participants': { type: 'UpDownCounter', unit: '{participant}', description: 'Participants, by role' },
  'medialoom.room.participants': {
    type: 'UpDownCounter',
    unit: '{participant}',
    description: 'Participants of the largest rooms, and of all others together'
  },
  'medialoom.room.bitrate': {
    type: 'Gauge',
    unit: 'bit/s',
    description: 'Media of the largest rooms and of all others together, by direction'
  }
})

exports.ENDPOINT = ENDPOINT
exports.ROOMS = ROOMS
