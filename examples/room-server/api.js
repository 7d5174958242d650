import { randomBytes } from 'node:crypto'
import express from 'express'
import { createToken } from 'medialoom/auth'
import { z } from 'zod'
import { bearerToken, linkTo } from './access.js'
import { checked } from './checked.js'
import { Refusal } from './problem.js'
import { roomDetails, roomView } from './views.js'

/** Bytes of a body: nothing that is asked here is larger, but for messages, whose characters may be escaped. */
const MAX_BODY = 32 * 1024
const MAX_MESSAGE_BODY = 128 * 1024
/** Seconds. */
const DAY = 24 * 60 * 60
const MONTH = 30 * DAY

const tokenRequest = z.strictObject({
  identity: z.string().min(1).max(128).optional(),
  name: z.string().min(1).max(128).optional(),
  metadata: z.string().max(1024).optional(),
  expiresIn: z.number().min(1).max(MONTH).default(DAY),
  canPublish: z.boolean().optional(),
  canPublishSources: z
    .array(z.enum(['camera', 'microphone', 'screen']))
    .max(3)
    .optional(),
  canSubscribe: z.boolean().optional(),
  canPublishData: z.boolean().optional(),
  roomCreate: z.boolean().optional(),
  roomAdmin: z.boolean().optional(),
  roomRecord: z.boolean().optional(),
  hidden: z.boolean().optional()
})

const permissions = z
  .strictObject({
    canPublish: z.boolean(),
    canPublishSources: z
      .array(z.enum(['camera', 'microphone', 'screen']))
      .max(3)
      .nullable(),
    canSubscribe: z.boolean(),
    canPublishData: z.boolean(),
    roomAdmin: z.boolean(),
    roomRecord: z.boolean(),
    hidden: z.boolean()
  })
  .partial()
const roomChange = z.strictObject({ locked: z.boolean().optional(), lobby: z.boolean().optional() })
const participantChange = z.strictObject({
  muted: z.strictObject({ audio: z.boolean(), video: z.boolean(), screen: z.boolean() }).partial().optional(),
  permissions: permissions.optional(),
  metadata: z.string().max(4096).optional(),
  attributes: z.record(z.string().min(1).max(64), z.string().max(512)).optional()
})
const removal = z.strictObject({ reason: z.string().max(256).optional(), ban: z.boolean().default(false) })
const message = z.strictObject({
  data: z.string().max(16384),
  topic: z.string().max(64).optional(),
  to: z.array(z.string().max(64)).max(100).optional()
})

/**
 * What admins may look at and do, under `/api`. Whether a room exists is told to those only who may
 * administer it.
 *
 * @param {object} parts
 * @param {import('medialoom/rooms').Rooms} parts.rooms
 * @param {import('./signaling.js').Signaling} parts.signaling
 * @param {import('./access.js').Access} parts.access for tokens
 * @param {import('./access.js').Authorize} parts.authorize
 * @param {(request: import('node:http').IncomingMessage) => URL | string} parts.siteOf where links lead
 */
export function apiRouter({ rooms, signaling, access, authorize, siteOf }) {
  const router = express.Router()
  const body = express.json({ limit: MAX_BODY, strict: true })
  const largeBody = express.json({ limit: MAX_MESSAGE_BODY, strict: true })

  router.get('/rooms', async (request, response) => {
    await authorize(request, { action: 'observe', token: bearerToken(request) })
    response.json({ rooms: [...rooms].map(roomView) })
  })

  /** Everything else is about one room. */
  router.use('/rooms/:room', async (request, response, next) => {
    const { room } = request.params
    response.locals.authorization = await authorize(request, { action: 'administer', room, token: bearerToken(request) })
    next()
  })
  router.get('/rooms/:room', (request, response) => {
    const room = roomOf(request)
    response.json(roomDetails(room, signaling.roomSignaling(room)))
  })
  router.delete('/rooms/:room', (request, response) => {
    roomOf(request).close()
    response.status(204).end()
  })
  router.patch('/rooms/:room', body, (request, response) => {
    const room = roomOf(request)
    const { locked, lobby } = checked(roomChange, request.body)
    if (locked !== undefined) locked ? room.lock() : room.unlock()
    if (lobby !== undefined) room.setLobby(lobby)
    response.json(roomDetails(room, signaling.roomSignaling(room)))
  })
  router.post('/rooms/:room/messages', largeBody, (request, response) => {
    const { data, topic = null, to = null } = checked(message, request.body)
    response.status(202).json({ receivers: roomOf(request).sendMessage({ data, topic, to }) })
  })
  router.delete('/rooms/:room/bans/:key', (request, response) => {
    if (!roomOf(request).unban(request.params.key)) throw new Refusal(404, 'nobody of that identity was banned')
    response.status(204).end()
  })
  router.patch('/rooms/:room/participants/:participant', body, (request, response) => {
    const participant = participantOf(request)
    const change = checked(participantChange, request.body)
    onlyWhatTheyHave(response, change.permissions)
    for (const kind of /** @type {const} */ (['audio', 'video', 'screen'])) {
      const muted = change.muted?.[kind]
      if (muted !== undefined) muted ? participant.mute(kind) : participant.unmute(kind)
    }
    if (change.permissions) participant.setPermissions(given(change.permissions))
    if (change.metadata !== undefined) participant.setMetadata(change.metadata)
    if (change.attributes) participant.setAttributes(change.attributes)
    const details = roomDetails(participant.room, signaling.roomSignaling(participant.room))
    response.json(details.participants.find(({ id }) => id === participant.id))
  })
  router.delete('/rooms/:room/participants/:participant', body, (request, response) => {
    const participant = participantOf(request)
    const { reason, ban } = checked(removal, request.body ?? {})
    const holds = ban && participant.room.ban(participant, reason)
    if (!ban) participant.kick(reason)
    response.json({ banned: holds })
  })
  router.post('/rooms/:room/tokens', body, async (request, response) => {
    const { room } = request.params
    const { identity, name, metadata, expiresIn, ...grants } = checked(tokenRequest, request.body ?? {})
    onlyWhatTheyHave(response, grants)
    // Nobody hands out more time than they have.
    const left = (response.locals.authorization.expiresAt ?? Infinity) - Date.now()
    const lifetime = Math.max(1, Math.min(expiresIn, left / 1000))
    const token = await createToken(
      access.keys,
      {
        ...(identity !== undefined && { identity }),
        ...(name !== undefined && { name }),
        ...(metadata !== undefined && { metadata }),
        tokenId: randomBytes(9).toString('base64url'),
        video: { room, roomJoin: true, ...grants }
      },
      { expiresIn: lifetime }
    )
    response
      .status(201)
      .set('Cache-Control', 'no-store')
      .json({ token, url: linkTo(siteOf(request), room, token), expiresAt: new Date(Date.now() + 1000 * lifetime).toISOString() })
  })
  return router

  /** @param {express.Request<any>} request */
  function roomOf(request) {
    const room = rooms.get(request.params.room)
    if (!room) throw new Refusal(404, 'there is no such room: rooms exist while someone is in them')
    return room
  }

  /**
   * Recording is not for everybody who moderates, so it is not theirs to give.
   * @param {express.Response} response
   * @param {{ roomRecord?: boolean | undefined } | undefined} grants
   */
  function onlyWhatTheyHave(response, grants) {
    if (!grants?.roomRecord || response.locals.authorization.permissions?.roomRecord) return
    throw new Refusal(403, 'you may not record, and cannot allow it to others', { code: 'forbidden' })
  }

  /** @param {express.Request<any>} request */
  function participantOf(request) {
    const participant = roomOf(request).get(request.params.participant)
    if (!participant) throw new Refusal(404, 'there is no such participant in the room')
    return participant
  }
}

/**
 * Without what was left out.
 *
 * @template {object} T
 * @param {T} partial
 * @returns {{ [name in keyof T]?: Exclude<T[name], undefined> }}
 */
function given(partial) {
  return /** @type {any} */ (Object.fromEntries(Object.entries(partial).filter(([, value]) => value !== undefined)))
}
