'use strict'

const check = require('../object/check.js')
const { close } = require('../object/closing.js')
const { MediaLoomError, callNative } = require('../object/error.js')
const { kAdd, kConstruct, kDispatcher } = require('../object/internal.js')
const { MediaStream } = require('./media-stream.js')
const { MAX_TRACKS, outgoingTrackOptions } = require('./outgoing-stream-options.js')
const { OutgoingTrack } = require('./outgoing-track.js')

/** Tracks to send that the peer plays in step. */
class OutgoingStream extends MediaStream {
  constructor(key, transport, options) {
    super(key, transport, options?.id, options?.appData)
  }

  get [kDispatcher]() {
    return this.transport[kDispatcher]
  }

  addTrack(kind, options) {
    check.oneOf(kind, 'kind', ['audio', 'video'])
    const { id: trackId, appData } = outgoingTrackOptions(options)
    check.open(this)
    if (this.tracks.some(track => track.trackId === trackId)) {
      throw new MediaLoomError('ERR_INVALID_ARG', `options.id: there is a track ${trackId} already`, {
        field: 'options.id'
      })
    }
    if (this.transport.outgoingTracks.length >= MAX_TRACKS) {
      throw new MediaLoomError('ERR_LIMIT', `a transport sends at most ${MAX_TRACKS} tracks`)
    }
    const { native } = this[kDispatcher]
    const id = callNative(() => native.addOutgoingTrack(this.transport.id, kind, this.id, trackId))
    const track = new OutgoingTrack(kConstruct, this, { id, kind, trackId, appData })
    this[kAdd](track)
    return track
  }

  close() {
    close(this, dispatcher => {
      for (const track of this.tracks) {
        dispatcher.insist(native => native.removeOutgoingTrack(this.transport.id, track.id))
      }
    })
  }

  [Symbol.dispose]() {
    this.close()
  }
}

module.exports = { OutgoingStream }
