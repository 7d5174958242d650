import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import express from 'express'
import { z } from 'zod'
import { bearerToken } from './access.js'
import { checked } from './checked.js'
import { Refusal } from './problem.js'
import { recordingView } from './recording-views.js'

const beginning = z.strictObject({ what: z.enum(['tracks', 'mixed', 'both']).optional() })
const playing = z.strictObject({ file: z.string().max(128).optional(), loop: z.boolean().default(false) })

/** @type {Record<string, string>} */
const TYPES = { '.json': 'application/json', '.mkv': 'video/x-matroska', '.mp4': 'video/mp4', '.webm': 'video/webm' }

/**
 * Recordings of a room, under `/api/rooms/:room/recordings`, and their files, under `/api/recordings`.
 *
 * @param {object} parts
 * @param {import('medialoom/rooms').Rooms} parts.rooms
 * @param {import('./recordings.js').Recordings} parts.recordings
 * @param {import('./access.js').Authorize} parts.authorize
 */
export function recordingsRouter({ rooms, recordings, authorize }) {
  const router = express.Router()
  const body = express.json({ limit: 4096, strict: true })

  router.use('/rooms/:room/recordings', async (request, response, next) => {
    const { room } = request.params
    response.locals.authorization = await authorize(request, { action: 'record', room, token: bearerToken(request) })
    response.set('Cache-Control', 'no-store')
    next()
  })
  router.get('/rooms/:room/recordings', async (request, response) => {
    response.json({ recordings: await recordings.list(nameOf(request)), plays: recordings.plays })
  })
  router.post('/rooms/:room/recordings', body, async (request, response) => {
    const { what } = checked(beginning, request.body ?? {})
    const { name = 'the API' } = response.locals.authorization
    const recording = await recordings.start(roomOf(request), { by: name, ...(what && { what }) })
    response.status(201).json(recordingView(recording))
  })
  router.post('/rooms/:room/recordings/stop', async (request, response) => {
    const { name, index } = await recordings.stop(roomOf(request))
    response.json({ name, reason: index.reason, duration: index.duration, bytes: index.bytes, error: index.error })
  })
  router.post('/rooms/:room/recordings/stop-playing', (request, response) => {
    recordings.stopPlaying(roomOf(request))
    response.status(204).end()
  })
  router.get('/rooms/:room/recordings/:recording', async (request, response) => {
    response.json(await recordings.get(nameOf(request), request.params.recording))
  })
  router.delete('/rooms/:room/recordings/:recording', async (request, response) => {
    await recordings.remove(nameOf(request), request.params.recording)
    response.status(204).end()
  })
  router.post('/rooms/:room/recordings/:recording/play', body, async (request, response) => {
    const { file, loop } = checked(playing, request.body ?? {})
    await recordings.play(roomOf(request), request.params.recording, { loop, ...(file !== undefined && { file }) })
    response.status(204).end()
  })

  router.get('/recordings/:recording/:file', async (request, response) => {
    const { recording, file } = request.params
    // Without a word whether it exists.
    if (!recordings.tickets.admits(recording, file, request.query.ticket))
      throw new Refusal(403, 'the address has expired, or never was one', { code: 'forbidden' })
    await sendFile(request, response, await recordings.open(recording, file))
  })
  return router

  /** @param {express.Request<any>} request */
  function nameOf(request) {
    return String(request.params.room).normalize('NFC')
  }

  /** @param {express.Request<any>} request */
  function roomOf(request) {
    const room = rooms.get(request.params.room)
    if (!room) throw new Refusal(404, 'there is no such room: rooms exist while someone is in them')
    return room
  }
}

/**
 * Answers with a file, or with a part of it (RFC 9110 14).
 *
 * @param {express.Request} request
 * @param {express.Response} response
 * @param {{ name: string, size: number, modified: Date, read: (range: { start: number, end: number }) => Promise<import('node:stream').Readable> }} file
 */
async function sendFile(request, response, { name, size, modified, read }) {
  const file = path.posix.basename(name)
  response.set({
    'Content-Type': TYPES[path.extname(file)] ?? 'application/octet-stream',
    'Content-Disposition': `${'download' in request.query ? 'attachment' : 'inline'}; filename="${file}"`,
    'Accept-Ranges': 'bytes',
    'Last-Modified': modified.toUTCString(),
    'Cache-Control': 'private, no-cache'
  })
  const ranges = size > 0 ? request.range(size, { combine: true }) : undefined
  if (ranges === -1) {
    response.set('Content-Range', `bytes */${size}`)
    throw new Refusal(416, 'the file has no such part')
  }
  // Several parts at once are more than any player asks for: it gets the whole file (RFC 9110 14.2).
  const part = ranges !== undefined && ranges !== -2 && ranges.type === 'bytes' && ranges.length === 1 ? ranges[0] : undefined
  const { start, end } = part ?? { start: 0, end: size - 1 }
  if (part) response.status(206).set('Content-Range', `bytes ${start}-${end}/${size}`)
  response.set('Content-Length', String(end - start + 1))
  if (request.method === 'HEAD' || size === 0) return void response.end()
  // Who stops watching closes the connection.
  await pipeline(await read({ start, end }), response).catch(() => response.destroy())
}
