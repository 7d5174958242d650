import Fastify from 'fastify'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { Endpoint, MediaLoomError } from 'medialoom'

const { PORT = '3000', MEDIA_IP = '127.0.0.1' } = process.env
const endpoint = await Endpoint.create({ listen: [{ ip: MEDIA_IP }] })
const published = new Set()

const app = Fastify({ bodyLimit: 65536 })
app.addContentTypeParser('application/sdp', { parseAs: 'string' }, (_request, body, done) => done(null, body))

app.get('/', async (_request, reply) => {
  return reply.type('text/html').send(await readFile(path.join(import.meta.dirname, 'index.html')))
})

app.post('/publish', async (request, reply) => {
  const publisher = endpoint.createTransport()
  publisher.on('track', track => {
    published.add(track)
    track.on('closed', () => published.delete(track))
  })
  return answer(publisher, request, reply)
})

app.post('/watch', async (request, reply) => {
  const viewer = endpoint.createTransport()
  const stream = viewer.createOutgoingStream()
  for (const track of published) stream.addTrack(track.kind).attachTo(track)
  return answer(viewer, request, reply)
})

async function answer(transport, request, reply) {
  try {
    const sdp = await transport.acceptOffer(request.body ?? '')
    return reply.type('application/sdp').send(sdp)
  } catch (error) {
    await transport.close()
    throw error
  }
}

app.setErrorHandler((error, _request, reply) => {
  if (!(error instanceof MediaLoomError)) return reply.send(error)
  return reply.code(['ERR_SDP', 'ERR_INVALID_ARG'].includes(error.code) ? 400 : 500).send({ code: error.code, line: error.line })
})

// Runs when the server closes: peers hear a goodbye.
app.addHook('onClose', () => endpoint.close())
process.once('SIGTERM', () => app.close())

await app.listen({ port: Number(PORT) })
console.log(`http://localhost:${app.server.address().port}`)
