import express from 'express'
import { WebSocketServer } from 'ws'
import { Endpoint } from 'medialoom'
import { RoomError, Rooms } from 'medialoom/rooms'

const { PORT = '3000', MEDIA_IP = '127.0.0.1' } = process.env
const endpoint = await Endpoint.create({ listen: [{ ip: MEDIA_IP }] })
// In mode p2p media goes from browser to browser: the rooms only say who may talk to whom.
const rooms = new Rooms({ endpoint, maxParticipants: 2, mixer: false })

const app = express()
app.use(express.static(import.meta.dirname, { extensions: ['html'] }))
const server = app.listen(Number(PORT), () => console.log(`http://localhost:${server.address().port}`))

const sockets = new WebSocketServer({ server, maxPayload: 65536 })
sockets.on('connection', (socket, request) => {
  const name = new URL(request.url, 'http://localhost').searchParams.get('room') ?? ''
  let participant
  try {
    participant = rooms.join(name, { name: 'caller', mode: 'p2p' })
  } catch (error) {
    if (!(error instanceof RoomError)) throw error
    return socket.close(1008, error.message)
  }
  participant.appData = socket
  const { room } = participant
  const other = () => room.participants.find(candidate => candidate !== participant)?.appData

  // Who was there first begins, now that there are two.
  other()?.send(JSON.stringify({ type: 'peer', begins: true }))
  if (other()) socket.send(JSON.stringify({ type: 'peer', begins: false }))

  // Descriptions and candidates are for the other one; this program reads none of them.
  socket.on('message', data => other()?.send(String(data)))
  socket.on('error', () => socket.terminate())
  socket.on('close', () => {
    other()?.send(JSON.stringify({ type: 'gone' }))
    participant.leave()
  })
})
