import express from 'express'
import { createToken } from 'medialoom/auth'
import { z } from 'zod'
import { bearerToken, linkTo } from './access.js'
import { Refusal } from './problem.js'
import { roomDetails, roomView } from './views.js'

/** Bytes of a body: nothing that is asked here is larger. */
const MAX_BODY = 8192
/** Seconds. */
const DAY = 24 * 60 * 60
const MONTH = 30 * DAY

const tokenRequest = z.strictObject({
  identity: z.string().min(1).max(128).optional(),
  name: z.string().min(1).max(128).optional(),
  metadata: z.string().max(1024).optional(),
  expiresIn: z.number().min(1).max(MONTH).default(DAY),
  canPublish: z.boolean().optional(),
  canPublishSources: z.array(z.enum(['camera', 'microphone', 'screen'])).max(3).optional(),
  canSubscribe: z.boolean().optional(),
  canPublishData: z.boolean().optional(),
  roomCreate: z.boolean().optional(),
  roomAdmin: z.boolean().optional(),
  hidden: z.boolean().optional(),
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
  router.post('/rooms/:room/tokens', body, async (request, response) => {
    const { room } = request.params
    const { identity, name, metadata, expiresIn, ...grants } = checked(tokenRequest, request.body ?? {})
    // Nobody hands out more time than they have.
    const left = (response.locals.authorization.expiresAt ?? Infinity) - Date.now()
    const lifetime = Math.max(1, Math.min(expiresIn, left / 1000))
    const token = await createToken(
      access.keys,
      {
        ...(identity !== undefined && { identity }),
        ...(name !== undefined && { name }),
        ...(metadata !== undefined && { metadata }),
        video: { room, roomJoin: true, ...grants },
      },
      { expiresIn: lifetime },
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
}

/**
 * @template {z.ZodType} T
 * @param {T} schema
 * @param {unknown} value
 * @returns {z.infer<T>}
 */
function checked(schema, value) {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const field = issue.path.join('.')
  throw new Refusal(400, `${field || 'body'}: ${issue.message}`, { code: 'bad-request', ...(field && { field }) })
}
