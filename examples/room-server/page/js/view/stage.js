import { byId } from './element.js'
import { encodingName } from './encoding-name.js'
import { spotlight } from './layout.js'
import { Tile } from './tile.js'

/** Room around the tiles for the ring of who speaks. */
const MARGIN = 5

/** Everyone's tiles, laid out to fill the stage. */
export class Stage {
  #element = byId('stage')
  #call
  /** By participant id and source or stream. @type {Map<string, { tile: Tile, streamId: string | null }>} */
  #tiles = new Map()
  #panelsOpen = false
  #speaker = ''
  #onBlocked
  #resize = new ResizeObserver(() => this.#layOut())
  #timer

  /**
   * @param {import('../call.js').Call} call
   * @param {() => void} onBlocked the browser wants a tap before it plays sound
   */
  constructor(call, onBlocked) {
    this.#call = call
    this.#onBlocked = onBlocked
    this.#resize.observe(this.#element)
    for (const type of ['participants', 'stream', 'encoding', 'speaking', 'mode']) {
      call.addEventListener(type, () => this.render())
    }
    this.#timer = setInterval(() => this.#showFigures(), 1000)
  }

  render() {
    const call = this.#call
    /** @type {Set<string>} */
    const wanted = new Set()
    for (const participant of call.participants.values()) {
      if (participant.role === 'viewer') continue
      const own = participant.id === call.own
      const streams = own ? ownStreams(call) : participant.streams.map(({ id, source }) => ({ id, source, stream: call.streams.get(id) ?? null }))
      const camera = streams.find(each => each.source === 'camera') ?? { id: null, source: /** @type {const} */ ('camera'), stream: null }
      for (const { id, source, stream } of [camera, ...streams.filter(each => each.source === 'screen')]) {
        const key = source === 'camera' ? participant.id : `${participant.id}/${id}`
        wanted.add(key)
        const { tile } = this.#tileOf(key, source, own, id)
        const before = tile.stream
        const encoding = id ? call.encodings.get(id) : undefined
        const video = source === 'screen' || (own ? call.media.video : participant.video && stream !== null)
        tile.show({
          name: participant.name,
          stream,
          audio: own ? call.media.audio : participant.audio,
          video,
          speaking: source === 'camera' && call.speaking.has(participant.id),
          note: video && encoding && encoding.encodings.length > 1 && encoding.current ? encodingName(encoding.current) : '',
        })
        if (tile.stream !== before) void this.#play(tile)
      }
    }
    for (const [key, { tile }] of this.#tiles) {
      if (wanted.has(key)) continue
      tile.remove()
      this.#tiles.delete(key)
    }
    this.#layOut()
  }

  /** @param {boolean} open */
  openPanels(open) {
    this.#panelsOpen = open
    for (const { tile } of this.#tiles.values()) tile.openPanel(open)
    void this.#showFigures()
  }

  /** @param {string} deviceId */
  setSpeaker(deviceId) {
    this.#speaker = deviceId
    for (const { tile } of this.#tiles.values()) void tile.setSpeaker(deviceId)
  }

  /** Plays what the browser held back, after a tap. */
  async playAll() {
    await Promise.all([...this.#tiles.values()].map(({ tile }) => tile.play()))
  }

  close() {
    clearInterval(this.#timer)
    this.#resize.disconnect()
    for (const { tile } of this.#tiles.values()) tile.remove()
    this.#tiles.clear()
  }

  /** @param {string} key @param {'camera' | 'screen'} source @param {boolean} own @param {string | null} streamId */
  #tileOf(key, source, own, streamId) {
    let entry = this.#tiles.get(key)
    if (!entry) {
      const tile = new Tile({
        source,
        own,
        onSelectEncoding: encoding => {
          const id = this.#tiles.get(key)?.streamId
          if (id) this.#call.selectEncoding(id, encoding)
        },
      })
      entry = { tile, streamId }
      this.#tiles.set(key, entry)
      this.#element.append(tile.element)
      tile.openPanel(this.#panelsOpen)
      if (this.#speaker) void tile.setSpeaker(this.#speaker)
    }
    // A new connection brings the same picture under another id.
    entry.streamId = streamId
    return entry
  }

  /** @param {Tile} tile */
  async #play(tile) {
    if (!(await tile.play())) this.#onBlocked()
  }

  #layOut() {
    const area = {
      left: MARGIN,
      top: MARGIN,
      width: this.#element.clientWidth - 2 * MARGIN,
      height: this.#element.clientHeight - 2 * MARGIN,
    }
    const tiles = [...this.#tiles.values()].map(entry => entry.tile)
    const screens = tiles.filter(tile => tile.source === 'screen')
    const cameras = tiles.filter(tile => tile.source === 'camera')
    const boxes = spotlight(screens.length, cameras.length, area)
    screens.forEach((tile, index) => place(tile.element, boxes.screens[index]))
    cameras.forEach((tile, index) => place(tile.element, boxes.cameras[index]))
  }

  async #showFigures() {
    const figures = await this.#call.figures()
    for (const { tile, streamId } of this.#tiles.values()) {
      if (!tile.panelOpen || !tile.stream) continue
      const [audioTrack] = tile.stream.getAudioTracks()
      const [videoTrack] = tile.stream.getVideoTracks()
      tile.panel.show({
        audio: audioTrack && figures.get(audioTrack.id),
        video: videoTrack && figures.get(videoTrack.id),
        history: this.#call.bitrateHistory((videoTrack ?? audioTrack)?.id),
        choice: streamId ? this.#call.encodings.get(streamId) : undefined,
      })
    }
  }
}

/** @param {import('../call.js').Call} call */
function ownStreams({ media }) {
  return [
    { id: media.camera.id, source: /** @type {const} */ ('camera'), stream: media.camera },
    ...(media.screen ? [{ id: media.screen.id, source: /** @type {const} */ ('screen'), stream: media.screen }] : []),
  ]
}

/** @param {HTMLElement} element @param {import('./layout.js').Box | undefined} box */
function place(element, box) {
  if (!box) return
  for (const side of /** @type {const} */ (['left', 'top', 'width', 'height'])) element.style[side] = `${box[side]}px`
}
