/// <reference types="node" />
/**
 * Rooms on top of medialoom: whoever is in a room sees and hears everyone else in it.
 *
 * A room knows nothing of signaling. It takes transports, forwards their tracks to each other and
 * tells by events what a signaling channel has to pass on. The Express room server uses it for
 * WebSocket clients, and the WHIP and WHEP routers of `medialoom/express` use the same rooms.
 */

import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RoomRecording, RoomRecordOptions } from './recording/index.js'
import type {
  CloseReason,
  Endpoint,
  HlsOptions,
  HlsStats,
  IncomingStream,
  IncomingTrack,
  InputTrack,
  Kind,
  Mixer,
  MixedTrack,
  MixerOptions,
  FrameReader,
  FrameReaderOptions,
  FrameWriter,
  OutgoingStream,
  PcmFrame,
  PcmReader,
  PcmReaderOptions,
  PcmWriter,
  PcmWriterOptions,
  SourceTrack,
  Transponder,
  Transport,
} from '../../index.js'

export * from './recording/index.js'

export type RoomErrorCode =
  /** A name, mode or option is not acceptable; `field` names it. */
  | 'ERR_INVALID_ARG'
  /** There are as many rooms as there may be. */
  | 'ERR_ROOM_LIMIT'
  /** The room is full. */
  | 'ERR_PARTICIPANT_LIMIT'
  /** What was asked for does not go with the room's mode. */
  | 'ERR_ROOM_MODE'
  /** The room is locked. */
  | 'ERR_LOCKED'
  /** The room has a lobby: see {@link Room.knock}. */
  | 'ERR_LOBBY'
  /** They were banned from the room. */
  | 'ERR_BANNED'
  /** Their permissions do not say so. */
  | 'ERR_FORBIDDEN'
  /** Too many messages. */
  | 'ERR_RATE_LIMIT'
  /** Somebody encrypts end to end, and the server has nothing that it could record. */
  | 'ERR_ENCRYPTED'
  /** The files of a recording cannot be written; `cause` says why. */
  | 'ERR_IO'
  /** The room is recorded as often at once as it may be. */
  | 'ERR_RECORDING_LIMIT'
  /** The room or the rooms are closed. */
  | 'ERR_CLOSED'

/** Why a room refused something. The message is fit to be shown to whoever asked. */
export class RoomError extends Error {
  constructor(code: RoomErrorCode, message: string, details?: { field?: string })
  name: 'RoomError'
  code: RoomErrorCode
  field: string | undefined
}

/**
 * `sfu`: everyone's tracks are forwarded to everyone else.
 * `mcu`: everyone gets the mix: one picture of all, and the sound of all the others.
 * `broadcast`: members get each other's tracks, listeners and viewers the mix.
 * `p2p`: participants connect to each other, the server only signals.
 *
 * Between the first three a room is switched without anyone's transport noticing more than a change
 * of tracks.
 */
export type RoomMode = 'sfu' | 'mcu' | 'broadcast' | 'p2p'

/**
 * `member`: sends and receives. `listener`: receives only; what it sends is for nobody.
 * `publisher`: came by WHIP, or is an {@link Input}. `viewer`: came by WHEP. `agent`: a part of the application, see {@link Agent}.
 */
export type ParticipantRole = 'member' | 'listener' | 'publisher' | 'viewer' | 'agent'

/** What a participant sends: a peer's track, or one that is made here. */
export type PublishedTrack = SourceTrack

/** Tracks that are made here, such as a {@link Mixer} or a player has. */
export interface OfferedTracks {
  readonly audio: PublishedTrack | null
  readonly video: PublishedTrack | null
  /** They are a shared screen, see {@link Publication.screen}. Default false. */
  readonly screen?: boolean
}

/**
 * What comes by another way than WebRTC and can be somebody in a room: a {@link MediaInput} of an RTMP server, for one.
 * Anything of its shape will do. It emits `track` for tracks that come later, and `closed` with a {@link CloseReason}.
 */
export type Input = InputBase & ({ readonly tracks: readonly SourceTrack[] } | WithStreams)

interface InputBase {
  readonly closed: boolean
  on(event: string, listener: (...args: any[]) => void): unknown
  once(event: string, listener: (...args: any[]) => void): unknown
  off(event: string, listener: (...args: any[]) => void): unknown
  close(): unknown
}

/** One that has peers' tracks, such as a transport of plain RTP. */
interface WithStreams {
  readonly incomingTracks: readonly IncomingTrack[]
  readonly incomingStreams: readonly IncomingStream[]
  setMaxIncomingBitrate(bitrate: number | null): void
}

/** See {@link JoinOptions}. What the others send does not reach an input. */
export interface InputOptions
  extends Pick<
    JoinOptions,
    'name' | 'identity' | 'owner' | 'banBy' | 'permissions' | 'metadata' | 'attributes' | 'mode' | 'maxIncomingBitrate' | 'appData'
  > {
  /** What it sends is a shared screen, see {@link Publication.screen}. Default false. */
  screen?: boolean
}

/**
 * `mix`: everyone in one picture and one sound. `streams`: each participant's tracks as they are. `speakers`: the
 * tracks of who speaks, or spoke last, on a handful of streams ({@link RoomsOptions.speakers}), and shared screens.
 */
export type ReceivedSource = 'mix' | 'streams' | 'speakers'

/** How the mixed picture is arranged, see {@link Mixer.setLayout}. */
export type RoomLayout = 'grid' | 'speaker' | 'pip' | 'sidebar'

/** What a track shows, for {@link Permissions.canPublishSources}. A screen's sound is `screen` as well. */
export type PublishedSource = 'camera' | 'microphone' | 'screen'

/** What a participant may do. The names are those of LiveKit's grants. */
export interface Permissions {
  /** Whether what they send is for the others. Default true. */
  readonly canPublish: boolean
  /** What of it; `null` (default): everything. Kinds are seen by the engine, screens are what the client says. */
  readonly canPublishSources: readonly PublishedSource[] | null
  /** Whether the others' media reaches them. Default true. */
  readonly canSubscribe: boolean
  /** Whether they may send messages. Default true. */
  readonly canPublishData: boolean
  /**
   * Whether they come in though the room is locked or has a lobby. A signaling channel lets them moderate; this
   * API asks nobody. Default false.
   */
  readonly roomAdmin: boolean
  /** Whether they may have the room recorded, see {@link RoomRecordOptions.by}. Default false. */
  readonly roomRecord: boolean
  /** Nobody in the room is told of them, and what they send is for nobody. Default false. */
  readonly hidden: boolean
}

/** What a moderator can mute of a participant: microphone, camera, and both halves of shared screens. */
export type ModeratedKind = 'audio' | 'video' | 'screen'
export type Moderated = Readonly<Record<ModeratedKind, boolean>>

/** A message to send, see {@link Participant.sendMessage}. */
export interface OutgoingMessage {
  /** At most 16384 characters. */
  data: string
  /** At most 64 characters. Default: none. */
  topic?: string | null
  /** Whom it is for, at most 100 participants or their ids; unknown ones are left out. Default: everyone. */
  to?: readonly (Participant | string)[] | Participant | string | null
}

/** A message that came. */
export interface RoomMessage {
  /** `null`: the application. */
  readonly from: Participant | null
  readonly topic: string | null
  readonly data: string
}

export interface RoomLimits {
  /** Rooms that may exist at once. Default 1000. */
  maxRooms?: number
  /** Participants of one room, without its listeners. Default 100. */
  maxParticipants?: number
  /** Listeners of one room. Default 10000. */
  maxAudience?: number
  /** Tracks of one participant that are forwarded; more are ignored. Default 16. */
  maxTracks?: number
  /** Who may wait in the lobby of one room. Default 100. */
  maxWaiting?: number
  /** Characters of a room's or participant's name. Default 64. */
  maxNameLength?: number
  /**
   * Bits per second of media that one participant may send, see {@link Transport.setMaxIncomingBitrate}. `null`
   * (default): what their link carries.
   */
  maxIncomingBitrate?: number | null
}

export interface RoomsOptions extends RoomLimits {
  /** Where the participants' transports come from. */
  endpoint: Endpoint
  /**
   * What rooms mix with. A room has a mixer while somebody in it gets the mix, and no longer.
   * `false`: nothing is mixed, and modes `mcu` and `broadcast` and the source `mix` are refused.
   * Default: sound, and 1280x720 at 25 frames per second in VP8 and H264, in two sizes.
   */
  mixer?: MixerOptions | false
  /** What the source `speakers` is, and when it is the default. */
  speakers?: SpeakersOptions
  /** How the mixes of rooms are made for players of HLS, see {@link Room.hls}. */
  hls?: Pick<HlsOptions, 'part' | 'segment' | 'window'>
}

export interface SpeakersOptions {
  /** Voices at once, 1 to 64. Default 3. */
  audio?: number
  /** Pictures, 0 to 64: of those who speak and of those who spoke last. Default 4. */
  video?: number
  /**
   * When more than so many may send, whoever got everybody's `streams` by the room's mode gets the `speakers`
   * instead. Default 100.
   */
  above?: number
}

/** One of the streams of the source `speakers`. */
export interface FilledSlot {
  /** Id of the stream that is sent. */
  readonly stream: string
  readonly kind: Kind
  /** Whose track is sent on it; `null` nobody's. One's own is left out. */
  readonly participant: Participant | null
}

export interface RoomsEvents {
  /** Someone joined a room that did not exist. The first participant is in it. */
  room: [room: Room]
}

/** All rooms of one endpoint. A room exists from the first to join to the last to leave. */
export class Rooms extends EventEmitter<RoomsEvents> {
  /** @throws {RoomError} `ERR_INVALID_ARG` */
  constructor(options: RoomsOptions)
  readonly endpoint: Endpoint
  readonly limits: Readonly<Required<RoomLimits>>
  readonly speakers: Readonly<Required<SpeakersOptions>>
  /** What rooms mix with, `false` where nothing is mixed. */
  readonly mixer: MixerOptions | false
  readonly closed: boolean
  /** Number of rooms. */
  readonly size: number
  get(name: string): Room | undefined
  [Symbol.iterator](): IterableIterator<Room>
  /**
   * Puts a participant into the room of that name, which is made if it does not exist.
   * @throws {RoomError} `ERR_INVALID_ARG`, `ERR_ROOM_LIMIT`, `ERR_PARTICIPANT_LIMIT`, `ERR_ROOM_MODE`, `ERR_LOCKED`,
   *   `ERR_LOBBY`, `ERR_BANNED`, `ERR_CLOSED`
   */
  join(name: string, options: JoinOptions): Participant
  /** As {@link Room.addInput}, into the room of that name, which is made if it does not exist. @throws {RoomError} */
  addInput(name: string, input: Input, options: InputOptions): Participant
  /** Closes every room. The endpoint stays open. */
  close(): void
}

export interface JoinOptions {
  /** What the others see, 1 to {@link RoomLimits.maxNameLength} printable characters. Need not be unique. */
  name: string
  /**
   * Who they are to the application, 1 to 128 printable characters; unique in a room. Who joins under an identity
   * that is there takes its place, and the other leaves with the reason `replaced`. Default: none.
   */
  identity?: string | null
  /**
   * The identity of whose they are: who bans one bans them too. It need not be unique, so that somebody may take part
   * and watch by WHEP as well. Default: {@link JoinOptions.identity}.
   */
  owner?: string | null
  /**
   * What a ban of them holds by where there is no identity, at most 8 strings of 1 to 128 printable characters that
   * the application chooses, such as `address:192.0.2.7` or `token:x4Kp`. Whoever joins with one of them and without
   * an identity is kept out then; who is in stays in. Default: nothing.
   */
  banBy?: readonly string[]
  /** What is not said is the default of {@link Permissions}. */
  permissions?: Partial<Permissions>
  /** What the others are told, at most 4096 characters. Default: empty. */
  metadata?: string
  /** The same by names: at most 32 of at most 64 characters, with values of at most 512. Default: none. */
  attributes?: Record<string, string>
  /** Default `'member'`. */
  role?: ParticipantRole
  /** The mode of the room, if this makes it. Default `'sfu'`. */
  mode?: RoomMode
  /** The participant's media, from the room on: it is closed when they leave. */
  transport?: Transport | null
  /**
   * How the others' tracks reach this participant.
   * `'streams'` (default): each publication as a stream of its own, with `negotiationneeded`.
   * `'places'`: on streams given to {@link Participant.addPlace}, without negotiation, one
   * participant each, in joining order.
   * `'nothing'`: not at all.
   */
  receive?: 'streams' | 'places' | 'nothing'
  /**
   * What this participant receives. With `'mix'` it is one stream, named `mix`, with the picture of
   * everyone and the sound of everyone else; on places, the first audio and the first video of them.
   * Default: what the room's mode says.
   */
  source?: ReceivedSource
  /**
   * With `'places'`: participants of this name are left out, such as the viewer's own publisher. In
   * the mix they are seen but not heard.
   */
  exceptName?: string
  /** Joins a part of the application, whose sound and pictures come from and go to JavaScript. See {@link Agent}. */
  agent?: AgentOptions | boolean
  /** Bits per second of media that they may send. Default: {@link RoomLimits.maxIncomingBitrate}. */
  maxIncomingBitrate?: number | null
  /** Whether the participant leaves when the transport closes. Default true. */
  leaveOnTransportClosed?: boolean
  appData?: unknown
}

export interface AgentOptions {
  /** What it says is made with these options of a mixer. Default true. */
  audio?: MixerOptions['audio']
  /** The same of what it shows. Default false. */
  video?: MixerOptions['video']
  /** Milliseconds without a sound after which somebody has finished, 200 to 60000. Default 600. */
  silence?: number
  /** Whether it is interrupted by itself when somebody begins to speak. Default false. */
  interruptible?: boolean
}

export interface AgentEvents {
  /** Somebody else begins to speak. */
  speechstart: [participant: Participant]
  /** They have been silent for {@link AgentOptions.silence}, or left. `duration`: of what they said, in milliseconds. */
  speechend: [participant: Participant, duration: number]
  /** It was interrupted by somebody, after so many milliseconds of what it said. */
  interrupted: [by: Participant, heard: number]
}

/**
 * A part of the application that takes part in a room, in every mode but `p2p`: the others see and hear it as they do
 * anybody. It leaves with {@link Participant.leave}.
 */
export class Agent extends EventEmitter<AgentEvents> {
  private constructor()
  readonly participant: Participant
  /**
   * What it says from now on, in place of what was written before. Rejects when its mixer cannot be made, or it has
   * left.
   */
  createPcmWriter(options?: PcmWriterOptions): Promise<PcmWriter>
  /** What it shows. */
  createFrameWriter(): Promise<FrameWriter>
  /** What it hears: one participant (`from`), or everybody else together. Ends when they leave. */
  createPcmReader(options?: PcmReaderOptions & { from?: Participant; raw?: false }): Promise<PcmReader<PcmFrame>>
  createPcmReader(options: PcmReaderOptions & { from?: Participant; raw: true }): Promise<PcmReader<Buffer>>
  /** What it sees: the camera of one participant, or a canvas of all. Only with {@link AgentOptions.video}. */
  createFrameReader(options?: FrameReaderOptions & { from?: Participant; raw?: false }): Promise<FrameReader>
  createFrameReader(options: FrameReaderOptions & { from?: Participant; raw: true }): Promise<FrameReader<Buffer>>
  /** Milliseconds of what it says that were played, since the writer was made or it was interrupted last. */
  readonly heard: number
  /**
   * Falls silent within 40 ms: what was written and not played yet is taken back.
   * @returns {@link Agent.heard} until now
   */
  interrupt(): number
}

export interface RoomEvents {
  joined: [participant: Participant]
  /** Already out of {@link Room.participants}. */
  left: [participant: Participant, reason: string, text: string | null]
  published: [publication: Publication]
  unpublished: [publication: Publication]
  /** By audio level; settles between words. */
  speaking: [participant: Participant, speaking: boolean]
  /** A member only listens now, or a listener became a member. */
  role: [participant: Participant, role: ParticipantRole]
  permissions: [participant: Participant, permissions: Permissions]
  /** A moderator muted something of them, or took it back. */
  moderated: [participant: Participant, moderated: Moderated]
  /** Their {@link Participant.metadata} or {@link Participant.attributes} changed. */
  metadata: [participant: Participant]
  /** Milliseconds since the Unix epoch, or `null` when it was lowered. */
  hand: [participant: Participant, raisedAt: number | null]
  message: [message: RoomMessage, to: Participant[]]
  locked: [locked: boolean]
  lobby: [lobby: boolean]
  /** Who waits in the lobby, after each change. */
  waiting: [guests: Guest[]]
  /** In mode `p2p` nobody has a transport any more; when it is left, give them new ones. */
  mode: [mode: RoomMode]
  layout: [layout: RoomLayout]
  /** The room has a mixer now, or none any more. */
  mixer: [mixer: Mixer | null]
  /** It is being recorded from now on: tell everybody. */
  recording: [recording: RoomRecording]
  /** That one is over; {@link RoomRecording.reason} says why. Its files are whole when `finished` resolves. */
  recorded: [recording: RoomRecording]
  closed: []
}

export class Room extends EventEmitter<RoomEvents> {
  private constructor()
  readonly name: string
  readonly endpoint: Endpoint
  readonly mode: RoomMode
  readonly layout: RoomLayout
  /** Whether so many may send that the default is {@link SpeakersOptions.above | the speakers}. */
  readonly crowded: boolean
  /** While somebody gets the mix. Each port has its participant as `appData`. */
  readonly mixer: Mixer | null
  /** Whether there can be a mix, see {@link RoomsOptions.mixer}. */
  readonly mixes: boolean
  readonly closed: boolean
  readonly limits: Readonly<Required<RoomLimits>>
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number
  appData: unknown
  /** In joining order. */
  readonly participants: Participant[]
  /** @param id {@link Participant.id} */
  get(id: string): Participant | undefined
  byIdentity(identity: string): Participant | undefined
  /**
   * @throws {RoomError} `ERR_INVALID_ARG`, `ERR_PARTICIPANT_LIMIT`, `ERR_ROOM_MODE`, `ERR_LOCKED`, `ERR_LOBBY`,
   *   `ERR_BANNED`, `ERR_CLOSED`
   */
  join(options: JoinOptions): Participant
  /**
   * Has an input be a participant with the role `publisher`, under the same rules as everybody. It is closed when
   * the participant leaves or is taken out, and the participant leaves when it ends. Pictures with B-frames
   * ({@link InputTrack.reordered}) are decoded and encoded anew by a mixer of its own. Of what can be muted at all a muted
   * track is one that is gone until it is not muted any more, but for plain RTP.
   * @throws {RoomError} as {@link Room.join} does; `ERR_CLOSED` also for an input that has ended
   */
  addInput(input: Input, options: InputOptions): Participant
  /** Whether only room admins may come in. Whoever is in stays, and may come again under their identity. */
  readonly locked: boolean
  lock(): void
  unlock(): void
  /** Whether whoever comes has to be let in. */
  readonly lobby: boolean
  /** When it is switched off, whoever waits comes in. */
  setLobby(lobby: boolean): void
  /** Who waits, in the order in which they came. */
  readonly waiting: Guest[]
  /**
   * Waits to be let in, where {@link Room.join} throws `ERR_LOBBY`. A second guest of the same identity takes the
   * place of the first.
   * @throws {RoomError} `ERR_INVALID_ARG`, `ERR_PARTICIPANT_LIMIT`, `ERR_ROOM_MODE`, `ERR_CLOSED`
   */
  knock(options: JoinOptions): Guest
  /**
   * Lets somebody in who waits.
   * @param guest or {@link Guest.id}
   * @throws {RoomError} as {@link Room.join} does; the guest is told by `rejected`
   */
  admit(guest: Guest | string): Participant
  /** @throws {RoomError} `ERR_INVALID_ARG` when they wait no more */
  reject(guest: Guest | string, text?: string): void
  /**
   * Takes somebody out, with the reason `banned`, and keeps them out while the room exists: by the identity, with
   * everybody of whom it is the {@link JoinOptions.owner}, or, where there is none, by {@link JoinOptions.banBy}. The
   * 10000 newest bans are kept.
   * @param who a participant, or an identity whether or not it is here
   * @returns whether it holds for later: not for somebody with neither
   */
  ban(who: Participant | string, text?: string): boolean
  /** @param key an identity, or one of {@link JoinOptions.banBy} @returns whether it was banned */
  unban(key: string): boolean
  /**
   * Whether somebody could come in now, for whatever gives the room away without a participant, such as HLS.
   * @throws {RoomError} `ERR_BANNED`, `ERR_LOCKED`, `ERR_LOBBY`, `ERR_CLOSED`, `ERR_INVALID_ARG`
   */
  checkEntrance(visitor?: Visitor): void
  /** Whether a ban holds for them. */
  isBanned(visitor: Visitor): boolean
  /** Identities, and what was banned in place of them. */
  readonly banned: string[]
  /** Its mix for players of HLS; `null` where nothing is mixed. */
  readonly hls: RoomHls | null
  /** Those that go on. */
  readonly recordings: RoomRecording[]
  /**
   * Records it, whoever comes and goes, until {@link RoomRecording.stop}, a limit, or the last one leaves. Four at a time.
   * @param directory the recordings' directory, which is made if it is not there. Each recording has one of its own in it
   * @throws {RoomError} `ERR_INVALID_ARG` (also: a name that leads out of the directory, or is there), `ERR_FORBIDDEN`,
   *   `ERR_ENCRYPTED`, `ERR_ROOM_MODE` (`p2p`, or nothing is mixed), `ERR_RECORDING_LIMIT`, `ERR_IO`, `ERR_CLOSED`
   */
  record(directory: string, options?: RoomRecordOptions): Promise<RoomRecording>
  /** Sends a message of the application's. @returns how many it goes to */
  sendMessage(message: OutgoingMessage): number
  /**
   * Switches the mode for everyone. Mode `p2p` closes the participants' transports; between the
   * others they stay.
   * @returns whether it was another mode before
   * @throws {RoomError} `ERR_ROOM_MODE` for `p2p` while someone listens or is in it by WHIP or WHEP, and for
   *   what has to be mixed where nothing is; `ERR_INVALID_ARG`, `ERR_CLOSED`
   */
  setMode(mode: RoomMode): boolean
  /**
   * Arranges the mixed picture, this one and those to come.
   * @returns whether it was another layout before
   * @throws {RoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`
   */
  setLayout(layout: RoomLayout): boolean
  /** Everyone leaves with the reason `room-closed`. */
  close(): void
}

export interface ParticipantEvents {
  published: [publication: Publication]
  unpublished: [publication: Publication]
  speaking: [speaking: boolean]
  /** A track of someone else is attached to a track that goes to this participant. */
  forwarding: [publication: Publication, transponder: Transponder]
  /** A track of someone else cannot be sent to this participant, such as for want of a common codec. */
  forwardingfailed: [publication: Publication, track: PublishedTrack | null, error: Error]
  /** With the source `speakers`: whose tracks are sent on which stream now. */
  slots: [slots: readonly FilledSlot[]]
  /** A track of the room's mixer, or a slot of its speakers, is attached to a track that goes to this participant. */
  mixing: [transponder: Transponder]
  /**
   * The mix cannot be made, or not be sent to this participant, or they cannot be in it. A mixer
   * that failed is made again.
   */
  mixingfailed: [error: Error]
  /** What they receive changed: they asked for it, or the room's mode or their role did. */
  source: [source: ReceivedSource]
  role: [role: ParticipantRole]
  /** What they send changed: a track came, went or was muted, or something was said about it. */
  media: []
  permissions: [permissions: Permissions]
  moderated: [moderated: Moderated]
  /** {@link Participant.metadata} or {@link Participant.attributes} changed. */
  metadata: []
  /** Milliseconds since the Unix epoch, or `null` when it was lowered. */
  hand: [raisedAt: number | null]
  /** Somebody else, or the application, sends them something. */
  message: [message: RoomMessage]
  /** The transport closed by itself: the peer went away, or it failed. */
  transportclosed: [reason: CloseReason]
  /**
   * `left`, `kicked`, `banned`, `replaced`, `room-closed`, a {@link CloseReason}, or what the application said; and
   * what a moderator had to say of it.
   */
  left: [reason: string, text: string | null]
}

export interface GuestEvents {
  /** They are in the room. */
  admitted: [participant: Participant]
  /** `rejected`, `banned`, `replaced`, `room-closed`, or `failed` when the room had no place any more. */
  rejected: [code: string, text: string | null]
}

/** Somebody who waits in a lobby. */
export class Guest extends EventEmitter<GuestEvents> {
  private constructor()
  readonly id: string
  readonly name: string
  readonly identity: string | null
  readonly owner: string | null
  readonly room: Room
  /** What they will join with. */
  readonly options: JoinOptions
  /** Milliseconds since the Unix epoch. */
  readonly since: number
  readonly waiting: boolean
  /** Waits no longer. */
  leave(): void
}

export class Participant extends EventEmitter<ParticipantEvents> {
  private constructor()
  /** Unique, 12 characters of base64url. */
  readonly id: string
  readonly name: string
  /** Who they are to the application, `null` if it did not say. */
  readonly identity: string | null
  /** See {@link JoinOptions.owner}. */
  readonly owner: string | null
  /** See {@link JoinOptions.banBy}. */
  readonly banBy: readonly string[]
  readonly role: ParticipantRole
  readonly permissions: Permissions
  readonly metadata: string
  readonly attributes: Readonly<Record<string, string>>
  /** When they raised their hand, in milliseconds since the Unix epoch; `null` while it is down. */
  readonly hand: number | null
  /** What a moderator muted. It holds for what they send later, and when they come back under their identity. */
  readonly moderated: Moderated
  readonly room: Room
  /** Milliseconds since the Unix epoch. */
  readonly joinedAt: number
  appData: unknown
  readonly closed: boolean
  readonly speaking: boolean
  /** Whether what they send is for the others: not of listeners, viewers, the hidden and who may not publish. */
  readonly maySend: boolean
  /**
   * Whether the others would get it, by role, permissions and moderation: for what goes from peer to peer, which no
   * room sees.
   * @throws {RoomError} `ERR_INVALID_ARG`
   */
  allows(source: PublishedSource): boolean
  /** What they receive. */
  readonly source: ReceivedSource
  /** With the source `speakers`: whose tracks are sent on which stream, as the event `slots` said last. */
  readonly slots: readonly FilledSlot[]
  /** What was asked for, `null` where the room's mode decides. */
  readonly chosenSource: ReceivedSource | null
  /** What they said is off, see {@link Participant.setMuted}. */
  readonly muted: Readonly<{ audio: boolean; video: boolean }>
  /** Whether they said that they encrypt end to end, see {@link Participant.setEncrypted}. */
  readonly encrypted: boolean
  readonly transport: Transport | null
  /** `null` of everybody else. */
  readonly agent: Agent | null
  /** What {@link Room.addInput} was given. `null` of everybody else. */
  readonly input: Input | null
  readonly publications: Publication[]
  /** The tracks of all publications. */
  readonly tracks: PublishedTrack[]
  /**
   * Replaces the participant's media, such as after a change of mode. The old transport is closed.
   * @throws {RoomError} `ERR_ROOM_MODE` for a transport in a room of mode `p2p`
   */
  setTransport(transport: Transport | null): void
  /**
   * Gives a negotiated stream to fill with one other participant's tracks. Only with `receive: 'places'`.
   * @throws {TypeError} when the participant does not receive on places
   */
  addPlace(stream: OutgoingStream): void
  /**
   * Switches what this participant receives, whatever the others do. `null` leaves it to the room's
   * mode. The transport stays; with `receive: 'streams'` negotiation follows.
   * @throws {RoomError} `ERR_INVALID_ARG`, `ERR_ROOM_MODE` where nothing is mixed
   */
  setSource(source: ReceivedSource | null): void
  /**
   * Makes a member a listener, or a listener a member. What a listener sends goes nowhere.
   * @throws {RoomError} `ERR_INVALID_ARG` for who came by WHIP or WHEP, `ERR_PARTICIPANT_LIMIT`, `ERR_ROOM_MODE`
   */
  setRole(role: 'member' | 'listener'): void
  /**
   * Says that the microphone or the camera is off, though the track is there: it is left out of the
   * mix, and the tile says so. What is not given stays as it was.
   */
  setMuted(muted: { audio?: boolean; video?: boolean }): void
  /**
   * Has a participant without a transport send tracks that are made here, such as those of a player. Agents do so by
   * themselves. `null`: nothing any more.
   */
  offer(tracks: OfferedTracks | null): void
  /** Says that what they send is encrypted end to end: recordings leave it out. */
  setEncrypted(encrypted: boolean): void
  /**
   * Changes what they may do, at once: what they may not send any more is withdrawn from the others, who are not
   * to see them do not. What is not given stays as it was.
   * @throws {RoomError} `ERR_INVALID_ARG`
   */
  setPermissions(permissions: Partial<Permissions>): void
  /**
   * Mutes what they send, for everyone who is here and who comes later, forwarded or mixed. They cannot undo it. In
   * mode `p2p`, where no media passes the server, it is for those who pass descriptions on to heed {@link allows}.
   * @throws {RoomError} `ERR_INVALID_ARG`
   */
  mute(kind: ModeratedKind): void
  unmute(kind: ModeratedKind): void
  /** Bits per second of media that they may send, `null` without a limit. */
  readonly maxIncomingBitrate: number | null
  /**
   * Limits what they send from now on, by this transport and others.
   * @throws {RoomError} `ERR_INVALID_ARG`
   */
  setMaxIncomingBitrate(bitrate: number | null): void
  /** Which of their streams show a screen, by {@link IncomingStream.id}; sets {@link Publication.screen}. */
  setScreens(streams: Iterable<string>): void
  /** @throws {RoomError} `ERR_INVALID_ARG` */
  setMetadata(metadata: string): void
  /** Replaces all of them. @throws {RoomError} `ERR_INVALID_ARG` */
  setAttributes(attributes: Record<string, string>): void
  /** @param raised default true */
  raiseHand(raised?: boolean): void
  /**
   * Sends a message to others in the room, 20 at once and 5 a second over a longer time.
   * @returns how many it goes to
   * @throws {RoomError} `ERR_INVALID_ARG`, `ERR_FORBIDDEN` without `canPublishData`, `ERR_RATE_LIMIT`, `ERR_CLOSED`
   */
  sendMessage(message: OutgoingMessage): number
  /** Leaves the room with the reason `kicked`. @param text what they are told */
  kick(text?: string): void
  /**
   * Leaves the room and closes the transport.
   * @param reason default `left`
   * @param text what they are told
   */
  leave(reason?: string, text?: string): void
}

export interface PublicationEvents {
  track: [track: PublishedTrack]
  trackclosed: [track: PublishedTrack]
  /** A track came, went or was muted, by its sender or a moderator, or {@link Publication.screen} was set. */
  change: []
  closed: []
}

/** One incoming stream of a participant, as the others get it. */
export class Publication extends EventEmitter<PublicationEvents> {
  private constructor()
  /** The stream id the others see. */
  readonly id: string
  readonly participant: Participant
  /** `null` of what is made here, such as by an agent. */
  readonly stream: IncomingStream | null
  readonly closed: boolean
  /** What is muted of this publication alone, see {@link Publication.mute}. */
  readonly muted: Readonly<Record<Kind, boolean>>
  /**
   * Mutes it for everyone who is here and who comes later, forwarded or mixed.
   * @param kind default both
   */
  mute(kind?: Kind): void
  /** What {@link Participant.mute} muted stays so. */
  unmute(kind?: Kind): void
  /**
   * Whether its sound means that the participant is speaking. Default: unless it is a screen.
   */
  speech: boolean
  /** Whether it is a shared screen, which has a place of its own in the mix. Default false. */
  screen: boolean
  appData: unknown
  readonly tracks: PublishedTrack[]
}

/** Somebody who is no participant. */
export type Visitor = Pick<JoinOptions, 'identity' | 'owner' | 'banBy' | 'permissions'>

/**
 * The mix of a room for players of HTTP Live Streaming, about two seconds behind, in each size that the mixer makes
 * (`rungs`). It is made while somebody watches, and the room has a mixer as long.
 */
export class RoomHls {
  private constructor()
  readonly watched: boolean
  /**
   * Answers requests below its address, with the mount path already taken off `url`: `index.m3u8` is what players
   * begin with. Whoever is to be refused is refused in front of it.
   */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void
  /** `null` while nobody watches. */
  getStats(): Promise<HlsStats> | null
}

/**
 * Which of several processes has a room, where each has rooms of its own: everybody who knows the same servers says the
 * same, in whatever order. When one comes or goes, only rooms that it has now or had move.
 * @param room a name, not normalized
 * @param servers such as their URLs, one or more
 * @throws {RoomError} `ERR_INVALID_ARG`
 */
export function roomOwner(room: string, servers: readonly string[]): string
