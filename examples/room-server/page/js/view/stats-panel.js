import { create } from './element.js'
import { encodingName } from './encoding-name.js'

/**
 * @typedef {import('../statistics.js').TrackFigures} TrackFigures
 * @typedef {import('../call.js').EncodingChoice} EncodingChoice
 */

/** The panel of one tile: bitrate, resolution, loss, and the encoding with buttons to choose another. */
export class StatsPanel {
  element
  #title
  #curve
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
    this.#rows = create('dl')
    this.#encodings = create('div', { class: 'encodings', role: 'group', 'aria-label': 'Encoding' })
    this.element = create('section', { class: 'tile-stats' }, this.#title, spark, this.#rows, this.#encodings)
    this.element.hidden = true
  }

  /**
   * @param {object} shown
   * @param {TrackFigures | undefined} shown.video
   * @param {TrackFigures | undefined} shown.audio
   * @param {number[]} shown.history bitrates of the video, or of the audio without one
   * @param {EncodingChoice | undefined} shown.choice
   */
  show({ video, audio, history, choice }) {
    const main = video ?? audio
    this.#title.textContent = main?.sent ? 'Sent' : 'Received'
    this.#curve.setAttribute('d', curve(history))
    /** @type {[string, string, boolean?][]} */
    const rows = []
    if (video) {
      rows.push(['Video', bitrate(video.bitrate)])
      rows.push(['Resolution', video.width ? `${video.width}×${video.height}${video.framesPerSecond ? ` @${Math.round(video.framesPerSecond)}` : ''}` : '–'])
    }
    if (audio) rows.push(['Audio', bitrate(audio.bitrate)])
    if (main) rows.push(['Loss', `${(main.loss * 100).toFixed(1)} % (${main.packetsLost})`, main.loss > 0.02])
    const codecs = [video?.codec, audio?.codec].filter(Boolean).join(' + ')
    if (codecs) rows.push(['Codec', codecs])
    if (main?.roundTripTime !== undefined) rows.push(['Round trip', `${Math.round(main.roundTripTime * 1000)} ms`])
    if (main?.jitter !== undefined) rows.push(['Jitter', `${Math.round(main.jitter * 1000)} ms`])
    for (const encoding of video?.encodings ?? []) {
      rows.push([encodingName(encoding.rid), `${encoding.width}×${encoding.height}  ${bitrate(encoding.bitrate)}`])
    }
    if (choice?.current) rows.push(['Encoding', `${encodingName(choice.current)} (${choice.current})`])
    this.#rows.replaceChildren(
      ...rows.flatMap(([name, value, bad]) => [create('dt', { text: name }), create('dd', { text: value, class: bad ? 'bad' : '' })]),
    )
    this.#showEncodings(choice)
  }

  /** @param {EncodingChoice | undefined} choice */
  #showEncodings(choice) {
    const shown = JSON.stringify(choice ?? null)
    if (shown === this.#shownEncodings) return
    this.#shownEncodings = shown
    const focused = this.#encodings.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.encoding : null
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
          title: encoding === 'auto' ? 'The best there is' : `Encoding ${encoding}`,
        })
        button.onclick = () => this.#onSelect(encoding)
        return button
      }),
    )
    if (focused) /** @type {HTMLElement | null} */ (this.#encodings.querySelector(`[data-encoding="${CSS.escape(focused)}"]`))?.focus()
  }
}

/** @param {number} bitsPerSecond */
function bitrate(bitsPerSecond) {
  return bitsPerSecond >= 1e6 ? `${(bitsPerSecond / 1e6).toFixed(2)} Mbit/s` : `${Math.round(bitsPerSecond / 1000)} kbit/s`
}

/** A closed path over 40 seconds, the newest at the right. @param {number[]} history */
function curve(history) {
  if (history.length < 2) return ''
  const top = Math.max(...history, 1)
  const points = history.map((value, index) => `${40 - history.length + 1 + index - 0.5} ${(9.5 - (value / top) * 8.5).toFixed(2)}`)
  return `M${40 - history.length + 0.5} 10L${points.join('L')}L39.5 10`
}
