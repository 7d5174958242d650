/// <reference types="node" />
/**
 * Tokens that say who somebody is and what they may do, in the words of LiveKit's.
 *
 * ```js
 * const keys = new KeyRing({ id: '2026-11', secret: process.env.SECRET })
 * const token = await createToken(keys, { identity: 'ada', video: { roomJoin: true, room: 'loom' } })
 * const authorize = tokenAuthorizer(keys)
 * app.use('/whip', whipRouter({ rooms, authorize }))
 * ```
 *
 * The npm package `jose` (6 or later) is a peer dependency.
 */

import type { KeyObject } from 'node:crypto'

export type AuthErrorCode =
  /** An argument is not acceptable; `field` names it. Has no status: it is not the client's mistake. */
  | 'ERR_INVALID_ARG'
  /** 401: there is no token. */
  | 'ERR_TOKEN_MISSING'
  /** 401: it is no token, or longer than 4096 characters. */
  | 'ERR_TOKEN_MALFORMED'
  /** 401: `alg` is `none`, or not what its key is for. */
  | 'ERR_TOKEN_ALGORITHM'
  /** 401: neither `kid` nor `iss` names a key of the ring. */
  | 'ERR_TOKEN_KEY'
  /** 401: the signature, or the digest of a webhook's body, is wrong. */
  | 'ERR_TOKEN_FORGED'
  /** 401 */
  | 'ERR_TOKEN_EXPIRED'
  /** 401: `nbf` is yet to come. */
  | 'ERR_TOKEN_NOT_YET'
  /** 401: a claim is missing or of the wrong type; `claim` names it. */
  | 'ERR_TOKEN_CLAIMS'
  /** 403: it is for another room. */
  | 'ERR_TOKEN_ROOM'
  /** 403: it does not allow this; `claim` names the grant. */
  | 'ERR_TOKEN_GRANT'

/** Why a token was refused. The message is fit to be shown to whoever sent it. */
export class AuthError extends Error {
  constructor(code: AuthErrorCode, message: string, details?: { claim?: string; field?: string; cause?: unknown })
  name: 'AuthError'
  code: AuthErrorCode
  claim: string | undefined
  field: string | undefined
  /** The HTTP status to answer with. */
  status: 401 | 403 | undefined
  /** The value of `WWW-Authenticate` that goes with it (RFC 6750 3). */
  readonly challenge: string
}

/** One key. It has exactly one of `secret`, `privateKey` and `publicKey`. */
export interface TokenKey {
  /** Named by tokens as `kid`, or as `iss` by those that have no `kid`, such as LiveKit's. */
  id: string
  /**
   * What `iss` of its tokens has to be, such as the URL of an identity provider. Default: what it is
   * does not matter; tokens that are made with the key say its id.
   */
  issuer?: string
  /** For HS256: 32 bytes or more (RFC 7518 3.2), in UTF-8 if it is a string. */
  secret?: string | Uint8Array
  /** For RS256 (RSA, 2048 bits or more) or EdDSA (Ed25519), as PEM or as a KeyObject. Signs and verifies. */
  privateKey?: string | KeyObject
  /** As `privateKey`, for who only verifies. */
  publicKey?: string | KeyObject
  /** Default: what the key is for. Another one is refused. */
  algorithm?: 'HS256' | 'RS256' | 'EdDSA'
}

/**
 * Keys that hold at once. To change a key without anybody noticing, `add` the new one, which signs
 * from then on, and `remove` the old one when its last token has expired.
 */
export class KeyRing {
  /**
   * @param keys the first that can sign is the one that does
   * @throws {AuthError} `ERR_INVALID_ARG`
   */
  constructor(keys: TokenKey | TokenKey[])
  /** In the order in which they are asked to sign. */
  readonly ids: string[]
  /** Puts a key in front, in place of one of the same id. @throws {AuthError} `ERR_INVALID_ARG` */
  add(key: TokenKey): void
  /** From now on its tokens are refused. @returns whether it was there */
  remove(id: string): boolean
}

/** What somebody may do. What is not said is allowed once `roomJoin` is, but for `roomAdmin`, `roomRecord`, `roomList` and `hidden`. */
export interface VideoGrants {
  /** The room that the grants are for; `*` for all of them. Without it they are for none. */
  room?: string
  /** May enter the room, by signaling, WHIP or WHEP. */
  roomJoin?: boolean
  /** May make the room by entering it. `false`: only into one that somebody is in. */
  roomCreate?: boolean
  /** May see which rooms there are, and the server's metrics. Needs no `room`. */
  roomList?: boolean
  /** May moderate the room and hand out tokens for it. */
  roomAdmin?: boolean
  /** May have the room recorded, and see, play and remove its recordings. */
  roomRecord?: boolean
  canPublish?: boolean
  /** Default: all of them. LiveKit's `screen_share` and `screen_share_audio` are `screen`. */
  canPublishSources?: ('camera' | 'microphone' | 'screen' | 'screen_share' | 'screen_share_audio')[]
  canSubscribe?: boolean
  canPublishData?: boolean
  /** The others do not learn that they are there. */
  hidden?: boolean
}

/** What a token says. */
export interface TokenContents {
  /**
   * `sub`: who it is. One identity is in a room once: who comes again takes the place of who is there.
   * Without it the token is for whoever has it, and for any number of them, such as a link.
   */
  identity?: string
  /** What the others see. Without it they choose for themselves. */
  name?: string
  metadata?: string
  attributes?: Record<string, string>
  /** `jti`: which token it is, for who wants to know it again. */
  tokenId?: string
  video: VideoGrants
}

export interface TokenOptions {
  /** Seconds. Default 21600, six hours. */
  expiresIn?: number
  /** Milliseconds since the Unix epoch. Default: now. */
  notBefore?: number
  /** Which key signs. Default: the first of the ring that can. */
  keyId?: string
  /** Milliseconds since the Unix epoch, for tests. */
  now?: number
}

/**
 * Makes a token.
 * @throws {AuthError} `ERR_INVALID_ARG`, also for one that would be longer than 4096 characters
 */
export function createToken(keys: KeyRing, contents: TokenContents, options?: TokenOptions): Promise<string>

export interface VerifyOptions {
  /** The room that it has to be for. */
  room?: string
  /** Grants that it has to have. */
  grants?: ('roomJoin' | 'roomCreate' | 'roomList' | 'roomAdmin' | 'roomRecord')[]
  /** Seconds by which the clocks of who signed and who verifies may differ. Default 10. */
  clockTolerance?: number
  /** Milliseconds since the Unix epoch, for tests. */
  now?: number
}

export interface TokenClaims {
  /** `null` in the token of a link. */
  identity: string | null
  name: string | null
  metadata: string | null
  attributes: Record<string, string>
  /** `jti`; `null` without one. */
  tokenId: string | null
  /** Sources in the words of rooms. */
  video: VideoGrants & { canPublishSources?: ('camera' | 'microphone' | 'screen')[] }
  /** Milliseconds since the Unix epoch. */
  expiresAt: number
  /** The key that it was signed with. */
  keyId: string
}

/**
 * Checks a token: its signature, its times, its claims and, where asked for, room and grants. The key
 * is the one that `kid` names, or else `iss`; the algorithm is the key's.
 * @throws {AuthError} any code
 */
export function verifyToken(keys: KeyRing, token: string | null | undefined, options?: VerifyOptions): Promise<TokenClaims>

/** As in `medialoom/rooms`. */
export interface TokenPermissions {
  canPublish: boolean
  /** `null`: all. */
  canPublishSources: ('camera' | 'microphone' | 'screen')[] | null
  canSubscribe: boolean
  canPublishData: boolean
  roomAdmin: boolean
  roomRecord: boolean
  hidden: boolean
}

/** What somebody wants to do. */
export interface Wish {
  /**
   * `join` a room by signaling, `publish` into it by WHIP, `play` it by WHEP, `administer` it, `record` it or
   * have to do with its recordings, or `observe` the server: its rooms and metrics.
   */
  action: 'join' | 'publish' | 'play' | 'administer' | 'record' | 'observe'
  /** Not with `observe`. */
  room?: string | undefined
  /** The bearer token (RFC 6750), `null` when there is none. */
  token: string | null
}

/** Who somebody is and what they may, as the token says. */
export interface Authorization {
  identity?: string
  name?: string
  metadata?: string
  attributes?: Record<string, string>
  permissions?: Partial<TokenPermissions>
  /** Whether they may make a room by entering it. Default true. */
  mayCreate?: boolean
  /** The token's `jti`, if it has one. */
  tokenId?: string
  /** What a ban holds by where there is no identity: `JoinOptions.banBy` of rooms. Tokens say nothing of it. */
  banBy?: readonly string[]
  /** Milliseconds since the Unix epoch. Who is in a room then stays in it. */
  expiresAt?: number
}

/**
 * The `authorize` option of the WHIP and WHEP routers and of the room server, by tokens. It refuses by
 * throwing an {@link AuthError}, which they answer with 401 or 403 and what was wrong.
 */
export function tokenAuthorizer(
  keys: KeyRing,
  options?: { clockTolerance?: number },
): (request: unknown, wish: Wish) => Promise<Authorization>

/**
 * The `Authorization` header of a webhook: a token with the SHA-256 of the body as its claim `sha256`,
 * as LiveKit has it. It holds for five minutes.
 */
export function signWebhook(keys: KeyRing, body: string | Uint8Array, options?: { now?: number }): Promise<string>

/**
 * The event of a webhook that came. Give it the body as it came, before any parser.
 * @throws {AuthError} when it was not signed with one of the keys, or the body is another one
 * @throws {SyntaxError} when the body that was signed is no JSON
 */
export function verifyWebhook(
  keys: KeyRing,
  body: string | Uint8Array,
  authorization: string | null | undefined,
  options?: { clockTolerance?: number; now?: number },
): Promise<any>
