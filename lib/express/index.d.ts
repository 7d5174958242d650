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
import type { SessionOptions } from '../http/options.js'

export type { AuthorizationContext, IceServer, SessionOptions } from '../http/options.js'

/** {@link SessionOptions} with requests of Express. */
export interface SessionRouterOptions extends SessionOptions<Request> {}

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
 * picture, and the sound of everyone but NAME. `?source=streams` asks for the tracks themselves, and
 * `?source=speakers` for those of who speaks or spoke last: as many voices and pictures as the client offers
 * m-lines, up to `speakers` of the rooms; m-lines beyond carry shared screens and agents.
 * Without it the room's mode says which: the mix in modes `mcu` and `broadcast`. Sessions are as with
 * WHIP.
 */
export function whepRouter(options: SessionRouterOptions): Router
