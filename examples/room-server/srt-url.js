import { Refusal } from './problem.js'

/** What a URL may say behind its `?`, as srt-live-transmit and encoders have it. */
const KNOWN = ['streamid', 'passphrase', 'pbkeylen', 'latency', 'mode']

/** @param {string} url */
export function isSrtUrl(url) {
  return /^srt:/i.test(url)
}

/**
 * What a URL of SRT says, `srt://HOST:PORT?streamid=ID&passphrase=WORDS&pbkeylen=32&latency=200`: whom to call, and with what.
 * `null` where it is one of another scheme.
 *
 * @param {string} url
 * @returns {{ url: string, options: import('medialoom').SrtPullOptions } | null}
 * @throws {Refusal} what cannot be called; the passphrase is not repeated
 */
export function parseSrtUrl(url) {
  if (!isSrtUrl(url)) return null
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (!parsed?.hostname || !parsed.port) throw bad('srt: expected srt://HOST:PORT')
  if (parsed.hash) throw bad('srt: a # in a stream id is written %23')
  if (parsed.username || parsed.password || !['', '/'].includes(parsed.pathname)) throw bad('srt: expected srt://HOST:PORT?streamid=ID')
  const said = parsed.searchParams
  const unknown = [...said.keys()].find(name => !KNOWN.includes(name))
  if (unknown !== undefined) throw bad(`srt: ${unknown.slice(0, 32)} is not one of ${KNOWN.join(', ')}`)
  const mode = said.get('mode')
  if (mode !== null && mode !== 'caller') throw bad('srt: who is fetched from listens, and this server calls')
  return {
    url: `srt://${parsed.host}`,
    options: {
      ...(said.has('streamid') && { streamId: said.get('streamid') ?? '' }),
      ...(said.has('passphrase') && { passphrase: said.get('passphrase') }),
      ...(said.has('pbkeylen') && { keyLength: /** @type {16 | 32} */ (Number(said.get('pbkeylen'))) }),
      ...(said.has('latency') && { latency: Number(said.get('latency')) })
    }
  }
}

/** @param {string} message */
function bad(message) {
  return new Refusal(400, message, { code: 'bad-request', field: 'url' })
}
