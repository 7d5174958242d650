'use strict'

/** Rooms with people who send a tone and pictures that change, over the loopback. */

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { Endpoint } = require('medialoom')
const { Rooms } = require('medialoom/rooms')
const { within } = require('../support/events.js')
const { connected, negotiate } = require('../support/loopback.js')

const LISTEN = { listen: [{ ip: '127.0.0.1' }], threads: 1, mixingThreads: 1 }
const SMALL = { width: 160, height: 90, frameRate: 10 }

class RecordingFixture {
  /** @type {NodeJS.Timeout | undefined} */
  #pictures
  /** @type {import('medialoom').MixerOptions | false} */
  #mixer

  static async start({ mixer = /** @type {any} */ ({ audio: true, video: { ...SMALL, codecs: ['vp8'] } }) } = {}) {
    const fixture = new RecordingFixture()
    fixture.#mixer = mixer
    ;[fixture.far, fixture.endpoint] = await Promise.all([Endpoint.create(LISTEN), Endpoint.create(LISTEN)])
    fixture.endpoint.ref()
    fixture.sources = { vp8: await fixture.#source('vp8') }
    return fixture
  }

  /** A mixer that stands for a microphone and a camera. @param {'vp8' | 'h264'} codec */
  async #source(codec) {
    const mixer = await this.far.createMixer({ audio: true, video: { ...SMALL, codecs: [codec] } })
    const port = mixer.addPort({ label: 'Camera' })
    port.setTone({ frequency: 440, level: -20 })
    const writer = port.createFrameWriter()
    let picture = 0
    this.#pictures ??= setInterval(() => {
      const data = Buffer.alloc(64 * 36 * 4, 255)
      data.fill(picture++ % 200, 0, data.length / 2)
      if (writer.writable) writer.write({ data, format: 'rgba', width: 64, height: 36 })
    }, 100)
    return mixer
  }

  /** New rooms, of this test alone. @param {import('node:test').TestContext} t */
  rooms(t, options = {}) {
    const rooms = new Rooms({ endpoint: this.endpoint, mixer: this.#mixer, ...options })
    t.after(() => rooms.close())
    return rooms
  }

  /** From now on people connect to this endpoint. @param {Endpoint} endpoint */
  serve(endpoint) {
    this.server = endpoint
  }

  /** Tracks of a connection, by kind. @param {import('medialoom').Transport} transport */
  local(transport) {
    const [audio, video] = ['audio', 'video'].map(kind => transport.incomingTracks.find(track => track.kind === kind))
    return { audio, video }
  }

  /** A connection that brings a microphone and a camera. @param {import('node:test').TestContext} t */
  async transport(t, { codec = /** @type {'vp8' | 'h264'} */ ('vp8'), kinds = ['audio', 'video'] } = {}) {
    const source = (this.sources[codec] ??= await this.#source(codec))
    const client = this.far.createTransport({ iceLite: false })
    t.after(() => client.close())
    const stream = client.createOutgoingStream()
    for (const kind of kinds) stream.addTrack(kind).attachTo(source[kind])
    const transport = (this.server ?? this.endpoint).createTransport()
    await negotiate(client, transport)
    await within(20_000, Promise.all([connected(client), connected(transport)]), 'the connection')
    return transport
  }

  /** Somebody who sends. @param {import('node:test').TestContext} t @param {Rooms} rooms @param {string} name */
  async join(t, rooms, name, { codec, kinds, room = 'garden', ...options } = /** @type {any} */ ({})) {
    const participant = rooms.join(room, { name, leaveOnTransportClosed: false, ...options })
    participant.setTransport(await this.transport(t, { codec, kinds }))
    return participant
  }

  async stop() {
    clearInterval(this.#pictures)
    await Promise.all([this.far.close(), this.endpoint.close()])
  }
}

/** A directory that goes with the test. @param {import('node:test').TestContext} t */
function folder(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-recordings-'))
  t.after(() => fs.rmSync(made, { recursive: true, force: true }))
  return made
}

/** Until so many files of a recording hold so many seconds. */
async function recorded(recording, seconds, files = 1) {
  await within(
    30_000,
    (async () => {
      while (recording.active && recording.files.filter(({ duration }) => duration >= seconds).length < files) {
        await new Promise(resolve => setTimeout(resolve, 50))
      }
    })(),
    `${seconds} s of ${files} files; there is ${JSON.stringify(recording.index)}`
  )
}

module.exports = { RecordingFixture, folder, recorded }
