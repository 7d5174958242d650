/**
 * The microphone, the camera and the screen of this browser.
 *
 * The camera's stream has one id for the whole visit, whatever tracks come and go. Event: `change`.
 */
export class LocalMedia extends EventTarget {
  /** Microphone and camera. */
  camera = new MediaStream()
  /** The shared screen, if any. @type {MediaStream | null} */
  screen = null
  microphoneOn = true
  cameraOn = true
  /** Chosen devices. @type {{ audio: string | undefined, video: string | undefined }} */
  #devices = { audio: undefined, video: undefined }

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

  /**
   * Asks for microphone and camera, and settles for one of them, or none.
   * @returns {Promise<string | null>} what is missing and why, in words for the user
   */
  async start() {
    if (!navigator.mediaDevices) {
      return 'The browser gives camera and microphone to pages on https or localhost only. You can still join, watch and chat.'
    }
    try {
      await this.#capture({ audio: true, video: true })
      return null
    } catch (error) {
      const [audio, video] = await Promise.allSettled([this.#capture({ audio: true }), this.#capture({ video: true })])
      if (audio.status === 'fulfilled' && video.status === 'fulfilled') return null
      if (audio.status === 'fulfilled') return `No camera (${reason(error)}). The others will hear you.`
      if (video.status === 'fulfilled') return `No microphone (${reason(error)}). The others will see you.`
      return `No camera and no microphone (${reason(error)}). You can still join, watch and chat.`
    }
  }

  /** @param {boolean} on */
  async setMicrophone(on) {
    this.microphoneOn = on
    if (on && !this.audioTrack) await this.#capture({ audio: true })
    if (this.audioTrack) this.audioTrack.enabled = on
    this.#changed()
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
    this.#changed()
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
    if (!navigator.mediaDevices?.getDisplayMedia) throw new Error('This browser cannot share the screen.')
    const screen = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 15 } }, audio: true })
    this.stopScreen()
    this.screen = screen
    for (const track of screen.getVideoTracks()) {
      track.contentHint = 'detail'
      // The browser's own "stop sharing" button.
      track.onended = () => {
        if (this.screen === screen) this.stopScreen()
      }
    }
    this.#changed()
  }

  stopScreen() {
    if (!this.screen) return
    for (const track of this.screen.getTracks()) track.stop()
    this.screen = null
    this.#changed()
  }

  /** Lets go of everything, until {@link start}. */
  stop() {
    this.stopScreen()
    this.#drop('audio')
    this.#drop('video')
    this.#changed()
  }

  /** @param {{ audio?: true, video?: true }} wanted */
  async #capture(wanted) {
    const { audio, video } = this.#devices
    const stream = await navigator.mediaDevices.getUserMedia({
      ...(wanted.audio && { audio: { echoCancellation: true, noiseSuppression: true, ...(audio && { deviceId: { exact: audio } }) } }),
      ...(wanted.video && {
        video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 }, ...(video && { deviceId: { exact: video } }) },
      }),
    })
    for (const track of stream.getTracks()) {
      this.#drop(/** @type {'audio' | 'video'} */ (track.kind))
      this.camera.addTrack(track)
      track.onended = () => {
        // The device was unplugged, or the permission taken back.
        this.camera.removeTrack(track)
        this.#changed()
      }
    }
    if (this.audioTrack) this.audioTrack.enabled = this.microphoneOn
    this.#changed()
  }

  /** @param {'audio' | 'video'} kind */
  #drop(kind) {
    for (const track of this.camera.getTracks().filter(each => each.kind === kind)) {
      track.stop()
      this.camera.removeTrack(track)
    }
  }

  #changed() {
    this.dispatchEvent(new Event('change'))
  }
}

/** @param {unknown} error */
export function reason(error) {
  switch (/** @type {DOMException} */ (error).name) {
    case 'NotAllowedError':
      return 'not allowed'
    case 'NotFoundError':
      return 'none found'
    case 'NotReadableError':
      return 'in use by another program'
    default:
      return /** @type {Error} */ (error).message || 'not available'
  }
}
