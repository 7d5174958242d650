/// <reference types="node" />
/**
 * WHIP and WHEP for your own Express app:
 *
 * ```js
 * const rooms = new Rooms({ endpoint: await Endpoint.create() })
 * app.use('/whip', whipRouter({ rooms }))
 * app.use('/whep', whepRouter({ rooms }))
 * ```
 *
 * Express (4.18 or later, or 5) is a peer dependency.
 */

import type { Request, Router } from 'express'
import type { TransportOptions } from '../../index.js'
import type { Authorization } from '../auth/index.js'
import type { Rooms } from '../rooms/index.js'

/** What a client asks for, to decide whether it may. */
export interface AuthorizationContext {
  /** `publish` by WHIP, `play` by WHEP. */
  action: 'publish' | 'play'
  room: string
  /** The name in `?peer=`. Given with `POST`; later requests of the session may leave it out. */
  peer: string | undefined
  /** The bearer token (RFC 6750), `null` when there is none. */
  token: string | null
}

/** As in `RTCIceServer`. */
export interface IceServer {
  urls: string | string[]
  username?: string
  credential?: string
}

export interface SessionRouterOptions {
  /** The rooms to publish into and play from. */
  rooms: Rooms
  /**
   * Decides about every `POST`, `PATCH` and `DELETE`. `false` answers 401 without a token and 403
   * with one. An {@link Authorization} says yes and who it is: name, identity and permissions are those
   * of the participant, and a session that was opened with an identity is for that identity and for room
   * admins. An error with a `status` from 400 to 499 is answered with it, and with its `code` and message as
   * problem details: so `tokenAuthorizer(keys)` of `medialoom/auth` says what is wrong with a token. One
   * with the status 429 may have `retryAfter`, in whole seconds. Default: everyone may do everything.
   */
  authorize?: (request: Request, context: AuthorizationContext) => boolean | Authorization | Promise<boolean | Authorization>
  /** Largest body in bytes; more is answered with 413. Default 65536. */
  maxSdpSize?: number
  /** Told to clients in `Link` headers (RFC 9725 4.6). Default: none. */
  iceServers?: IceServer[]
  /**
   * `Access-Control-Allow-Origin`, or a list of origins, of which the one that asks is allowed, or `false`
   * for no CORS headers. Default `*`.
   */
  cors?: string | string[] | false
  /**
   * Where clients reach the app when a reverse proxy takes a part of the path away: a path such as
   * `/media`, or a URL such as `https://example.org/media`. It comes before the path at which the
   * router is mounted in every `Location`. Default: what the proxy says by `X-Forwarded-Prefix`, where
   * Express's setting `trust proxy` trusts it, or else nothing. `Link` names ICE servers by URLs of
   * their own, which nothing is added to.
   * @throws {TypeError} by the router's function when it is neither
   */
  baseUrl?: string
  /** Options of the transports that are made. */
  transport?: TransportOptions
  /** Gets the faults that were answered with 500. Default: nobody does. */
  onError?: (error: unknown) => void
}

/**
 * WHIP (RFC 9725). `POST /:room?peer=NAME` with an SDP offer publishes into the room as the
 * participant NAME (default `publisher`); the session at `Location` takes `PATCH` with candidates
 * or an ICE restart and `DELETE`. It vanishes when the transport closes. Errors are problem details
 * (RFC 9457).
 *
 * A client that comes again under its name, with the same bearer token or again with none, takes its
 * own place over: it stays the same participant, whoever watches sees it where it was, its older
 * transport closes with the reason `closed`, and the older session is not found any more. So one that
 * was killed is back at once, and not when its transport times out. Without name and token it takes
 * over once its older transport is `disconnected`.
 */
export function whipRouter(options: SessionRouterOptions): Router

/**
 * WHEP (draft-ietf-wish-whep). `POST /:room?peer=NAME` with an SDP offer plays the room. The n-th
 * audio and the n-th video m-line the client receives on carry one participant's tracks:
 * participants in joining order, without those named NAME. The viewer's own name is NAME or `viewer`. Later participants
 * fill m-lines that are free, and one who leaves frees theirs.
 *
 * With `?source=mix` the first audio and the first video m-line carry the mix of the room: everyone's
 * picture, and the sound of everyone but NAME. `?source=streams` asks for the tracks themselves.
 * Without it the room's mode says which: the mix in modes `mcu` and `broadcast`. Sessions are as with
 * WHIP.
 */
export function whepRouter(options: SessionRouterOptions): Router
