import { byId, create, hueOf, setIcon } from './element.js'
import { initials } from './initials.js'
import { timeText } from './time-text.js'

/**
 * @typedef {import('../recordings-api.js').RecordingFile} RecordingFile
 * @typedef {{ file: RecordingFile, figure: HTMLElement, video: HTMLVideoElement }} Shown
 */

/** Seconds by which a file may be off before it is moved, and before it is played a little faster or slower. */
const FAR = 0.4
const NEAR = 0.03
/** Milliseconds between looks. */
const LOOK_MS = 100

/**
 * Plays the files of a recording together: each begins at its own moment of it. They follow one clock,
 * which stops while one of them has nothing to play.
 */
export class PlayedFiles {
  #api
  #duration
  #screen = byId('screen')
  #button = byId('play')
  #seek = /** @type {HTMLInputElement} */ (byId('seek'))
  /** @type {Shown[]} */
  #shown = []
  #position = 0
  #playing = false
  #seeking = false
  #lookedAt = 0

  /**
   * @param {object} options
   * @param {import('../recordings-api.js').RecordingsApi} options.api
   * @param {number} options.duration seconds
   * @param {{ at: number }[]} options.marks
   */
  constructor({ api, duration, marks }) {
    this.#api = api
    this.#duration = duration
    this.#button.onclick = () => this.#toggle()
    this.#seek.oninput = () => {
      this.#seeking = true
      byId('time').textContent = timeText(this.#seek.valueAsNumber)
    }
    this.#seek.onchange = () => {
      this.#seeking = false
      this.seek(this.#seek.valueAsNumber)
    }
    document.addEventListener('keydown', event => {
      if (event.target instanceof HTMLButtonElement || event.target instanceof HTMLAnchorElement) return
      if (event.key === ' ') this.#toggle()
      else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') this.seek(this.#position + (event.key === 'ArrowLeft' ? -5 : 5))
      else return
      event.preventDefault()
    })
    byId('flags').replaceChildren(
      ...marks.map(({ at }) => {
        const flag = create('i')
        flag.style.left = `${(100 * at) / Math.max(duration, 0.1)}%`
        return flag
      })
    )
    setInterval(() => this.#look(), LOOK_MS)
  }

  get position() {
    return this.#position
  }

  get playing() {
    return this.#playing
  }

  /** Where one that is shown begins. @param {HTMLVideoElement} video */
  offsetOf(video) {
    return this.#shown.find(each => each.video === video)?.file.offset ?? 0
  }

  /** Shows these in place of what was shown, at the same moment. @param {RecordingFile[]} files */
  play(files) {
    for (const { video } of this.#shown) video.removeAttribute('src')
    this.#shown = files.map(file => this.#show(file))
    const end = Math.max(0, ...files.map(({ offset, duration }) => offset + duration))
    // Sound that was underway when it ended is in the file.
    this.#duration = end > 0 ? end : this.#duration
    this.#seek.max = String(this.#duration)
    byId('length').textContent = timeText(this.#duration)
    byId('controls').hidden = files.length === 0
    this.#screen.replaceChildren(...this.#shown.map(({ figure }) => figure))
    this.#screen.style.setProperty('--columns', String(Math.ceil(Math.sqrt(files.length))))
    this.#look()
  }

  /** @param {number} position seconds */
  seek(position) {
    this.#position = Math.min(Math.max(0, position), this.#duration)
    for (const each of this.#shown) this.#place(each, true)
    this.#showTime()
  }

  #toggle() {
    if (!this.#playing && this.#position >= this.#duration - 0.05) this.seek(0)
    this.#playing = !this.#playing
    this.#lookedAt = performance.now()
    setIcon(this.#button, this.#playing ? 'pause' : 'play')
    this.#button.setAttribute('aria-label', this.#playing ? 'Pause' : 'Play')
    this.#look()
  }

  /** @param {RecordingFile} file @returns {Shown} */
  #show(file) {
    const video = create('video', { src: this.#api.urlOf(file), preload: 'auto', playsinline: '', 'aria-label': file.name })
    const caption =
      file.source === 'mix' ? [] : [create('figcaption', { text: file.source.startsWith('screen') ? `${file.name}, screen` : file.name })]
    const pictures = file.tracks.some(({ kind }) => kind === 'video')
    const figure = create(
      'figure',
      { class: pictures ? '' : 'sound', 'data-initials': initials(file.name), 'data-source': file.source },
      video,
      ...caption
    )
    figure.style.setProperty('--hue', hueOf(file.name))
    video.onerror = () =>
      figure.append(create('figcaption', { text: `${file.name}: this browser does not play ${file.format}; download it` }))
    return { file, figure, video }
  }

  #look() {
    const now = performance.now()
    const passed = (now - this.#lookedAt) / 1000
    this.#lookedAt = now
    const waiting = this.#shown.some(
      each => this.#isDue(each) && !each.video.error && each.video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA && !each.video.ended
    )
    if (this.#playing && !waiting) this.#position = Math.min(this.#position + passed, this.#duration)
    for (const each of this.#shown) this.#place(each, false)
    if (this.#playing && this.#position >= this.#duration) this.#toggle()
    this.#showTime()
  }

  /** Whether the file has something for this moment. @param {Shown} shown */
  #isDue({ file: { offset, duration } }) {
    return this.#position >= offset && this.#position < offset + duration
  }

  /** Brings one to where the clock is. @param {Shown} shown @param {boolean} exactly */
  #place(shown, exactly) {
    const { file, figure, video } = shown
    const due = this.#isDue(shown)
    figure.classList.toggle('absent', !due)
    if (!due) {
      if (!video.paused) video.pause()
      return
    }
    const wanted = this.#position - file.offset
    const late = wanted - video.currentTime
    if (exactly || Math.abs(late) > FAR) {
      if (!video.seeking) video.currentTime = wanted
    } else {
      video.playbackRate = Math.abs(late) < NEAR ? 1 : late > 0 ? 1.05 : 0.95
    }
    if (this.#playing && video.paused && !video.ended) void video.play().catch(() => {})
    if (!this.#playing && !video.paused) video.pause()
  }

  #showTime() {
    if (this.#seeking) return
    this.#seek.value = String(this.#position)
    byId('time').textContent = timeText(this.#position)
  }
}
