import { reason } from '../local-media.js'
import { byId, setIcon } from './element.js'
import { notice } from './notices.js'

/** The controls at the bottom of the room, and their keys. */
export class Dock {
  #media
  #keys

  /**
   * @param {object} options
   * @param {import('../local-media.js').LocalMedia} options.media
   * @param {import('./stage.js').Stage} options.stage
   * @param {import('./chat.js').ChatView} options.chat
   * @param {import('./downlink-bar.js').DownlinkBar} options.downlinkBar
   * @param {() => void} options.onDevices
   * @param {() => void} options.onLeave
   */
  constructor({ media, stage, chat, downlinkBar, onDevices, onLeave }) {
    this.#media = media
    const figures = byId('figures-button')
    /** @type {Record<string, () => void>} */
    const actions = {
      m: () => attempt('The microphone cannot be used', media.setMicrophone(!media.audio)),
      v: () => attempt('The camera cannot be used', media.setCamera(!media.video)),
      s: () => (media.screen ? media.stopScreen() : attempt('The screen cannot be shared', media.startScreen())),
      c: () => chat.open(!chat.isOpen),
      i: () => {
        const open = figures.getAttribute('aria-pressed') !== 'true'
        figures.setAttribute('aria-pressed', String(open))
        figures.classList.toggle('on', open)
        stage.openPanels(open)
        downlinkBar.open(open)
      },
    }
    byId('mic-button').onclick = actions.m
    byId('camera-button').onclick = actions.v
    byId('screen-button').onclick = actions.s
    figures.onclick = actions.i
    byId('devices-button').onclick = onDevices
    byId('leave-button').onclick = onLeave
    figures.setAttribute('aria-pressed', 'false')
    figures.classList.remove('on')

    this.#keys = (/** @type {KeyboardEvent} */ event) => {
      const typing = event.target instanceof Element && event.target.closest('input:not([type="range"]), select, dialog')
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return
      const action = actions[event.key.toLowerCase()]
      if (!action) return
      event.preventDefault()
      action()
    }
    document.addEventListener('keydown', this.#keys)
    media.addEventListener('change', this.#show)
    this.#show()
  }

  close() {
    document.removeEventListener('keydown', this.#keys)
    this.#media.removeEventListener('change', this.#show)
  }

  #show = () => {
    const { audio, video, screen } = this.#media
    showSwitch(byId('mic-button'), audio, 'mic', 'Microphone')
    showSwitch(byId('camera-button'), video, 'camera', 'Camera')
    const button = byId('screen-button')
    button.classList.toggle('on', screen !== null)
    button.setAttribute('aria-pressed', String(screen !== null))
    button.setAttribute('aria-label', screen ? 'Stop sharing the screen' : 'Share the screen')
  }
}

/** @param {HTMLElement} button @param {boolean} on @param {string} symbol @param {string} name */
export function showSwitch(button, on, symbol, name) {
  button.classList.toggle('off', !on)
  button.setAttribute('aria-pressed', String(on))
  button.setAttribute('aria-label', `${name} ${on ? 'on' : 'off'}`)
  setIcon(button, on ? symbol : `${symbol}-off`)
}

/** @param {string} what @param {Promise<void>} action */
async function attempt(what, action) {
  try {
    await action
  } catch (error) {
    // Closing the picker is no error, though browsers report both alike.
    notice(`${what}: ${reason(error)}`, true)
  }
}
