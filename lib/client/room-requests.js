import { Emitter } from './emitter.js'
import { Moderation } from './moderation.js'

/** What this page asks of the server while it is in a room. What came of it, the server tells everyone. */
export class RoomRequests extends Emitter {
  moderation
  #signaling

  /** @param {import('./signaling.js').Signaling} signaling */
  constructor(signaling) {
    super()
    this.#signaling = signaling
    this.moderation = new Moderation(message => signaling.send(message))
  }

  /** @param {import('./index.js').RoomMode} mode of the room, for everyone */
  setMode(mode) {
    this.#signaling.send({ type: 'set-mode', mode })
  }

  /** @param {import('./index.js').ReceivedSource | null} source of this page alone; null as the room's mode has it */
  setSource(source) {
    this.#signaling.send({ type: 'set-source', source })
  }

  /** @param {'member' | 'listener'} role */
  setRole(role) {
    this.#signaling.send({ type: 'set-role', role })
  }

  /** @param {import('./index.js').RoomLayout} layout of the mixed picture, for everyone */
  setLayout(layout) {
    this.#signaling.send({ type: 'set-layout', layout })
  }

  /** @param {boolean} [raised] */
  raiseHand(raised = true) {
    this.#signaling.send({ type: 'hand', raised })
  }

  /** What the others are told of this participant. @param {{ metadata?: string, attributes?: Record<string, string> }} about */
  setMetadata({ metadata, attributes }) {
    this.#signaling.send({ type: 'metadata', metadata, attributes })
  }

  /** @param {import('./index.js').RecordedWhat} [what] as the server has it without */
  startRecording(what) {
    this.#signaling.send({ type: 'record', action: 'start', what })
  }

  stopRecording() {
    this.#signaling.send({ type: 'record', action: 'stop' })
  }

  /** @param {string} name of this moment */
  markRecording(name) {
    this.#signaling.send({ type: 'record', action: 'mark', name })
  }

  /**
   * @param {string} data
   * @param {{ to?: string[], topic?: string }} [options] `to`: ids of participants, everyone without it
   * @returns {boolean} whether it was handed to the server
   */
  sendMessage(data, { to, topic } = {}) {
    return this.#signaling.send({ type: 'message', to, topic, data })
  }
}
