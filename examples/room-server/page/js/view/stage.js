import { MIX } from '/client/call.js'
import { byId } from './element.js'
import { encodingName } from './encoding-name.js'
import { reasonText } from './layer-text.js'
import { fitting, spotlight } from './layout.js'
import { pictureSize } from './picture-size.js'
import { Tile } from './tile.js'

/** Room around the tiles for the ring of who speaks. */
const MARGIN = 5
/** What gets its layers first when the link is too small for all, from 1 to 100. */
const PRIORITY = { screen: 10, speaker: 4, others: 1 }
/** A page in the background wants the least there is, so that a picture is there when it comes back. */
const UNSEEN = { width: 1, height: 1 }

/** Everyone's tiles, laid out to fill the stage. */
export class Stage {
  #element = byId('stage')
  #call
  /** By participant id and source or stream. @type {Map<string, { tile: Tile, streamId: string | null, participantId: string, readable: boolean }>} */
  #tiles = new Map()
  #panelsOpen = false
  #speaker = ''
  /** Who of the others spoke last: silence for a moment does not make them less important. */
  #lastSpeaking = ''
  #onBlocked
  #resize = new ResizeObserver(() => this.#layOut())
  #timer

  /**
   * @param {import('/client/call.js').Call} call
   * @param {() => void} onBlocked the browser wants a tap before it plays sound
   */
  constructor(call, onBlocked) {
    this.#call = call
    this.#onBlocked = onBlocked
    this.#resize.observe(this.#element)
    for (const type of ['participants', 'stream', 'speaking', 'mode']) call.addEventListener(type, () => this.render())
    call.downlink.addEventListener('change', () => this.render())
    call.encryption?.addEventListener('change', () => this.render())
    document.addEventListener('visibilitychange', this.#tellShown)
    this.#timer = setInterval(() => void this.#showFigures(), 1000)
  }

  render() {
    const call = this.#call
    /** @type {Set<string>} */
    const wanted = new Set()
    for (const id of call.speaking) if (id !== call.own) this.#lastSpeaking = id
    const mixed = call.source === 'mix' && call.mode !== 'p2p'
    if (mixed) {
      wanted.add(MIX)
      this.#showMix()
    }
    for (const participant of mixed ? [] : call.participants.values()) {
      if (participant.role === 'viewer' || participant.role === 'listener') continue
      const own = participant.id === call.own
      const streams = own ? ownStreams(call) : participant.streams.map(({ id, source }) => ({ id, source, stream: call.streams.get(id) ?? null }))
      const camera = streams.find(each => each.source === 'camera') ?? { id: null, source: /** @type {const} */ ('camera'), stream: null }
      for (const { id, source, stream } of [camera, ...streams.filter(each => each.source === 'screen')]) {
        const key = source === 'camera' ? participant.id : `${participant.id}/${id}`
        wanted.add(key)
        const entry = this.#entryOf(key, source, participant.id, id)
        const { tile } = entry
        const before = tile.stream
        const video = source === 'screen' || (own ? call.media.video : participant.video && stream !== null)
        const secrecy = own ? { locked: call.encryption !== null, unreadable: '' } : secrecyOf(call, participant, stream)
        entry.readable = secrecy.unreadable === ''
        tile.show({
          name: participant.name,
          // Without the key it would be noise.
          stream: entry.readable ? stream : null,
          audio: own ? call.media.audio : participant.audio,
          video: video && entry.readable,
          speaking: source === 'camera' && call.speaking.has(participant.id),
          note: own || !video ? '' : this.#noteOf(id, secrecy.locked),
          locked: secrecy.locked,
          message: secrecy.unreadable || (own || !video ? '' : this.#pauseOf(id)),
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
    this.#watch()
  }

  /** Everyone in one tile. */
  #showMix() {
    const { downlink, participants, streams } = this.#call
    const { tile } = this.#entryOf(MIX, 'mix', MIX, MIX)
    const names = [...participants.values()].filter(({ role }) => role === 'member' || role === 'publisher').map(({ name }) => name)
    const stream = streams.get(MIX) ?? null
    const before = tile.stream
    const choice = downlink.encodings.get(MIX)
    tile.show({
      name: 'Everyone',
      description: `Everyone in one picture: ${names.join(', ') || 'nobody yet'}`,
      stream,
      audio: true,
      video: stream !== null,
      speaking: false,
      note: choice && choice.encodings.length > 1 && choice.current ? encodingName(choice.current) : '',
      locked: false,
      message: stream ? this.#pauseOf(MIX) : 'The mixed picture is on its way',
    })
    if (tile.stream !== before) void this.#play(tile)
  }

  /** @param {boolean} open */
  openPanels(open) {
    this.#panelsOpen = open
    for (const { tile } of this.#tiles.values()) tile.openPanel(open)
    this.#panelsChanged()
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
    document.removeEventListener('visibilitychange', this.#tellShown)
    for (const { tile } of this.#tiles.values()) tile.remove()
    this.#tiles.clear()
  }

  /** @param {string} key @param {'camera' | 'screen' | 'mix'} source @param {string} participantId @param {string | null} streamId */
  #entryOf(key, source, participantId, streamId) {
    let entry = this.#tiles.get(key)
    if (!entry) {
      const tile = new Tile({
        source,
        own: participantId === this.#call.own,
        onSelectEncoding: encoding => {
          const id = this.#tiles.get(key)?.streamId
          if (id) this.#call.downlink.selectEncoding(id, encoding)
        },
        onPanel: () => this.#panelsChanged(),
        onSize: () => this.#layOut(),
      })
      entry = { tile, streamId, participantId, readable: true }
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
    const cameras = tiles.filter(tile => tile.source !== 'screen')
    const mix = tiles.find(tile => tile.source === 'mix')
    const boxes = mix ? { screens: [], cameras: [fitting(mix.ratio, area)] } : spotlight(screens.length, cameras.length, area)
    screens.forEach((tile, index) => place(tile, boxes.screens[index]))
    cameras.forEach((tile, index) => place(tile, boxes.cameras[index]))
    this.#tellShown()
  }

  /** Tells the server how large everything is shown. */
  #tellShown = () => {
    const others = [...this.#tiles.values()].filter(entry => entry.participantId !== this.#call.own)
    const shown = others.flatMap(({ tile, streamId, participantId, readable }) => {
      if (!streamId) return []
      const { source, box, ratio } = tile
      const importance = source === 'screen' ? 'screen' : participantId === this.#lastSpeaking ? 'speaker' : 'others'
      const priority = PRIORITY[importance]
      if (!box || !readable) return [{ id: streamId, width: 0, height: 0, priority }]
      if (document.hidden) return [{ id: streamId, ...UNSEEN, priority }]
      return [{ id: streamId, ...pictureSize({ box, ratio, cover: source === 'camera', pixelRatio: devicePixelRatio }), priority }]
    })
    this.#call.downlink.show(shown)
  }

  #panelsChanged() {
    this.#watch()
    void this.#showFigures()
  }

  /** Has the server send figures of the tiles whose panels are open. */
  #watch() {
    const others = [...this.#tiles.values()].filter(entry => entry.participantId !== this.#call.own)
    const open = others.flatMap(({ tile, streamId }) => (tile.panelOpen && streamId ? [streamId] : []))
    const watching = this.#call.mode !== 'p2p' && (open.length > 0 || this.#panelsOpen)
    this.#call.downlink.watch(watching ? open : null)
  }

  async #showFigures() {
    // The size of a picture is known with its first frame, and may change.
    this.#tellShown()
    if (![...this.#tiles.values()].some(({ tile }) => tile.panelOpen)) return
    const figures = await this.#call.figures()
    const { downlink } = this.#call
    for (const { tile, streamId, participantId } of this.#tiles.values()) {
      if (!tile.panelOpen || !tile.stream) continue
      const [audioTrack] = tile.stream.getAudioTracks()
      const [videoTrack] = tile.stream.getVideoTracks()
      const id = participantId === this.#call.own ? null : streamId
      tile.panel.show({
        audio: audioTrack && figures.get(audioTrack.id),
        video: videoTrack && figures.get(videoTrack.id),
        history: this.#call.bitrateHistory((videoTrack ?? audioTrack)?.id),
        choice: id ? downlink.encodings.get(id) : undefined,
        forwarded: id ? downlink.layers.get(id) : undefined,
        figures: id ? downlink.figures(id) : undefined,
      })
    }
  }

  /** @param {string | null} streamId @param {boolean} locked */
  #noteOf(streamId, locked) {
    if (this.#call.encryption && !locked) return 'Not encrypted'
    const choice = streamId ? this.#call.downlink.encodings.get(streamId) : undefined
    return choice && choice.encodings.length > 1 && choice.current ? encodingName(choice.current) : ''
  }

  /** Why the server sends no picture, if it does not. @param {string | null} streamId */
  #pauseOf(streamId) {
    const forwarded = streamId ? this.#call.downlink.layers.get(streamId) : undefined
    return forwarded && !forwarded.layer && forwarded.reason === 'bandwidth' ? reasonText(forwarded, undefined) : ''
  }
}

/**
 * Whether what comes of a participant is encrypted end to end, and if so why it cannot be read.
 *
 * @param {import('/client/call.js').Call} call
 * @param {import('/client/call.js').Participant} participant
 * @param {MediaStream | null} stream
 */
function secrecyOf({ encryption }, { encrypted }, stream) {
  if (!encryption) {
    return { locked: encrypted, unreadable: encrypted ? 'Encrypted end to end. Open the link that has the key to see and hear it.' : '' }
  }
  // What the frames say counts, not what the server says.
  const state = encryption.stateOf(stream)
  if (state === 'locked') return { locked: true, unreadable: 'Encrypted with another key than yours.' }
  return { locked: state === null ? encrypted : state === 'sealed', unreadable: '' }
}

/** @param {import('/client/call.js').Call} call */
function ownStreams({ media }) {
  return [
    { id: media.camera.id, source: /** @type {const} */ ('camera'), stream: media.camera },
    ...(media.screen ? [{ id: media.screen.id, source: /** @type {const} */ ('screen'), stream: media.screen }] : []),
  ]
}

/** @param {Tile} tile @param {import('./layout.js').Box | undefined} box */
function place(tile, box) {
  tile.box = box ?? null
  if (!box) return
  for (const side of /** @type {const} */ (['left', 'top', 'width', 'height'])) tile.element.style[side] = `${box[side]}px`
}
