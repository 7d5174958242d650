'use strict'

/**
 * Who is there in each scenario. A client sends `audio` and `video` (kilobits a second, 0 for a
 * track that is negotiated and silent) and receives those of the clients it `hears` and `sees`.
 */

const AUDIO = { kilobits: 32 }
const CAMERA = { kilobits: 1500 }
const MEETING_CAMERA = { kilobits: 500 }
const SILENT = { kilobits: 0 }

const range = length => Array.from({ length }, (_, index) => index)
const others = (count, self) => range(count).filter(index => index !== self)

function fanOut(subscribers) {
  return {
    name: `1 to ${subscribers}`,
    clients: [{ audio: AUDIO, video: CAMERA }, ...range(subscribers).map(() => ({ hears: [0], sees: [0] }))],
    subscribers,
    streamsPerSubscriber: 2,
    plot: 'one publisher'
  }
}

function meeting(size) {
  return {
    name: `meeting of ${size}`,
    clients: range(size).map(self => ({
      audio: AUDIO,
      video: MEETING_CAMERA,
      hears: others(size, self),
      sees: others(size, self)
    })),
    subscribers: size,
    streamsPerSubscriber: 2 * (size - 1),
    plot: 'meetings'
  }
}

function audioRoom(size, talking) {
  return {
    name: `audio room of ${size}`,
    clients: range(size).map(self => ({ audio: self < talking ? AUDIO : SILENT, hears: others(size, self) })),
    subscribers: size,
    streamsPerSubscriber: size - 1,
    plot: 'audio rooms'
  }
}

/** Connected, with an audio and a video track that nothing is attached to. */
function silent(peers) {
  return {
    name: `${peers} silent peers`,
    clients: [{ audio: SILENT, video: SILENT }, ...range(peers - 1).map(() => ({ hears: [0], sees: [0] }))],
    subscribers: peers,
    streamsPerSubscriber: 2,
    idle: true
  }
}

/** The same room by as many media threads, to see how much more two carry than one. */
function byThreads(threads, subscribers) {
  return {
    ...fanOut(subscribers),
    name: `1 to ${subscribers} by ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    threads,
    plot: undefined
  }
}

/** Viewers of a running stream, as many at once as joins are allowed to overlap. */
function joins(viewers) {
  return { ...fanOut(viewers), name: `${viewers} joins`, concurrentJoins: 16, plot: undefined }
}

/** The same by the room server and its WebSockets, a room with everything that goes with it. */
function room(size) {
  return { ...meeting(size), name: `room of ${size}`, room: true, plot: undefined }
}

const SCENARIOS = {
  'fan-out-1': () => fanOut(1),
  'fan-out-10': () => fanOut(10),
  'fan-out-50': () => fanOut(50),
  'fan-out-100': () => fanOut(100),
  'fan-out-300': () => fanOut(300),
  'meeting-4': () => meeting(4),
  'meeting-8': () => meeting(8),
  'meeting-16': () => meeting(16),
  'meeting-30': () => meeting(30),
  'audio-30': () => audioRoom(30, 3),
  'audio-100': () => audioRoom(100, 3),
  'silent-1000': () => silent(1000),
  'joins-50': () => joins(50),
  'room-2': () => room(2),
  'room-8': () => room(8),
  'one-thread-100': () => byThreads(1, 100),
  'two-threads-100': () => byThreads(2, 100)
}

/** What runs when nothing is named. */
const DEFAULT = ['fan-out-1', 'fan-out-10', 'fan-out-50', 'fan-out-100', 'meeting-8', 'audio-30', 'silent-1000', 'joins-50']

module.exports = { SCENARIOS, DEFAULT }
