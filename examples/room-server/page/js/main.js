import { Call } from '/client/call.js'
import { askedOfAddress } from '/client/encodings.js'
import { fragmentOf } from '/client/encryption.js'
import { LocalMedia } from '/client/local-media.js'
import { Bar } from './view/bar.js'
import { ChatView } from './view/chat.js'
import { chooseDevices } from './view/devices.js'
import { Dock } from './view/dock.js'
import { DownlinkBar } from './view/downlink-bar.js'
import { byId } from './view/element.js'
import { JoinView } from './view/join.js'
import { MixBar } from './view/mix-bar.js'
import { notice } from './view/notices.js'
import { Stage } from './view/stage.js'

const media = new LocalMedia()
const door = new JoinView(media, wanted => enter(wanted))

/** @param {import('./view/join.js').Wanted} wanted */
function enter(wanted) {
  const call = new Call({ ...wanted, media })
  // For the console, and for tests.
  Object.assign(globalThis, { call })
  call.addEventListener('refused', event => door.show(/** @type {CustomEvent} */ (event).detail))
  call.addEventListener('mode', () => openRoom(call, wanted.passphrase), { once: true })
}

/** @param {Call} call @param {string | null} passphrase */
function openRoom(call, passphrase) {
  // The link to pass on. What comes after # stays in the browser.
  history.replaceState(null, '', `/r/${encodeURIComponent(call.room)}${askedOfAddress()}${fragmentOf(passphrase)}`)
  document.title = `${call.room} · medialoom`
  door.hide()
  byId('room').hidden = false

  const stage = new Stage(call, askForTap)
  const chat = new ChatView(call)
  new Bar(call)
  new MixBar(call)
  const downlinkBar = new DownlinkBar(call)
  const dock = new Dock({
    media,
    call,
    stage,
    chat,
    downlinkBar,
    onDevices: () => chooseDevices(media, id => stage.setSpeaker(id)),
    onLeave: () => leave(''),
  })
  call.addEventListener('notice', event => {
    const { text, bad } = /** @type {CustomEvent} */ (event).detail
    notice(text, bad)
  })
  call.addEventListener('over', event => leave(/** @type {CustomEvent} */ (event).detail))
  // Said at once, rather than found out by the server when the connection times out.
  const onPageHide = () => call.leave()
  addEventListener('pagehide', onPageHide)
  for (const type of ['mode', 'state', 'participants']) call.dispatchEvent(new Event(type))

  function askForTap() {
    notice('Tap anywhere to hear the others')
    addEventListener('pointerdown', () => void stage.playAll(), { once: true })
  }

  /** @param {string} message */
  function leave(message) {
    removeEventListener('pagehide', onPageHide)
    call.leave()
    media.stopScreen()
    stage.close()
    dock.close()
    byId('room').hidden = true
    void door.show(message)
  }
}
