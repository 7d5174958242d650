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

/** Of WHIP and WHEP. `Request` is the web server's. */
export interface SessionOptions<Request> {
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
   * `/media`, or a URL such as `https://example.org/media`. It comes before the path of every `Location`.
   * `Link` names ICE servers by URLs of their own, which nothing is added to. Default: nothing; with Express,
   * what the proxy says by `X-Forwarded-Prefix`, where Express's setting `trust proxy` trusts it.
   * @throws {TypeError} by the function that takes the options when it is neither
   */
  baseUrl?: string
  /** Options of the transports that are made. */
  transport?: TransportOptions
  /** Gets the faults that were answered with 500. Default: nobody does. */
  onError?: (error: unknown) => void
}
