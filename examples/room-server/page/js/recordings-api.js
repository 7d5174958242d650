/**
 * @typedef {object} Recording
 * @property {string} name
 * @property {'recording' | 'storing' | 'finished' | 'interrupted'} state
 * @property {'tracks' | 'mixed' | 'both'} what
 * @property {string} startedAt
 * @property {string | null} startedBy
 * @property {number} duration seconds
 * @property {number} bytes
 * @property {number} fileCount
 *
 * @typedef {object} RecordingFile
 * @property {string} file
 * @property {string} url
 * @property {string} name
 * @property {'camera' | 'microphone' | 'screen' | 'screen-audio' | 'mix'} source
 * @property {string} format
 * @property {number} offset seconds
 * @property {number} duration seconds
 * @property {number} bytes
 * @property {{ kind: 'audio' | 'video', codec: string }[]} tracks
 *
 * @typedef {Recording & { files: RecordingFile[], marks: { at: number, name: string }[] }} RecordingDetails
 */

/** The recordings of one room, as the server has them. */
export class RecordingsApi {
  #server
  #token
  #room

  /** @param {{ server: string, token: string | null }} address @param {string} room */
  constructor({ server, token }, room) {
    this.#server = server
    this.#token = token
    this.#room = room
  }

  /** @returns {Promise<{ recordings: Recording[], plays: boolean }>} */
  list() {
    return this.#ask('GET', '')
  }

  /** @param {string} recording @returns {Promise<RecordingDetails>} */
  get(recording) {
    return this.#ask('GET', `/${encodeURIComponent(recording)}`)
  }

  /** @param {string} recording */
  remove(recording) {
    return this.#ask('DELETE', `/${encodeURIComponent(recording)}`)
  }

  /** Into the room. @param {string} recording */
  play(recording) {
    return this.#ask('POST', `/${encodeURIComponent(recording)}/play`)
  }

  stopPlaying() {
    return this.#ask('POST', '/stop-playing')
  }

  /** Where one is watched. @param {string} recording */
  pageOf(recording) {
    const place = new URL(`r/${encodeURIComponent(this.#room)}/recordings/${encodeURIComponent(recording)}`, this.#server)
    if (this.#token !== null) place.hash = `token=${this.#token}`
    return place.href
  }

  /** Of a file, for a while. @param {RecordingFile} file @param {boolean} [download] */
  urlOf({ url }, download = false) {
    return new URL(download ? `${url}&download` : url, this.#server).href
  }

  /** @param {string} method @param {string} path @returns {Promise<any>} */
  async #ask(method, path) {
    const response = await fetch(new URL(`api/rooms/${encodeURIComponent(this.#room)}/recordings${path}`, this.#server), {
      method,
      headers: this.#token === null ? {} : { Authorization: `Bearer ${this.#token}` }
    })
    const answer = response.status === 204 ? {} : await response.json().catch(() => ({}))
    if (!response.ok) throw new Error(answer.detail ?? `the server answers ${response.status}`)
    return answer
  }
}
