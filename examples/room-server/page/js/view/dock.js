import { reason } from './device-words.js'
import { byId, setIcon } from './element.js'
import { notice } from './notices.js'

/** Keys for what listeners do not do. */
const SENDING = ['m', 'v', 's']

/** The controls at the bottom of the room, and their keys. */
export class Dock {
  #media
  #call
  #keys

  /**
   * @param {object} options
   * @param {import('/client/index.js').LocalMedia} options.media
   * @param {import('/client/index.js').Room} options.call
   * @param {import('./stage.js').Stage} options.stage
   * @param {import('./chat.js').ChatView} options.chat
   * @param {import('./downlink-bar.js').DownlinkBar} options.downlinkBar
   * @param {() => void} options.onDevices
   * @param {() => void} options.onLeave
   */
  constructor({ media, call, stage, chat, downlinkBar, onDevices, onLeave }) {
    this.#media = media
    this.#call = call
    const figures = byId('figures-button')
    /** @type {Record<string, () => void>} */
    const actions = {
      m: () => attempt('The microphone cannot be used', media.setMicrophone(!media.audio)),
      v: () => attempt('The camera cannot be used', media.setCamera(!media.video)),
      s: () => (media.screen ? media.stopScreen() : attempt('The screen cannot be shared', media.startScreen())),
      x: () => {
        if (call.mixes && call.mode !== 'p2p') call.setSource(call.source === 'mix' ? 'streams' : 'mix')
      },
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
    byId('mix-button').onclick = actions.x
    figures.onclick = actions.i
    byId('devices-button').onclick = onDevices
    byId('leave-button').onclick = onLeave
    figures.setAttribute('aria-pressed', 'false')
    figures.classList.remove('on')

    this.#keys = (/** @type {KeyboardEvent} */ event) => {
      const typing = event.target instanceof Element && event.target.closest('input:not([type="range"]), select, dialog')
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return
      const key = event.key.toLowerCase()
      const action = actions[key]
      if (!action || (call.role === 'listener' && SENDING.includes(key))) return
      event.preventDefault()
      action()
    }
    document.addEventListener('keydown', this.#keys)
    media.addEventListener('change', this.#show)
    call.addEventListener('settings', this.#show)
    this.#show()
  }

  close() {
    document.removeEventListener('keydown', this.#keys)
    this.#media.removeEventListener('change', this.#show)
    this.#call.removeEventListener('settings', this.#show)
  }

  #show = () => {
    const { audio, video, screen } = this.#media
    showSwitch(byId('mic-button'), audio, 'mic', 'Microphone')
    showSwitch(byId('camera-button'), video, 'camera', 'Camera')
    const button = byId('screen-button')
    button.classList.toggle('on', screen !== null)
    button.setAttribute('aria-pressed', String(screen !== null))
    button.setAttribute('aria-label', screen ? 'Stop sharing the screen' : 'Share the screen')
    const { mixes, mode, role, source } = this.#call
    for (const id of ['mic-button', 'camera-button', 'screen-button', 'devices-button']) byId(id).hidden = role === 'listener'
    const mix = byId('mix-button')
    mix.hidden = !mixes || mode === 'p2p'
    mix.classList.toggle('on', source === 'mix')
    mix.setAttribute('aria-pressed', String(source === 'mix'))
    mix.setAttribute('aria-label', source === 'mix' ? 'Mixed picture on' : 'Mixed picture off')
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
