/**
 * @typedef {object} Person
 * @property {string} id
 * @property {string} name
 * @property {string} role
 * @property {string} [identity]
 * @property {{ audio: boolean, video: boolean, screen: boolean }} moderated
 * @property {string} joinedAt
 * @property {string | null} state
 *
 * @typedef {{ name: string, mode: string, createdAt: string, locked: boolean, lobby: boolean, waiting: number, recording: boolean }} RoomState
 * @typedef {RoomState & { participants: number }} RoomSummary
 * @typedef {RoomState & { participants: Person[], banned: string[] }} RoomDetails
 */

/** The server's API for admins, by a token. */
export class AdminApi {
  #server
  #token

  /** @param {string} server @param {string | null} token */
  constructor(server, token) {
    this.#server = server
    this.#token = token
  }

  /** Which rooms there are. @returns {Promise<RoomSummary[]>} */
  async rooms() {
    return (await this.#ask('GET', '')).rooms
  }

  /** One, and who is in it. @param {string} name @returns {Promise<RoomDetails | null>} null where nobody is in it any more */
  async room(name) {
    try {
      return await this.#ask('GET', pathOf(name))
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null
      throw error
    }
  }

  /** @param {string} name @param {{ locked?: boolean, lobby?: boolean }} change */
  change(name, change) {
    return this.#ask('PATCH', pathOf(name), change)
  }

  /** Everyone leaves. @param {string} name */
  close(name) {
    return this.#ask('DELETE', pathOf(name))
  }

  /** @param {string} name @param {string} key an identity, or what else a ban holds by */
  unban(name, key) {
    return this.#ask('DELETE', `${pathOf(name)}/bans/${encodeURIComponent(key)}`)
  }

  /** @param {string} name @param {string} id @param {Partial<Person['moderated']>} muted */
  mute(name, id, muted) {
    return this.#ask('PATCH', `${pathOf(name)}/participants/${encodeURIComponent(id)}`, { muted })
  }

  /** @param {string} name @param {string} id @param {boolean} ban */
  remove(name, id, ban) {
    return this.#ask('DELETE', `${pathOf(name)}/participants/${encodeURIComponent(id)}`, { ban })
  }

  /** @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>} */
  async #ask(method, path, body) {
    const response = await fetch(new URL(`api/rooms${path}`, this.#server), {
      method,
      headers: {
        ...(this.#token !== null && { Authorization: `Bearer ${this.#token}` }),
        ...(body && { 'Content-Type': 'application/json' })
      },
      ...(body && { body: JSON.stringify(body) })
    })
    const answer = response.status === 204 ? {} : await response.json().catch(() => ({}))
    if (!response.ok) throw new ApiError(response.status, answer.detail ?? `the server answers ${response.status}`)
    return answer
  }
}

/** What the server refused. */
export class ApiError extends Error {
  /** @param {number} status of HTTP @param {string} message */
  constructor(status, message) {
    super(message)
    this.status = status
  }
}

/** @param {string} name */
function pathOf(name) {
  return `/${encodeURIComponent(name)}`
}
