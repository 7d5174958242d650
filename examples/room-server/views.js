/**
 * What clients and the HTTP API get to see of rooms and participants.
 *
 * @typedef {object} ParticipantView
 * @property {string} id
 * @property {string} name
 * @property {import('medialoom/rooms').ParticipantRole} role
 * @property {boolean} audio whether the microphone is on
 * @property {boolean} video whether the camera is on
 * @property {boolean} encrypted whether it says that it encrypts end to end
 * @property {{ id: string, source: 'camera' | 'screen' }[]} streams
 * @property {string} [identity] who they are to the application
 * @property {string} metadata
 * @property {Readonly<Record<string, string>>} attributes
 * @property {number | null} hand since when it is raised, in milliseconds since the Unix epoch
 * @property {import('medialoom/rooms').Moderated} moderated what a moderator muted
 */

/**
 * @param {import('medialoom/rooms').Participant} participant
 * @param {import('./session.js').Session | undefined} session undefined for those who came by WHIP or WHEP
 * @returns {ParticipantView}
 */
export function participantView(participant, session) {
  const { id, name, role, identity, metadata, attributes, hand, moderated } = participant
  const told = { id, name, role, ...(identity !== null && { identity }), metadata, attributes, hand, moderated }
  if (!session) {
    return {
      ...told,
      audio: sends(participant, 'audio'),
      video: sends(participant, 'video'),
      encrypted: false,
      streams: participant.publications.map(publication => ({ id: publication.id, source: publication.screen ? 'screen' : 'camera' }))
    }
  }
  const { audio, video, encrypted } = session.media
  if (participant.room.mode === 'p2p') return { ...told, audio, video, encrypted, streams: session.media.streams }
  return {
    ...told,
    audio,
    video,
    encrypted,
    // The client names its streams as its SDP does; the others know them by the room's names.
    streams: participant.publications.map(publication => ({
      id: publication.id,
      source: publication.screen ? 'screen' : 'camera'
    }))
  }
}

/**
 * Whether something of a kind comes of somebody at the moment.
 * @param {import('medialoom/rooms').Participant} participant
 * @param {import('medialoom').Kind} kind
 */
function sends(participant, kind) {
  return participant.tracks.some(track => track.kind === kind && !('muted' in track && track.muted))
}

/** @param {import('medialoom/rooms').Room} room */
export function roomView(room) {
  return {
    name: room.name,
    mode: room.mode,
    createdAt: new Date(room.createdAt).toISOString(),
    participants: room.participants.length,
    listeners: room.participants.filter(participant => participant.role === 'listener').length,
    mixing: room.mixer !== null,
    recording: room.recordings.length > 0,
    layout: room.layout,
    locked: room.locked,
    lobby: room.lobby,
    waiting: room.waiting.length
  }
}

/**
 * @param {import('medialoom/rooms').Room} room
 * @param {import('./room-signaling.js').RoomSignaling | undefined} signaling
 */
export function roomDetails(room, signaling) {
  return {
    ...roomView(room),
    banned: room.banned,
    participants: room.participants.map(participant => ({
      ...participantView(participant, signaling?.session(participant.id)),
      speaking: participant.speaking,
      source: participant.source,
      permissions: participant.permissions,
      joinedAt: new Date(participant.joinedAt).toISOString(),
      state: participant.transport?.state ?? null
    }))
  }
}
