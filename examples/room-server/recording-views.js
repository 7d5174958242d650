/**
 * What is told of recordings.
 *
 * @typedef {object} RecordingView
 * @property {string} name
 * @property {'recording' | 'storing' | 'finished' | 'interrupted'} state
 * @property {string} what
 * @property {string} startedAt ISO 8601
 * @property {string | null} startedBy
 * @property {number} duration seconds
 * @property {number} bytes
 * @property {number} fileCount
 * @property {string | null} reason why it ended
 * @property {string | null} error
 */

/**
 * One that goes on or is being stored.
 * @param {import('medialoom/rooms').RoomRecording} recording
 * @returns {RecordingView}
 */
export function recordingView({ name, active, what, startedAt, by, duration, bytes, files, reason, error }) {
  return {
    name,
    state: active ? 'recording' : 'storing',
    what,
    startedAt: new Date(startedAt).toISOString(),
    startedBy: by?.name ?? null,
    duration: Math.round(duration),
    bytes,
    fileCount: files.length,
    reason,
    error: error?.message ?? null
  }
}

/**
 * @param {import('medialoom/storage').StoredRecording} stored
 * @param {import('medialoom/rooms').RecordingIndex} index
 * @returns {RecordingView}
 */
export function storedView({ name, size }, { state, what, startedAt, startedBy, duration, files, reason, error }) {
  return {
    name,
    state: state === 'finished' ? 'finished' : 'interrupted',
    what,
    startedAt,
    startedBy: startedBy?.name ?? null,
    duration: Math.round(duration),
    bytes: size,
    fileCount: files?.length ?? 0,
    reason,
    error
  }
}

/**
 * What everybody in a room is told of being recorded.
 * @param {import('medialoom/rooms').Room} room
 */
export function recordingMark({ recordings: [recording] }) {
  return recording ? { what: recording.what, since: recording.startedAt, by: recording.by?.name ?? null } : null
}
