import express from 'express'
import { Server } from 'socket.io'
import { Endpoint } from 'medialoom'
import { RoomError, Rooms } from 'medialoom/rooms'

const { PORT = '3000', MEDIA_IP = '127.0.0.1' } = process.env
const endpoint = await Endpoint.create({ listen: [{ ip: MEDIA_IP }] })
const rooms = new Rooms({ endpoint, maxParticipants: 20, mixer: false })

const app = express()
app.use(express.static(import.meta.dirname, { extensions: ['html'] }))
const server = app.listen(Number(PORT), () => console.log(`http://localhost:${server.address().port}`))

const io = new Server(server, { maxHttpBufferSize: 262144 })
io.on('connection', socket => {
  const { room: roomName, name } = socket.handshake.query
  const transport = endpoint.createTransport()
  let participant
  try {
    participant = rooms.join(String(roomName), { name: String(name), transport })
  } catch (error) {
    transport.close()
    if (!(error instanceof RoomError)) throw error
    socket.emit('refused', error.message)
    return socket.disconnect()
  }

  // This side is the polite one: the page ignores an offer that meets one of its own, and the engine
  // asks for negotiation again once it has answered that.
  transport.on('negotiationneeded', async () => {
    try {
      socket.emit('offer', await transport.createOffer())
    } catch (error) {
      fail(error)
    }
  })
  socket.on('offer', async (sdp, reply) => {
    try {
      reply(await transport.acceptOffer(sdp))
    } catch (error) {
      fail(error)
    }
  })
  socket.on('answer', sdp => transport.acceptAnswer(sdp).catch(fail))

  // Everybody hears who is there; streams have the ids of the publications.
  const tell = () =>
    socket.emit(
      'people',
      participant.room.participants.map(({ name, publications }) => ({
        name,
        streams: publications.map(({ id }) => id)
      }))
    )
  const events = ['joined', 'left', 'published', 'unpublished']
  for (const event of events) participant.room.on(event, tell)
  tell()

  socket.on('disconnect', () => participant.leave())
  participant.on('left', () => {
    for (const event of events) participant.room.off(event, tell)
    socket.disconnect()
  })

  function fail(error) {
    if (error.code === 'ERR_CLOSED' || error.code === 'ERR_INVALID_STATE') return
    console.error(error.message)
    socket.disconnect()
  }
})
