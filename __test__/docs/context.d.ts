/**
 * What the snippets of the documentation take as given. A snippet that declares one of these
 * itself means its own.
 */

import type * as medialoom from 'medialoom'
import type { Rooms } from 'medialoom/rooms'
import type { Express, Request, Response } from 'express'

declare global {
  const endpoint: medialoom.Endpoint
  const transport: medialoom.Transport
  /** Two more peers. */
  const viewer: medialoom.Transport
  const other: medialoom.Transport
  const track: medialoom.IncomingTrack
  const otherTrack: medialoom.IncomingTrack
  const outgoingTrack: medialoom.OutgoingTrack
  const transponder: medialoom.Transponder
  const mixer: medialoom.Mixer & { audio: medialoom.MixedTrack; video: medialoom.MixedTrack }
  const hls: medialoom.Hls
  const rooms: Rooms
  const channel: medialoom.DataChannel
  const otherChannel: medialoom.DataChannel
  /** Signaling of the reader's own. */
  const signal: (message: object) => void
  /** SDP and candidates that came from the peer. */
  const offer: string
  const answer: string
  const candidate: medialoom.IceCandidateInit
  const app: Express
  const request: Request
  const response: Response
}
