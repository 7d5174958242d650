import { readLink } from '/client/index.js'
import { AdminApi, ApiError } from './admin-api.js'
import { claimsOf } from './token-claims.js'
import { byId } from './view/element.js'
import { roomLine } from './view/admin-room.js'

/** Milliseconds between two looks. Each asks for the list, and for every room that is open. */
const LOOK_MS = 3000
/** So many rooms are open by themselves. */
const FEW = 5

const { server, token } = readLink(location.href)
const list = byId('rooms')
const state = byId('state')
let api = new AdminApi(server, token)
let granted = token
let shown = ''
let looks = 0
/** By name, what somebody opened or closed. @type {Map<string, boolean>} */
const opened = new Map()

byId('door').onsubmit = event => {
  event.preventDefault()
  const { value } = /** @type {HTMLInputElement} */ (byId('token'))
  granted = /[#?]/.test(value) && URL.canParse(value, location.href) ? readLink(value).token : value.trim()
  api = new AdminApi(server, granted)
  // Loaded again, the page opens by itself.
  history.replaceState(null, '', `#${new URLSearchParams({ token: granted ?? '' })}`)
  byId('door').hidden = true
  void look()
}

void look()
setInterval(() => document.visibilityState === 'visible' && byId('door').hidden && void look(), LOOK_MS)

async function look() {
  const own = ++looks
  try {
    const rooms = await roomsToShow()
    // A later look has what is true now.
    if (own !== looks) return
    say(rooms.length === 1 ? '1 room' : `${rooms.length} rooms`)
    const now = JSON.stringify(rooms)
    // A button that somebody is about to press stays where it is.
    if (now === shown || list.querySelector('button.sure')) return
    shown = now
    const used = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.of : undefined
    list.replaceChildren(...rooms.map(room => roomLine(room, api, { act, open })))
    if (used !== undefined) [...list.querySelectorAll('button')].find(button => button.dataset.of === used)?.focus()
  } catch (error) {
    if (own !== looks) return
    const { message } = /** @type {Error} */ (error)
    if (error instanceof ApiError && (error.status === 401 || error.status === 403)) {
      shown = ''
      list.replaceChildren()
      byId('door').hidden = false
    }
    say(message, true)
  }
}

/** All rooms, or the one that the token is for. */
async function roomsToShow() {
  const { room: only = '*' } = claimsOf(granted).video ?? {}
  if (only !== '*') return [await api.room(only)].filter(room => room !== null)
  const rooms = await api.rooms()
  return Promise.all(
    rooms.map(async room => ((opened.get(room.name) ?? rooms.length <= FEW) ? ((await api.room(room.name)) ?? room) : room))
  )
}

/** @param {string} room @param {boolean} on */
function open(room, on) {
  opened.set(room, on)
  void look()
}

/** @param {() => Promise<unknown>} action */
async function act(action) {
  try {
    await action()
  } catch (error) {
    say(/** @type {Error} */ (error).message, true)
    return
  }
  await look()
}

/** @param {string} text @param {boolean} [bad] */
function say(text, bad = false) {
  state.textContent = text
  state.classList.toggle('bad', bad)
}
