import { Emitter } from './emitter.js'

const MICROPHONE = { echoCancellation: true, noiseSuppression: true }
const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } }
const SCREEN = { video: { frameRate: { max: 15 } }, audio: true }

/**
 * The microphone, the camera and the screen of this browser.
 *
 * The camera's stream has one id for the whole visit, whatever tracks come and go. Event: `change`.
 */
export class LocalMedia extends Emitter {
  /** Microphone and camera. */
  camera = new MediaStream()
  /** The shared screen, if any. @type {MediaStream | null} */
  screen = null
  microphoneOn = true
  cameraOn = true
  /** Chosen devices. @type {{ audio: string | undefined, video: string | undefined }} */
  #devices = { audio: undefined, video: undefined }
  #constraints

  /** @param {{ audio?: MediaTrackConstraints, video?: MediaTrackConstraints, screen?: DisplayMediaStreamOptions }} [constraints] */
  constructor({ audio = MICROPHONE, video = CAMERA, screen = SCREEN } = {}) {
    super()
    this.#constraints = { audio, video, screen }
  }

  get audioTrack() {
    return this.camera.getAudioTracks()[0] ?? null
  }

  get videoTrack() {
    return this.camera.getVideoTracks()[0] ?? null
  }

  /** Whether anything can be heard, and seen. */
  get audio() {
    return this.microphoneOn && this.audioTrack !== null
  }

  get video() {
    return this.cameraOn && this.videoTrack !== null
  }

  /** What there is to send, as the others are told of it. @returns {{ id: string, source: 'camera' | 'screen' }[]} */
  get streams() {
    return [
      { id: this.camera.id, source: 'camera' },
      ...(this.screen ? [{ id: this.screen.id, source: /** @type {const} */ ('screen') }] : [])
    ]
  }

  /** @param {string} id */
  streamOf(id) {
    return [this.camera, this.screen].find(stream => stream?.id === id) ?? null
  }

  /**
   * Asks for microphone and camera, both at once so that the user is asked once, and settles for one
   * of them, or none.
   * @param {{ audio?: boolean, video?: boolean }} [wanted]
   * @returns {Promise<{ audio: Error | null, video: Error | null }>} what is missing, and why
   */
  async start({ audio = true, video = true } = {}) {
    try {
      if (audio || video) await this.#capture({ audio, video })
      return { audio: null, video: null }
    } catch (error) {
      const failure = /** @type {Error} */ (error)
      if (!audio || !video || failure.name === 'NotSupportedError') return { audio: audio ? failure : null, video: video ? failure : null }
      const results = await Promise.allSettled([this.#capture({ audio }), this.#capture({ video })])
      const [noAudio, noVideo] = results.map(result => (result.status === 'rejected' ? result.reason : null))
      return { audio: noAudio, video: noVideo }
    }
  }

  /** @param {boolean} on */
  async setMicrophone(on) {
    this.microphoneOn = on
    if (on && !this.audioTrack) await this.#capture({ audio: true })
    if (this.audioTrack) this.audioTrack.enabled = on
    this.emit('change')
  }

  /**
   * Off lets go of the device, so that its light goes out.
   * @param {boolean} on
   */
  async setCamera(on) {
    this.cameraOn = on
    if (on && !this.videoTrack) await this.#capture({ video: true })
    // Pressed again while the device was starting.
    if (!this.cameraOn) this.#drop('video')
    this.emit('change')
  }

  /** Devices to choose from. Browsers name them to pages that may use one. */
  async devices() {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? []
    const of = (/** @type {MediaDeviceKind} */ kind) => devices.filter(device => device.kind === kind)
    return { microphones: of('audioinput'), cameras: of('videoinput'), speakers: of('audiooutput') }
  }

  /**
   * @param {'audio' | 'video'} kind
   * @param {string} deviceId
   */
  async useDevice(kind, deviceId) {
    this.#devices[kind] = deviceId
    if (kind === 'video' && !this.cameraOn) return
    this.#drop(kind)
    await this.#capture({ [kind]: true })
  }

  /** @param {'audio' | 'video'} kind */
  deviceOf(kind) {
    return (kind === 'audio' ? this.audioTrack : this.videoTrack)?.getSettings().deviceId ?? this.#devices[kind]
  }

  async startScreen() {
    if (!navigator.mediaDevices?.getDisplayMedia) throw new DOMException('this browser cannot share the screen', 'NotSupportedError')
    const screen = await navigator.mediaDevices.getDisplayMedia(this.#constraints.screen)
    this.stopScreen()
    this.screen = screen
    for (const track of screen.getVideoTracks()) {
      track.contentHint = 'detail'
      // The browser's own "stop sharing" button.
      track.onended = () => {
        if (this.screen === screen) this.stopScreen()
      }
    }
    this.emit('change')
  }

  stopScreen() {
    if (!this.screen) return
    for (const track of this.screen.getTracks()) track.stop()
    this.screen = null
    this.emit('change')
  }

  /** Lets go of everything, until {@link start}. */
  stop() {
    this.stopScreen()
    this.#drop('audio')
    this.#drop('video')
    this.emit('change')
  }

  /** @param {{ audio?: boolean, video?: boolean }} wanted */
  async #capture(wanted) {
    if (!navigator.mediaDevices) {
      throw new DOMException('browsers give camera and microphone to pages on https or localhost only', 'NotSupportedError')
    }
    const of = (/** @type {'audio' | 'video'} */ kind) => {
      const deviceId = this.#devices[kind]
      return { ...this.#constraints[kind], ...(deviceId && { deviceId: { exact: deviceId } }) }
    }
    const stream = await navigator.mediaDevices.getUserMedia({
      ...(wanted.audio && { audio: of('audio') }),
      ...(wanted.video && { video: of('video') })
    })
    for (const track of stream.getTracks()) {
      this.#drop(/** @type {'audio' | 'video'} */ (track.kind))
      this.camera.addTrack(track)
      track.onended = () => {
        // The device was unplugged, or the permission taken back.
        this.camera.removeTrack(track)
        this.emit('change')
      }
    }
    if (this.audioTrack) this.audioTrack.enabled = this.microphoneOn
    this.emit('change')
  }

  /** @param {'audio' | 'video'} kind */
  #drop(kind) {
    for (const track of this.camera.getTracks().filter(each => each.kind === kind)) {
      track.stop()
      this.camera.removeTrack(track)
    }
  }
}
