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
 */

/**
 * @param {import('medialoom/rooms').Participant} participant
 * @param {import('./session.js').Session | undefined} session undefined for those who came by WHIP or WHEP
 * @returns {ParticipantView}
 */
export function participantView(participant, session) {
  const { id, name, role } = participant
  if (!session) {
    return {
      id,
      name,
      role,
      audio: participant.tracks.some(track => track.kind === 'audio'),
      video: participant.tracks.some(track => track.kind === 'video'),
      encrypted: false,
      streams: participant.publications.map(publication => ({ id: publication.id, source: 'camera' })),
    }
  }
  const { audio, video, encrypted } = session.media
  if (participant.room.mode === 'p2p') return { id, name, role, audio, video, encrypted, streams: session.media.streams }
  return {
    id,
    name,
    role,
    audio,
    video,
    encrypted,
    // The client names its streams as its SDP does; the others know them by the room's names.
    streams: participant.publications.map(publication => ({
      id: publication.id,
      source: session.sourceOf(publication),
    })),
  }
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
    layout: room.layout,
  }
}

/**
 * @param {import('medialoom/rooms').Room} room
 * @param {import('./room-signaling.js').RoomSignaling | undefined} signaling
 */
export function roomDetails(room, signaling) {
  return {
    ...roomView(room),
    participants: room.participants.map(participant => ({
      ...participantView(participant, signaling?.session(participant.id)),
      speaking: participant.speaking,
      source: participant.source,
      joinedAt: new Date(participant.joinedAt).toISOString(),
      state: participant.transport?.state ?? null,
    })),
  }
}
