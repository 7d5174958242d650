import { address } from '../address.js'
import { RecordingsApi } from '../recordings-api.js'
import { inDoubt } from './doubt.js'
import { byId, create, icon } from './element.js'
import { notice } from './notices.js'
import { SidePanel } from './side-panel.js'
import { dateText, sizeText, timeText } from './time-text.js'

/**
 * @typedef {import('/client/index.js').Room} Room
 * @typedef {import('../recordings-api.js').Recording} Recording
 */

/** Milliseconds between looks at the list while something of it is not finished. */
const REFRESH_MS = 1500

const WHAT = { mixed: 'one film', tracks: 'each for themselves', both: 'one film and each for themselves' }

/** What there is to do about recordings, for those who may: begin, mark, stop, and the list. */
export class RecordingsView {
  #panel = new SidePanel('recordings', () => void this.#load())
  #call
  #api
  #form = /** @type {HTMLFormElement} */ (byId('record-form'))
  #timer
  /** @type {Recording[]} */
  #recordings = []
  #plays = false
  #loadedAt = 0

  /** @param {Room} call */
  constructor(call) {
    this.#call = call
    this.#api = new RecordingsApi(address, call.name)
    this.#form.onsubmit = event => {
      event.preventDefault()
      call.startRecording(/** @type {import('/client/index.js').RecordedWhat} */ (new FormData(this.#form).get('what')))
    }
    byId('record-stop').onclick = () => call.stopRecording()
    byId('record-flag').onclick = () => {
      call.markRecording(`Mark at ${timeText(this.#elapsed)}`)
      notice(`Marked at ${timeText(this.#elapsed)}`)
    }
    byId('playing-stop').onclick = () => void this.#attempt('It is not stopped', () => this.#api.stopPlaying())
    call.on('settings', () => this.#show())
    call.on('participants', () => this.#showPlaying())
    call.on('recording', () => {
      this.#show()
      if (this.isOpen) void this.#load()
    })
    this.#timer = setInterval(() => this.#tick(), 500)
    this.#show()
  }

  get isAllowed() {
    return this.#call.records && this.#call.permissions.roomRecord
  }

  get isOpen() {
    return this.#panel.isOpen
  }

  /** @param {boolean} open */
  open(open) {
    this.#panel.open(open)
  }

  close() {
    clearInterval(this.#timer)
    this.#panel.close()
  }

  get #elapsed() {
    return this.#call.recording ? (Date.now() - this.#call.recording.since) / 1000 : 0
  }

  #show() {
    const { mixes, mode, recording } = this.#call
    const button = byId('recordings-button')
    button.hidden = !this.isAllowed
    button.classList.toggle('recording', recording !== null)
    button.setAttribute('aria-label', recording ? 'Recordings: this room is being recorded' : 'Recordings')
    if (!this.isAllowed && this.isOpen) this.open(false)
    this.#form.hidden = recording !== null
    byId('record-now').hidden = recording === null
    if (recording)
      byId('record-about').textContent = [WHAT[recording.what], recording.by ? `by ${recording.by}` : ''].filter(Boolean).join(', ')
    for (const id of ['record-mixed', 'record-both']) byId(id).hidden = !mixes
    if (!mixes) Object.assign(/** @type {HTMLInputElement} */ (this.#form.querySelector('[value="tracks"]')), { checked: true })
    Object.assign(/** @type {HTMLButtonElement} */ (this.#form.querySelector('.record-start')), { disabled: mode === 'p2p' })
    const note =
      mode === 'p2p'
        ? 'Nothing passes the server in this mode: there is nothing to record.'
        : 'Everybody in the room sees that it is recorded.'
    Object.assign(/** @type {HTMLElement} */ (this.#form.querySelector('.record-note')), { textContent: note })
    this.#tick()
  }

  #tick() {
    byId('record-time').textContent = timeText(this.#elapsed)
    const busy = this.#recordings.some(({ state }) => state === 'recording' || state === 'storing')
    if (this.isOpen && busy && Date.now() - this.#loadedAt >= REFRESH_MS) void this.#load()
  }

  #showPlaying() {
    byId('playing-now').hidden = ![...this.#call.participants.values()].some(
      ({ role, name }) => role === 'publisher' && name.startsWith('Recording: ')
    )
  }

  async #load() {
    this.#loadedAt = Date.now()
    await this.#attempt('There is no list', async () => {
      const { recordings, plays } = await this.#api.list()
      const before = JSON.stringify([this.#recordings, this.#plays])
      this.#recordings = recordings
      this.#plays = plays
      if (before === JSON.stringify([recordings, plays]) && byId('recordings-list').childElementCount > 0) return
      byId('recordings-count').textContent = recordings.length === 0 ? '' : `${recordings.length}`
      byId('recordings-list').replaceChildren(...recordings.map(each => this.#line(each)))
    })
    this.#showPlaying()
  }

  /** @param {Recording} recording */
  #line({ name, state, what, startedAt, startedBy, duration, bytes, fileCount }) {
    const done = state === 'finished' || state === 'interrupted'
    const files = `${fileCount} ${fileCount === 1 ? 'file' : 'files'}`
    const about = [
      state === 'recording' ? 'going on' : timeText(duration),
      files,
      sizeText(bytes),
      startedBy ? `by ${startedBy}` : ''
    ].filter(Boolean)
    const note = { recording: '', storing: 'being stored', finished: '', interrupted: 'was interrupted' }[state]
    const text = create(
      'span',
      { text: dateText(startedAt) },
      create('small', { text: [...about, note].filter(Boolean).join(' · '), title: WHAT[what] ?? what })
    )
    const line = create(
      'li',
      { class: state, 'data-recording': name },
      create('i', { class: 'recording-dot', 'aria-hidden': 'true' }),
      text
    )
    if (!done) return line
    const watch = create(
      'a',
      {
        class: 'quiet',
        href: this.#api.pageOf(name),
        target: '_blank',
        rel: 'noopener',
        'aria-label': `Watch the recording of ${dateText(startedAt)}`,
        title: 'Watch and download'
      },
      icon('play')
    )
    const controls = create('div', {}, watch)
    if (this.#plays)
      controls.append(
        this.#button('into', 'Play it to everybody in the room', () => this.#attempt('It cannot be played', () => this.#api.play(name)))
      )
    controls.append(this.#removeButton(name))
    line.append(controls)
    return line
  }

  /** @param {string} name */
  #removeButton(name) {
    const button = this.#button('bin', 'Delete', async () => {
      await this.#attempt('It is not deleted', () => this.#api.remove(name))
      void this.#load()
    })
    button.classList.add('danger')
    return inDoubt(button, { label: 'Delete for good', title: 'Once more, and it is gone' })
  }

  /** @param {string} symbol @param {string} label @param {() => unknown} run */
  #button(symbol, label, run) {
    const button = create('button', { type: 'button', class: 'quiet', 'aria-label': label, title: label }, icon(symbol))
    button.onclick = () => void run()
    return button
  }

  /** @param {string} what @param {() => Promise<unknown>} action */
  async #attempt(what, action) {
    try {
      await action()
    } catch (error) {
      notice(`${what}: ${/** @type {Error} */ (error).message}`, true)
    }
  }
}
