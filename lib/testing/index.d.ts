/// <reference types="node" />
/**
 * Clients without a browser, for the tests of an application: they connect to its endpoint over the loopback by ICE, DTLS
 * and SRTP, send a tone and a picture of their own, and tell what they hear and see. It takes them some ten milliseconds
 * to be in a room.
 *
 * ```js
 * const clients = await TestClients.create()
 * const ada = await clients.join(rooms, 'garden', { name: 'Ada' })
 * const grace = await clients.join(rooms, 'garden', { name: 'Grace' })
 * await ada.speak()
 * await grace.hears(ada.participant)
 * ada.participant.mute('audio')
 * await grace.hears(ada.participant, { not: true })
 * ```
 */

import type { EndpointOptions, IncomingTrack, Kind, Transport } from '../../index.js'
import type { JoinOptions, Participant, Rooms } from '../rooms/index.js'

export interface TestConnectOptions {
  /** What it sends, on one stream. It is silent and black until {@link TestClient.speak} and {@link TestClient.show}. Default: both. */
  sends?: readonly Kind[]
}

export interface TestJoinOptions extends Omit<JoinOptions, 'transport' | 'agent'>, Pick<TestConnectOptions, 'sends'> {}

export interface WaitOptions {
  /** Waits for the opposite: half a second without. Default false. */
  not?: boolean
  /** Milliseconds until it rejects. Default 5000. */
  timeout?: number
}

/** An endpoint that plays the browsers of any number of clients. It keeps the process alive until it is closed. */
export class TestClients {
  private constructor()
  /** @param options default: one thread on the loopback address */
  static create(options?: EndpointOptions): Promise<TestClients>
  /**
   * Puts a client into a room, and answers the room's offers. Resolves when it is connected.
   * @throws {RoomError} as {@link Rooms.join} does
   */
  join(rooms: Rooms, room: string, options: TestJoinOptions): Promise<TestClient & { readonly participant: Participant }>
  /**
   * Connects a client by signaling of your own, such as a `POST` to WHIP. Offers of the
   * server's are for {@link TestClient.acceptOffer}.
   * @param exchange gets an offer and resolves to the answer
   */
  connect(exchange: (offer: string) => Promise<string>, options?: TestConnectOptions): Promise<TestClient>
  /** Closes its clients too. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export class TestClient {
  private constructor()
  /** The client's own end of the connection. */
  readonly transport: Transport
  /** In the room, where it came by {@link TestClients.join}. */
  readonly participant: Participant | null
  /** What comes. */
  readonly tracks: readonly IncomingTrack[]
  /** Answers an offer of the server's. */
  acceptOffer(offer: string): Promise<string>
  /** Sends a tone, until {@link TestClient.beSilent}. Rejects in a build without mixing, and without `audio` among what it sends. */
  speak(): Promise<void>
  beSilent(): void
  /** Sends a picture of 320x180, ten times a second. Rejects as {@link TestClient.speak} does. */
  show(): Promise<void>
  /** Resolves when it hears somebody, or anything. Rejects when that takes too long. */
  hears(participant?: Participant, options?: WaitOptions): Promise<void>
  /** The same of pictures. */
  sees(participant?: Participant, options?: WaitOptions): Promise<void>
  /** Goes, as a page that is closed. */
  close(): Promise<void>
}
