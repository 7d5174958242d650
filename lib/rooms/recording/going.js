'use strict'

/**
 * Recordings of this process that go on or are being stored: nothing removes or repairs them.
 *
 * @type {Set<import('./room-recording.js').RoomRecording>}
 */
exports.going = new Set()
