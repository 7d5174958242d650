import express from 'express'
import { Endpoint } from 'medialoom'
import { whepRouter, whipRouter } from 'medialoom/express'
import { Rooms } from 'medialoom/rooms'

const { PORT = '3000', MEDIA_IP = '127.0.0.1', SPEAKER_TOKEN = 'speaker', MODERATOR_TOKEN = 'moderator' } = process.env
const endpoint = await Endpoint.create({ listen: [{ ip: MEDIA_IP }] })
// One picture and one sound for the audience, however many are on stage.
const mixer = { audio: true, video: { width: 1280, height: 720, rungs: 2 } }
const rooms = new Rooms({ endpoint, mixer, maxParticipants: 5000 })

const app = express()
app.use(express.static(import.meta.dirname, { extensions: ['html'] }))
app.use('/whip', whipRouter({ rooms, authorize: (_request, { token }) => token === SPEAKER_TOKEN }))
app.use('/whep', whepRouter({ rooms }))

app.get('/stage', (_request, response) => response.json(stage().map(view)))

const moderator = express.Router()
moderator.use((request, response, next) => {
  if (request.get('authorization') === `Bearer ${MODERATOR_TOKEN}`) next()
  else response.sendStatus(403)
})
moderator.param('id', (request, response, next, id) => {
  request.speaker = stage().find(participant => participant.id === id)
  if (request.speaker) next()
  else response.sendStatus(404)
})
// Nobody hears who is muted, and they cannot undo it.
moderator.post('/:id/mute', (request, response) => {
  if (request.query.off === undefined) request.speaker.mute('audio')
  else request.speaker.unmute('audio')
  response.json(view(request.speaker))
})
moderator.delete('/:id', (request, response) => {
  request.speaker.kick()
  response.sendStatus(204)
})
app.use('/stage', moderator)

function stage() {
  return rooms.get('webinar')?.participants.filter(({ role }) => role === 'publisher') ?? []
}

function view({ id, name, speaking, moderated }) {
  return { id, name, speaking, muted: moderated.audio }
}

const server = app.listen(Number(PORT), () => console.log(`http://localhost:${server.address().port}`))
