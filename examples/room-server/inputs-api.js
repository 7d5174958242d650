import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import express from 'express'
import { createToken } from 'medialoom/auth'
import { z } from 'zod'
import { bearerToken } from './access.js'
import { checked } from './checked.js'
import { Refusal } from './problem.js'
import { isSrtUrl } from './srt-url.js'

const MAX_BODY = 80 * 1024
const MAX_SDP = 16 * 1024
/** Seconds. */
const MONTH = 30 * 24 * 60 * 60
/** Addresses that plain RTP may come from. */
const MAX_FROM = 16

const who = {
  name: z.string().min(1).max(64).default('Encoder'),
  identity: z.string().min(1).max(128).optional()
}
const streamKey = z.strictObject({ type: z.enum(['rtmp', 'srt']), ...who, expiresIn: z.number().min(1).max(MONTH).default(MONTH) })
const rtp = z.strictObject({
  type: z.literal('rtp'),
  ...who,
  sdp: z.string().min(1).max(MAX_SDP),
  from: z
    .array(z.string().refine(address => isIP(address) !== 0, 'must be an IP address'))
    .min(1)
    .max(MAX_FROM)
    .optional()
})
const url = z.strictObject({ type: z.literal('url').default('url'), ...who, url: z.string().min(1).max(2048) })
const kinds = { rtmp: streamKey, srt: streamKey, rtp, url }

/**
 * What comes into a room by RTMP, SRT, RTP or RTSP, for who may administer it, under `/api`.
 *
 * @param {object} parts
 * @param {import('medialoom/rooms').Rooms} parts.rooms
 * @param {import('./inputs.js').Inputs} parts.inputs
 * @param {import('./access.js').Access} parts.access
 * @param {import('./access.js').Authorize} parts.authorize
 * @param {(request: import('node:http').IncomingMessage) => URL | string} parts.siteOf
 * @param {(request: import('node:http').IncomingMessage) => string} parts.addressOf
 */
export function inputsRouter({ rooms, inputs, access, authorize, siteOf, addressOf }) {
  const router = express.Router()
  const body = express.json({ limit: MAX_BODY, strict: true })

  router.use('/rooms/:room/inputs', async (request, response, next) => {
    const { room } = request.params
    response.locals.authorization = await authorize(request, { action: 'administer', room, token: bearerToken(request) })
    response.set('Cache-Control', 'no-store')
    next()
  })
  router.get('/rooms/:room/inputs', (request, response) => {
    const room = rooms.get(request.params.room)
    response.json({
      inputs: room ? inputs.list(room) : [],
      servers: inputs.urls(hostOf(request), request.params.room),
      takes: inputs.takes
    })
  })
  router.post('/rooms/:room/inputs', body, async (request, response) => {
    const { room } = request.params
    const kind = request.body?.type ?? 'url'
    const schema = Object.hasOwn(kinds, kind) ? kinds[/** @type {keyof typeof kinds} */ (kind)] : null
    if (!schema) throw new Refusal(400, 'type must be rtmp, srt or rtp, or a url be given', { code: 'bad-request', field: 'type' })
    const asked = checked(schema, request.body ?? {})
    response.status(201).json(await add(request, room, asked, response.locals.authorization))
  })
  router.delete('/rooms/:room/inputs/:input', (request, response) => {
    const participant = rooms.get(request.params.room)?.get(request.params.input)
    if (!participant?.input) throw new Refusal(404, 'there is no such input in the room')
    participant.kick()
    response.status(204).end()
  })
  return router

  /**
   * @param {express.Request<any>} request
   * @param {string} room
   * @param {z.infer<typeof streamKey> | z.infer<typeof rtp> | z.infer<typeof url>} asked
   * @param {import('medialoom/auth').Authorization} authorization
   */
  async function add(request, room, asked, authorization) {
    if ('expiresIn' in asked) return makeKey(request, room, asked, authorization)
    const ip = addressOf(request)
    const { name, identity } = asked
    const own = identity === undefined ? {} : { identity }
    if (asked.type === 'url') {
      const type = isSrtUrl(asked.url) ? 'srt' : 'rtsp'
      return inputs.view(await inputs.addUrl(room, asked.url, { name, type, ip, authorization: own }))
    }
    const { sdp, from = [ip] } = asked
    const { participant, ports } = await inputs.addRtp(room, { sdp, from }, { name, type: 'rtp', ip, authorization: own })
    return { ...inputs.view(participant), host: hostOf(request), ports, from }
  }

  /**
   * A token that an encoder takes as its stream key. With an identity of its own: an encoder that comes
   * back takes the place of what it left behind.
   *
   * @param {express.Request<any>} request
   * @param {string} room
   * @param {z.infer<typeof streamKey>} asked
   * @param {import('medialoom/auth').Authorization} authorization
   */
  async function makeKey(request, room, { type, name, identity, expiresIn }, { expiresAt }) {
    const host = hostOf(request)
    const servers = inputs.urls(host, room)
    /** @param {string} key */
    const srtOf = key => {
      const srt = inputs.srtUrl(host, room, key)
      return srt === null ? {} : { srt }
    }
    // A key does for both.
    if (servers.length === 0 && inputs.srtUrl(host, room, '') === null) {
      throw new Refusal(501, 'this server takes no encoders: RTMP_PORT and SRT_PORT have it listen', { code: 'not-supported' })
    }
    // Where nobody needs a token, the key is no more than a name.
    if (access.open) {
      const key = encodeURIComponent(name)
      return { type, servers, ...srtOf(key), key, expiresAt: null }
    }
    // Nobody hands out more time than they have.
    const lifetime = Math.max(1, Math.min(expiresIn, ((expiresAt ?? Infinity) - Date.now()) / 1000))
    const key = await createToken(
      access.keys,
      {
        identity: identity ?? `encoder-${randomBytes(6).toString('base64url')}`,
        name,
        tokenId: randomBytes(9).toString('base64url'),
        video: { room, roomJoin: true, canPublish: true, canSubscribe: false, canPublishData: false }
      },
      { expiresIn: lifetime }
    )
    return { type, servers, ...srtOf(key), key, expiresAt: new Date(Date.now() + 1000 * lifetime).toISOString() }
  }

  /** Where whoever asks reaches this server. @param {express.Request<any>} request */
  function hostOf(request) {
    const site = String(siteOf(request))
    return URL.canParse(site) ? new URL(site).hostname : 'localhost'
  }
}
