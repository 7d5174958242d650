/** Layers of frames that the server can leave out for a slow link: all, half and a quarter of them. */
const TEMPORAL_LAYERS = 'L1T3'

/** Encodings of the camera for the server to choose from: a quarter, half and full size. */
const SIMULCAST = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', scaleResolutionDownBy: 1, maxBitrate: 1_700_000 },
]
const SVC_MAX_BITRATE = 2_200_000
const SCREEN_MAX_BITRATE = 2_500_000

/** Codecs that carry no video themselves but repair or protect it. */
const AUXILIARY = ['video/rtx', 'video/red', 'video/ulpfec', 'video/flexfec-03']

/**
 * What the page's address asks for, to try things out: `?codec=vp9` sends video with that codec
 * only, `?scalability=L3T3_KEY` sends the camera as one encoding with these layers (SVC) instead of
 * a simulcast. Read once: the address changes when the room is entered.
 */
const asked = readAddress(location.search)

/** @param {string} search */
function readAddress(search) {
  const query = new URLSearchParams(search)
  return { codec: query.get('codec')?.toLowerCase() ?? null, scalability: query.get('scalability') }
}

/** The part of the address that {@link asked} came from, to keep it there. */
export function askedOfAddress() {
  const query = new URLSearchParams()
  if (asked.codec) query.set('codec', asked.codec)
  if (asked.scalability) query.set('scalability', asked.scalability)
  return query.size > 0 ? `?${query}` : ''
}

/**
 * Adds the camera to a connection.
 *
 * @param {RTCPeerConnection} connection
 * @param {MediaStreamTrack | null} track
 * @param {{ streams: MediaStream[], simulcast: boolean }} options
 */
export function addCamera(connection, track, { streams, simulcast }) {
  const add = (/** @type {object[]} */ sendEncodings) =>
    preferCodec(connection.addTransceiver(track ?? 'video', { direction: 'sendonly', streams, sendEncodings }))
  if (!simulcast) return add([])
  if (asked.scalability) {
    try {
      return add([{ maxBitrate: SVC_MAX_BITRATE, scalabilityMode: asked.scalability }])
    } catch (error) {
      console.warn(`This browser cannot send ${asked.scalability}; it sends a simulcast instead`, error)
    }
  }
  try {
    return add(SIMULCAST.map(encoding => ({ ...encoding, scalabilityMode: TEMPORAL_LAYERS })))
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
 */
export function addScreen(connection, track, screen) {
  const sound = { direction: /** @type {const} */ ('sendonly'), streams: [screen] }
  if (track.kind === 'audio') return connection.addTransceiver(track, sound)
  return preferCodec(connection.addTransceiver(track, { ...sound, sendEncodings: [{ maxBitrate: SCREEN_MAX_BITRATE }] }))
}

/** @param {RTCRtpTransceiver} transceiver */
function preferCodec(transceiver) {
  if (!asked.codec) return transceiver
  const codecs = RTCRtpSender.getCapabilities('video')?.codecs ?? []
  const mimeTypes = [`video/${asked.codec}`, ...AUXILIARY]
  const chosen = codecs.filter(codec => mimeTypes.includes(codec.mimeType.toLowerCase()))
  if (chosen.some(codec => !AUXILIARY.includes(codec.mimeType.toLowerCase()))) transceiver.setCodecPreferences(chosen)
  else console.warn(`This browser cannot send ${asked.codec}; it sends what it likes best`)
  return transceiver
}
