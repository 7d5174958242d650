/** Layers of frames that the server can leave out for a slow link: all, half and a quarter of them. */
const TEMPORAL_LAYERS = 'L1T3'

/** Encodings of the camera for the server to choose from: a quarter, half and full size. */
const SIMULCAST = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_700_000 }
]
const SVC_MAX_BITRATE = 2_200_000
const SCREEN_MAX_BITRATE = 2_500_000

/** Codecs that carry no video themselves but repair or protect it. */
const AUXILIARY = ['video/rtx', 'video/red', 'video/ulpfec', 'video/flexfec-03']

/** @typedef {import('./index.js').PublishOptions} PublishOptions */

/**
 * Adds the camera to a connection.
 *
 * @param {RTCPeerConnection} connection
 * @param {MediaStreamTrack | null} track
 * @param {{ streams: MediaStream[], layered: boolean, publish: PublishOptions }} options layered: for a server to choose from
 */
export function addCamera(connection, track, { streams, layered, publish }) {
  const add = (/** @type {RTCRtpEncodingParameters[]} */ sendEncodings) =>
    preferCodec(connection.addTransceiver(track ?? 'video', { direction: 'sendonly', streams, sendEncodings }), publish.codec)
  if (!layered) return add([])
  if (publish.encodings) return add(publish.encodings.map(encoding => ({ ...encoding })))
  if (publish.scalability) {
    const layers = { maxBitrate: SVC_MAX_BITRATE, scalabilityMode: publish.scalability }
    try {
      return add([layers])
    } catch (error) {
      console.warn(`This browser cannot send ${publish.scalability}; it sends a simulcast instead`, error)
    }
  }
  try {
    const layers = SIMULCAST.map(encoding => ({ ...encoding, scalabilityMode: TEMPORAL_LAYERS }))
    return add(layers)
  } catch {
    return add(SIMULCAST)
  }
}

/**
 * Adds a track of a shared screen.
 *
 * @param {RTCPeerConnection} connection
 * @param {MediaStreamTrack} track
 * @param {MediaStream} screen
 * @param {PublishOptions} publish
 */
export function addScreen(connection, track, screen, { codec, screenMaxBitrate = SCREEN_MAX_BITRATE }) {
  const sound = { direction: /** @type {const} */ ('sendonly'), streams: [screen] }
  if (track.kind === 'audio') return connection.addTransceiver(track, sound)
  return preferCodec(connection.addTransceiver(track, { ...sound, sendEncodings: [{ maxBitrate: screenMaxBitrate }] }), codec)
}

/** @param {RTCRtpTransceiver} transceiver @param {string | undefined} codec */
function preferCodec(transceiver, codec) {
  if (!codec) return transceiver
  const codecs = RTCRtpSender.getCapabilities('video')?.codecs ?? []
  const mimeTypes = [`video/${codec.toLowerCase()}`, ...AUXILIARY]
  const chosen = codecs.filter(each => mimeTypes.includes(each.mimeType.toLowerCase()))
  if (chosen.some(each => !AUXILIARY.includes(each.mimeType.toLowerCase()))) transceiver.setCodecPreferences(chosen)
  else console.warn(`This browser cannot send ${codec}; it sends what it likes best`)
  return transceiver
}
