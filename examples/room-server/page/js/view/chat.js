import { byId, create, hueOf } from './element.js'
import { showBadge, SidePanel } from './side-panel.js'

const MOST_LINES = 500

/** Without the marks that end a sentence. */
const LINK = /https?:\/\/[^\s<>"']*[^\s<>"'.,:;!?)\]]/g

/** The chat beside the stage. */
export class ChatView {
  #panel = new SidePanel('chat', () => this.#read())
  #lines = byId('chat-lines')
  #input = /** @type {HTMLInputElement} */ (byId('chat-input'))
  #unread = byId('unread')
  #unreadCount = 0
  #call

  /** @param {import('/client/index.js').Room} call */
  constructor(call) {
    this.#call = call
    this.#lines.replaceChildren()
    call.on('chat', line => this.#add(line))
    const showWay = () => {
      this.#input.disabled = !call.permissions.canPublishData
      this.#input.placeholder = this.#input.disabled ? 'You may only read here' : 'Write to everyone'
      byId('chat-way').textContent = call.mode !== 'p2p' ? 'through the server' : 'straight to everyone'
    }
    call.on('settings', showWay)
    showWay()
    byId('chat-form').onsubmit = event => {
      event.preventDefault()
      this.#send()
    }
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

  #read() {
    this.#unreadCount = 0
    showBadge(this.#unread, 0)
    this.#lines.scrollTop = this.#lines.scrollHeight
    this.#input.focus()
  }

  #send() {
    const text = this.#input.value.trim()
    if (!text) return
    if (this.#call.sendChat(text)) {
      this.#add({ name: 'You', text, time: Date.now(), own: true })
      this.#input.value = ''
    } else {
      this.#append(create('li', { class: 'bad', text: 'Not everyone is connected yet. Try again in a moment.' }))
    }
  }

  /** @param {{ name: string, text: string, time: number, own?: boolean }} line */
  #add({ name, text, time, own = false }) {
    const author = create('b', { dir: 'auto', text: name || 'Someone' })
    author.style.setProperty('--hue', hueOf(name))
    const clock = new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
    const head = create('small', {}, author, document.createTextNode(clock))
    this.#append(create('li', { class: own ? 'own' : '' }, head, create('span', { dir: 'auto' }, ...withLinks(String(text)))))
    if (this.isOpen || own) return
    this.#unreadCount += 1
    showBadge(this.#unread, this.#unreadCount)
  }

  /** @param {HTMLElement} line */
  #append(line) {
    this.#lines.append(line)
    while (this.#lines.childElementCount > MOST_LINES) this.#lines.firstElementChild?.remove()
    this.#lines.scrollTop = this.#lines.scrollHeight
  }
}

/** @param {string} text @returns {Node[]} */
function withLinks(text) {
  const links = [...text.matchAll(LINK)].map(([href]) => create('a', { href, target: '_blank', rel: 'noopener noreferrer', text: href }))
  return text.split(LINK).flatMap((part, index) => [document.createTextNode(part), ...links.slice(index, index + 1)])
}
