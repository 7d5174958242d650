import { create, hueOf, icon } from './element.js'
import { initials } from './initials.js'
import { StatsPanel } from './stats-panel.js'

/** One picture on the stage: a participant's camera, or a shared screen. */
export class Tile {
  element
  #video
  /** Plays the sound: a `<video>` plays none before its first picture came, and there may be none. */
  #audio
  #initials
  #name
  #note
  #open
  #message = create('p', { class: 'tile-message', role: 'status' })
  panel
  /** Where it is on the stage. @type {import('./layout.js').Box | null} */
  box = null
  /** @type {MediaStream | null} */
  stream = null
  #own
  /** Whether there is a picture to come. */
  #expectsPicture = false

  /**
   * @param {object} options
   * @param {'camera' | 'screen' | 'mix'} options.source
   * @param {boolean} options.own
   * @param {(encoding: string) => void} options.onSelectEncoding
   * @param {() => void} options.onPanel the user opened or closed the panel
   * @param {() => void} options.onSize the picture has another size than before
   */
  constructor({ source, own, onSelectEncoding, onPanel, onSize }) {
    this.source = source
    this.#own = own
    this.#video = create('video', { playsinline: '', autoplay: '' })
    this.#video.muted = true
    this.#audio = create('audio', { autoplay: '' })
    // Its size is known with the first frame.
    this.#video.onresize = () => {
      this.#showPicture()
      onSize()
    }
    this.#initials = create('span')
    this.#name = create('b', { dir: 'auto' })
    this.#note = create('em')
    this.panel = new StatsPanel(onSelectEncoding)
    this.#open = create('button', { type: 'button', class: 'quiet tile-open', 'aria-expanded': 'false' }, icon('figures'))
    this.#open.onclick = () => {
      this.openPanel(!this.panelOpen)
      onPanel()
    }
    this.element = create(
      'article',
      { class: `tile ${source}${own ? ' own' : ''}` },
      this.#video,
      this.#audio,
      create('div', { class: 'avatar', 'aria-hidden': 'true' }, this.#initials),
      this.#message,
      this.panel.element,
      create('div', { class: 'tile-name' }, icon('mic-off'), icon('lock'), icon('hand'), this.#name, this.#note),
      this.#open
    )
  }

  /** Width by height of the picture. */
  get ratio() {
    const { videoWidth, videoHeight } = this.#video
    return videoWidth > 0 ? videoWidth / videoHeight : 16 / 9
  }

  get panelOpen() {
    return !this.panel.element.hidden
  }

  /** @param {boolean} open */
  openPanel(open) {
    this.panel.element.hidden = !open
    this.#open.setAttribute('aria-expanded', String(open))
  }

  /**
   * @param {object} shown
   * @param {string} shown.name
   * @param {MediaStream | null} shown.stream
   * @param {boolean} shown.audio
   * @param {boolean} shown.video
   * @param {boolean} shown.speaking
   * @param {boolean} [shown.hand] whether they raise it
   * @param {string} shown.note the encoding shown, or nothing
   * @param {boolean} shown.locked whether it is encrypted end to end
   * @param {string} shown.message why there is nothing to see, or nothing
   * @param {string} [shown.description] what to call it for those who do not see it
   */
  show({ name, stream, audio, video, speaking, hand = false, note, locked, message, description }) {
    const { element } = this
    const title = this.source === 'screen' ? `${name} – screen` : this.#own ? `${name} (you)` : name
    element.classList.toggle('muted', !audio && this.source === 'camera')
    element.classList.toggle('speaking', speaking)
    element.classList.toggle('raised', hand)
    element.classList.toggle('locked', locked)
    element.classList.toggle('withheld', message !== '')
    element.setAttribute(
      'aria-label',
      description ??
        `${title}${audio ? '' : ', muted'}${video ? '' : ', no picture'}${speaking ? ', speaking' : ''}${hand ? ', hand raised' : ''}${locked ? ', encrypted end to end' : ''}`
    )
    if (this.#message.textContent !== message) this.#message.textContent = message
    element.style.setProperty('--hue', hueOf(name))
    this.#initials.textContent = initials(name)
    this.#name.textContent = title
    this.#note.textContent = note
    this.#open.setAttribute('aria-label', `Figures of ${title}`)
    if (stream !== this.stream) {
      this.stream = stream
      this.#video.srcObject = stream
      // One does not want to hear oneself.
      if (!this.#own) this.#audio.srcObject = stream
    }
    this.#expectsPicture = video
    this.#showPicture()
  }

  /** Until the first frame is there the avatar is better to look at than black. */
  #showPicture() {
    this.element.classList.toggle('dark', !this.#expectsPicture || this.#video.videoWidth === 0)
  }

  /** @param {string} deviceId */
  async setSpeaker(deviceId) {
    if ('setSinkId' in this.#audio) await this.#audio.setSinkId(deviceId).catch(() => {})
  }

  /** A tap on the page is needed in some browsers before they play sound. @returns {Promise<boolean>} whether it plays */
  async play() {
    if (!this.stream) return true
    // Without sound it may always; it waits for a picture.
    void this.#video.play().catch(() => {})
    if (this.#own) return true
    try {
      await this.#audio.play()
      return true
    } catch (error) {
      return /** @type {DOMException} */ (error).name !== 'NotAllowedError'
    }
  }

  remove() {
    this.#video.srcObject = this.#audio.srcObject = null
    this.element.remove()
  }
}
