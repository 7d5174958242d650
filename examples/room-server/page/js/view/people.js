import { inDoubt } from './doubt.js'
import { byId, create, hueOf, icon } from './element.js'
import { initials } from './initials.js'
import { showBadge, SidePanel } from './side-panel.js'

/**
 * @typedef {import('/client/index.js').Room} Room
 * @typedef {import('/client/index.js').Participant} Participant
 */

/** Who is here, who waits at the door, who wants to speak; and what hosts do about them. */
export class PeopleView {
  #panel = new SidePanel('people', () => this.#show())
  #call
  /** What was shown last, to build the list anew only when that changed. */
  #shown = ''

  /** @param {Room} call */
  constructor(call) {
    this.#call = call
    for (const type of /** @type {const} */ (['participants', 'settings', 'lobby', 'hand'])) call.addEventListener(type, () => this.#show())
    const { moderation } = call
    const lobby = /** @type {HTMLInputElement} */ (byId('room-lobby'))
    const lock = /** @type {HTMLInputElement} */ (byId('room-lock'))
    lobby.onchange = () => moderation.setLobby(lobby.checked)
    lock.onchange = () => moderation.setLocked(lock.checked)
    this.#show()
  }

  get isOpen() {
    return this.#panel.isOpen
  }

  /** @param {boolean} open */
  open(open) {
    this.#panel.open(open)
  }

  close() {
    this.#panel.close()
  }

  #show() {
    const { waiting, hands, permissions, locked, lobby } = this.#call
    const host = permissions.roomAdmin
    showBadge(byId('people-badge'), host ? waiting.length + hands.length : 0)
    byId('host-controls').hidden = !host
    Object.assign(byId('room-lobby'), { checked: lobby })
    Object.assign(byId('room-lock'), { checked: locked })
    if (!this.isOpen) return
    const people = this.#people()
    const shown = JSON.stringify([host, waiting, people])
    if (shown === this.#shown) return
    this.#shown = shown
    byId('people-count').textContent = countOf(this.#call)
    byId('people-waiting').hidden = !host || waiting.length === 0
    const used = document.activeElement instanceof HTMLElement && document.activeElement.dataset.of
    byId('waiting-list').replaceChildren(...waiting.map(each => this.#waitingLine(each)))
    byId('people-list').replaceChildren(...people.map(each => this.#line(each, host)))
    if (used) this.#keepPlace(used)
  }

  /** Who goes by the keyboard stays at the button that they used, though it is another one now. @param {string} used */
  #keepPlace(used) {
    const buttons = /** @type {HTMLElement[]} */ ([...byId('people').querySelectorAll('button[data-of]')])
    ;(buttons.find(button => button.dataset.of === used) ?? byId('people-close')).focus()
  }

  /** Those with a hand up first, in their order; listeners among them. */
  #people() {
    const { participants, hands } = this.#call
    const asking = hands
      .filter(({ id }) => !participants.has(id))
      .map(({ id, name }) => ({ id, name, role: 'listener', hand: true, own: false, audio: true, muted: false, off: false }))
    const people = [...participants.values()].map(({ id, name, role, hand, isLocal, audio, moderated }) => ({
      id,
      name,
      role,
      hand: hand !== null,
      own: isLocal,
      audio,
      muted: moderated.audio,
      off: moderated.video
    }))
    const place = (/** @type {{ id: string }} */ { id }) => {
      const index = hands.findIndex(hand => hand.id === id)
      return index < 0 ? Infinity : index
    }
    return [...asking, ...people].sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)))
  }

  /** @param {{ id: string, name: string }} guest */
  #waitingLine({ id, name }) {
    const { moderation } = this.#call
    return create(
      'li',
      {},
      face(name),
      create('span', {}, create('bdi', { text: name })),
      create(
        'div',
        {},
        action(`${id} in`, 'check', `Let ${name} in`, () => moderation.admit(id)),
        action(`${id} away`, 'close', `Turn ${name} away`, () => moderation.reject(id), 'danger')
      )
    )
  }

  /** @param {{ id: string, name: string, role: string, hand: boolean, own: boolean, audio: boolean, muted: boolean, off: boolean }} person @param {boolean} host */
  #line({ id, name, role, hand, own, audio, muted, off }, host) {
    const { moderation } = this.#call
    const about = [own ? 'you' : '', ROLE_WORDS[role] ?? '', muted ? 'muted by a host' : '', off ? 'camera off by a host' : '']
      .filter(Boolean)
      .join(', ')
    const line = create('li', {}, face(name), create('span', {}, create('bdi', { text: name }), create('small', { text: about })))
    if (hand) line.append(icon('hand'))
    line.setAttribute('aria-label', [name, about, hand ? 'hand raised' : ''].filter(Boolean).join(', '))
    if (!host || own) return line
    const controls = create('div')
    if (role === 'member' || role === 'publisher') {
      controls.append(
        muted
          ? action(`${id} audio`, 'mic-off', `Let ${name} speak again`, () => moderation.unmute(id, 'audio'), 'off')
          : action(`${id} audio`, audio ? 'mic' : 'mic-off', `Mute ${name}`, () => moderation.mute(id, 'audio')),
        off
          ? action(`${id} video`, 'camera-off', `Let ${name} show the camera again`, () => moderation.unmute(id, 'video'), 'off')
          : action(`${id} video`, 'camera', `Switch the camera of ${name} off`, () => moderation.mute(id, 'video'))
      )
    }
    controls.append(
      action(`${id} kick`, 'door', `Take ${name} out of the room`, () => moderation.kick(id), 'danger'),
      inDoubt(
        action(`${id} ban`, 'ban', `Ban ${name} from the room`, () => moderation.ban(id), 'danger'),
        { label: `Ban ${name} for good`, title: 'Once more, and they cannot come again' }
      )
    )
    line.append(controls)
    return line
  }
}

/** @type {Record<string, string>} */
const ROLE_WORDS = { agent: 'an agent', listener: 'listens', publisher: 'streams in', viewer: 'watches' }

/** @param {Room} call */
function countOf({ participants, listeners }) {
  return listeners > 0 ? `${participants.size} here, ${listeners} listening` : `${participants.size} here`
}

/** @param {string} name */
function face(name) {
  const element = create('i', { text: initials(name), 'aria-hidden': 'true' })
  element.style.setProperty('--hue', hueOf(name))
  return element
}

/** @param {string} of whom it is about, and what @param {string} symbol @param {string} label @param {() => void} run @param {string} [kind] */
function action(of, symbol, label, run, kind = '') {
  const attributes = { type: 'button', class: `quiet ${kind}`.trim(), 'aria-label': label, title: label, 'data-of': of }
  const button = create('button', attributes, icon(symbol))
  button.onclick = run
  return button
}
