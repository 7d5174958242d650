import { Tickets } from './tickets.js'

/** As `medialoom/storage` has names. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/

/** Addresses of recorded files. */
export class RecordingTickets {
  #tickets

  /** @param {() => number} [now] milliseconds */
  constructor(now) {
    this.#tickets = new Tickets(now)
  }

  /** @param {unknown} name @returns {name is string} */
  isName(name) {
    return typeof name === 'string' && NAME.test(name)
  }

  /** @param {string} recording @param {string} file */
  urlOf(recording, file) {
    return `api/recordings/${recording}/${file}?ticket=${this.#tickets.issue(`${recording}/${file}`)}`
  }

  /**
   * @param {string} recording
   * @param {string} file
   * @param {unknown} ticket
   */
  admits(recording, file, ticket) {
    return this.isName(recording) && this.isName(file) && this.#tickets.admits(`${recording}/${file}`, ticket)
  }
}
