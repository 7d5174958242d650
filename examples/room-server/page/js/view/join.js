import { canEncrypt, newPassphrase } from '/client/index.js'
import { address } from '../address.js'
import { missingDevices } from './device-words.js'
import { byId } from './element.js'
import { showSwitch } from './dock.js'

const FIRST_WORDS = ['amber', 'calm', 'copper', 'early', 'gentle', 'indigo', 'linen', 'quiet', 'silver', 'woven']
const SECOND_WORDS = ['bobbin', 'harbour', 'heddle', 'loom', 'meadow', 'river', 'shuttle', 'spindle', 'thread', 'weft']
const NAME_KEY = 'medialoom-name'

/**
 * @typedef {object} Wanted
 * @property {string} name
 * @property {string} room
 * @property {import('/client/index.js').RoomMode} mode
 * @property {'member' | 'listener'} role
 * @property {string | null} key
 */

/** The door: a look in the mirror, a name, and the room. */
export class JoinView {
  #element = byId('join')
  #name = /** @type {HTMLInputElement} */ (byId('join-name'))
  #room = /** @type {HTMLInputElement} */ (byId('join-room'))
  #error = byId('join-error')
  #encrypt = /** @type {HTMLInputElement} */ (byId('join-encrypt'))
  #button = /** @type {HTMLButtonElement} */ (byId('join-button'))
  #media

  /**
   * @param {import('/client/index.js').LocalMedia} media
   * @param {(wanted: Wanted) => void} onJoin
   */
  constructor(media, onJoin) {
    this.#media = media
    this.#name.value = address.name ?? localStorage.getItem(NAME_KEY) ?? ''
    this.#room.value = address.room ?? `${any(FIRST_WORDS)}-${any(SECOND_WORDS)}`
    this.#name.readOnly = address.fixed.name
    this.#room.readOnly = address.fixed.room
    byId('join-mode').hidden = address.fixed.mode
    const asked = this.#modeChoices.find(choice => choice.value === address.mode)
    if (asked) asked.checked = true
    this.#encrypt.checked = canEncrypt && address.key !== null
    this.#encrypt.disabled = !canEncrypt
    if (!canEncrypt) byId('join-encrypt-note').textContent = 'This browser, or a page without HTTPS, cannot do that.'
    else if (address.key !== null) byId('join-encrypt-note').textContent = 'With the key of the link that you opened.'

    const form = /** @type {HTMLFormElement} */ (byId('join-form'))
    form.onsubmit = event => {
      event.preventDefault()
      const name = this.#name.value.trim()
      const room = this.#room.value.trim()
      if (!name) return this.#refuse('What shall the others call you?', this.#name)
      if (!room) return this.#refuse('Which room?', this.#room)
      localStorage.setItem(NAME_KEY, name)
      this.#error.textContent = ''
      this.#button.disabled = true
      const mode = /** @type {Wanted['mode']} */ (this.#modeChoices.find(choice => choice.checked)?.value ?? 'sfu')
      onJoin({ name, room, mode, role: address.role, key: this.#encrypt.checked ? (address.key ?? newPassphrase()) : null })
    }
    byId('preview-mic').onclick = () => this.#try(media.setMicrophone(!media.audio))
    byId('preview-camera').onclick = () => this.#try(media.setCamera(!media.video))
    media.on('change', () => this.#showMedia())
    this.show('')
  }

  get #modeChoices() {
    return /** @type {HTMLInputElement[]} */ ([...document.querySelectorAll('#join-form input[name="mode"]')])
  }

  /** Somebody has to open. @param {string} room @param {() => void} onCancel */
  showWaiting(room, onCancel) {
    byId('waiting-room').textContent = room
    byId('waiting-cancel').onclick = onCancel
    this.#showOnly('join-waiting')
    byId('waiting-cancel').focus()
  }

  /** The visit is over in a way that is worth a page. @param {{ title: string, text: string, again: boolean }} farewell */
  showFarewell({ title, text, again }) {
    byId('farewell-title').textContent = title
    byId('farewell-text').textContent = text
    const button = byId('farewell-again')
    button.hidden = !again
    button.onclick = () => void this.show('')
    this.#media.stop()
    this.#showMedia()
    byId('preview-note').textContent = 'Camera and microphone are off.'
    byId('preview-dock').hidden = true
    this.#showOnly('farewell')
    if (again) button.focus()
  }

  /** @param {string} id of one of the views of the door */
  #showOnly(id) {
    this.#element.hidden = false
    for (const each of ['join-fields', 'join-waiting', 'farewell']) byId(each).hidden = each !== id
  }

  /** Opens the door, with a word about why if there is one. @param {string} message */
  async show(message) {
    this.#showOnly('join-fields')
    byId('preview-dock').hidden = !address.sends
    this.#error.textContent = message
    this.#button.disabled = false
    ;(this.#name.value ? this.#button : this.#name).focus()
    if (!address.sends) {
      const { role } = address
      byId('preview-note').textContent =
        role === 'listener' ? 'You come to listen. Camera and microphone stay off until you go on stage.' : 'You come to watch and listen.'
      return
    }
    const missing = missingDevices(await this.#media.start())
    byId('preview-note').textContent = missing ?? 'Your camera is off.'
    this.#showMedia()
  }

  hide() {
    // A hidden input keeps the focus until the next frame, and keys would go on being text.
    if (document.activeElement instanceof HTMLElement) document.activeElement.blur()
    this.#element.hidden = true
  }

  #showMedia() {
    const { camera, audio, video } = this.#media
    const preview = /** @type {HTMLVideoElement} */ (byId('preview'))
    // An element waiting for a stream without tracks holds up the page's load event.
    const shown = video ? camera : null
    if (preview.srcObject !== shown) preview.srcObject = shown
    preview.closest('.preview')?.classList.toggle('live', video)
    showSwitch(byId('preview-mic'), audio, 'mic', 'Microphone')
    showSwitch(byId('preview-camera'), video, 'camera', 'Camera')
  }

  /** @param {Promise<void>} change */
  async #try(change) {
    try {
      await change
    } catch {
      byId('preview-note').textContent = 'The browser does not give it. You can still join, watch and chat.'
    }
    this.#showMedia()
  }

  /** @param {string} message @param {HTMLInputElement} field */
  #refuse(message, field) {
    this.#error.textContent = message
    field.focus()
  }
}

/** @param {string[]} words */
function any(words) {
  return words[Math.floor(Math.random() * words.length)]
}
