'use strict'

const { RecordedFile } = require('./recorded-file.js')

/** Records the mix of the room, which has a mixer for as long as that takes. */
class MixedFile {
  #mixing
  #file
  #host
  #closed = false

  /**
   * @param {import('../room-mixer.js').RoomMixer} mixing
   * @param {import('./room-recording.js').FileHost} host
   * @param {import('./record-options.js').Checked} options
   */
  constructor(mixing, host, { format, encoding, mode }) {
    this.#mixing = mixing
    this.#host = host
    const about = { participant: null, identity: null, name: host.room.name, source: /** @type {const} */ ('mix') }
    this.#file = host.add(new RecordedFile({ name: 'mix', about, format, encoding, mode }, host))
    mixing.add(this)
  }

  /** Called by the room's mixer, which is there, or another one. */
  update() {
    const { mixer } = this.#mixing
    if (this.#closed || !mixer || mixer.closed) return
    const tracks = [mixer.audio, mixer.video].filter(track => track !== null)
    this.#file.setTracks(/** @type {import('../index.js').PublishedTrack[]} */ (tracks))
  }

  /** Called by the room's mixer, which makes another one. @param {Error} error */
  fail(error) {
    this.#host.note({ type: 'mixing-failed', message: error.message })
  }

  async close() {
    if (this.#closed) return
    this.#closed = true
    // Before the mixer goes, and its tracks with it.
    await this.#file.close()
    this.#mixing.remove(this)
  }
}

exports.MixedFile = MixedFile
