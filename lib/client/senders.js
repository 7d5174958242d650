import { EncodingSwitch } from './encoding-switch.js'
import { addCamera, addScreen } from './encodings.js'

/**
 * What may be sent, asked at every change: by one's role and permissions, and by what a moderator
 * switched off.
 * @typedef {(source: import('./index.js').PublishedSource) => boolean} MaySend
 */

/**
 * What one peer connection sends: microphone and camera from the start, whether or not there is
 * one, so that switching them on and off needs no negotiation; and the screen while it is shared.
 */
export class Senders {
  #connection
  #media
  #encryption
  #publish
  #maySend
  #audio
  #video
  /** @type {MediaStream | null} */
  #screen = null
  /** @type {RTCRtpTransceiver[]} */
  #screenTransceivers = []
  /** @type {WeakMap<RTCRtpSender, EncodingSwitch>} */
  #switches = new WeakMap()

  /**
   * @param {RTCPeerConnection} connection
   * @param {object} options
   * @param {import('./local-media.js').LocalMedia} options.media
   * @param {boolean} options.layered whether a server chooses what of the camera goes to whom
   * @param {import('./encryption.js').Encryption | null} options.encryption
   * @param {import('./index.js').PublishOptions} options.publish
   * @param {MaySend} options.maySend
   */
  constructor(connection, { media, layered, encryption, publish, maySend }) {
    this.#connection = connection
    this.#media = media
    this.#encryption = encryption
    this.#publish = publish
    this.#maySend = maySend
    const streams = [media.camera]
    const { audioTrack, videoTrack } = this.#sent
    this.#audio = connection.addTransceiver(audioTrack ?? 'audio', { direction: 'sendonly', streams })
    this.#video = addCamera(connection, videoTrack, { streams, layered, publish })
    // Before anything is sent, so that nothing ever leaves in clear.
    encryption?.seal(this.#audio.sender)
    encryption?.seal(this.#video.sender)
    this.sync()
  }

  get #sent() {
    const { audioTrack, videoTrack, screen } = this.#media
    return {
      audioTrack: this.#maySend('microphone') ? audioTrack : null,
      videoTrack: this.#maySend('camera') ? videoTrack : null,
      screen: this.#maySend('screen') ? screen : null
    }
  }

  /** Sends what the local media are now. */
  sync() {
    const { audioTrack, videoTrack, screen } = this.#sent
    if (this.#audio.sender.track !== audioTrack) void this.#audio.sender.replaceTrack(audioTrack)
    if (this.#video.sender.track !== videoTrack) void this.#video.sender.replaceTrack(videoTrack)
    if (screen === this.#screen) return
    this.#screen = screen
    for (const transceiver of this.#screenTransceivers) transceiver.stop()
    this.#screenTransceivers = (screen?.getTracks() ?? []).map(track => {
      const transceiver = addScreen(this.#connection, track, /** @type {MediaStream} */ (screen), this.#publish)
      this.#encryption?.seal(transceiver.sender)
      return transceiver
    })
  }

  /**
   * Which encodings of a video anybody takes. Sound is never switched off.
   * @param {string} mid
   * @param {import('./encoding-switch.js').Demand} demand
   */
  setDemand(mid, demand) {
    const transceiver = this.#connection.getTransceivers().find(each => each.mid === mid)
    if (!transceiver || transceiver.receiver.track.kind !== 'video') return
    const { sender } = transceiver
    const known = this.#switches.get(sender) ?? new EncodingSwitch(sender)
    this.#switches.set(sender, known)
    known.set(demand)
  }
}
