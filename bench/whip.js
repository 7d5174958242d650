'use strict'

const { setTimeout: sleep } = require('node:timers/promises')

/**
 * "Not there yet", "not now", "too many": a stream to watch may take a moment to begin after its
 * publisher was answered.
 */
const PASSING = new Set([404, 409, 425, 429, 503])
const RETRIES = 5
const PAUSE = 500
/** Time a server may take to answer, in milliseconds. */
const PATIENCE = 10_000

/** A session of WHIP (RFC 9725) or WHEP: one offer, one answer, a URL to end it by. */
class WebSession {
  #url
  #headers
  #location = null

  constructor(url, token) {
    this.#url = url
    this.#headers = token === undefined ? {} : { Authorization: `Bearer ${token}` }
  }

  /** @returns {Promise<string>} the answer */
  async offer(sdp) {
    for (let attempt = 0; ; attempt++) {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { ...this.#headers, 'Content-Type': 'application/sdp', Accept: 'application/sdp' },
        body: sdp,
        signal: AbortSignal.timeout(PATIENCE)
      })
      const text = await response.text()
      if (response.status === 201) {
        const location = response.headers.get('Location')
        // RFC 9725 4.2: relative to the URL that was posted to, after redirections.
        this.#location = location === null ? null : new URL(location, response.url)
        return text
      }
      if (!PASSING.has(response.status) || attempt === RETRIES) {
        throw new Error(`${this.#url} answered ${response.status}: ${text.slice(0, 200)}`)
      }
      await sleep(PAUSE)
    }
  }

  /** Ends the session. What a server answers to that changes nothing. */
  async end() {
    if (this.#location === null) return
    await fetch(this.#location, {
      method: 'DELETE',
      headers: this.#headers,
      signal: AbortSignal.timeout(PATIENCE)
    }).catch(() => {})
  }
}

module.exports = { WebSession }
