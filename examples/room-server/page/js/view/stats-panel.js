import { bitrate } from './bitrate.js'
import { create } from './element.js'
import { compareEncodings, encodingName } from './encoding-name.js'
import { LayerGraph } from './layer-graph.js'
import { layerText, reasonText } from './layer-text.js'

/**
 * @typedef {import('/client/index.js').TrackFigures} TrackFigures
 * @typedef {import('/client/index.js').EncodingChoice} EncodingChoice
 * @typedef {import('/client/index.js').Forwarded} Forwarded
 * @typedef {import('/client/index.js').StreamFigures} StreamFigures
 */

/**
 * The panel of one tile: the layer that is sent and why, with the last minute of it; bitrate,
 * resolution, loss; and the encoding with buttons to choose another.
 */
export class StatsPanel {
  element
  #title
  #spark
  #curve
  #layer = create('b')
  #reason = create('span')
  #layerNow = create('p', { class: 'layer-now' }, this.#layer, this.#reason)
  #graph = new LayerGraph()
  #rows
  #encodings
  #onSelect
  /** What the buttons were made of, to make them anew only when that changed. */
  #shownEncodings = ''

  /** @param {(encoding: string) => void} onSelect */
  constructor(onSelect) {
    this.#onSelect = onSelect
    this.#title = create('h4')
    const spark = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
    spark.setAttribute('class', 'spark')
    spark.setAttribute('viewBox', '0 0 40 10')
    spark.setAttribute('preserveAspectRatio', 'none')
    spark.setAttribute('aria-hidden', 'true')
    this.#curve = document.createElementNS('http://www.w3.org/2000/svg', 'path')
    this.#curve.setAttribute('vector-effect', 'non-scaling-stroke')
    spark.append(this.#curve)
    this.#spark = spark
    this.#rows = create('dl')
    this.#encodings = create('div', { class: 'encodings', role: 'group', 'aria-label': 'Encoding' })
    this.element = create(
      'section',
      { class: 'tile-stats' },
      this.#title,
      this.#layerNow,
      this.#graph.element,
      spark,
      this.#rows,
      this.#encodings
    )
    this.element.hidden = true
  }

  /**
   * @param {object} shown
   * @param {TrackFigures | undefined} shown.video
   * @param {TrackFigures | undefined} shown.audio
   * @param {number[]} shown.history bitrates of the video, or of the audio without one
   * @param {EncodingChoice | undefined} shown.choice
   * @param {Forwarded | undefined} shown.forwarded what the server sends of the video
   * @param {StreamFigures | undefined} shown.figures
   */
  show({ video, audio, history, choice, forwarded, figures }) {
    const main = video ?? audio
    this.#title.textContent = main?.sent ? 'Sent' : 'Received'
    this.#layerNow.hidden = forwarded === undefined
    if (forwarded) {
      this.#layer.textContent = layerText(latest(forwarded.layer, figures))
      this.#reason.textContent = reasonText(forwarded, choice)
      this.#layerNow.dataset.reason = forwarded.layer ? forwarded.reason : 'paused'
    }
    this.#graph.show(figures)
    // The graph shows the same, and more.
    this.#spark.classList.toggle('unused', figures !== undefined)
    this.#curve.setAttribute('d', curve(history))
    /** @type {[string, string, boolean?][]} */
    const rows = []
    if (video) {
      rows.push(['Video', bitrate(video.bitrate)])
      rows.push([
        'Resolution',
        video.width ? `${video.width}×${video.height}${video.framesPerSecond ? ` @${Math.round(video.framesPerSecond)}` : ''}` : '–'
      ])
    }
    if (audio) rows.push(['Audio', bitrate(audio.bitrate)])
    if (main) rows.push(['Loss', `${(main.loss * 100).toFixed(1)} % (${main.packetsLost})`, main.loss > 0.02])
    const codecs = [video?.codec, audio?.codec].filter(Boolean).join(' + ')
    if (codecs) rows.push(['Codec', codecs])
    if (main?.roundTripTime !== undefined) rows.push(['Round trip', `${Math.round(main.roundTripTime * 1000)} ms`])
    if (main?.jitter !== undefined) rows.push(['Jitter', `${Math.round(main.jitter * 1000)} ms`])
    for (const encoding of [...(video?.encodings ?? [])].sort((a, b) => compareEncodings(a.rid, b.rid))) {
      const sent = `${encoding.width}×${encoding.height}  ${bitrate(encoding.bitrate)}`
      rows.push([encodingName(encoding.rid), encoding.active ? sent : 'off: nobody takes it'])
    }
    if (choice?.current) rows.push(['Encoding', `${encodingName(choice.current)} (${choice.current})`])
    this.#rows.replaceChildren(
      ...rows.flatMap(([name, value, bad]) => [create('dt', { text: name }), create('dd', { text: value, class: bad ? 'bad' : '' })])
    )
    this.#showEncodings(choice)
  }

  /** @param {EncodingChoice | undefined} choice */
  #showEncodings(choice) {
    const shown = JSON.stringify(choice ?? null)
    if (shown === this.#shownEncodings) return
    this.#shownEncodings = shown
    const focused = this.#encodings.contains(document.activeElement)
      ? /** @type {HTMLElement} */ (document.activeElement).dataset.encoding
      : null
    const encodings = choice && choice.encodings.length > 1 ? ['auto', ...choice.encodings] : []
    this.#encodings.hidden = encodings.length === 0
    this.#encodings.replaceChildren(
      ...encodings.map(encoding => {
        const button = create('button', {
          type: 'button',
          text: encodingName(encoding),
          class: encoding === choice?.current ? 'current' : '',
          'aria-pressed': String(encoding === choice?.selected),
          'data-encoding': encoding,
          title: encoding === 'auto' ? 'The best there is' : `Encoding ${encoding}`
        })
        button.onclick = () => this.#onSelect(encoding)
        return button
      })
    )
    if (focused) /** @type {HTMLElement | null} */ (this.#encodings.querySelector(`[data-encoding="${CSS.escape(focused)}"]`))?.focus()
  }
}

/**
 * A layer as it is measured now; the server told it as it was when it was chosen.
 * @param {Forwarded['layer']} layer
 * @param {StreamFigures | undefined} figures
 * @returns {Forwarded['layer']}
 */
function latest(layer, figures) {
  const step = figures?.steps.find(each => each.rid === layer?.rid && each.spatial === layer.spatial && each.temporal === layer.temporal)
  if (!layer || !step) return layer
  return {
    ...layer,
    bitrate: step.bitrate,
    ...(step.width && step.height && { width: step.width, height: step.height }),
    ...(step.frameRate && { frameRate: step.frameRate })
  }
}

/** A closed path over 40 seconds, the newest at the right. @param {number[]} history */
function curve(history) {
  if (history.length < 2) return ''
  const top = Math.max(...history, 1)
  const points = history.map((value, index) => `${40 - history.length + 1 + index - 0.5} ${(9.5 - (value / top) * 8.5).toFixed(2)}`)
  return `M${40 - history.length + 0.5} 10L${points.join('L')}L39.5 10`
}
