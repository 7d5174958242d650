/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * The browser's half of a room: enter one by a link, send camera, microphone and screen, and get
 * everyone else's tracks. ES modules without a framework and without dependencies, for bundlers and for
 * `<script type="module">`.
 *
 * It speaks the protocol of docs/signaling.md, which `examples/room-server` serves.
 */

/**
 * Enters a room.
 *
 * ```js
 * const room = await join('https://rooms.example.org/r/loom', token, { name: 'Ada' })
 * await room.media.start()
 * room.on('stream', stream => { if (stream) video.srcObject = stream.media })
 * ```
 *
 * @param url the room's link (`…/r/loom`), or the server's address with the option `room`. What the
 *   link carries after `#` (`token`, `key`) is used unless it is given here
 * @param token says who one is and what one may; not needed where the server asks nobody. A function is
 *   asked again whenever the room has to be joined anew, by which time an old token may have expired
 * @throws {RoomError} when the room was not entered, with the server's word for why as its `code`
 */
export function join(url: string | URL, token?: Token, options?: JoinOptions): Promise<Room>

export type Token = string | null | (() => string | Promise<string>)

export interface JoinOptions {
  /** Where the URL is the server's address and not a room's link. */
  room?: string
  /** What the others see, unless the token says it. Default `'Guest'`. */
  name?: string
  /** Of the room, if this makes it. Default `'sfu'`. */
  mode?: RoomMode
  /** A listener sends nothing, and is only counted. Default `'member'`. */
  role?: 'member' | 'listener'
  /** What is received. Default: as the room's mode and size have it. */
  source?: ReceivedSource
  /** Microphone, camera and screen; started by the application, before or after. Default: a new one. */
  media?: LocalMedia
  /** How it is sent. */
  publish?: PublishOptions
  /** Passphrase of end-to-end encryption; `null` for none. Default: `key` of the link. */
  key?: string | null
  /** Where `encryption-worker.js` is, for bundlers that do not find it by themselves and for other origins. */
  encryptionWorker?: string | URL
  /** Gives up while the room is not entered. */
  signal?: AbortSignal
}

export interface PublishOptions {
  /** Video with this codec only: `'vp8'`, `'vp9'`, `'av1'`, `'h264'`. Default: what browser and server like best. */
  codec?: string
  /** The camera as one encoding with these layers (SVC), such as `'L3T3_KEY'`, instead of a simulcast of three. */
  scalability?: string
  /** The camera's encodings, instead of the simulcast `q`, `h`, `f` of a quarter, half and full size. */
  encodings?: RTCRtpEncodingParameters[]
  /** Bits per second of a shared screen. Default 2,500,000. */
  screenMaxBitrate?: number
}

/**
 * `sfu`: everyone's tracks are forwarded to everyone else. `mcu`: everyone gets the mix. `broadcast`:
 * members get each other's tracks, listeners the mix. `p2p`: browsers connect to each other.
 */
export type RoomMode = 'sfu' | 'mcu' | 'broadcast' | 'p2p'
/**
 * `mix`: everyone in one picture and one sound. `streams`: each participant's streams. `speakers`: the
 * streams of whoever speaks, or spoke last, and shared screens; all others have no `media`.
 */
export type ReceivedSource = 'mix' | 'streams' | 'speakers'
export type RoomLayout = 'grid' | 'speaker' | 'pip' | 'sidebar'
/** `publisher`: came by WHIP, or by RTMP and the like. `viewer`: came by WHEP. `agent`: a part of the server's application. */
export type ParticipantRole = 'member' | 'listener' | 'publisher' | 'viewer' | 'agent'
export type PublishedSource = 'camera' | 'microphone' | 'screen'
export type ModeratedKind = 'audio' | 'video' | 'screen'

/**
 * `connecting`: not there yet, or media is on its way. `waiting`: in the lobby, until somebody lets one
 * in. `reconnecting`: server or media are out of reach, and looked for. `ended`: for good.
 */
export type RoomState = 'connecting' | 'waiting' | 'connected' | 'reconnecting' | 'ended'

export interface Permissions {
  canPublish: boolean
  /** What may be sent; `null` for all. */
  canPublishSources: PublishedSource[] | null
  canSubscribe: boolean
  /** Chat and messages. */
  canPublishData: boolean
  /** Whether {@link Moderation} does anything. */
  roomAdmin: boolean
  /** Whether {@link Room.startRecording} does anything. */
  roomRecord: boolean
  /** Whether the others are not told. */
  hidden: boolean
}

/** Why a room was not entered, refused something, or ended. */
export class RoomError extends Error {
  constructor(code: string, message: string, details?: { request?: string | undefined; field?: string | undefined })
  name: 'RoomError'
  /**
   * A code of docs/signaling.md, such as `unauthorized`, `forbidden`, `locked`, `room-full`, `kicked`; or
   * of this side: `unreachable` (no server for 15 s), `aborted` (by the option `signal`), `no-token` (the
   * function threw), `chat-failed`.
   */
  code: string
  /** The type of the message to the server that it answers. */
  request: string | undefined
  field: string | undefined
}

/** An `EventTarget` of `CustomEvent`s, each with a `detail` of the type in `Events`. */
export class Emitter<Events> {
  /**
   * Calls `listener` with the detail of each such event.
   * @returns ends listening
   */
  on<Type extends keyof Events & string>(type: Type, listener: (detail: Events[Type]) => void): () => void
  addEventListener<Type extends keyof Events & string>(
    type: Type,
    listener: ((event: CustomEvent<Events[Type]>) => void) | null,
    options?: boolean | AddEventListenerOptions,
  ): void
  removeEventListener<Type extends keyof Events & string>(
    type: Type,
    listener: ((event: CustomEvent<Events[Type]>) => void) | null,
    options?: boolean | EventListenerOptions,
  ): void
}

export interface RoomEvents {
  state: RoomState
  /** One waits in the lobby: {@link join} goes on when somebody lets one in. */
  waiting: null
  /**
   * It is over: `left`, `kicked`, `banned`, `rejected`, `replaced` (by a newer visit of the same), or what
   * kept one from joining.
   */
  ended: { code: string; message: string }
  /** The server stops. The room goes on at `url`, or when the server is back; one is taken along. */
  moving: { deadline: number; url: string | null }
  /** The server had forgotten this visit, and it began anew. */
  rejoined: null
  /** Somebody came, left or changed. */
  participants: null
  joined: Participant
  left: { participant: Participant; reason: string }
  /** Somebody raised a hand, or took it down: then `since` is `null`. Of listeners, room admins are told. */
  hand: { id: string; name: string; since: number | null }
  /** Somebody began or ceased to speak. */
  speaking: Participant
  /** A stream came, or its tracks changed; `null` when all are gone and come anew. */
  stream: ParticipantStream | null
  /** Mode, role, source, layout, permissions, the number of listeners, lock or lobby changed. */
  settings: null
  mode: { mode: RoomMode; by: string }
  /** Of this page's participant. */
  role: 'member' | 'listener'
  /** Who waits, for room admins. */
  lobby: { id: string; name: string }[]
  /**
   * The room is recorded from now on, or not any more: then `reason` says why (`stopped`, `limit`, `error`, `room-closed`,
   * `mode`), and `message` what went wrong, such as a full disk. Everybody is told. Also when one comes into a room that
   * is recorded.
   */
  recording: { recording: RecordingMark | null; reason: string | null; message: string | null }
  chat: ChatLine
  message: RoomMessage
  /** Something that was asked for was refused, or failed; everything else goes on. */
  error: RoomError
}

/** A file for everybody's sources, one of all mixed, or both. */
export type RecordedWhat = 'tracks' | 'mixed' | 'both'

/** That a room is being recorded. */
export interface RecordingMark {
  what: RecordedWhat
  /** Milliseconds since the epoch. */
  since: number
  /** Who wanted it; `null` when nobody said. */
  by: string | null
}

export interface ChatLine {
  /** Id of a participant. */
  from: string
  name: string
  text: string
  /** Milliseconds since the epoch. */
  time: number
}

export interface RoomMessage {
  /** Id of a participant; `null` from the server. */
  from: string | null
  /** `''` without one. */
  topic: string
  data: string
}

/**
 * A visit to one room. It comes back by itself when the network or the server was away: the WebSocket is
 * opened again, ICE restarts, and when neither helps, media is connected anew.
 */
export class Room extends Emitter<RoomEvents> {
  /** As {@link join}, which makes one and calls {@link Room.join}. For listening to events from the start. */
  constructor(url: string | URL, token?: Token, options?: JoinOptions)

  readonly name: string
  readonly state: RoomState
  /** Whether the room was entered. */
  readonly joined: boolean
  /** Whether the server is out of reach; media may go on meanwhile. */
  readonly signalingLost: boolean
  /** How often {@link RoomEvents.rejoined} happened. */
  readonly rejoins: number

  /** This page's own participant, in {@link participants} as well; `null` before the room was entered. */
  readonly local: Participant | null
  /** Id of {@link local}; `''` before the room was entered. */
  readonly localId: string
  /** Everyone, by id in joining order, without the listeners. */
  readonly participants: ReadonlyMap<string, Participant>
  /** Who raises a hand, the longest first. Of listeners, room admins know. */
  readonly hands: readonly { id: string; name: string; since: number }[]
  /** How many only listen. */
  readonly listeners: number
  /** Everyone in one picture and one sound; `null` where each comes for themselves. */
  readonly mix: ParticipantStream | null

  readonly mode: RoomMode
  readonly role: 'member' | 'listener'
  readonly source: ReceivedSource
  /** Of the mixed picture. */
  readonly layout: RoomLayout
  /** Whether the server mixes at all. */
  readonly mixes: boolean
  /** Whether nobody new is let in. */
  readonly locked: boolean
  /** Whether those who come wait to be let in. */
  readonly lobby: boolean
  /** What this page's participant may do, which may change at any time. */
  readonly permissions: Permissions
  /** Whether the server records rooms at all. */
  readonly records: boolean
  /** While the room is being recorded; else `null`. */
  readonly recording: RecordingMark | null
  /** Who waits in the lobby, for room admins. */
  readonly waiting: readonly { id: string; name: string }[]

  /** What is sent from here. */
  readonly media: LocalMedia
  /** What comes from the server, in which layers and why, and how much fits. */
  readonly downlink: Downlink
  /** `null` when nothing is encrypted end to end. */
  readonly encryption: Encryption | null
  /** What room admins do. */
  readonly moderation: Moderation

  /** Enters, once. @throws {RoomError} as {@link join} */
  join(): Promise<Room>
  /** For good. {@link LocalMedia} goes on, until its `stop`. */
  leave(): void

  /** Of the room, for everyone. */
  setMode(mode: RoomMode): void
  /** Of this page alone; `null` as the room's mode and size have it. */
  setSource(source: ReceivedSource | null): void
  setRole(role: 'member' | 'listener'): void
  /** Of the mixed picture, for everyone. */
  setLayout(layout: RoomLayout): void
  /**
   * Records the room, with the permission `roomRecord`. Everybody is told by the event `recording`; what is refused, by
   * `error`.
   * @param what default: the mix where the server can mix, else everybody's sources
   */
  startRecording(what?: RecordedWhat): void
  stopRecording(): void
  /** Names this moment of the recording, 1 to 200 characters. */
  markRecording(name: string): void
  /** Shows the others that one wants to speak. Default `true`. */
  raiseHand(raised?: boolean): void
  /** What the others find at {@link Participant.metadata} and {@link Participant.attributes}. */
  setMetadata(about: { metadata?: string; attributes?: Record<string, string> }): void
  /**
   * Text for other participants, by the server.
   * @param options.to ids of participants; everyone else without it
   * @param options.topic for the receivers to tell messages apart
   * @returns whether it was handed to the server
   */
  sendMessage(data: string, options?: { to?: string[]; topic?: string }): boolean
  /** A line for everyone, over a data channel. @returns whether it was sent */
  sendChat(text: string): boolean

  /**
   * Whether something of this source would reach anybody, by role, permissions and moderation. What
   * would not is not sent.
   */
  maySend(source: PublishedSource): boolean

  /** Figures of every track that is sent or received, by track id. Rates are those since the last call. */
  figures(): Promise<Map<string, TrackFigures>>
  /** Bits per second of a track at each call of {@link figures}, the last 40. */
  bitrateHistory(trackId: string): number[]
}

/** Somebody in the room. It is the same object as long as they are there. */
export class Participant {
  private constructor()
  readonly id: string
  readonly isLocal: boolean
  readonly name: string
  /** Who they are by their token; `null` without one. */
  readonly identity: string | null
  readonly role: ParticipantRole
  /** Whether the microphone is on, and heard by the others. */
  readonly audio: boolean
  /** Whether the camera is on, and seen by the others. */
  readonly video: boolean
  /** Whether they say that they encrypt end to end; {@link ParticipantStream.secrecy} knows. */
  readonly encrypted: boolean
  readonly metadata: string
  readonly attributes: Readonly<Record<string, string>>
  /** Since when they raise a hand, in milliseconds since the epoch; `null` when they do not. */
  readonly hand: number | null
  /** What a moderator has switched off. */
  readonly moderated: Readonly<Record<ModeratedKind, boolean>>
  readonly speaking: boolean
  readonly streams: readonly ParticipantStream[]
  /** With the microphone; `null` before they send anything. */
  readonly camera: ParticipantStream | null
  readonly screen: ParticipantStream | null
}

/** One stream of a participant. It is the same object over all connections. */
export class ParticipantStream {
  private constructor()
  readonly id: string
  readonly source: 'camera' | 'screen' | 'mix'
  /** Id of a participant; `''` of the mix. */
  readonly owner: string
  /** To show and play; `null` until it came. */
  readonly media: MediaStream | null
  readonly audioTrack: MediaStreamTrack | null
  readonly videoTrack: MediaStreamTrack | null
  /**
   * Id by which {@link Downlink} knows what comes of its video: {@link id}, or with the source `speakers` that of the
   * stream on which it comes now.
   */
  readonly sentAs: string
  /** Of its video, what the server sends now; `null` while it sends nothing. */
  readonly layer: Layer | null
  /** Why that layer, and nothing better; `null` while nothing is known. */
  readonly reason: LayerReason | null
  /** `null` where there is no choice. */
  readonly encodings: EncodingChoice | null
  /** @param encoding one of {@link encodings}, or `'auto'` */
  selectEncoding(encoding: string): void
  /**
   * What its frames say of end-to-end encryption: `sealed`, with the key of this page; `plain`, not at
   * all; `locked`, with another key. `null` while nothing came, or where this page has no key.
   */
  readonly secrecy: 'sealed' | 'plain' | 'locked' | null
}

export interface Layer {
  /** `null` without simulcast. */
  rid: string | null
  spatial: number
  temporal: number
  width?: number
  height?: number
  frameRate?: number
  /** Bits per second. */
  bitrate: number
}

/**
 * `best`: there is nothing better. `preferences`: what is shown needs no more, or it was chosen.
 * `bandwidth`: the link carries no more. `unavailable`: nothing, or nothing better, is sent now.
 * `muted`: there is no place for it. `load`: the server has no time for more.
 */
export type LayerReason = 'best' | 'preferences' | 'bandwidth' | 'unavailable' | 'muted' | 'load'

export interface Forwarded {
  layer: Layer | null
  reason: LayerReason
}

export interface EncodingChoice {
  /** RIDs, and `auto` besides. */
  encodings: string[]
  /** What was asked for, or `auto`. */
  selected: string
  /** What is sent now. */
  current: string | null
}

/** Something that a stream could be sent as. */
export interface Step {
  rid: string | null
  spatial: number
  temporal: number
  width: number | null
  height: number | null
  frameRate: number | null
  bitrate: number
  active: boolean
}

/** How good the link from the server is. */
export interface Link {
  /** Bits per second; 0 when nothing is known. */
  available: number
  target: number
  wanted: number | null
  fractionLost: number
  /** Milliseconds. */
  queueDelay: number
}

export interface StreamFigures {
  /** One a second, the newest last, up to 60. */
  samples: { available: number; sent: number }[]
  steps: Step[]
}

/** How something is shown. */
export interface Shown {
  /** Of a stream: {@link ParticipantStream.sentAs}. */
  id: string
  /** Device pixels; 0 where there is no place for it, so that no video of it is sent. */
  width: number
  height: number
  /** What gets its layers first, from 1 to 100. */
  priority: number
}

export interface DownlinkEvents {
  /** Layers or encodings changed. */
  change: null
  /** Once a second while {@link Downlink.watch watched}. */
  figures: null
}

/** What comes from the server to this page, and what the page says about it. */
export class Downlink extends Emitter<DownlinkEvents> {
  private constructor()
  /** `null` while nothing is watched. */
  readonly link: Link | null
  /** Bits per second. */
  readonly limit: number | null
  /** By stream id. */
  readonly encodings: ReadonlyMap<string, EncodingChoice>
  /** By stream id. */
  readonly layers: ReadonlyMap<string, Forwarded>
  /** How large everything is shown: the server sends no more of it. Streams that are not named are not limited. */
  show(shown: Shown[]): void
  /** Has the server send at most so much, to try out what a worse link would do; `null` for no limit. */
  setLimit(bitrate: number | null): void
  selectEncoding(stream: string, encoding: string): void
  /** Has the server send figures of the link and of these streams; `null` for none. */
  watch(streams: string[] | null): void
  figures(stream: string): StreamFigures | undefined
}

/** Of one track. */
export interface TrackFigures {
  kind: 'audio' | 'video'
  /** Whether this side sends it. */
  sent: boolean
  /** Bits per second. */
  bitrate: number
  /** In total, as the receiver counts. */
  packetsLost: number
  /** Fraction lost since the last call, 0 to 1. */
  loss: number
  codec?: string
  width?: number
  height?: number
  framesPerSecond?: number
  framesDecoded?: number
  /** 0 to 1. */
  audioLevel?: number
  /** Seconds. */
  jitter?: number
  /** Seconds. */
  roundTripTime?: number
  encodings?: { rid: string; active: boolean; bitrate: number; width?: number; height?: number }[]
}

/** Each call is a request: who may not gets the room's event `error` with `forbidden`. */
export class Moderation {
  private constructor()
  /** For everyone, and for those who come later. Default `'audio'`. */
  mute(participant: string, kind?: ModeratedKind): void
  /** Allows it again; they switch it on themselves. Default `'audio'`. */
  unmute(participant: string, kind?: ModeratedKind): void
  /** @param reason told to them */
  kick(participant: string, reason?: string): void
  /** They cannot come again, under their identity or, where they have none, from their address. @param reason told to them */
  ban(participant: string, reason?: string): void
  permit(participant: string, permissions: Partial<Permissions>): void
  /** Lets in who {@link Room.waiting waits}. */
  admit(participant: string): void
  /** Turns away who {@link Room.waiting waits}. */
  reject(participant: string, reason?: string): void
  /** Whether nobody new is let in. */
  setLocked(locked: boolean): void
  /** Whether those who come wait to be let in. */
  setLobby(on: boolean): void
}

/** Microphone, camera and screen of this browser. Nothing is asked for before {@link LocalMedia.start}. */
export class LocalMedia extends Emitter<{ change: null }> {
  /** @param constraints instead of echo cancellation and noise suppression, 1280×720 at 30, and a screen at 15 with its sound */
  constructor(constraints?: { audio?: MediaTrackConstraints; video?: MediaTrackConstraints; screen?: DisplayMediaStreamOptions })
  /** Microphone and camera. The stream stays the same whatever tracks come and go. */
  readonly camera: MediaStream
  readonly screen: MediaStream | null
  readonly audioTrack: MediaStreamTrack | null
  readonly videoTrack: MediaStreamTrack | null
  /** Whether there is a microphone, and it is on. */
  readonly audio: boolean
  /** Whether there is a camera, and it is on. */
  readonly video: boolean
  /**
   * Asks for microphone and camera, both at once, and settles for one of them, or none.
   * @returns what is missing and why: as `getUserMedia` rejects, or a `NotSupportedError` where pages get nothing
   */
  start(wanted?: { audio?: boolean; video?: boolean }): Promise<{ audio: Error | null; video: Error | null }>
  /** Lets go of everything, until {@link start}. */
  stop(): void
  setMicrophone(on: boolean): Promise<void>
  /** Off lets go of the device, so that its light goes out. */
  setCamera(on: boolean): Promise<void>
  startScreen(): Promise<void>
  stopScreen(): void
  /** To choose from. Browsers name devices to pages that may use one. */
  devices(): Promise<{ microphones: MediaDeviceInfo[]; cameras: MediaDeviceInfo[]; speakers: MediaDeviceInfo[] }>
  useDevice(kind: 'audio' | 'video', deviceId: string): Promise<void>
  deviceOf(kind: 'audio' | 'video'): string | undefined
}

/** End-to-end encryption: {@link ParticipantStream.secrecy} has what came of it. */
export class Encryption extends Emitter<{ change: null }> {
  private constructor()
}

/** Whether this browser can encrypt end to end (`RTCRtpScriptTransform`); over HTTPS or from localhost only. */
export const canEncrypt: boolean

/** A passphrase that nobody guesses, for `key` of a link. */
export function newPassphrase(): string

/** How loud a track is, measured here. */
export class AudioLevel {
  constructor(track: MediaStreamTrack)
  readonly track: MediaStreamTrack
  /** Root mean square of the last 20 ms: 0 to 1. */
  readonly value: number
  close(): void
}

/** The parts of a link to a room, such as `https://example.org/r/loom#token=…&key=…`. */
export function readLink(link: string | URL): {
  /** The server's address, ending with a slash. */
  server: string
  room: string | null
  token: string | null
  key: string | null
}

/** The link to a room, with what is to be in it after `#`. @param parts.query with its `?` */
export function writeLink(parts: { server: string; room: string; token?: string | null; key?: string | null; query?: string }): string
