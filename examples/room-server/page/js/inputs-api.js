/**
 * @typedef {{ servers: string[], srt?: string, key: string, expiresAt: string | null }} StreamKey
 * @typedef {{ id: string, name: string, type: string, state?: string, tracks: { kind: string, codec: string | null }[], warnings: { code: string, message: string }[] }} Input
 */

/** What comes into one room by other ways than WebRTC, as the server has it. */
export class InputsApi {
  #server
  #token
  #room

  /** @param {{ server: string, token: string | null }} address @param {string} room */
  constructor({ server, token }, room) {
    this.#server = server
    this.#token = token
    this.#room = room
  }

  /** @returns {Promise<{ inputs: Input[], servers: string[] }>} */
  list() {
    return this.#ask('GET')
  }

  /** @param {string} name @returns {Promise<StreamKey>} */
  makeKey(name) {
    return this.#ask('POST', { type: 'rtmp', name })
  }

  /** @param {string} url @param {string} name @returns {Promise<Input>} */
  addCamera(url, name) {
    return this.#ask('POST', { url, name })
  }

  /** @param {'GET' | 'POST'} method @param {object} [body] @returns {Promise<any>} */
  async #ask(method, body) {
    const response = await fetch(new URL(`api/rooms/${encodeURIComponent(this.#room)}/inputs`, this.#server), {
      method,
      headers: {
        ...(this.#token !== null && { Authorization: `Bearer ${this.#token}` }),
        ...(body && { 'Content-Type': 'application/json' })
      },
      ...(body && { body: JSON.stringify(body) })
    })
    const answer = await response.json().catch(() => ({}))
    if (!response.ok) throw new Error(answer.detail ?? `the server answers ${response.status}`)
    return answer
  }
}
