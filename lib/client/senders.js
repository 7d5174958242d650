import { EncodingSwitch } from './encoding-switch.js'
import { addCamera, addScreen } from './encodings.js'

/**
 * What one peer connection sends: microphone and camera from the start, whether or not there is
 * one, so that switching them on and off needs no negotiation; and the screen while it is shared.
 */
export class Senders {
  #connection
  #media
  #encryption
  #speaks
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
   * @param {import('./local-media.js').LocalMedia} media
   * @param {object} options
   * @param {boolean} options.simulcast
   * @param {import('./encryption.js').Encryption | null} options.encryption
   * @param {() => boolean} [options.speaks] whether anything may be sent, asked at every {@link sync}
   */
  constructor(connection, media, { simulcast, encryption, speaks = () => true }) {
    this.#connection = connection
    this.#media = media
    this.#encryption = encryption
    this.#speaks = speaks
    const streams = [media.camera]
    const { audioTrack, videoTrack } = this.#sent
    this.#audio = connection.addTransceiver(audioTrack ?? 'audio', { direction: 'sendonly', streams })
    this.#video = addCamera(connection, videoTrack, { streams, simulcast })
    // Before anything is sent, so that nothing ever leaves in clear.
    encryption?.seal(this.#audio.sender)
    encryption?.seal(this.#video.sender)
    this.sync()
  }

  get #sent() {
    return this.#speaks() ? this.#media : { audioTrack: null, videoTrack: null, screen: null }
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
      const transceiver = addScreen(this.#connection, track, /** @type {MediaStream} */ (screen))
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
