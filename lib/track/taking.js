'use strict'

const { MediaLoomError } = require('../object/error.js')
const { SourceTrack } = require('./source-track.js')

/**
 * Whether something is a track that others attach to.
 * @param {unknown} track
 * @returns {track is InstanceType<typeof import('./incoming-track.js').IncomingTrack>
 *   | InstanceType<typeof import('../mixer/mixed-track.js').MixedTrack>
 *   | InstanceType<typeof import('../ingest/input-track.js').InputTrack>}
 */
function isSourceTrack(track) {
  return track instanceof SourceTrack
}

/** Refuses pictures in another order than that in which they are shown to whoever does not decode them. */
function inOrder(track) {
  if ('reordered' in track && track.reordered) {
    throw new MediaLoomError('ERR_B_FRAMES', 'the pictures have B-frames: attach the track to a port of a mixer, and send what it makes', {
      field: 'track'
    })
  }
}

module.exports = { inOrder, isSourceTrack }
