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

/** The tile of everyone in one picture. */
const MIX = 'mix'

/**
 * @typedef {import('/client/index.js').Participant} Participant
 * @typedef {import('/client/index.js').ParticipantStream} ParticipantStream
 *
 * @typedef {object} Entry a tile, and what it shows
 * @property {Tile} tile
 * @property {ParticipantStream | null} stream
 * @property {string} participantId
 * @property {boolean} readable
 */

/** Everyone's tiles, laid out to fill the stage. */
export class Stage {
  #element = byId('stage')
  #call
  /** By participant id and source or stream. @type {Map<string, Entry>} */
  #tiles = new Map()
  #panelsOpen = false
  #speaker = ''
  /** Who of the others spoke last: silence for a moment does not make them less important. */
  #lastSpeaking = ''
  #onBlocked
  #resize = new ResizeObserver(() => this.#layOut())
  #timer

  /**
   * @param {import('/client/index.js').Room} call
   * @param {() => void} onBlocked the browser wants a tap before it plays sound
   */
  constructor(call, onBlocked) {
    this.#call = call
    this.#onBlocked = onBlocked
    this.#resize.observe(this.#element)
    for (const type of /** @type {const} */ (['participants', 'stream', 'speaking', 'settings']))
      call.addEventListener(type, () => this.render())
    call.downlink.on('change', () => this.render())
    call.encryption?.on('change', () => this.render())
    document.addEventListener('visibilitychange', this.#tellShown)
    this.#timer = setInterval(() => void this.#showFigures(), 1000)
    this.render()
  }

  render() {
    const call = this.#call
    /** @type {Set<string>} */
    const wanted = new Set()
    for (const { id, isLocal, speaking } of call.participants.values()) if (speaking && !isLocal) this.#lastSpeaking = id
    if (call.mix) {
      wanted.add(MIX)
      this.#showMix(call.mix)
    }
    for (const participant of call.mix ? [] : call.participants.values()) {
      if (participant.role === 'viewer' || participant.role === 'listener') continue
      // Of many those are shown who have something to show.
      if (call.source === 'speakers' && !participant.isLocal && !participant.streams.some(({ media }) => media)) continue
      for (const stream of [participant.camera, ...participant.streams.filter(({ source }) => source === 'screen')]) {
        const key = stream?.source === 'screen' ? `${participant.id}/${stream.id}` : participant.id
        wanted.add(key)
        this.#showStream(key, participant, stream)
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

  /** @param {string} key @param {Participant} participant @param {ParticipantStream | null} stream null: nothing comes of them yet */
  #showStream(key, participant, stream) {
    const call = this.#call
    const source = stream?.source ?? 'camera'
    const own = participant.isLocal
    const entry = this.#entryOf(key, source, participant.id, stream)
    const media = stream?.media ?? null
    const video = source === 'screen' || (participant.video && media !== null)
    const secrecy = own ? { locked: call.encryption !== null, unreadable: '' } : secrecyOf(call, participant, stream)
    entry.readable = secrecy.unreadable === ''
    this.#show(entry.tile, {
      name: participant.name,
      // Without the key it would be noise.
      stream: entry.readable ? media : null,
      audio: participant.audio,
      video: video && entry.readable,
      speaking: source === 'camera' && participant.speaking,
      hand: source === 'camera' && participant.hand !== null,
      note: own || !video ? '' : this.#noteOf(stream, secrecy.locked),
      locked: secrecy.locked,
      message: secrecy.unreadable || (own || !video ? '' : pauseOf(stream))
    })
  }

  /** Everyone in one tile. @param {ParticipantStream} mix */
  #showMix(mix) {
    const names = [...this.#call.participants.values()]
      .filter(({ role }) => role === 'member' || role === 'publisher')
      .map(({ name }) => name)
    this.#show(this.#entryOf(MIX, 'mix', MIX, mix).tile, {
      name: 'Everyone',
      description: `Everyone in one picture: ${names.join(', ') || 'nobody yet'}`,
      stream: mix.media,
      audio: true,
      video: mix.media !== null,
      speaking: false,
      note: chosenEncoding(mix),
      locked: false,
      message: mix.media ? pauseOf(mix) : 'The mixed picture is on its way'
    })
  }

  /** @param {Tile} tile @param {Parameters<Tile['show']>[0]} shown */
  #show(tile, shown) {
    const before = tile.stream
    tile.show(shown)
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

  /** @param {string} key @param {'camera' | 'screen' | 'mix'} source @param {string} participantId @param {ParticipantStream | null} stream */
  #entryOf(key, source, participantId, stream) {
    let entry = this.#tiles.get(key)
    if (!entry) {
      const tile = new Tile({
        source,
        own: participantId === this.#call.localId,
        onSelectEncoding: encoding => this.#tiles.get(key)?.stream?.selectEncoding(encoding),
        onPanel: () => this.#panelsChanged(),
        onSize: () => this.#layOut()
      })
      entry = { tile, stream, participantId, readable: true }
      this.#tiles.set(key, entry)
      this.#element.append(tile.element)
      tile.openPanel(this.#panelsOpen)
      if (this.#speaker) void tile.setSpeaker(this.#speaker)
    }
    // A new connection brings the same picture under another id.
    entry.stream = stream
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
      height: this.#element.clientHeight - 2 * MARGIN
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
    const others = [...this.#tiles.values()].filter(entry => entry.participantId !== this.#call.localId)
    const shown = others.flatMap(({ tile, stream, participantId, readable }) => {
      if (!stream) return []
      const id = stream.sentAs
      const { source, box, ratio } = tile
      const importance = source === 'screen' ? 'screen' : participantId === this.#lastSpeaking ? 'speaker' : 'others'
      const priority = PRIORITY[importance]
      if (!box || !readable) return [{ id, width: 0, height: 0, priority }]
      if (document.hidden) return [{ id, ...UNSEEN, priority }]
      return [{ id, ...pictureSize({ box, ratio, cover: source === 'camera', pixelRatio: devicePixelRatio }), priority }]
    })
    this.#call.downlink.show(shown)
  }

  #panelsChanged() {
    this.#watch()
    void this.#showFigures()
  }

  /** Has the server send figures of the tiles whose panels are open. */
  #watch() {
    const others = [...this.#tiles.values()].filter(entry => entry.participantId !== this.#call.localId)
    const open = others.flatMap(({ tile, stream }) => (tile.panelOpen && stream ? [stream.sentAs] : []))
    const watching = this.#call.mode !== 'p2p' && (open.length > 0 || this.#panelsOpen)
    this.#call.downlink.watch(watching ? open : null)
  }

  async #showFigures() {
    // The size of a picture is known with its first frame, and may change.
    this.#tellShown()
    if (![...this.#tiles.values()].some(({ tile }) => tile.panelOpen)) return
    const figures = await this.#call.figures()
    const { downlink } = this.#call
    for (const { tile, stream, participantId } of this.#tiles.values()) {
      if (!tile.panelOpen || !tile.stream) continue
      const [audioTrack] = tile.stream.getAudioTracks()
      const [videoTrack] = tile.stream.getVideoTracks()
      const id = participantId === this.#call.localId ? null : stream?.sentAs
      tile.panel.show({
        audio: audioTrack && figures.get(audioTrack.id),
        video: videoTrack && figures.get(videoTrack.id),
        history: this.#call.bitrateHistory((videoTrack ?? audioTrack)?.id),
        choice: id ? downlink.encodings.get(id) : undefined,
        forwarded: id ? downlink.layers.get(id) : undefined,
        figures: id ? downlink.figures(id) : undefined
      })
    }
  }

  /** @param {ParticipantStream | null} stream @param {boolean} locked */
  #noteOf(stream, locked) {
    return this.#call.encryption && !locked ? 'Not encrypted' : chosenEncoding(stream)
  }
}

/** The encoding that is shown, where there are several. @param {ParticipantStream | null} stream */
function chosenEncoding(stream) {
  const choice = stream?.encodings
  return choice && choice.encodings.length > 1 && choice.current ? encodingName(choice.current) : ''
}

/** Why the server sends no picture, if it does not. @param {ParticipantStream | null} stream */
function pauseOf(stream) {
  return stream && !stream.layer && stream.reason === 'bandwidth' ? reasonText({ layer: null, reason: stream.reason }, undefined) : ''
}

/**
 * Whether what comes of a participant is encrypted end to end, and if so why it cannot be read.
 *
 * @param {import('/client/index.js').Room} call
 * @param {Participant} participant
 * @param {ParticipantStream | null} stream
 */
function secrecyOf({ encryption }, { encrypted }, stream) {
  if (!encryption) {
    return { locked: encrypted, unreadable: encrypted ? 'Encrypted end to end. Open the link that has the key to see and hear it.' : '' }
  }
  // What the frames say counts, not what the server says.
  const state = stream?.secrecy ?? null
  if (state === 'locked') return { locked: true, unreadable: 'Encrypted with another key than yours.' }
  return { locked: state === null ? encrypted : state === 'sealed', unreadable: '' }
}

/** @param {Tile} tile @param {import('./layout.js').Box | undefined} box */
function place(tile, box) {
  tile.box = box ?? null
  if (!box) return
  for (const side of /** @type {const} */ (['left', 'top', 'width', 'height'])) tile.element.style[side] = `${box[side]}px`
}
