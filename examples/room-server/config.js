import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { KeyRing } from 'medialoom/auth'
import { z } from 'zod'
import { readRecordings } from './recordings-config.js'

/** As long as platforms commonly wait between SIGTERM and SIGKILL, less a little. */
export const DEFAULT_DRAIN_SECONDS = 25

/** Unset and empty mean the same in an environment file. @param {unknown} value */
const blankToUndefined = value => (value === '' ? undefined : value)

/** @param {number} least @param {number} most */
const wholeNumber = (least, most) => z.preprocess(blankToUndefined, z.coerce.number().int().min(least).max(most).optional())

/** Several addresses of one that is listened on are separated by a plus sign. */
const announcedList = z.preprocess(
  blankToUndefined,
  z
    .string()
    .transform(text => text.split(',').map(part => part.split('+').map(address => address.trim())))
    .refine(
      list => list.flat().every(address => isIP(address) || /^[a-z0-9._-]+$/i.test(address)),
      'must be IP addresses or host names, separated by commas'
    )
    .optional()
)

const addressList = z.preprocess(
  blankToUndefined,
  z
    .string()
    .transform(text => text.split(',').map(part => part.trim()))
    .refine(list => list.every(part => isIP(part)), 'must be IP addresses, separated by commas')
    .optional()
)

const paths = z.preprocess(
  blankToUndefined,
  z
    .string()
    .transform(text => text.split(',').map(part => part.trim()))
    .optional()
)

/** Proxies of one's own, as Express has it: how many there are, or their addresses. */
const proxies = z.preprocess(
  blankToUndefined,
  z
    .string()
    .refine(
      text =>
        /^\d{1,2}$/.test(text) ||
        text.split(',').every(part => /^(?:loopback|linklocal|uniquelocal|[\da-f.:]+(?:\/\d+)?)$/i.test(part.trim())),
      'must be a number of proxies, or their addresses separated by commas'
    )
    .transform(text => (/^\d+$/.test(text) ? Number(text) : text.split(',').map(part => part.trim())))
    .optional()
)

/** Of pages of other sites, such as `https://player.example.org`. */
const originList = z.preprocess(
  blankToUndefined,
  z
    .string()
    .transform(text => text.split(',').map(part => part.trim()))
    .refine(
      list => list.every(part => part === '*' || (URL.canParse(part) && new URL(part).origin === part)),
      'must be origins such as https://example.org, separated by commas, or *'
    )
    .optional()
)

const urlList = z.preprocess(
  blankToUndefined,
  z
    .string()
    .transform(text => text.split(',').map(part => part.trim()))
    .refine(list => list.every(part => URL.canParse(part) && /^https?:/.test(part)), 'must be http or https URLs, separated by commas')
    .optional()
)

/** `name:value` pairs, separated by commas. */
const pairs = z.preprocess(
  blankToUndefined,
  z
    .string()
    .transform(text => text.split(',').map(part => /^\s*([^:]+):(.+?)\s*$/.exec(part)?.slice(1) ?? []))
    .refine(list => list.every(pair => pair.length === 2), 'must be pairs such as id:value, separated by commas')
    .optional()
)

const text = z.preprocess(blankToUndefined, z.string().optional())

const iceServers = z.array(
  z.object({
    urls: z.union([z.string(), z.array(z.string())]),
    username: z.string().optional(),
    credential: z.string().optional()
  })
)

const environment = z.object({
  PORT: wholeNumber(0, 65535),
  HOST: z.preprocess(blankToUndefined, z.string().optional()),
  MEDIALOOM_IP: addressList,
  PUBLIC_URL: z.preprocess(
    blankToUndefined,
    z
      .string()
      .refine(text => /^\/[^/]/.test(text) || (URL.canParse(text) && /^https?:/.test(text)), 'must be an http or https URL, or a path')
      .optional()
  ),
  MEDIALOOM_ANNOUNCED_IP: announcedList,
  MEDIALOOM_ANNOUNCED_PORT: wholeNumber(1, 65535),
  MEDIALOOM_PORT: wholeNumber(0, 65535),
  MEDIALOOM_THREADS: wholeNumber(1, 64),
  MEDIALOOM_MIXING_THREADS: wholeNumber(1, 64),
  MIXING: z.preprocess(blankToUndefined, z.enum(['on', 'off']).optional()),
  MIXING_FONTS: paths,
  ICE_SERVERS: z.preprocess(
    blankToUndefined,
    z
      .string()
      .transform((text, context) => {
        try {
          return JSON.parse(text)
        } catch {
          context.addIssue({ code: 'custom', message: 'must be a JSON array like RTCConfiguration.iceServers' })
          return z.NEVER
        }
      })
      .pipe(iceServers)
      .optional()
  ),
  MEDIALOOM_OPEN: z.preprocess(blankToUndefined, z.enum(['0', '1']).optional()),
  MEDIALOOM_SECRET: z.preprocess(blankToUndefined, z.string().min(32).optional()),
  MEDIALOOM_KEYS: pairs,
  MEDIALOOM_PUBLIC_KEYS: pairs,
  BAN_BY: z.preprocess(blankToUndefined, z.enum(['address', 'token', 'nothing']).optional()),
  ALLOWED_ORIGINS: originList,
  TRUST_PROXY: proxies,
  TLS_CERT: text,
  TLS_KEY: text,
  ADMIN_PORT: wholeNumber(0, 65535),
  ADMIN_HOST: text,
  DRAIN_SECONDS: wholeNumber(0, 86_400),
  DRAIN_URL: z.preprocess(blankToUndefined, z.url({ protocol: /^https?$/ }).optional()),
  WEBHOOK_URLS: urlList,
  RTMP_PORT: wholeNumber(0, 65535),
  RTMPS_PORT: wholeNumber(0, 65535),
  SRT_PORT: wholeNumber(0, 65535),
  // As URLs have it: encoders take it out of them as it is there.
  SRT_PASSPHRASE: z.preprocess(
    blankToUndefined,
    z
      .string()
      .regex(/^[\w.~-]{10,79}$/, 'must have 10 to 79 letters, digits, or - . _ ~')
      .optional()
  ),
  SRT_LATENCY: wholeNumber(20, 8000),
  RTMP_B_FRAMES: z.preprocess(blankToUndefined, z.enum(['refuse', 'mix']).optional()),
  RTP_ADDRESS: z.preprocess(
    blankToUndefined,
    z
      .string()
      .refine(address => isIP(address) !== 0, 'must be an IP address')
      .optional()
  ),
  INPUT_PRIVATE_ADDRESSES: z.preprocess(blankToUndefined, z.enum(['0', '1']).optional()),
  RECORDINGS: text,
  RECORDINGS_KEEP_DAYS: wholeNumber(1, 36_500),
  RECORDINGS_KEEP_GB: wholeNumber(1, 1_000_000),
  RECORDINGS_MAX_HOURS: wholeNumber(1, 8760),
  RECORDINGS_MIN_FREE_GB: wholeNumber(0, 1_000_000),
  RECORDINGS_S3: text,
  RECORDINGS_S3_ENDPOINT: z.preprocess(blankToUndefined, z.url({ protocol: /^https?$/ }).optional())
})

/**
 * @typedef {import('./recordings-config.js').RecordingsConfig} RecordingsConfig
 *
 * @typedef {object} Config
 * @property {number} port HTTP port; 0 takes any free one
 * @property {string | undefined} host address to listen on; undefined means all
 * @property {string} [baseUrl] where clients reach the server, when a proxy takes a prefix away
 * @property {import('medialoom').EndpointOptions} endpoint
 * @property {string[]} [fonts] files of fonts, for names that DejaVu Sans has no letters for
 * @property {z.infer<typeof iceServers>} iceServers told to browsers, for connections among themselves
 * @property {Partial<import('./limits.js').Limits>} [limits]
 * @property {boolean} [open] whether everybody may do everything, without a token
 * @property {import('medialoom/auth').TokenKey[]} [keys] of tokens; default: one that is made at the start and kept in memory
 * @property {import('./entrance.js').BanBy} [banBy] what bans of those without an identity hold by; default: their address
 * @property {string[]} [origins] of other sites whose pages may come, `*` for all; default: none
 * @property {number | string[]} [trustProxy] as Express's setting `trust proxy`; default: no proxy is trusted
 * @property {{ cert: string, key: string }} [tls] files in PEM; default: plain HTTP
 * @property {{ port: number, host: string }} [admin] where metrics and the API need no token; default: nowhere
 * @property {{ seconds: number, url?: string }} [drain] how long whoever is in a room may stay when the server
 *   is told to stop, and where they should go
 * @property {string[]} [webhooks] URLs that are told what happens in rooms
 * @property {import('./inputs.js').InputsConfig} [inputs] what comes by other ways than WebRTC; default: nothing is listened for
 * @property {import('./recordings-config.js').RecordingsConfig} [recordings] default: nothing is recorded
 * @property {import('medialoom').MixerOptions | false} [mixer] what rooms mix with; false: nothing is mixed
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {{ ok: true, value: Config } | { ok: false, message: string }}
 */
export function readConfig(env) {
  const parsed = environment.safeParse(env)
  if (!parsed.success) {
    const lines = parsed.error.issues.map(issue => `  ${issue.path.join('.')}: ${issue.message}`)
    return { ok: false, message: `The environment is not usable:\n${lines.join('\n')}` }
  }
  const {
    PORT,
    HOST,
    PUBLIC_URL,
    MEDIALOOM_IP,
    MEDIALOOM_ANNOUNCED_IP,
    MEDIALOOM_ANNOUNCED_PORT,
    MEDIALOOM_PORT,
    MEDIALOOM_THREADS,
    MEDIALOOM_MIXING_THREADS,
    MIXING,
    MIXING_FONTS,
    ICE_SERVERS
  } = parsed.data
  const ips = MEDIALOOM_IP ?? (MEDIALOOM_ANNOUNCED_IP ? ['0.0.0.0'] : undefined)
  if (MEDIALOOM_ANNOUNCED_IP && MEDIALOOM_ANNOUNCED_IP.length !== ips?.length) {
    return {
      ok: false,
      message: 'The environment is not usable:\n  MEDIALOOM_ANNOUNCED_IP: must have as many addresses as MEDIALOOM_IP, in the same order'
    }
  }
  if (MEDIALOOM_ANNOUNCED_PORT !== undefined && !MEDIALOOM_ANNOUNCED_IP) {
    return { ok: false, message: 'The environment is not usable:\n  MEDIALOOM_ANNOUNCED_PORT: goes with MEDIALOOM_ANNOUNCED_IP' }
  }
  const inputs = readInputs(parsed.data)
  if (!inputs.ok) return { ok: false, message: `The environment is not usable:\n  ${inputs.message}` }
  const guard = readGuard(parsed.data)
  if (!guard.ok) return { ok: false, message: `The environment is not usable:\n  ${guard.message}` }
  const recordings = readRecordings(parsed.data)
  if (!recordings.ok) return { ok: false, message: `The environment is not usable:\n  ${recordings.message}` }
  return {
    ok: true,
    value: {
      port: PORT ?? 3000,
      host: HOST,
      ...(PUBLIC_URL !== undefined && { baseUrl: PUBLIC_URL }),
      endpoint: {
        ...(ips && {
          listen: ips.map((ip, index) => ({
            ip,
            ...(MEDIALOOM_ANNOUNCED_IP && { announcedIp: one(MEDIALOOM_ANNOUNCED_IP[index]) }),
            ...(MEDIALOOM_ANNOUNCED_PORT !== undefined && { announcedPort: MEDIALOOM_ANNOUNCED_PORT })
          }))
        }),
        ...(MEDIALOOM_PORT !== undefined && { port: MEDIALOOM_PORT }),
        ...(MEDIALOOM_THREADS !== undefined && { threads: MEDIALOOM_THREADS }),
        ...(MEDIALOOM_MIXING_THREADS !== undefined && { mixingThreads: MEDIALOOM_MIXING_THREADS })
      },
      ...(MIXING === 'off' && { mixer: false }),
      ...(MIXING_FONTS && { fonts: MIXING_FONTS }),
      iceServers: ICE_SERVERS ?? [],
      ...(Object.keys(inputs.value).length > 0 && { inputs: inputs.value }),
      ...(recordings.value && { recordings: recordings.value }),
      ...guard.value
    }
  }
}

/**
 * @param {z.infer<typeof environment>} env
 * @returns {{ ok: true, value: import('./inputs.js').InputsConfig } | { ok: false, message: string }}
 */
function readInputs(env) {
  const {
    RTMP_PORT,
    RTMPS_PORT,
    SRT_PORT,
    SRT_PASSPHRASE,
    SRT_LATENCY,
    RTMP_B_FRAMES,
    RTP_ADDRESS,
    INPUT_PRIVATE_ADDRESSES,
    TLS_CERT,
    MIXING
  } = env
  if (RTMPS_PORT !== undefined && TLS_CERT === undefined) return { ok: false, message: 'RTMPS_PORT: goes with TLS_CERT and TLS_KEY' }
  if (RTMP_B_FRAMES === 'mix' && MIXING === 'off') return { ok: false, message: 'RTMP_B_FRAMES: mixing is off' }
  return {
    ok: true,
    value: {
      ...(RTMP_PORT !== undefined && { rtmpPort: RTMP_PORT }),
      ...(RTMPS_PORT !== undefined && { rtmpsPort: RTMPS_PORT }),
      ...(SRT_PORT !== undefined && { srtPort: SRT_PORT }),
      ...(SRT_PASSPHRASE !== undefined && { srtPassphrase: SRT_PASSPHRASE }),
      ...(SRT_LATENCY !== undefined && { srtLatency: SRT_LATENCY }),
      ...(RTMP_B_FRAMES !== undefined && { bFrames: RTMP_B_FRAMES }),
      ...(RTP_ADDRESS !== undefined && { rtpAddress: RTP_ADDRESS }),
      ...(INPUT_PRIVATE_ADDRESSES === '1' && { allowPrivate: true })
    }
  }
}

/**
 * Who is let in, and by what.
 *
 * @param {z.infer<typeof environment>} env
 * @returns {{ ok: true, value: Partial<Config> } | { ok: false, message: string }}
 */
function readGuard(env) {
  const {
    MEDIALOOM_OPEN,
    BAN_BY,
    ALLOWED_ORIGINS,
    TRUST_PROXY,
    TLS_CERT,
    TLS_KEY,
    ADMIN_PORT,
    ADMIN_HOST,
    DRAIN_SECONDS,
    DRAIN_URL,
    WEBHOOK_URLS
  } = env
  if ((TLS_CERT === undefined) !== (TLS_KEY === undefined)) return { ok: false, message: 'TLS_CERT and TLS_KEY: one needs the other' }
  if (ADMIN_HOST !== undefined && ADMIN_PORT === undefined) return { ok: false, message: 'ADMIN_HOST: goes with ADMIN_PORT' }
  let keys
  try {
    keys = readKeys(env)
  } catch (error) {
    return { ok: false, message: /** @type {Error} */ (error).message }
  }
  return {
    ok: true,
    value: {
      ...(MEDIALOOM_OPEN === '1' && { open: true }),
      ...(keys.length > 0 && { keys }),
      ...(BAN_BY !== undefined && { banBy: BAN_BY }),
      ...(ALLOWED_ORIGINS && { origins: ALLOWED_ORIGINS }),
      ...(TRUST_PROXY !== undefined && { trustProxy: TRUST_PROXY }),
      ...(TLS_CERT !== undefined && TLS_KEY !== undefined && { tls: { cert: TLS_CERT, key: TLS_KEY } }),
      ...(ADMIN_PORT !== undefined && { admin: { port: ADMIN_PORT, host: ADMIN_HOST ?? '127.0.0.1' } }),
      ...((DRAIN_SECONDS !== undefined || DRAIN_URL !== undefined) && {
        drain: { seconds: DRAIN_SECONDS ?? DEFAULT_DRAIN_SECONDS, ...(DRAIN_URL !== undefined && { url: DRAIN_URL }) }
      }),
      ...(WEBHOOK_URLS && { webhooks: WEBHOOK_URLS })
    }
  }
}

/**
 * The first that can sign is the one that does.
 *
 * @param {z.infer<typeof environment>} env
 * @returns {import('medialoom/auth').TokenKey[]}
 */
function readKeys({ MEDIALOOM_SECRET, MEDIALOOM_KEYS = [], MEDIALOOM_PUBLIC_KEYS = [] }) {
  const keys = [
    ...(MEDIALOOM_SECRET === undefined ? [] : [{ id: 'room-server', secret: MEDIALOOM_SECRET }]),
    ...MEDIALOOM_KEYS.map(([id, secret]) => ({ id, secret })),
    ...MEDIALOOM_PUBLIC_KEYS.map(([id, file]) => ({ id, publicKey: contentsOf(file) }))
  ]
  if (keys.length === 0) return keys
  try {
    new KeyRing(keys)
  } catch (error) {
    throw new Error(`MEDIALOOM_SECRET, MEDIALOOM_KEYS or MEDIALOOM_PUBLIC_KEYS: ${/** @type {Error} */ (error).message}`)
  }
  if (!keys.some(key => 'secret' in key))
    throw new Error('MEDIALOOM_PUBLIC_KEYS: goes with MEDIALOOM_SECRET or MEDIALOOM_KEYS, to sign links with')
  return keys
}

/** @param {string} file */
function contentsOf(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    throw new Error(`MEDIALOOM_PUBLIC_KEYS: cannot read ${file}`)
  }
}

/** @param {string[]} list */
function one(list) {
  return list.length === 1 ? list[0] : list
}
