'use strict'

/**
 * Turns of speech: pauses within a turn are bridged, so that a turn ends when somebody has been
 * silent for as long as was agreed on. The engine says who makes a sound; here is how long a pause
 * may be.
 *
 * @template {object} Who
 */
class Turns {
  #silence
  #onStart
  #onEnd
  /** @type {Map<Who, { began: number, ending: NodeJS.Timeout | null }>} */
  #turns = new Map()

  /**
   * @param {object} options
   * @param {number} options.silence milliseconds
   * @param {(who: Who) => void} options.onStart
   * @param {(who: Who, duration: number) => void} options.onEnd
   */
  constructor({ silence, onStart, onEnd }) {
    this.#silence = silence
    this.#onStart = onStart
    this.#onEnd = onEnd
  }

  /** @param {Who} who @param {boolean} speaking */
  hear(who, speaking) {
    const turn = this.#turns.get(who)
    if (speaking) {
      if (turn?.ending) clearTimeout(turn.ending)
      if (turn) turn.ending = null
      else {
        this.#turns.set(who, { began: performance.now(), ending: null })
        this.#onStart(who)
      }
    } else if (turn && !turn.ending) {
      const stopped = performance.now()
      turn.ending = setTimeout(() => {
        this.#turns.delete(who)
        this.#onEnd(who, stopped - turn.began)
      }, this.#silence)
    }
  }

  /** They are gone, in the middle of a turn or not. @param {Who} who */
  forget(who) {
    const turn = this.#turns.get(who)
    if (!turn) return
    if (turn.ending) clearTimeout(turn.ending)
    this.#turns.delete(who)
    this.#onEnd(who, performance.now() - turn.began)
  }

  close() {
    for (const { ending } of this.#turns.values()) if (ending) clearTimeout(ending)
    this.#turns.clear()
  }
}

exports.Turns = Turns
