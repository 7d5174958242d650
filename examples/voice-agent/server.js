import express from 'express'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Endpoint } from 'medialoom'

const { PORT = '3000', MEDIA_IP = '127.0.0.1' } = process.env
/** Hz: what most recognisers want. */
const RATE = 16000
/** Frames of 20 ms without sound after which the caller has finished. */
const PAUSE = 35
/** Loudness that counts as speech, of 32768. A real agent asks a voice activity detector. */
const THRESHOLD = 300
/** Frames of one turn at most. */
const LONGEST = 1500

const endpoint = await Endpoint.create({ listen: [{ ip: MEDIA_IP }] })
const app = express()
app.use(express.static(import.meta.dirname, { extensions: ['html'] }))

app.post('/call', express.text({ type: 'application/sdp' }), async (request, response) => {
  const transport = endpoint.createTransport({ codecs: ['opus'] })
  const mixer = await endpoint.createMixer({ audio: true })
  transport.on('closed', () => mixer.close())
  const caller = mixer.addPort({ label: 'Caller' })
  transport.on('track', track => track.kind === 'audio' && caller.attachTo(track))
  transport.createOutgoingStream({ audio: 1 }).audio[0].attachTo(caller.audio)
  try {
    response.type('application/sdp').send(await transport.acceptOffer(request.body ?? ''))
  } catch (error) {
    await transport.close()
    throw error
  }
  // What is said before the caller is there is said to nobody.
  while (transport.state !== 'connected' && !transport.closed) await once(transport, 'state')
  if (!transport.closed) converse(caller, new Voice(mixer.addPort({ label: 'Agent' }))).catch(console.error)
})

/** Hears the caller out and answers; falls silent as soon as the caller speaks. */
async function converse(caller, voice) {
  voice.say(greeting())
  let turn = []
  let pause = 0
  for await (const { samples } of caller.createPcmReader({ source: 'own', sampleRate: RATE })) {
    const speaks = loudness(samples) > THRESHOLD
    pause = speaks ? 0 : pause + 1
    if (speaks) voice.interrupt()
    if (speaks || turn.length > 0) turn.push(samples)
    if (turn.length > 0 && (pause >= PAUSE || turn.length >= LONGEST)) {
      voice.say(await answer(turn))
      turn = []
    }
  }
}

/** Where a recogniser, a language model and a synthesiser come in. This agent says what it heard. */
async function answer(turn) {
  console.log(`heard ${(turn.length * 0.02).toFixed(2)} s`)
  return turn
}

/** What the agent says, one thing at a time. */
class Voice {
  #port
  #saying = null

  constructor(port) {
    this.#port = port
  }

  /** Says `frames`, in place of what is being said. Short ones, so that it can stop between two. */
  say(frames) {
    this.interrupt()
    const saying = new AbortController()
    this.#saying = saying
    const writer = this.#port.createPcmWriter({ sampleRate: RATE, bufferDuration: 200 })
    pipeline(Readable.from(frames), writer, { signal: saying.signal })
      // Interrupted, or the caller has gone.
      .catch(error => error.name === 'AbortError' || error.code === 'ERR_CLOSED' || console.error(error))
      .finally(() => this.#saying === saying && (this.#saying = null))
  }

  interrupt() {
    this.#saying?.abort()
    this.#saying = null
  }
}

function loudness(samples) {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length)
}

/** Half a second of a tone. */
function greeting() {
  const tone = frame => Int16Array.from({ length: RATE / 50 }, (_, i) => 6000 * Math.sin((frame * 320 + i) * ((2 * Math.PI * 440) / RATE)))
  return Array.from({ length: 25 }, (_, frame) => tone(frame))
}

const server = app.listen(Number(PORT), () => console.log(`http://localhost:${server.address().port}`))
