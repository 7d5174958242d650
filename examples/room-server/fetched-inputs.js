import { Refusal } from './problem.js'
import { parseSrtUrl } from './srt-url.js'

/** Milliseconds that a camera may take for each answer while somebody waits for the request. */
const ANSWER_MS = 5000

/**
 * What is answered where nothing is fetched, by the code of the engine's error, with a detail where the engine's is for who
 * runs the server.
 *
 * @type {Record<string, { status: number, code: string, detail?: string }>}
 */
const REFUSALS = {
  ERR_INVALID_ARG: { status: 400, code: 'bad-request' },
  ERR_FORBIDDEN_ADDRESS: { status: 403, code: 'forbidden-address', detail: 'private and loopback addresses are not asked from here' },
  ERR_UNAUTHORIZED: { status: 422, code: 'wrong-password' },
  ERR_CODEC_MISMATCH: { status: 422, code: 'codec-mismatch' },
  ERR_FORMAT: { status: 422, code: 'no-rtsp' },
  ERR_LIMIT: { status: 503, code: 'too-many-inputs' },
  ERR_IO: { status: 422, code: 'unreachable' }
}

/**
 * Fetches by RTSP or SRT, as the URL says. The engine looks at each address before it connects to it, whatever the name means a moment
 * later, so that nobody has this server ask what only it can reach.
 *
 * @param {import('medialoom').Endpoint} endpoint
 * @param {string} url
 * @param {{ allowPrivate: boolean }} options
 * @throws {Refusal}
 */
export async function fetchUrl(endpoint, url, { allowPrivate }) {
  const srt = parseSrtUrl(url)
  try {
    if (srt) return await endpoint.pullSrt(srt.url, { ...srt.options, allowPrivate })
    return await endpoint.pullRtsp(url, { allowPrivate, timeout: ANSWER_MS })
  } catch (error) {
    const { code, message } = /** @type {import('medialoom').MediaLoomError} */ (error)
    const refusal = REFUSALS[code]
    if (!refusal) throw error
    throw new Refusal(refusal.status, refusal.detail ?? message, { code: refusal.code, field: 'url' })
  }
}
