'use strict'

const check = require('../object/check.js')
const { MediaLoomError } = require('../object/error.js')
const { inOrder, isSourceTrack } = require('../track/taking.js')

/** Seconds. */
const DAY = 24 * 60 * 60

/**
 * The tracks of an output.
 *
 * @param {object} options
 * @param {object} endpoint
 * @param {{ name: string, audio: string[], video: string[] }} carrier what it is called, and the codecs that it takes
 */
function outputSources(options, endpoint, carrier) {
  const sources = { audio: source(options, 'audio', endpoint, carrier), video: source(options, 'video', endpoint, carrier) }
  if (!sources.audio && !sources.video) throw check.invalid('options', 'a track of audio or video', options)
  return sources
}

function source(options, kind, endpoint, carrier) {
  const { name } = carrier
  const codecs = carrier[kind]
  const track = options[kind]
  if (track === undefined || track === null) return null
  const field = `options.${kind}`
  if (!isSourceTrack(track) || track.kind !== kind) throw check.invalid(field, `a track of ${kind}`, track)
  check.open(track)
  if (track.endpoint !== endpoint) throw check.invalid(field, 'a track of the same endpoint', track)
  inOrder(track)
  if (!track.codecs.some(codec => codecs.includes(codec))) {
    const made = kind === 'video' ? "; a mixer makes H264 with video: { codecs: ['h264'] }" : ''
    const takes = `${name} takes ${codecs.join(' and ')}, and the track is ${track.codecs.join(', ')}${made}`
    throw new MediaLoomError('ERR_CODEC_MISMATCH', takes, { field })
  }
  return track
}

/** Seconds for which a connection that was lost is made again. */
function outputReconnect(options) {
  return check.optional(check.integer, options.reconnect, 0, 'options.reconnect', 0, DAY)
}

module.exports = { outputReconnect, outputSources }
