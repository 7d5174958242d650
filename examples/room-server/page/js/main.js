import { LocalMedia, readLink, Room, writeLink } from '/client/index.js'
import { address, showRoom } from './address.js'
import { announce } from './view/announcements.js'
import { Bar } from './view/bar.js'
import { ChatView } from './view/chat.js'
import { chooseDevices } from './view/devices.js'
import { Dock } from './view/dock.js'
import { DownlinkBar } from './view/downlink-bar.js'
import { byId } from './view/element.js'
import { offerEncoders } from './view/encoder.js'
import { farewellOf, WITH_FAREWELL } from './view/farewell.js'
import { offerLinks } from './view/invite.js'
import { JoinView } from './view/join.js'
import { MixBar } from './view/mix-bar.js'
import { notice } from './view/notices.js'
import { PeopleView } from './view/people.js'
import { RecordingMark } from './view/recording-mark.js'
import { RecordingsView } from './view/recordings.js'
import { Stage } from './view/stage.js'

const media = new LocalMedia()
const door = new JoinView(media, wanted => void enter(wanted))

/** @param {import('./view/join.js').Wanted} wanted */
async function enter({ room, ...wanted }) {
  const { server, token, publish } = address
  const call = new Room(server, token, { ...wanted, room, media, publish })
  // For the console, and for tests.
  Object.assign(globalThis, { call })
  call.on('waiting', () => door.showWaiting(room, () => call.leave()))
  call.on('ended', sayWhy)
  try {
    await call.join()
  } catch {
    // The event `ended` tells of it.
    return
  }
  openRoom(call, wanted.key)
}

/** @param {{ code: string, message: string }} end */
function sayWhy({ code, message }) {
  if (WITH_FAREWELL.includes(code)) door.showFarewell(farewellOf({ code, message }))
  else void door.show(code === 'left' ? '' : message)
}

/** @param {Room} call @param {string | null} key */
function openRoom(call, key) {
  // The link to pass on. What comes after # stays in the browser.
  showRoom({ room: call.name, key })
  door.hide()
  byId('room').hidden = false

  const stage = new Stage(call, askForTap)
  const chat = new ChatView(call)
  const people = new PeopleView(call)
  const recordings = new RecordingsView(call)
  const mark = new RecordingMark(call)
  new Bar(call)
  offerLinks(call)
  offerEncoders(call)
  new MixBar(call)
  const downlinkBar = new DownlinkBar(call)
  const dock = new Dock({
    media,
    call,
    stage,
    chat,
    people,
    recordings,
    downlinkBar,
    onDevices: () => chooseDevices(media, id => stage.setSpeaker(id)),
    onLeave: () => call.leave()
  })
  announce(call)
  call.on('moving', ({ url }) => {
    // A page may talk to the server that it came from only: on another one it is loaded anew.
    if (url && new URL(url).origin !== location.origin)
      location.replace(writeLink({ ...readLink(location.href), server: readLink(url).server, room: call.name }))
  })
  // Said at once, rather than found out by the server when the connection times out.
  const onPageHide = () => call.leave()
  addEventListener('pagehide', onPageHide)
  call.on('ended', () => {
    removeEventListener('pagehide', onPageHide)
    media.stopScreen()
    stage.close()
    chat.close()
    people.close()
    recordings.close()
    mark.close()
    dock.close()
    byId('room').hidden = true
  })

  function askForTap() {
    notice('Tap anywhere to hear the others')
    addEventListener('pointerdown', () => void stage.playAll(), { once: true })
  }
}
