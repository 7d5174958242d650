/// <reference types="node" />
/**
 * WHIP and WHEP for web servers whose handlers take a `Request` and give a `Response`: Hono, Next.js route
 * handlers, Fastify, Bun, Deno.
 *
 * ```js
 * const rooms = new Rooms({ endpoint: await Endpoint.create() })
 * const whip = whipHandler({ rooms })
 * app.all('/whip/*', context => whip(context.req.raw))
 * ```
 *
 * The handlers need `Request`, `Response` and `URL` of the web and nothing else. The server has to run where the
 * endpoint does: on Node.js, Bun or Deno, not at an edge.
 */

import type { SessionOptions } from '../http/options.js'

export type { AuthorizationContext, IceServer, SessionOptions } from '../http/options.js'

/** {@link SessionOptions} with requests of the web. `authorize` must not read the body. */
export interface SessionHandlerOptions extends SessionOptions<Request> {
  /**
   * The path of the URL before the room, such as `/api/whip`. Requests of other paths are answered with 404.
   * Default: `/whip` or `/whep`.
   * @throws {TypeError} by the function that takes the options when it is none
   */
  path?: string
}

/** Answers every request, whatever is wrong with it. */
export type SessionHandler = (request: Request) => Promise<Response>

/** WHIP (RFC 9725), as `whipRouter` of `medialoom/express` has it. */
export function whipHandler(options: SessionHandlerOptions): SessionHandler

/** WHEP (draft-ietf-wish-whep), as `whepRouter` of `medialoom/express` has it. */
export function whepHandler(options: SessionHandlerOptions): SessionHandler
