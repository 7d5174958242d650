import { isIP } from 'node:net'
import { z } from 'zod'

/** Unset and empty mean the same in an environment file. @param {unknown} value */
const blankToUndefined = value => (value === '' ? undefined : value)

/** @param {number} least @param {number} most */
const wholeNumber = (least, most) =>
  z.preprocess(blankToUndefined, z.coerce.number().int().min(least).max(most).optional())

/** Several addresses of one that is listened on are separated by a plus sign. */
const announcedList = z.preprocess(
  blankToUndefined,
  z
    .string()
    .transform(text => text.split(',').map(part => part.split('+').map(address => address.trim())))
    .refine(
      list => list.flat().every(address => isIP(address) || /^[a-z0-9._-]+$/i.test(address)),
      'must be IP addresses or host names, separated by commas',
    )
    .optional(),
)

const addressList = z.preprocess(
  blankToUndefined,
  z
    .string()
    .transform(text => text.split(',').map(part => part.trim()))
    .refine(list => list.every(part => isIP(part)), 'must be IP addresses, separated by commas')
    .optional(),
)

const paths = z.preprocess(
  blankToUndefined,
  z
    .string()
    .transform(text => text.split(',').map(part => part.trim()))
    .optional(),
)

const iceServers = z.array(
  z.object({
    urls: z.union([z.string(), z.array(z.string())]),
    username: z.string().optional(),
    credential: z.string().optional(),
  }),
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
      .optional(),
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
      .optional(),
  ),
})

/**
 * @typedef {object} Config
 * @property {number} port HTTP port; 0 takes any free one
 * @property {string | undefined} host address to listen on; undefined means all
 * @property {string} [baseUrl] where clients reach the server, when a proxy takes a prefix away
 * @property {import('medialoom').EndpointOptions} endpoint
 * @property {string[]} [fonts] files of fonts, for names that DejaVu Sans has no letters for
 * @property {z.infer<typeof iceServers>} iceServers told to browsers, for connections among themselves
 * @property {Partial<import('./limits.js').Limits>} [limits]
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
  const { PORT, HOST, PUBLIC_URL, MEDIALOOM_IP, MEDIALOOM_ANNOUNCED_IP, MEDIALOOM_ANNOUNCED_PORT, MEDIALOOM_PORT, MEDIALOOM_THREADS, MEDIALOOM_MIXING_THREADS, MIXING, MIXING_FONTS, ICE_SERVERS } = parsed.data
  const ips = MEDIALOOM_IP ?? (MEDIALOOM_ANNOUNCED_IP ? ['0.0.0.0'] : undefined)
  if (MEDIALOOM_ANNOUNCED_IP && MEDIALOOM_ANNOUNCED_IP.length !== ips?.length) {
    return {
      ok: false,
      message: 'The environment is not usable:\n  MEDIALOOM_ANNOUNCED_IP: must have as many addresses as MEDIALOOM_IP, in the same order',
    }
  }
  if (MEDIALOOM_ANNOUNCED_PORT !== undefined && !MEDIALOOM_ANNOUNCED_IP) {
    return { ok: false, message: 'The environment is not usable:\n  MEDIALOOM_ANNOUNCED_PORT: goes with MEDIALOOM_ANNOUNCED_IP' }
  }
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
            ...(MEDIALOOM_ANNOUNCED_PORT !== undefined && { announcedPort: MEDIALOOM_ANNOUNCED_PORT }),
          })),
        }),
        ...(MEDIALOOM_PORT !== undefined && { port: MEDIALOOM_PORT }),
        ...(MEDIALOOM_THREADS !== undefined && { threads: MEDIALOOM_THREADS }),
        ...(MEDIALOOM_MIXING_THREADS !== undefined && { mixingThreads: MEDIALOOM_MIXING_THREADS }),
      },
      ...(MIXING === 'off' && { mixer: false }),
      ...(MIXING_FONTS && { fonts: MIXING_FONTS }),
      iceServers: ICE_SERVERS ?? [],
    },
  }
}

/** @param {string[]} list */
function one(list) {
  return list.length === 1 ? list[0] : list
}
