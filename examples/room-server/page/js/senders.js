/** Encodings of the camera for the server to choose from: a quarter, half and full size. */
const SIMULCAST = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_700_000 },
]

/**
 * What one peer connection sends: microphone and camera from the start, whether or not there is
 * one, so that switching them on and off needs no negotiation; and the screen while it is shared.
 */
export class Senders {
  #connection
  #media
  #audio
  #video
  /** @type {MediaStream | null} */
  #screen = null
  /** @type {RTCRtpTransceiver[]} */
  #screenTransceivers = []

  /**
   * @param {RTCPeerConnection} connection
   * @param {import('./local-media.js').LocalMedia} media
   * @param {{ simulcast: boolean }} options
   */
  constructor(connection, media, { simulcast }) {
    this.#connection = connection
    this.#media = media
    const streams = [media.camera]
    this.#audio = connection.addTransceiver(media.audioTrack ?? 'audio', { direction: 'sendonly', streams })
    this.#video = connection.addTransceiver(media.videoTrack ?? 'video', {
      direction: 'sendonly',
      streams,
      ...(simulcast && { sendEncodings: SIMULCAST }),
    })
    this.sync()
  }

  /** Sends what the local media are now. */
  sync() {
    const { audioTrack, videoTrack, screen } = this.#media
    if (this.#audio.sender.track !== audioTrack) void this.#audio.sender.replaceTrack(audioTrack)
    if (this.#video.sender.track !== videoTrack) void this.#video.sender.replaceTrack(videoTrack)
    if (screen === this.#screen) return
    this.#screen = screen
    for (const transceiver of this.#screenTransceivers) transceiver.stop()
    this.#screenTransceivers = (screen?.getTracks() ?? []).map(track =>
      this.#connection.addTransceiver(track, {
        direction: 'sendonly',
        streams: [/** @type {MediaStream} */ (screen)],
        ...(track.kind === 'video' && { sendEncodings: [{ maxBitrate: 2_500_000 }] }),
      }),
    )
  }
}
