import express from 'express'
import { Endpoint } from 'medialoom'

const { PORT = '3000', MEDIA_IP = '127.0.0.1' } = process.env
const endpoint = await Endpoint.create({ listen: [{ ip: MEDIA_IP }] })
/** What is shown: the tracks of whoever plays. */
const film = { audio: null, video: null }
/** Everybody's tracks to watch on, and channels to write on. */
const guests = new Set()

const app = express()
app.use(express.static(import.meta.dirname, { extensions: ['html'] }))
app.use(express.text({ type: 'application/sdp' }))

app.post('/watch', async (request, response) => {
  const transport = endpoint.createTransport()
  const guest = { screen: transport.createOutgoingStream({ audio: 1, video: 1 }), chat: null }
  guests.add(guest)
  transport.on('closed', () => guests.delete(guest))
  transport.on('datachannel', chat => {
    guest.chat = chat
    chat.on('message', text => tellAll(String(text).slice(0, 500)))
  })
  show(guest)
  await answer(transport, request, response)
})

// Whoever plays something else takes the screen, and nobody negotiates for that.
app.post('/play', async (request, response) => {
  const transport = endpoint.createTransport()
  transport.on('track', track => {
    film[track.kind] = track
    track.on('closed', () => film[track.kind] === track && (film[track.kind] = null))
    guests.forEach(show)
  })
  await answer(transport, request, response)
})

function show({ screen }) {
  for (const out of screen.tracks) if (film[out.kind]) out.attachTo(film[out.kind])
}

function tellAll(text) {
  for (const { chat } of guests) {
    // Who does not read is not waited for.
    if (chat?.readyState === 'open' && chat.bufferedAmount < 65536) chat.send(text)
  }
}

async function answer(transport, request, response) {
  try {
    response.type('application/sdp').send(await transport.acceptOffer(request.body ?? ''))
  } catch (error) {
    await transport.close()
    throw error
  }
}

const server = app.listen(Number(PORT), () => console.log(`http://localhost:${server.address().port}`))
