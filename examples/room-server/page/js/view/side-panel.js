import { byId } from './element.js'

/** A panel beside the stage, with its button in the dock. There is place for one: opening it closes the others. */
export class SidePanel {
  /** @type {Set<SidePanel>} */
  static #all = new Set()
  #panel
  #button
  #onOpen

  /**
   * @param {string} name of the elements: `chat`, `chat-button`, `chat-close`
   * @param {() => void} onOpen
   */
  constructor(name, onOpen) {
    this.#panel = byId(name)
    this.#button = byId(`${name}-button`)
    this.#onOpen = onOpen
    this.#button.onclick = () => this.open(!this.isOpen)
    byId(`${name}-close`).onclick = () => this.#leave()
    this.#panel.tabIndex = -1
    this.open(false)
    SidePanel.#all.add(this)
  }

  get isOpen() {
    return !this.#panel.hidden
  }

  /** @param {boolean} open */
  open(open) {
    if (open) for (const other of SidePanel.#all) if (other !== this) other.open(false)
    this.#panel.hidden = !open
    this.#button.setAttribute('aria-pressed', String(open))
    this.#button.classList.toggle('on', open)
    if (!open) return
    // Whoever goes by the keyboard goes on in it.
    this.#panel.focus({ preventScroll: true })
    this.#onOpen()
  }

  /** Closes the one that is open. */
  static leaveOpen() {
    for (const panel of SidePanel.#all) if (panel.isOpen) panel.#leave()
  }

  /** Whoever closes it is where they were before. */
  #leave() {
    this.open(false)
    this.#button.focus()
  }

  close() {
    SidePanel.#all.delete(this)
  }
}

/** A number at a button of the dock. @param {HTMLElement} badge @param {number} count */
export function showBadge(badge, count) {
  badge.textContent = String(Math.min(count, 99))
  badge.hidden = count === 0
}
