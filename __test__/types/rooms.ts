/** What TypeScript makes of medialoom/rooms. Compiled, never run. */

import type { Endpoint, MediaInput, PcmFrame, Transport } from 'medialoom'
import type { MeterProvider } from '@opentelemetry/sdk-metrics'
import { whepHandler, whipHandler, type SessionHandler } from 'medialoom/fetch'
import { observe } from 'medialoom/opentelemetry'
import { TestClients } from 'medialoom/testing'
import {
  Agent,
  Guest,
  RoomError,
  RoomRecording,
  Rooms,
  recoverRecordings,
  roomOwner,
  type Participant,
  type Permissions,
  type RecordingIndex
} from 'medialoom/rooms'
import { DirectoryStorage, expireRecordings, listRecordings, readIndex, type RecordingStorage } from 'medialoom/storage'
import { S3Storage } from 'medialoom/storage/s3'

export async function use(endpoint: Endpoint, transport: Transport): Promise<void> {
  const rooms = new Rooms({ endpoint, maxIncomingBitrate: null, speakers: { audio: 3, above: 16 }, maxWaiting: 10 })
  const ada: Participant = rooms.join('loom', {
    name: 'Ada',
    identity: 'ada',
    owner: 'ada',
    banBy: ['address:192.0.2.7'],
    metadata: '{}',
    attributes: { lang: 'en' },
    permissions: { canPublishSources: ['camera', 'screen'], roomAdmin: true },
    source: 'speakers',
    receive: 'places',
    transport
  })
  const permissions: Permissions = ada.permissions
  ada.setPermissions({ canPublish: !permissions.canPublish, canPublishSources: null })
  ada.mute('screen')
  ada.publications[0]?.unmute('audio')
  ada.on('message', ({ from, topic, data }) => void [from?.name.length, topic?.length, data.length])
  ada.on('left', (reason, text) => void [reason.length, text?.length])
  ada.on('slots', slots => slots.map(({ stream, kind, participant }) => [stream, kind, participant?.id]))
  const count: number = ada.sendMessage({ data: '', to: [ada, 'id'] })
  const guest: Guest = ada.room.knock({ name: 'Grace' })
  guest.on('admitted', participant => participant.kick('no'))
  ada.room.on('waiting', guests => guests.map(each => ada.room.admit(each)))
  const banned: boolean = ada.room.ban('somebody', 'why')
  const allowed: boolean = ada.allows('screen')
  // @ts-expect-error no such source
  ada.allows('piano')
  void [count, banned, allowed, roomOwner('loom', ['https://a.example']).length]

  const agent: Agent | null = rooms.join('loom', { name: 'Agent', agent: { silence: 300, interruptible: true } }).agent
  if (!agent) return
  agent.on('interrupted', (by, heard) => void [by.name, heard.toFixed()])
  for await (const frame of await agent.createPcmReader({ from: ada, sampleRate: 16000 })) void (frame satisfies PcmFrame)
  for await (const bytes of await agent.createPcmReader({ raw: true })) void (bytes satisfies Buffer)
  const writer = await agent.createPcmWriter({ sampleRate: 24000 })
  writer.clear()
  const heard: number = writer.position + writer.waiting + agent.interrupt()
  void heard
}

export async function record(ada: Participant, storage: RecordingStorage): Promise<void> {
  const recording: RoomRecording = await ada.room.record('/srv/recordings', {
    what: 'both', files: 'track', format: 'mp4', by: ada, storage, retention: { maxAge: 1000 }, absence: 0, encoding: 'smallest'
  })
  recording.on('skipped', (participant, kind, reason) => void [participant?.name, kind, reason.length])
  recording.on('ended', (reason, error) => void [reason.length, error?.message])
  ada.room.on('recorded', ({ reason, error }) => void [reason?.length, error?.message])
  const marked: boolean = recording.mark('now')
  const { index, stored } = await recording.stop()
  const offsets: number[] = index.files.map(({ offset }) => offset)
  const files: RecordingStorage[] = [new DirectoryStorage('/srv'), new S3Storage({ client: { send: async () => ({}) }, bucket: 'b' })]
  const found: RecordingIndex | null = await readIndex(storage, 'name')
  const removed: string[] = await expireRecordings(storage, { maxCount: 3 })
  const names: string[] = (await listRecordings(storage)).map(({ name }) => name)
  ada.offer({ audio: null, video: null })
  ada.setEncrypted(!ada.encrypted)
  void [marked, stored, offsets, files, found, removed, names, await recoverRecordings('/srv', { storage })]
  // @ts-expect-error no such choice
  await ada.room.record('/srv', { what: 'all' })
  // @ts-expect-error recordings are made by a room
  new RoomRecording()
}

export function useInputs(rooms: Rooms, input: MediaInput): void {
  const stage: Participant = rooms.addInput('loom', input, { name: 'Stage', identity: 'obs', permissions: { canPublishSources: ['screen'] }, screen: true })
  const again: boolean = stage.input === input
  // @ts-expect-error an input receives nothing
  stage.room.addInput(input, { name: 'Stage', receive: 'streams' })
  // @ts-expect-error it has a name
  stage.room.addInput(input, {})
  // @ts-expect-error no input
  stage.room.addInput({}, { name: 'Stage' })
  void again
}

export function wrongUse(rooms: Rooms, ada: Participant): void {
  // @ts-expect-error a permission that there is not
  ada.setPermissions({ canpublish: true })
  // @ts-expect-error no such source
  ada.setPermissions({ canPublishSources: ['face'] })
  // @ts-expect-error permissions change by a call alone
  ada.permissions.canPublish = false
  // @ts-expect-error no such kind
  ada.mute('all')
  // @ts-expect-error its name is places
  rooms.join('loom', { name: 'Ada', receive: 'slots' })
  // @ts-expect-error data is a string
  ada.sendMessage({ data: Buffer.from('') })
  // @ts-expect-error guests are made by a room
  new Guest()
  // @ts-expect-error no such code
  new RoomError('ERR_UNKNOWN', 'text')
}

export async function serve(endpoint: Endpoint, rooms: Rooms, provider: MeterProvider): Promise<Response> {
  const whip: SessionHandler = whipHandler({ rooms, path: '/api/whip', authorize: request => request.headers.has('Cookie') })
  whepHandler({ rooms, authorize: async (_request, { action, token }) => ({ identity: `${action} ${token}`, banBy: ['token:1'] }) })
  observe(provider.getMeter('medialoom'), { endpoint, rooms, largestRooms: 10, attributes: { host: 'a' } }).stop()
  const clients = await TestClients.create()
  const ada = await clients.join(rooms, 'loom', { name: 'Ada', sends: ['audio'], role: 'listener' })
  await ada.hears(ada.participant, { not: true, timeout: 10 })
  // @ts-expect-error a client of its own has the transport
  await clients.join(rooms, 'loom', { name: 'Ada', transport: null })
  await clients.close()
  return whip(new Request('http://localhost/api/whip/loom'))
}
