/// <reference types="node" />
/**
 * Rooms on top of medialoom: whoever is in a room sees and hears everyone else in it.
 *
 * A room knows nothing of signaling. It takes transports, forwards their tracks to each other and
 * tells by events what a signaling channel has to pass on. The Express room server uses it for
 * WebSocket clients, and the WHIP and WHEP routers of `medialoom/express` use the same rooms.
 */

import { EventEmitter } from 'node:events'
import type {
  CloseReason,
  Endpoint,
  IncomingStream,
  IncomingTrack,
  Mixer,
  MixerOptions,
  OutgoingStream,
  Transponder,
  Transport,
} from '../../index.js'

export type RoomErrorCode =
  /** A name, mode or option is not acceptable; `field` names it. */
  | 'ERR_INVALID_ARG'
  /** There are as many rooms as there may be. */
  | 'ERR_ROOM_LIMIT'
  /** The room is full. */
  | 'ERR_PARTICIPANT_LIMIT'
  /** What was asked for does not go with the room's mode. */
  | 'ERR_ROOM_MODE'
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
 * `publisher`: came by WHIP. `viewer`: came by WHEP.
 */
export type ParticipantRole = 'member' | 'listener' | 'publisher' | 'viewer'

/** `mix`: everyone in one picture and one sound. `streams`: each participant's tracks as they are. */
export type ReceivedSource = 'mix' | 'streams'

/** How the mixed picture is arranged, see {@link Mixer.setLayout}. */
export type RoomLayout = 'grid' | 'speaker' | 'pip' | 'sidebar'

export interface RoomLimits {
  /** Rooms that may exist at once. Default 1000. */
  maxRooms?: number
  /** Participants of one room, without its listeners. Default 100. */
  maxParticipants?: number
  /** Listeners of one room. Default 10000. */
  maxAudience?: number
  /** Tracks of one participant that are forwarded; more are ignored. Default 16. */
  maxTracks?: number
  /** Characters of a room's or participant's name. Default 64. */
  maxNameLength?: number
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
  /** What rooms mix with, `false` where nothing is mixed. */
  readonly mixer: MixerOptions | false
  readonly closed: boolean
  /** Number of rooms. */
  readonly size: number
  get(name: string): Room | undefined
  [Symbol.iterator](): IterableIterator<Room>
  /**
   * Puts a participant into the room of that name, which is made if it does not exist.
   * @throws {RoomError} `ERR_INVALID_ARG`, `ERR_ROOM_LIMIT`, `ERR_PARTICIPANT_LIMIT`, `ERR_ROOM_MODE`, `ERR_CLOSED`
   */
  join(name: string, options: JoinOptions): Participant
  /** Closes every room. The endpoint stays open. */
  close(): void
}

export interface JoinOptions {
  /** What the others see, 1 to {@link RoomLimits.maxNameLength} printable characters. Need not be unique. */
  name: string
  /** Default `'member'`. */
  role?: ParticipantRole
  /** The mode of the room, if this makes it. Default `'sfu'`. */
  mode?: RoomMode
  /** The participant's media, from the room on: it is closed when they leave. */
  transport?: Transport | null
  /**
   * How the others' tracks reach this participant.
   * `'streams'` (default): each publication as a stream of its own, with `negotiationneeded`.
   * `'slots'`: on streams given to {@link Participant.addSlot}, without negotiation, one
   * participant each, in joining order.
   * `'nothing'`: not at all.
   */
  receive?: 'streams' | 'slots' | 'nothing'
  /**
   * What this participant receives. With `'mix'` it is one stream, named `mix`, with the picture of
   * everyone and the sound of everyone else; on slots, the first audio and the first video of them.
   * Default: what the room's mode says.
   */
  source?: ReceivedSource
  /**
   * With `'slots'`: participants of this name are left out, such as the viewer's own publisher. In
   * the mix they are seen but not heard.
   */
  exceptName?: string
  /** Whether the participant leaves when the transport closes. Default true. */
  leaveOnTransportClosed?: boolean
  appData?: unknown
}

export interface RoomEvents {
  joined: [participant: Participant]
  /** Already out of {@link Room.participants}. */
  left: [participant: Participant, reason: string]
  published: [publication: Publication]
  unpublished: [publication: Publication]
  /** By audio level; settles between words. */
  speaking: [participant: Participant, speaking: boolean]
  /** A member only listens now, or a listener became a member. */
  role: [participant: Participant, role: ParticipantRole]
  /** In mode `p2p` nobody has a transport any more; when it is left, give them new ones. */
  mode: [mode: RoomMode]
  layout: [layout: RoomLayout]
  /** The room has a mixer now, or none any more. */
  mixer: [mixer: Mixer | null]
  closed: []
}

export class Room extends EventEmitter<RoomEvents> {
  private constructor()
  readonly name: string
  readonly mode: RoomMode
  readonly layout: RoomLayout
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
  /** @throws {RoomError} `ERR_INVALID_ARG`, `ERR_PARTICIPANT_LIMIT`, `ERR_ROOM_MODE`, `ERR_CLOSED` */
  join(options: JoinOptions): Participant
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
  forwardingfailed: [publication: Publication, track: IncomingTrack | null, error: Error]
  /** A track of the room's mixer is attached to a track that goes to this participant. */
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
  /** The transport closed by itself: the peer went away, or it failed. */
  transportclosed: [reason: CloseReason]
  left: [reason: string]
}

export class Participant extends EventEmitter<ParticipantEvents> {
  private constructor()
  /** Unique, 12 characters of base64url. */
  readonly id: string
  readonly name: string
  readonly role: ParticipantRole
  readonly room: Room
  /** Milliseconds since the Unix epoch. */
  readonly joinedAt: number
  appData: unknown
  readonly closed: boolean
  readonly speaking: boolean
  /** Whether what they send is for the others: not of listeners and viewers. */
  readonly maySend: boolean
  /** What they receive. */
  readonly source: ReceivedSource
  /** What was asked for, `null` where the room's mode decides. */
  readonly chosenSource: ReceivedSource | null
  /** What they said is off, see {@link Participant.setMuted}. */
  readonly muted: Readonly<{ audio: boolean; video: boolean }>
  readonly transport: Transport | null
  readonly publications: Publication[]
  /** The tracks of all publications. */
  readonly tracks: IncomingTrack[]
  /**
   * Replaces the participant's media, such as after a change of mode. The old transport is closed.
   * @throws {RoomError} `ERR_ROOM_MODE` for a transport in a room of mode `p2p`
   */
  setTransport(transport: Transport | null): void
  /**
   * Gives a negotiated stream to fill with one other participant's tracks. Only with `receive: 'slots'`.
   * @throws {TypeError} when the participant does not receive on slots
   */
  addSlot(stream: OutgoingStream): void
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
  /** Leaves the room and closes the transport. @param reason default `left` */
  leave(reason?: string): void
}

export interface PublicationEvents {
  track: [track: IncomingTrack]
  trackclosed: [track: IncomingTrack]
  /** A track came, went or was muted, or {@link Publication.screen} was set. */
  change: []
  closed: []
}

/** One incoming stream of a participant, as the others get it. */
export class Publication extends EventEmitter<PublicationEvents> {
  private constructor()
  /** The stream id the others see. */
  readonly id: string
  readonly participant: Participant
  readonly stream: IncomingStream
  /**
   * Whether its sound means that the participant is speaking. Default true; false suits the sound of
   * a shared screen.
   */
  speech: boolean
  /** Whether it is a shared screen, which has a place of its own in the mix. Default false. */
  screen: boolean
  appData: unknown
  readonly tracks: IncomingTrack[]
}
