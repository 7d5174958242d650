/** A program as an application has it: it only has to compile, and what is wrong must not. */

import { join, LocalMedia, newPassphrase, readLink, Room, RoomError, type Participant } from '../../lib/client/index.js'
import { useLayer, useMediaElement, useParticipants, useRoom } from '../../lib/client/react/index.js'

export async function visit(video: HTMLVideoElement): Promise<void> {
  const media = new LocalMedia({ video: { width: 640 } })
  const missing = await media.start({ video: false })
  if (missing.audio) console.warn(missing.audio.name)
  const room = await join('https://example.org/r/loom', async () => 'a token', {
    name: 'Ada',
    media,
    key: newPassphrase(),
    publish: { codec: 'vp9', scalability: 'L3T3_KEY' },
  }).catch(error => {
    if (error instanceof RoomError && error.code === 'locked') return null
    throw error
  })
  if (!room) return
  const stop = room.on('message', ({ from, topic, data }) => console.log(from?.length, topic.length, data.length))
  room.addEventListener('ended', event => console.log(event.detail.code))
  room.on('left', ({ participant, reason }) => console.log(participant.name, reason))
  room.on('stream', stream => {
    if (stream?.videoTrack) video.srcObject = stream.media
  })
  const first: Participant | undefined = [...room.participants.values()][0]
  if (first) room.moderation.mute(first.id, 'video')
  room.downlink.show([{ id: 'x', width: 640, height: 360, priority: 1 }])
  const figures = await room.figures()
  console.log(figures.get('track')?.bitrate.toFixed(0))
  stop()
  room.leave()

  // @ts-expect-error no such event
  room.on('nonsense', () => {})
  // @ts-expect-error the server says it
  room.locked = true
  // @ts-expect-error there is no such kind
  room.moderation.mute('x', 'smell')
  // @ts-expect-error rooms make them
  new Room()
}

export function component(url: string): unknown {
  const { room, state, error } = useRoom(readLink(url).server, null, { room: 'loom' })
  const [first] = useParticipants(room)
  const layer = useLayer(room, first?.camera)
  const ref: (element: HTMLVideoElement | null) => void = useMediaElement(first?.camera?.media)
  return [state, error?.message, layer?.layer?.bitrate, ref]
}
