import { randomBytes } from 'node:crypto'

/**
 * Tells webhooks what happens in rooms, in LiveKit's words. The events of a room are numbered from 1 on:
 * a gap is an event that was not delivered.
 *
 * @param {import('medialoom/rooms').Rooms} rooms
 * @param {import('./webhooks.js').Webhook[]} webhooks
 */
export function tellWebhooks(rooms, webhooks) {
  rooms.on('room', room => {
    // Names are used again; a room is one from its first to its last participant.
    const sid = `RM_${randomBytes(9).toString('base64url')}`
    const about = { sid, name: room.name, createdAt: new Date(room.createdAt).toISOString() }
    let sequence = 0
    const tell = (/** @type {string} */ event, /** @type {object} */ more = {}) => {
      sequence += 1
      const told = {
        id: `EV_${randomBytes(9).toString('base64url')}`,
        event,
        sequence,
        createdAt: new Date().toISOString(),
        room: about,
        ...more
      }
      for (const webhook of webhooks) webhook.push(sid, told)
    }
    const watch = (/** @type {import('medialoom/rooms').Publication} */ publication) => {
      const participant = participantOf(publication.participant)
      for (const track of publication.tracks) tell('track_published', { participant, track: trackOf(publication, track) })
      publication.on('track', track => tell('track_published', { participant, track: trackOf(publication, track) }))
      publication.on('trackclosed', track => tell('track_unpublished', { participant, track: trackOf(publication, track) }))
    }

    tell('room_started')
    // Who made the room was in it before anybody heard of it.
    for (const participant of room.participants) tell('participant_joined', { participant: participantOf(participant) })
    room.on('joined', participant => tell('participant_joined', { participant: participantOf(participant) }))
    room.on('left', (participant, reason) => tell('participant_left', { participant: participantOf(participant), reason }))
    for (const publication of room.participants.flatMap(({ publications }) => publications)) watch(publication)
    room.on('published', watch)
    room.on('unpublished', publication => {
      const participant = participantOf(publication.participant)
      for (const track of publication.tracks) tell('track_unpublished', { participant, track: trackOf(publication, track) })
    })
    room.on('recording', recording => {
      tell('egress_started', { egress: egressOf(recording.index) })
      // When the files are whole, which may be after the room has ended.
      void recording.finished.then(({ index }) => tell('egress_ended', { egress: egressOf(index) }))
    })
    room.once('closed', () => tell('room_finished'))
  })
}

/** @param {import('medialoom/rooms').RecordingIndex} index */
function egressOf({ name, what, state, startedAt, startedBy, duration, bytes, reason, error, files }) {
  return {
    id: name,
    what,
    state,
    startedAt,
    startedBy: startedBy?.name ?? null,
    duration,
    bytes,
    reason,
    error,
    files: files.map(({ file }) => file)
  }
}

/** @param {import('medialoom/rooms').Participant} participant */
function participantOf({ id, identity, name, role, metadata, attributes, joinedAt }) {
  return { id, identity, name, role, metadata, attributes, joinedAt: new Date(joinedAt).toISOString() }
}

/**
 * @param {import('medialoom/rooms').Publication} publication
 * @param {import('medialoom/rooms').PublishedTrack} track
 */
function trackOf({ id, screen }, { id: trackId, kind }) {
  return { id: String(trackId), kind, stream: id, source: screen ? 'screen' : kind === 'audio' ? 'microphone' : 'camera' }
}
