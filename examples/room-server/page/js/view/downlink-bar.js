import { bitrate } from './bitrate.js'
import { byId } from './element.js'

/** Bits per second at the left end of the slider, and just before its right end, which is no limit. */
const LOWEST = 100_000
const HIGHEST = 5_000_000
/** Of the slider: as many steps, in equal proportions. */
const STEPS = 60
/** The server takes five changes a second. */
const DELAY_MS = 250

/** This page's link from the server, with a slider to make it narrower and see what happens. */
export class DownlinkBar {
  #element = byId('downlink')
  #slider = /** @type {HTMLInputElement} */ (byId('downlink-limit'))
  #call
  #open = false
  /** @type {number | undefined} */
  #timer

  /** @param {import('/client/index.js').Room} call */
  constructor(call) {
    this.#call = call
    this.#slider.max = String(STEPS)
    this.#slider.value = String(STEPS)
    this.#slider.oninput = () => {
      this.#showLimit()
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined
        call.downlink.setLimit(limitAt(this.#slider.valueAsNumber))
      }, DELAY_MS)
    }
    call.downlink.on('figures', () => this.#showLink())
    call.on('settings', () => this.#show())
    this.#showLimit()
    this.#show()
  }

  /** @param {boolean} open */
  open(open) {
    this.#open = open
    this.#show()
  }

  #show() {
    // In mode p2p nothing comes from the server.
    this.#element.hidden = !this.#open || this.#call.mode === 'p2p'
    this.#showLink()
  }

  #showLink() {
    const { link } = this.#call.downlink
    byId('downlink-available').textContent = link && link.available > 0 ? bitrate(link.available) : 'not known'
    byId('downlink-target').textContent = link ? bitrate(link.target) : '–'
    byId('downlink-wanted').textContent = link?.wanted ? bitrate(link.wanted) : 'all is sent'
    byId('downlink-loss').textContent = link ? `${(link.fractionLost * 100).toFixed(1)} %` : '–'
    byId('downlink-delay').textContent = link ? `${Math.round(link.queueDelay)} ms` : '–'
  }

  #showLimit() {
    const limit = limitAt(this.#slider.valueAsNumber)
    const words = limit === null ? 'unlimited' : bitrate(limit)
    byId('downlink-limit-text').textContent = words
    this.#slider.setAttribute('aria-valuetext', words)
    this.#element.classList.toggle('limited', limit !== null)
  }
}

/** @param {number} position @returns {number | null} bits per second, null for no limit */
export function limitAt(position) {
  if (position >= STEPS) return null
  const value = LOWEST * (HIGHEST / LOWEST) ** (position / (STEPS - 1))
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1)
  return Math.round(value / unit) * unit
}
