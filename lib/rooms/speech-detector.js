'use strict'

/** Louder than this, in dBov (RFC 6464), counts as speech even when the sender's flag says no. */
const LOUD_DBOV = -45
/** Quieter than this never counts: the voice flag alone is set by breathing, too. */
const QUIET_DBOV = -60
/** Pauses between words are shorter than this many milliseconds. */
const HANGOVER_MS = 700

/**
 * Tells from RFC 6464 audio levels whether someone is speaking, without flickering between words. Asks
 * it of one participant; who has the word among several is decided by the engine
 * (`src/sfu/active_speaker.rs`) and comes by an ActiveSpeakerDetector.
 */
class SpeechDetector {
  #speaking = false
  /** @type {NodeJS.Timeout | null} */
  #silence = null
  #onChange

  /** @param {(speaking: boolean) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange
  }

  get speaking() {
    return this.#speaking
  }

  /** @param {import('../../index.js').AudioLevel} audioLevel */
  hear({ level, voice }) {
    if (level < QUIET_DBOV || (level < LOUD_DBOV && !voice)) return
    if (this.#silence) clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.stop(), HANGOVER_MS)
    this.#silence.unref()
    this.#set(true)
  }

  stop() {
    if (this.#silence) clearTimeout(this.#silence)
    this.#silence = null
    this.#set(false)
  }

  /** @param {boolean} speaking */
  #set(speaking) {
    if (speaking === this.#speaking) return
    this.#speaking = speaking
    this.#onChange(speaking)
  }
}

exports.SpeechDetector = SpeechDetector
