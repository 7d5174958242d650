import { byId } from './element.js'
import { timeText } from './time-text.js'

/** The red mark at the room's name: everybody sees that the room is recorded, and for how long. */
export class RecordingMark {
  #call
  #timer
  #stop

  /** @param {import('/client/index.js').Room} call */
  constructor(call) {
    this.#call = call
    this.#stop = call.on('recording', () => this.#show())
    this.#timer = setInterval(() => this.#show(), 1000)
    this.#show()
  }

  close() {
    clearInterval(this.#timer)
    this.#stop()
  }

  #show() {
    const { recording } = this.#call
    const mark = byId('recording-mark')
    mark.hidden = recording === null
    if (!recording) return
    const about = recording.by ? `Recorded by ${recording.by}` : 'This room is being recorded'
    if (mark.title !== about) {
      mark.title = about
      mark.setAttribute('aria-label', about)
    }
    // Clocks of browser and server need not agree.
    byId('recording-time').textContent = timeText((Date.now() - recording.since) / 1000)
  }
}
