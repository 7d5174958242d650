'use strict'

const os = require('node:os')
const { ActiveSpeakerDetector, slotsOptions } = require('./speakers/active-speaker-detector.js')
const native = require('./native/binding.js')
const check = require('./object/check.js')
const { announce, mark } = require('./object/closing.js')
const { Dispatcher } = require('./native/dispatcher.js')
const { emit, emitError } = require('./object/emit.js')
const { MediaLoomError, callNative, fromNative } = require('./object/error.js')
const { kAnnounceClosed, kChildren, kConstruct, kDispatcher, kForget, kHandle, kRemove } = require('./object/internal.js')
const { Hls } = require('./hls/hls.js')
const hlsGiven = require('./hls/hls-options.js')
const { listenOptions, resolved } = require('./transport/listen-options.js')
const { MediaObject } = require('./object/media-object.js')
const { Mixer } = require('./mixer/mixer.js')
const { file, mixerOptions } = require('./mixer/mixer-options.js')
const { Player } = require('./player/player.js')
const { files, playerOptions } = require('./player/player-options.js')
const { Recorder } = require('./recorder/recorder.js')
const { RtmpServer } = require('./ingest/rtmp-server.js')
const { SrtServer } = require('./ingest/srt-server.js')
const { MediaInput } = require('./ingest/media-input.js')
const { SrtOutput } = require('./ingest/srt-output.js')
const { srtOutputOptions, srtPullOptions, srtServerOptions } = require('./ingest/srt-options.js')
const { RtmpOutput } = require('./ingest/rtmp-output.js')
const { resolvedAddress, rtmpOutputOptions, rtmpServerOptions } = require('./ingest/rtmp-options.js')
const { RtspInput } = require('./ingest/rtsp-input.js')
const { refused, rtspOptions, shownUrl } = require('./ingest/rtsp-options.js')
const { recorderOptions } = require('./recorder/recorder-options.js')
const { PeerTransport } = require('./transport/peer-transport.js')
const { RtpTransport } = require('./transport/rtp-transport.js')
const { rtpOptions } = require('./transport/rtp-options.js')
const { Transport } = require('./transport/transport.js')
const { transportOptions } = require('./transport/transport-options.js')

/** As many as the engine has room for in an id. */
const MAX_THREADS = 64
/** What the engine calls the endpoint in events; no object below it has this id. */
const ENDPOINT = 0
const MAX_DETECTORS = 10_000
/** Servers that media are fetched from by RTSP. */
const MAX_FETCHED = 1000
/** Bytes. The largest that are common have every Chinese, Japanese and Korean letter, in several shapes: 20 MB. */
const MAX_FONT = 64 * 1024 * 1024

let lastId = 0
let stopsOnExit = false

/** Sockets, media threads and a DTLS identity. */
class Endpoint extends MediaObject {
  #native
  #dispatcher
  #transports = new Set()
  #rtpTransports = new Set()
  #detectors = new Set()
  #mixers = new Set()
  #recorders = new Set()
  #streams = new Set()
  #players = new Set()
  #servers = new Set()
  #srtServers = new Set()
  #srtOutputs = new Set()
  /** Inputs that were fetched. */
  #pulled = new Set()
  #outputs = new Set()
  #fetched = new Set()
  #threads
  #addresses
  #closing
  #referenced = false

  static async create(options) {
    const checked = endpointOptions(options)
    checked.listen = await Promise.all(checked.listen.map(resolved))
    stopOnExit()
    const dispatcher = new Dispatcher()
    const bell = bellOf(new WeakRef(dispatcher))
    const started = callNative(() => new native.NativeEndpoint(checked, bell))
    dispatcher.start(started)
    return new Endpoint(kConstruct, started, dispatcher, checked.threads)
  }

  constructor(key, started, dispatcher, threads) {
    super(key, ++lastId)
    this.#native = started
    this.#dispatcher = dispatcher
    this.#threads = threads
    this.#addresses = Object.freeze(
      started.addresses.map(address => {
        for (const announced of address.announced) Object.freeze(announced)
        Object.freeze(address.announced)
        address.announcedIps = Object.freeze(address.announced.map(({ ip }) => ip))
        return Object.freeze(address)
      })
    )
    dispatcher.add(ENDPOINT, this)
  }

  get [kDispatcher]() {
    return this.#dispatcher
  }

  get threads() {
    return this.#threads
  }

  get addresses() {
    return this.#addresses
  }

  get fingerprint() {
    return this.#native.fingerprint
  }

  get transports() {
    return [...this.#transports]
  }

  get rtpTransports() {
    return [...this.#rtpTransports]
  }

  get activeSpeakerDetectors() {
    return [...this.#detectors]
  }

  get mixers() {
    return [...this.#mixers]
  }

  get recorders() {
    return [...this.#recorders]
  }

  get hlsStreams() {
    return [...this.#streams]
  }

  get players() {
    return [...this.#players]
  }

  get rtmpServers() {
    return [...this.#servers]
  }

  get srtServers() {
    return [...this.#srtServers]
  }

  get srtOutputs() {
    return [...this.#srtOutputs]
  }

  get rtmpOutputs() {
    return [...this.#outputs]
  }

  get rtspInputs() {
    return [...this.#fetched]
  }

  createTransport(options) {
    const { appData, ...checked } = transportOptions(options)
    check.open(this)
    const created = callNative(() => this.#native.createTransport(checked))
    const transport = new Transport(kConstruct, this, created, checked, appData)
    this.#transports.add(transport)
    emit(this, 'transport', transport)
    return transport
  }

  async createRtpTransport(given) {
    check.open(this)
    const options = await rtpOptions(given, sdp => callNative(() => this.#native.readAnnouncement(sdp)))
    check.open(this)
    return new Promise((resolve, reject) => {
      let transport
      const post = (engine, request) => {
        // At once, so that it hears of its tracks, which come before the answer.
        const created = engine.createRtpTransport(request, JSON.stringify(options.engine))
        transport = new RtpTransport(kConstruct, this, created, options, given?.appData)
        this.#rtpTransports.add(transport)
      }
      try {
        this.#dispatcher.ask(this, post, error => {
          if (!error) return resolve(transport)
          mark(transport, 'error')
          reject(options.named(error))
        })
      } catch (error) {
        reject(options.named(error))
      }
    })
  }

  createActiveSpeakerDetector(given) {
    const options = check.options(given, 'options', ['threshold', 'pause', 'appData'])
    const threshold = check.optional(check.integer, options.threshold, -60, 'options.threshold', -127, 0)
    const pause = check.optional(check.integer, options.pause, 700, 'options.pause', 200, 60_000)
    check.open(this)
    if (this.#detectors.size >= MAX_DETECTORS) {
      throw new MediaLoomError('ERR_LIMIT', `an endpoint has at most ${MAX_DETECTORS} detectors`)
    }
    const created = callNative(() => this.#native.createSpeakers(threshold, pause))
    const detector = new ActiveSpeakerDetector(kConstruct, this, created, options.appData)
    this.#detectors.add(detector)
    return detector
  }

  createSpeakerSlots(count, given) {
    const options = check.options(given, 'options', ['video', 'detector', 'appData'])
    const { video, appData } = slotsOptions(count, options)
    const { detector } = options
    if (detector !== undefined) {
      if (!(detector instanceof ActiveSpeakerDetector) || detector.endpoint !== this) {
        throw check.invalid('options.detector', 'an ActiveSpeakerDetector of this endpoint', detector)
      }
      check.open(this)
      return detector[kConstruct](count, video, appData, false)
    }
    return this.createActiveSpeakerDetector()[kConstruct](count, video, appData, true)
  }

  async createMixer(given) {
    const options = mixerOptions(given)
    check.open(this)
    if (!this.#native.createMixer) throw check.state('this build of the native module is without mixing')
    const created = callNative(() => this.#native.createMixer(JSON.stringify(options)))
    const mixer = new Mixer(kConstruct, this, created, options, given.appData)
    this.#mixers.add(mixer)
    return mixer
  }

  async createRecorder(file, given) {
    const { minFree, ...options } = recorderOptions(file, given)
    check.open(this)
    return new Promise((resolve, reject) => {
      let id
      const post = (engine, request) => {
        id = engine.createRecorder(request, JSON.stringify(options))
      }
      this.#dispatcher.ask(this, post, error => {
        if (error) return reject(error)
        // Before anything else that happened to it is dispatched.
        const recorder = new Recorder(kConstruct, this, id, { ...options, minFree }, given?.appData)
        this.#recorders.add(recorder)
        resolve(recorder)
      })
    })
  }

  async createHls(given) {
    const options = hlsGiven.hlsOptions(given)
    check.open(this)
    const created = callNative(() => this.#native.createHls(JSON.stringify(options)))
    const hls = new Hls(kConstruct, this, created, options.name, given?.appData)
    this.#streams.add(hls)
    return hls
  }

  async listenHls(given) {
    const { ip, port } = hlsGiven.listenOptions(given)
    check.open(this)
    return Object.freeze({ ip, port: callNative(() => this.#native.listenHls(ip, port)) })
  }

  async createPlayer(file, given) {
    const list = files(file)
    const options = playerOptions(given)
    check.open(this)
    return new Promise((resolve, reject) => {
      let id
      const post = (engine, request) => {
        id = engine.createPlayer(request, list, JSON.stringify(options))
      }
      this.#dispatcher.ask(this, post, (error, made) => {
        if (error) return reject(error)
        // Before anything else that happened to it is dispatched.
        const shown = { loop: options.loop, files: list.length }
        const player = new Player(kConstruct, this, id, JSON.parse(made), shown, given?.appData)
        this.#players.add(player)
        resolve(player)
      })
    })
  }

  async pullRtsp(url, given) {
    const { engine: options, lookup } = rtspOptions(url, given)
    check.open(this)
    if (this.#fetched.size >= MAX_FETCHED) throw new MediaLoomError('ERR_LIMIT', `an endpoint fetches from at most ${MAX_FETCHED} servers`)
    return new Promise((resolve, reject) => {
      let input
      const post = (engine, request) => {
        // At once, so that it hears what it is asked before the answer.
        const id = engine.pullRtsp(request, JSON.stringify(options))
        input = new RtspInput(kConstruct, this, id, { url: shownUrl(url), lookup }, given?.appData)
        this.#fetched.add(input)
      }
      try {
        this.#dispatcher.ask(this, post, error => {
          if (error) {
            mark(input, 'error')
            return reject(refused(error))
          }
          input[kConstruct]()
          resolve(input)
        })
      } catch (error) {
        reject(refused(error))
      }
    })
  }

  async createRtmpServer(given) {
    const options = rtmpServerOptions(given)
    check.open(this)
    const made = callNative(() => this.#native.createRtmpServer(JSON.stringify(options)))
    const server = new RtmpServer(kConstruct, this, made, given)
    this.#servers.add(server)
    return server
  }

  async createSrtServer(given) {
    const options = srtServerOptions(given)
    check.open(this)
    const made = callNative(() => this.#native.createSrtServer(JSON.stringify(options)))
    const server = new SrtServer(kConstruct, this, made, given)
    this.#srtServers.add(server)
    return server
  }

  async createRtmpOutput(url, given) {
    const { host, where, sources } = rtmpOutputOptions(url, given, this)
    check.open(this)
    const address = await resolvedAddress(host)
    check.open(this)
    const options = { ...where, address, audio: sources.audio?.id ?? null, video: sources.video?.id ?? null }
    return new Promise((resolve, reject) => {
      let id
      const post = (engine, request) => {
        id = engine.createRtmpOutput(request, JSON.stringify(options))
      }
      this.#dispatcher.ask(this, post, error => {
        if (error) return reject(error)
        // Before anything else that happened to it is dispatched.
        const output = new RtmpOutput(kConstruct, this, id, sources, given?.appData)
        this.#outputs.add(output)
        resolve(output)
      })
    })
  }

  async pullSrt(url, given) {
    const { host, where } = srtPullOptions(url, given)
    check.open(this)
    const address = await resolvedAddress(host)
    check.open(this)
    const options = { ...where, address }
    return new Promise((resolve, reject) => {
      let made
      const post = (engine, request) => {
        made = engine.pullSrt(request, JSON.stringify(options))
      }
      this.#dispatcher.ask(this, post, error => {
        if (error) return reject(error)
        // Before anything else that happened to it is dispatched.
        const owner = {
          id: made.server,
          endpoint: this,
          [kDispatcher]: this.#dispatcher,
          [kRemove]: input => this.#pulled.delete(input)
        }
        const { streamId } = where
        const asked = { input: made.input, app: '', key: '', streamId, address: host.name, pulled: true, appData: given?.appData }
        const input = new MediaInput(kConstruct, owner, asked)
        this.#pulled.add(input)
        resolve(input)
      })
    })
  }

  async createSrtOutput(url, given) {
    const { host, where, sources } = srtOutputOptions(url, given, this)
    check.open(this)
    const address = await resolvedAddress(host)
    check.open(this)
    const options = { ...where, address, audio: sources.audio?.id ?? null, video: sources.video?.id ?? null }
    return new Promise((resolve, reject) => {
      let made
      const post = (engine, request) => {
        made = engine.createSrtOutput(request, JSON.stringify(options))
      }
      this.#dispatcher.ask(this, post, error => {
        if (error) return reject(error)
        // Before anything else that happened to it is dispatched.
        const output = new SrtOutput(kConstruct, this, made, sources, given?.appData)
        this.#srtOutputs.add(output)
        resolve(output)
      })
    })
  }

  addFont(font) {
    check.open(this)
    file(font, 'font', MAX_FONT)
    if (!this.#native.addFont) throw check.state('this build of the native module is without mixing')
    callNative(() => this.#native.addFont(font))
    return this
  }

  async getStats() {
    check.open(this)
    const stats = await this.#dispatcher.request(this, (engine, request) => engine.stats(request))
    return JSON.parse(stats)
  }

  ref() {
    if (!this.#referenced && !this.closed) {
      this.#referenced = true
      this.#dispatcher.hold()
    }
    return this
  }

  unref() {
    if (this.#referenced) {
      this.#referenced = false
      this.#dispatcher.release()
    }
    return this
  }

  close() {
    this.#closing ??= new Promise(resolve => {
      const marked = mark(this, 'closed')
      this.#dispatcher.ask(
        null,
        (engine, request) => engine.close(request),
        () => {
          // A mixer that was closing may have been overtaken.
          this.#dispatcher.rejectAll()
          announce(marked)
          resolve(undefined)
        }
      )
    })
    return this.#closing
  }

  [Symbol.asyncDispose]() {
    return this.close()
  }

  /** What concerns the endpoint itself. */
  [kHandle](event) {
    if (event.type === 'load') {
      const { thread, load, overloaded, layerShare } = event
      emit(this, 'load', Object.freeze({ thread, load, overloaded, layerShare }))
    } else {
      this.#onThreadEnded(event)
    }
  }

  #onThreadEnded({ error, thread, last }) {
    // Ids only grow, and have their thread in the low bits: what came later lives on the next thread.
    const ended = ({ id }) => id <= last && id % MAX_THREADS === thread
    emitError(this, fromNative(error))
    for (const object of [...this.#transports, ...this.#rtpTransports, ...this.#detectors].filter(ended)) {
      // A listener may have closed it meanwhile.
      announce(mark(object, 'error'))
    }
    // Nobody answers any more what was asked of them; they may have been closing.
    this.#dispatcher.rejectRequestsOf(owner => owner instanceof PeerTransport && ended(owner))
  }

  [kChildren]() {
    const transports = [...this.#transports, ...this.#rtpTransports]
    return [
      ...transports,
      ...this.#detectors,
      ...this.#mixers,
      ...this.#recorders,
      ...this.#streams,
      ...this.#players,
      ...this.#servers,
      ...this.#srtServers,
      ...this.#srtOutputs,
      ...this.#pulled,
      ...this.#outputs,
      ...this.#fetched
    ]
  }

  [kForget]() {
    this.#dispatcher.rejectRequests(this)
  }

  [kAnnounceClosed](reason) {
    this.unref()
    super[kAnnounceClosed](reason)
  }

  [kRemove](child) {
    this.#transports.delete(child)
    this.#rtpTransports.delete(child)
    this.#detectors.delete(child)
    this.#mixers.delete(child)
    this.#recorders.delete(child)
    this.#streams.delete(child)
    this.#players.delete(child)
    this.#servers.delete(child)
    this.#srtServers.delete(child)
    this.#srtOutputs.delete(child)
    this.#outputs.delete(child)
    this.#fetched.delete(child)
  }
}

/**
 * The engine holds this function for as long as it runs, so it must hold nothing but the weak
 * reference; it is made out here because functions made in one scope share what any of them holds.
 */
function bellOf(weak) {
  return () => weak.deref()?.drain()
}

/** `process.exit()` does not tear the environment down, and peers deserve a goodbye. */
function stopOnExit() {
  if (stopsOnExit) return
  stopsOnExit = true
  process.on('exit', () => native.stopAll())
}

function endpointOptions(given) {
  const options = check.options(given, 'options', ['listen', 'port', 'threads', 'tcp', 'maxTransports', 'mixingThreads'])
  const listen = check.optional(check.array, options.listen, [{ ip: '0.0.0.0' }], 'options.listen')
  if (listen.length === 0) throw check.invalid('options.listen', 'at least one address', listen)
  const threads = check.optional(
    check.integer,
    options.threads,
    Math.min(Math.max(os.availableParallelism() - 1, 1), MAX_THREADS),
    'options.threads',
    1,
    MAX_THREADS
  )
  const port = check.optional(check.integer, options.port, 0, 'options.port', 0, 65_535)
  if (port > 0 && port + threads - 1 > 65_535) {
    throw check.invalid('options.port', `room for ${threads} threads up to port 65535`, port)
  }
  return {
    listen: listen.map((entry, index) => listenOptions(entry, `options.listen[${index}]`, threads)),
    port,
    threads,
    mixingThreads: check.optional(
      check.integer,
      options.mixingThreads,
      Math.min(Math.max(os.availableParallelism() - 1, 1), MAX_THREADS),
      'options.mixingThreads',
      1,
      MAX_THREADS
    ),
    tcp: check.optional(check.boolean, options.tcp, true, 'options.tcp'),
    maxTransports: check.optional(check.integer, options.maxTransports, 100_000, 'options.maxTransports', 1, 2 ** 32 - 1)
  }
}

module.exports = { Endpoint }
