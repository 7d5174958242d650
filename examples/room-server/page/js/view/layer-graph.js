import { bitrate } from './bitrate.js'
import { create } from './element.js'

const SECONDS = 60
const HEIGHT = 76
/** Room for the names of the steps, at the right. */
const NAMES_WIDTH = 34
/** Names nearer to each other than this are left out. */
const NAME_HEIGHT = 10

/** @typedef {import('/client/index.js').StreamFigures} StreamFigures */

/**
 * The last minute of one stream: what the link carries, what is sent, and the steps there are.
 *
 * Bitrates are drawn by their square root: the smallest of a simulcast is a tenth of the largest,
 * and what happens down there matters most on a bad link.
 */
export class LayerGraph {
  element
  #canvas
  #link
  #sent

  constructor() {
    this.#canvas = create('canvas', { role: 'img' })
    this.#link = create('span', { class: 'key-link' })
    this.#sent = create('span', { class: 'key-sent' })
    this.element = create('figure', { class: 'layer-graph' }, this.#canvas, create('figcaption', {}, this.#link, this.#sent))
    this.element.hidden = true
  }

  /** @param {StreamFigures | undefined} figures */
  show(figures) {
    const last = figures?.samples.at(-1)
    this.element.hidden = last === undefined
    if (!figures || !last) return
    this.#link.textContent = last.available > 0 ? `Link ${bitrate(last.available)}` : 'Link not known'
    this.#sent.textContent = `Sent ${bitrate(last.sent)}`
    this.#canvas.setAttribute('aria-label', `${this.#link.textContent}, ${this.#sent.textContent}, over the last minute`)
    this.#draw(figures)
  }

  /** @param {StreamFigures} figures */
  #draw({ samples, steps }) {
    const canvas = this.#canvas
    const context = canvas.getContext('2d')
    const width = canvas.clientWidth
    if (!context || width === 0) return
    const scale = Math.min(devicePixelRatio, 3)
    canvas.width = Math.round(width * scale)
    canvas.height = Math.round(HEIGHT * scale)
    context.scale(scale, scale)

    // A link that carries far more than there is to send would press everything else to the ground.
    const top = 1.15 * Math.max(...samples.map(sample => sample.sent), ...steps.map(step => step.bitrate), 100_000)
    const right = width - NAMES_WIDTH
    const yOf = (/** @type {number} */ value) => HEIGHT - 1 - Math.sqrt(Math.min(value, top) / top) * (HEIGHT - 3)
    const xOf = (/** @type {number} */ index) => right - ((samples.length - 1 - index) / (SECONDS - 1)) * right
    const styles = getComputedStyle(canvas)
    const colour = (/** @type {string} */ name) => styles.getPropertyValue(name)

    const trace = (/** @type {(sample: StreamFigures['samples'][number]) => number | null} */ read) => {
      context.beginPath()
      let known = false
      for (const [index, sample] of samples.entries()) {
        const value = read(sample)
        // The line breaks where nothing is known.
        if (value !== null) context[known ? 'lineTo' : 'moveTo'](xOf(index), yOf(value))
        known = value !== null
      }
    }
    context.lineWidth = 1
    context.setLineDash([2, 3])
    for (const step of steps) {
      if (step.bitrate === 0) continue
      context.strokeStyle = colour(step.active ? '--graph-step' : '--graph-step-off')
      context.beginPath()
      context.moveTo(0, yOf(step.bitrate))
      context.lineTo(right, yOf(step.bitrate))
      context.stroke()
    }
    context.setLineDash([])

    trace(sample => sample.sent)
    context.lineTo(xOf(samples.length - 1), HEIGHT)
    context.lineTo(xOf(0), HEIGHT)
    context.fillStyle = colour('--graph-sent-area')
    context.fill()
    context.lineWidth = 1.75
    context.strokeStyle = colour('--graph-sent')
    trace(sample => sample.sent)
    context.stroke()
    context.strokeStyle = colour('--graph-link')
    trace(sample => sample.available || null)
    context.stroke()
    this.#nameSteps(context, { steps, right, yOf, colour: colour('--graph-name') })
  }

  /**
   * The size of each step beside its line, the larger ones first.
   * @param {CanvasRenderingContext2D} context
   * @param {{ steps: StreamFigures['steps'], right: number, yOf: (value: number) => number, colour: string }} options
   */
  #nameSteps(context, { steps, right, yOf, colour }) {
    context.fillStyle = colour
    context.font = '9px system-ui, sans-serif'
    context.textBaseline = 'middle'
    let lowest = -Infinity
    const named = new Set()
    for (const { bitrate: value, height } of [...steps].sort((a, b) => b.bitrate - a.bitrate)) {
      const y = Math.min(Math.max(yOf(value), NAME_HEIGHT / 2), HEIGHT - NAME_HEIGHT / 2)
      if (!height || named.has(height) || value === 0 || y - lowest < NAME_HEIGHT) continue
      named.add(height)
      lowest = y
      context.fillText(`${height}p`, right + 5, y)
    }
  }
}
