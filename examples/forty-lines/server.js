import express from 'express'
import { Endpoint, MediaLoomError } from 'medialoom'

const { PORT = '3000', MEDIA_IP = '127.0.0.1' } = process.env
const endpoint = await Endpoint.create({ listen: [{ ip: MEDIA_IP }] })
const published = new Set()

const app = express()
app.use(express.static(import.meta.dirname, { extensions: ['html'] }))
app.use(express.text({ type: 'application/sdp' }))

// A browser that sends: its tracks are kept for as long as they are there.
app.post('/publish', async (request, response) => {
  const publisher = endpoint.createTransport()
  publisher.on('track', track => {
    published.add(track)
    track.on('closed', () => published.delete(track))
  })
  await answer(publisher, request, response)
})

// A browser that offers to receive: it gets what is there.
app.post('/watch', async (request, response) => {
  const viewer = endpoint.createTransport()
  const stream = viewer.createOutgoingStream()
  for (const track of published) stream.addTrack(track.kind).attachTo(track)
  await answer(viewer, request, response)
})

app.get('/stats', async (_request, response) => response.json(await endpoint.getStats()))

async function answer(transport, request, response) {
  try {
    response.type('application/sdp').send(await transport.acceptOffer(request.body ?? ''))
  } catch (error) {
    await transport.close()
    throw error
  }
}

// Bad SDP is the client's mistake and says which line it was.
app.use((error, _request, response, next) => {
  if (!(error instanceof MediaLoomError)) return next(error)
  response.status(['ERR_SDP', 'ERR_INVALID_ARG'].includes(error.code) ? 400 : 500).json({ code: error.code, line: error.line })
})

const server = app.listen(Number(PORT), () => console.log(`http://localhost:${server.address().port}`))
