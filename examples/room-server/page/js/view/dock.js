import { reason } from './device-words.js'
import { byId, setIcon } from './element.js'
import { notice } from './notices.js'
import { SidePanel } from './side-panel.js'

/** Keys for what listeners do not do. */
const SENDING = ['m', 'v', 's']

/** @typedef {import('/client/index.js').PublishedSource} PublishedSource */

const KIND = /** @type {const} */ ({ microphone: 'audio', camera: 'video', screen: 'screen' })

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
   * @param {import('./people.js').PeopleView} options.people
   * @param {import('./recordings.js').RecordingsView} options.recordings
   * @param {import('./downlink-bar.js').DownlinkBar} options.downlinkBar
   * @param {() => void} options.onDevices
   * @param {() => void} options.onLeave
   */
  constructor({ media, call, stage, chat, people, recordings, downlinkBar, onDevices, onLeave }) {
    this.#media = media
    this.#call = call
    const figures = byId('figures-button')
    /** @type {Record<string, () => unknown>} */
    const actions = {
      m: () => this.#may('microphone') && attempt('The microphone cannot be used', media.setMicrophone(!media.audio)),
      v: () => this.#may('camera') && attempt('The camera cannot be used', media.setCamera(!media.video)),
      s: () => (media.screen ? media.stopScreen() : this.#may('screen') && attempt('The screen cannot be shared', media.startScreen())),
      h: () => call.raiseHand(call.local?.hand === null),
      x: () => {
        if (call.mixes && call.mode !== 'p2p') call.setSource(call.source !== 'mix' ? 'mix' : call.mode === 'sfu' ? null : 'streams')
      },
      c: () => chat.open(!chat.isOpen),
      p: () => people.open(!people.isOpen),
      r: () => recordings.isAllowed && recordings.open(!recordings.isOpen),
      i: () => {
        const open = figures.getAttribute('aria-pressed') !== 'true'
        figures.setAttribute('aria-pressed', String(open))
        figures.classList.toggle('on', open)
        stage.openPanels(open)
        downlinkBar.open(open)
      }
    }
    byId('mic-button').onclick = actions.m
    byId('camera-button').onclick = actions.v
    byId('screen-button').onclick = actions.s
    byId('hand-button').onclick = actions.h
    byId('mix-button').onclick = actions.x
    figures.onclick = actions.i
    byId('devices-button').onclick = onDevices
    byId('leave-button').onclick = onLeave
    figures.setAttribute('aria-pressed', 'false')
    figures.classList.remove('on')

    this.#keys = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === 'Escape' && !document.querySelector('dialog[open]')) return SidePanel.leaveOpen()
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
    call.addEventListener('participants', this.#show)
    this.#show()
  }

  /** Whether it would be for anybody; if not, says why. @param {PublishedSource} source */
  #may(source) {
    if (this.#call.maySend(source)) return true
    notice(
      this.#call.local?.moderated[KIND[source]] ? `A host switched your ${source} off` : `You may not use the ${source} in this room`,
      true
    )
    return false
  }

  close() {
    document.removeEventListener('keydown', this.#keys)
    this.#media.removeEventListener('change', this.#show)
    this.#call.removeEventListener('settings', this.#show)
    this.#call.removeEventListener('participants', this.#show)
  }

  #show = () => {
    const { local, permissions, mixes, mode, role, source } = this.#call
    const { screen } = this.#media
    // What a host switched off is off, whatever the device does.
    const audio = this.#media.audio && !local?.moderated.audio
    const video = this.#media.video && !local?.moderated.video
    showSwitch(byId('mic-button'), audio, 'mic', 'Microphone')
    showSwitch(byId('camera-button'), video, 'camera', 'Camera')
    const button = byId('screen-button')
    button.classList.toggle('on', screen !== null)
    button.setAttribute('aria-pressed', String(screen !== null))
    button.setAttribute('aria-label', screen ? 'Stop sharing the screen' : 'Share the screen')
    const allowed = (/** @type {PublishedSource} */ each) =>
      role === 'member' && permissions.canPublish && (permissions.canPublishSources?.includes(each) ?? true)
    byId('mic-button').hidden = !allowed('microphone')
    byId('camera-button').hidden = !allowed('camera')
    byId('screen-button').hidden = !allowed('screen')
    byId('devices-button').hidden = role === 'listener' || !permissions.canPublish
    const raised = (local?.hand ?? null) !== null
    const hand = byId('hand-button')
    hand.classList.toggle('on', raised)
    hand.setAttribute('aria-pressed', String(raised))
    hand.setAttribute('aria-label', raised ? 'Take your hand down' : 'Raise your hand')
    const mix = byId('mix-button')
    mix.hidden = !mixes || mode === 'p2p'
    mix.classList.toggle('on', source === 'mix')
    mix.setAttribute('aria-pressed', String(source === 'mix'))
    mix.setAttribute('aria-label', source === 'mix' ? 'Mixed picture on' : 'Mixed picture off')
    for (const each of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('.dock [aria-keyshortcuts]'))) {
      const label = each.getAttribute('aria-label') ?? each.querySelector('span')?.textContent
      each.title = `${label} (${each.getAttribute('aria-keyshortcuts')?.toUpperCase()})`
    }
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
