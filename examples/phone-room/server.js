import express from 'express'
import { Endpoint } from 'medialoom'

const { PORT = '3000', MEDIA_IP = '127.0.0.1' } = process.env
const DIAL_TONE = { frequency: 350, second: 440 }
const REFUSED = { frequency: 480, second: 620 }

const endpoint = await Endpoint.create({ listen: [{ ip: MEDIA_IP }] })
/** Conference rooms by their numbers; each is a mixer. */
const conferences = new Map()

const app = express()
app.use(express.static(import.meta.dirname, { extensions: ['html'] }))

app.post('/call', express.text({ type: 'application/sdp' }), async (request, response) => {
  const transport = endpoint.createTransport()
  try {
    const menu = await endpoint.createMixer({ audio: true })
    transport.on('closed', () => menu.close())
    const call = new Call(transport, menu)
    response.type('application/sdp').send(await transport.acceptOffer(request.body ?? ''))
    call.listen()
  } catch (error) {
    await transport.close()
    throw error
  }
})

/** One caller: in the menu, or at a seat of a conference. */
class Call {
  #sound
  #track = null
  #number = ''
  #seat = null
  #prompt
  #menuSeat
  #display = null

  constructor(transport, menu) {
    this.#prompt = menu.addPort({ label: 'Prompt' })
    this.#menuSeat = menu.addPort({ label: 'Caller' })
    this.#sound = transport.createOutgoingStream({ audio: 1 }).audio[0]
    this.#sound.attachTo(this.#menuSeat.audio)
    transport.on('datachannel', channel => {
      this.#display = channel
      this.#tell('Dial a number, then #')
    })
    transport.on('track', track => {
      if (track.kind !== 'audio') return
      this.#track = track
      track.on('telephoneevent', ({ key }) => key && this.#press(key))
    })
    transport.on('closed', () => this.#leave())
  }

  listen() {
    this.#prompt.setTone(DIAL_TONE)
  }

  #press(key) {
    if (this.#seat) {
      if (key === '*') this.#hangUp()
      return
    }
    this.#prompt.setTone(null)
    if (key !== '#') this.#number = `${this.#number}${key}`.slice(-6)
    else if (/^[1-9]\d*$/.test(this.#number)) this.#join(this.#number).catch(() => this.#hangUp())
    else this.#prompt.setTone(REFUSED)
    if (!this.#seat) this.#tell(this.#number)
  }

  async #join(number) {
    this.#number = ''
    // The promise is kept, so that two who come at once come to the same room.
    if (!conferences.has(number)) conferences.set(number, endpoint.createMixer({ audio: true }))
    const mixer = await conferences.get(number)
    this.#seat = mixer.addPort({ label: `Caller in ${number}`, autoGain: true })
    mixer.appData = number
    if (this.#track && !this.#track.closed) this.#seat.attachTo(this.#track)
    else return this.#leave()
    this.#sound.attachTo(this.#seat.audio)
    this.#tell(`In room ${number} with ${mixer.ports.length - 1} others; * leaves`)
  }

  #hangUp() {
    this.#leave()
    this.#number = ''
    if (this.#sound.closed) return
    this.#sound.attachTo(this.#menuSeat.audio)
    this.#prompt.setTone(DIAL_TONE)
    this.#tell('Dial a number, then #')
  }

  #leave() {
    const seat = this.#seat
    this.#seat = null
    if (!seat) return
    seat.close()
    if (seat.mixer.ports.length > 0) return
    conferences.delete(seat.mixer.appData)
    seat.mixer.close()
  }

  #tell(text) {
    if (this.#display && !this.#display.closed && text) this.#display.send(text)
  }
}

const server = app.listen(Number(PORT), () => console.log(`http://localhost:${server.address().port}`))
