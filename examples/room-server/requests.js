import { RoomError } from 'medialoom/rooms'
import { Refusal } from './problem.js'

/**
 * @typedef {import('./messages.js').ClientMessageOf<'moderate'>} Moderate
 * @typedef {Moderate | import('./messages.js').ClientMessageOf<'hand' | 'message' | 'metadata' | 'record'>} Request
 */

/** @type {Partial<Record<import('medialoom/rooms').RoomErrorCode, string>>} */
const ERROR_CODES = {
  ERR_INVALID_ARG: 'bad-message',
  ERR_PARTICIPANT_LIMIT: 'room-full',
  ERR_ROOM_MODE: 'wrong-mode',
  ERR_FORBIDDEN: 'forbidden',
  ERR_RATE_LIMIT: 'rate-limited',
  ERR_ENCRYPTED: 'encrypted',
  ERR_IO: 'recording-failed',
  ERR_RECORDING_LIMIT: 'already-recording'
}

/**
 * What a client asks of its room, of itself or of others in it.
 *
 * @param {import('./session.js').Session} session
 * @param {Request} request
 */
export function handleRequest(session, request) {
  const { participant } = session
  try {
    switch (request.type) {
      case 'hand':
        return participant.raiseHand(request.raised)
      case 'message': {
        const { to = null, topic = null, data } = request
        participant.sendMessage({ to, topic, data })
        return
      }
      case 'metadata':
        return describe(session, request)
      case 'moderate':
        return moderate(session, request)
      case 'record':
        record(session, request).catch(error => {
          if (refuse(session, request, error)) return
          console.error(error)
          session.fail('internal', 'the server failed; try again later', { request: 'record' })
        })
    }
  } catch (error) {
    if (!refuse(session, request, error)) throw error
  }
}

/**
 * @param {import('./session.js').Session} session
 * @param {Request} request
 * @param {unknown} error
 * @returns {boolean} whether it is one that the client is to know
 */
function refuse(session, { type }, error) {
  if (!(error instanceof Refusal) && !(error instanceof RoomError)) return false
  const code = error instanceof RoomError ? ERROR_CODES[error.code] : error.code
  session.fail(code ?? 'bad-message', error.message, { request: type })
  return true
}

/**
 * @param {import('./session.js').Session} session
 * @param {import('./messages.js').ClientMessageOf<'record'>} request
 */
async function record(session, { action, what, name = 'mark' }) {
  const { participant, recordings } = session
  const { room } = participant
  if (!recordings) throw new Refusal(501, 'this server records nothing', { code: 'cannot-record' })
  if (!participant.permissions.roomRecord) throw new RoomError('ERR_FORBIDDEN', 'you may not record this room')
  if (!session.takeChoice('record')) return
  switch (action) {
    case 'start':
      await recordings.start(room, { by: participant, ...(what && { what }) })
      return
    case 'stop':
      await recordings.stop(room)
      return
    case 'mark':
      room.recordings[0]?.mark(name)
  }
}

/**
 * @param {import('./session.js').Session} session
 * @param {import('./messages.js').ClientMessageOf<'metadata'>} request
 */
function describe(session, { metadata, attributes }) {
  if (!session.takeChoice('metadata')) return
  if (metadata !== undefined) session.participant.setMetadata(metadata)
  if (attributes !== undefined) session.participant.setAttributes(attributes)
}

/**
 * @param {import('./session.js').Session} session
 * @param {Moderate} request
 */
function moderate(session, { action, participant: id = '', kind = 'audio', reason, permissions = {}, on = true }) {
  const { room, permissions: own } = session.participant
  if (!own.roomAdmin) return session.fail('forbidden', 'that is for the hosts of the room to decide', { request: 'moderate' })
  switch (action) {
    case 'lock':
      return room.lock()
    case 'unlock':
      return room.unlock()
    case 'lobby':
      return room.setLobby(on)
    case 'admit':
      room.admit(id)
      return
    case 'reject':
      return room.reject(id, reason)
  }
  const whom = room.get(id)
  if (!whom) {
    return session.fail('unknown-participant', 'there is no such participant in the room', { request: 'moderate', field: 'participant' })
  }
  switch (action) {
    case 'mute':
      return whom.mute(kind)
    case 'unmute':
      return whom.unmute(kind)
    case 'kick':
      return whom.kick(reason)
    case 'ban':
      room.ban(whom, reason)
      return
    case 'permit':
      if (permissions.roomRecord && !own.roomRecord) {
        return session.fail('forbidden', 'you may not record, and cannot allow it to others', { request: 'moderate' })
      }
      return whom.setPermissions(permissions)
  }
}
