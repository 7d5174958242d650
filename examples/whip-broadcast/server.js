import express from 'express'
import { Endpoint } from 'medialoom'
import { whepRouter, whipRouter } from 'medialoom/express'
import { Rooms } from 'medialoom/rooms'

const { PORT = '3000', MEDIA_IP = '127.0.0.1', STREAM_KEY = 'let-me-in' } = process.env
const endpoint = await Endpoint.create({ listen: [{ ip: MEDIA_IP }] })
const rooms = new Rooms({ endpoint, mixer: false, maxParticipants: 2000 })

const app = express()
app.use(express.static(import.meta.dirname, { extensions: ['html'] }))

// In OBS: Settings, Stream, Service "WHIP", Server http://localhost:3000/whip/live, Bearer Token the
// stream key.
app.use('/whip', whipRouter({ rooms, authorize: (_request, { token }) => token === STREAM_KEY }))
app.use('/whep', whepRouter({ rooms }))

app.get('/viewers', (_request, response) => {
  const participants = rooms.get('live')?.participants ?? []
  response.json(participants.filter(({ role }) => role === 'viewer').length)
})

const server = app.listen(Number(PORT), () => console.log(`http://localhost:${server.address().port}`))

process.once('SIGTERM', async () => {
  server.close()
  rooms.close()
  await endpoint.close()
  process.exit()
})
