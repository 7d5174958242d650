/// <reference types="node" />
/**
 * medialoom: a WebRTC media engine inside Node.js.
 *
 * JavaScript does the signaling; media threads written in Rust move the packets. An
 * {@link Endpoint} owns sockets and threads, a {@link Transport} is one peer, tracks that come
 * in are attached to tracks that go out, and nothing on a packet's way ever meets JavaScript.
 *
 * Every object has an `id`, `appData` of your own, `closed`, `close()` and a `closed` event with
 * a {@link CloseReason}. Closing a parent closes everything below it; closing twice is fine.
 * Methods that reach a media thread return promises; wrong use rejects (or throws, where the
 * method is synchronous) a {@link MediaLoomError} with a `code`. An option that does not exist is
 * wrong use too.
 *
 * `closed` is true as soon as `close()` was called; the event follows when the engine has let go,
 * children before parents. Events come in the order in which things happened, and whoever awaits
 * a call runs before the events that came after its answer; so does whoever awaits a `track` or
 * `datachannel` event, to add listeners to what came. An exception in a listener surfaces as
 * `uncaughtException` and keeps nothing else from happening. A {@link MediaLoomError} that an async listener rejects
 * with is an `error` event of the object, but for one that comes too late: `ERR_CLOSED`, and of `negotiationneeded`
 * an `ERR_INVALID_STATE`, because the peer had offered meanwhile. An `error` event that nobody listens
 * for goes to the log ({@link setLogger}) instead of ending the process.
 */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { EventEmitter } from 'node:events'
import { Readable, Writable } from 'node:stream'

/** The version of the package, as in its package.json. */
export const version: string

/** Versions of what is inside the native module, as its parts say themselves. Those of mixing are absent in a build without it. */
export interface Versions {
  /** The engine: the version of the package whose sources it was built from. */
  readonly medialoom: string
  /** AWS-LC: DTLS and SRTP. */
  readonly awslc: string
  readonly libopus?: string
  /** VP8 and VP9. */
  readonly libvpx?: string
  /** AV1, decoding. */
  readonly libaom?: string
  /** H264. */
  readonly openh264?: string
}

/** What the native module is made of, for bug reports and for lists of what is deployed. */
export const versions: Versions

// ---------------------------------------------------------------------------------------------
// Errors
// ---------------------------------------------------------------------------------------------

/** What went wrong, for programs. */
export type ErrorCode =
  /** An argument or option is of the wrong type or out of range; `field` names it. */
  | 'ERR_INVALID_ARG'
  /** The call does not fit the object's state, such as an answer without an offer. */
  | 'ERR_INVALID_STATE'
  /** The object is closed. */
  | 'ERR_CLOSED'
  /** The SDP cannot be parsed or does not fit the session; `line` is the offending line, if known. */
  | 'ERR_SDP'
  /** Both sides offered at once and this side is not the polite one. */
  | 'ERR_GLARE'
  /** The two tracks share no codec; or a file holds none of a track's. */
  | 'ERR_CODEC_MISMATCH'
  /** A candidate cannot be parsed. */
  | 'ERR_CANDIDATE'
  /** A socket could not be bound; `field` names what to change, the address or the port. */
  | 'ERR_LISTEN'
  /** A queue with a limit is full; try again later (see {@link DataChannel.bufferedAmount}). */
  | 'ERR_QUEUE_FULL'
  /** A data channel message is larger than the limit. */
  | 'ERR_MESSAGE_TOO_LARGE'
  /**
   * A limit on the number of objects was reached; or a peer sends more than is kept for it, or takes
   * more of its media thread than others leave.
   */
  | 'ERR_LIMIT'
  /** All media threads are overloaded; try again later, or on another host. */
  | 'ERR_BUSY'
  /** A file could not be read or written. */
  | 'ERR_IO'
  /** A file is not what it should be; the message has the offset. */
  | 'ERR_FORMAT'
  /**
   * The engine failed. On a transport: while handling this peer, which was closed; nobody else was touched. On the
   * endpoint: a media thread died, with what lived on it.
   */
  | 'ERR_INTERNAL'
  /** The DTLS, ICE or SCTP association failed. */
  | 'ERR_TRANSPORT'
  /** An encoder pushes pictures that are shown in another order than they are decoded in. WebRTC has no way to say that. */
  | 'ERR_B_FRAMES'
  /** Media are not fetched from a private, loopback or other special address that is not allowed. */
  | 'ERR_FORBIDDEN_ADDRESS'
  /** A server wants a user and a password, or refuses those it was given. */
  | 'ERR_UNAUTHORIZED'

/** Every error medialoom throws, rejects with or emits. */
export class MediaLoomError extends Error {
  constructor(code: ErrorCode, message: string, details?: { field?: string; line?: string })
  readonly name: 'MediaLoomError'
  readonly code: ErrorCode
  /** Path of the offending argument or option, such as `options.listen[0].ip`. */
  readonly field?: string
  /** The offending SDP line, cut at 200 characters. */
  readonly line?: string
}

/** Why an object closed. */
export type CloseReason =
  /** `close()` was called on it. */
  | 'closed'
  /** Its parent closed. */
  | 'parent'
  /** The peer said goodbye (DTLS close_notify) or removed it by negotiation. */
  | 'remote'
  /** ICE consent expired: the peer vanished (RFC 7675). */
  | 'timeout'
  /** ICE or DTLS never completed within {@link TransportOptions.connectTimeout}. */
  | 'connect-timeout'
  /** A recorder has written as much as its options allow. */
  | 'limit'
  /** A fault; an `error` event came before, of the object itself or, where a media thread died, of the endpoint. */
  | 'error'

// ---------------------------------------------------------------------------------------------
// Logging
// ---------------------------------------------------------------------------------------------

export type LogLevel = 'error' | 'warn' | 'info' | 'debug' | 'trace'

/** One line of the engine's log. */
export interface LogRecord {
  level: LogLevel
  /** The module it comes from, such as `medialoom::session`. */
  target: string
  message: string
  /** Structured fields, such as `transport: '7'`. */
  fields: Record<string, string>
  /** Milliseconds since the Unix epoch. */
  time: number
}

/** Anything with methods named like the levels: `console`, a pino logger, your own. */
export interface Logger {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
  info(fields: object, message: string): void
  debug(fields: object, message: string): void
  trace?(fields: object, message: string): void
}

/**
 * Sends the engine's log somewhere. Quiet until called. The log is bounded: when JavaScript does
 * not keep up, records are dropped and counted in a later record.
 *
 * @param logger a function that takes a {@link LogRecord}, a {@link Logger}, or `null` for quiet
 * @param options.level the least severe level to let through, default `'warn'`
 * @throws {MediaLoomError} `ERR_INVALID_ARG`
 */
export function setLogger(logger: Logger | ((record: LogRecord) => void) | null, options?: { level?: LogLevel }): void

// ---------------------------------------------------------------------------------------------
// Endpoint
// ---------------------------------------------------------------------------------------------

/** One address to listen on, UDP and TCP. */
export interface ListenOptions {
  /** IPv4 or IPv6 address to bind; `0.0.0.0` and `::` announce every address of the host. */
  ip: string
  /**
   * What to write into candidates instead, such as the public address of a NAT; several where peers
   * come by several ways, as from the LAN and from outside: `['192.168.1.5', '203.0.113.5']`. At most
   * 16. A host name is resolved once, when the endpoint is created, to all the addresses it has of the
   * family of `ip`; one that does not resolve rejects with `ERR_INVALID_ARG`. Where the host itself
   * has one of the addresses and `ip` is a wildcard, answers leave from it.
   */
  announcedIp?: string | AnnouncedAddress | (string | AnnouncedAddress)[]
  /**
   * The port to write into candidates, where a NAT or a container maps another one to `port`: that of
   * media thread 0, thread k announces `announcedPort + k`. It holds for UDP and TCP, and goes with
   * `announcedIp`. Default: the port that is listened on.
   */
  announcedPort?: number
}

/** Where an address leads to that peers see. */
export interface AnnouncedAddress {
  /** IPv4 or IPv6 address, or a host name. */
  ip: string
  /** That of media thread 0, as `announcedPort`, which is the default. */
  port?: number
}

export interface EndpointOptions {
  /** Where to listen. Default: `[{ ip: '0.0.0.0' }]`, which announces loopback and the host's addresses. */
  listen?: ListenOptions[]
  /** Media thread k uses UDP and TCP port `port + k`. Default 0: any free ports. */
  port?: number
  /** Media threads. Default: cores - 1, at least 1; at most 64. */
  threads?: number
  /** Offer ICE-TCP candidates and listen on TCP too (RFC 6544). Default true. */
  tcp?: boolean
  /** Threads that mix, which start with the first mixer. Default: cores - 1, at least 1; at most 64. */
  mixingThreads?: number
  /** Transports that may be open at once; more throw `ERR_LIMIT`. Default 100000. */
  maxTransports?: number
}

/** An address the endpoint listens on. */
export interface ListenAddress {
  ip: string
  /** The addresses written into candidates. */
  announcedIps: string[]
  /** The same, each with the port written behind it. */
  announced: { ip: string; port: number }[]
  /** The port bound. */
  port: number
  protocol: 'udp' | 'tcp'
  /** Index of the media thread. */
  thread: number
}

export interface EndpointEvents {
  /** A transport was created, by {@link Endpoint.createTransport}. */
  transport: [transport: Transport]
  /** The endpoint closed, after everything below it. */
  closed: [reason: CloseReason]
  /**
   * A fault that concerns no single transport: a media thread died (`ERR_INTERNAL`, the message names it). The
   * transports and detectors that lived on it close next, with the reason `error`; a new thread takes its ports,
   * so that their peers can connect again at once. Logged when nobody listens.
   */
  error: [error: MediaLoomError]
  /** A media thread is overloaded, gives up more or fewer layers than before, or has time to spare again. */
  load: [load: ThreadLoad]
}

/**
 * How busy a media thread is, and what it gives up for that. Above 85 % of its time for two seconds
 * it takes no new transports, and its viewers get less and less of the upper layers; sound and the
 * lowest layer of each picture are never given up. Below 65 % for some seconds it takes this back.
 */
export interface ThreadLoad {
  /** Index of the media thread. */
  readonly thread: number
  /** The share of its time in which it works, 0 to 1, over about a second. */
  readonly load: number
  /** Whether it takes no new transports. */
  readonly overloaded: boolean
  /**
   * How much of the bitrate of its best layer a video track is sent at most: 1, 0.6, 0.35, 0.2, or 0
   * for the lowest layer alone.
   */
  readonly layerShare: number
}

/**
 * Sockets, media threads and a DTLS identity. A process usually has one.
 *
 * An open endpoint does not keep the process alive unless {@link Endpoint.ref} is called. An
 * endpoint that nothing references any more is collected and closed.
 */
export class Endpoint extends EventEmitter<EndpointEvents> {
  private constructor()
  /**
   * Binds the sockets and starts the media threads.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_LISTEN`
   */
  static create(options?: EndpointOptions): Promise<Endpoint>
  readonly id: number
  appData: unknown
  readonly closed: boolean
  /** Number of media threads. */
  readonly threads: number
  readonly addresses: readonly ListenAddress[]
  /**
   * Fingerprint of the DTLS certificate that a transport made now gets, as in `a=fingerprint`: `sha-256 AB:CD:...`.
   * There is another one each month, long before the old one expires; a transport keeps its own.
   */
  readonly fingerprint: string
  /** Open transports. */
  readonly transports: readonly Transport[]
  readonly rtpTransports: readonly RtpTransport[]
  readonly activeSpeakerDetectors: readonly ActiveSpeakerDetector[]
  readonly mixers: readonly Mixer[]
  readonly recorders: readonly Recorder[]
  readonly hlsStreams: readonly Hls[]
  readonly players: readonly Player[]
  readonly rtmpServers: readonly RtmpServer[]
  readonly srtServers: readonly SrtServer[]
  readonly rtmpOutputs: readonly RtmpOutput[]
  readonly srtOutputs: readonly SrtOutput[]
  readonly rtspInputs: readonly RtspInput[]
  /**
   * Makes a transport for one peer, on the media thread with the fewest of them that is not
   * overloaded.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`, `ERR_LIMIT`, `ERR_BUSY` (all threads are
   *   overloaded; see {@link ThreadLoad})
   */
  createTransport(options?: TransportOptions): Transport
  /**
   * Makes something that tells who of many speaks. An endpoint has at most 10000 of them.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`, `ERR_LIMIT`
   */
  createActiveSpeakerDetector(options?: ActiveSpeakerDetectorOptions): ActiveSpeakerDetector
  /**
   * Makes slots that the loudest of many have, so that a listener needs `count` outgoing tracks
   * however many there are: see {@link SpeakerSlots}. Members are added to the detector.
   * @param count slots for sound, 0 to 64
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`, `ERR_LIMIT`
   */
  createSpeakerSlots(
    count: number,
    options?: SpeakerSlotsOptions & {
      /** Whose members get the slots. Default: one that is made for these slots and closes with them. */
      detector?: ActiveSpeakerDetector
    }
  ): SpeakerSlots
  /**
   * Makes a mixer. An endpoint has at most 10000.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE` (a build without mixing),
   *   `ERR_CLOSED`, `ERR_LIMIT`, `ERR_IO` (no thread to mix on)
   */
  createMixer(
    options: MixerOptions & { audio: true | MixerAudioOptions; video: true | MixerVideoOptions },
  ): Promise<Mixer & { readonly audio: MixedTrack; readonly video: MixedTrack }>
  createMixer(options: MixerOptions & { audio: true | MixerAudioOptions }): Promise<Mixer & { readonly audio: MixedTrack }>
  createMixer(options: MixerOptions & { video: true | MixerVideoOptions }): Promise<Mixer & { readonly video: MixedTrack }>
  createMixer(options: MixerOptions): Promise<Mixer>
  /**
   * Makes a transport of plain RTP (RFC 3550): ports that cameras, encoders, gateways, ffmpeg, GStreamer and VLC send to, and
   * from which they are sent to. Its tracks are there when the promise resolves.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_SDP` (an `sdp` that cannot be taken, with its line),
   *   `ERR_CODEC_MISMATCH` (a payload type that means nothing here), `ERR_LISTEN` (a port that cannot be had), `ERR_CLOSED`,
   *   `ERR_LIMIT`, `ERR_BUSY`
   */
  createRtpTransport(options: RtpTransportOptions): Promise<RtpTransport>
  /**
   * Begins a recording. An endpoint has at most 10000 at a time.
   * @param file where to; its ending says the format unless {@link RecorderOptions.format} does. Nothing may be there yet:
   *   no recording is ever overwritten
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`, `ERR_LIMIT`, `ERR_IO` (the file cannot be made, or is there)
   */
  createRecorder(file: string, options?: RecorderOptions & { appData?: unknown }): Promise<Recorder>
  /**
   * Begins a live stream for players of HLS. An endpoint has at most 1000.
   * @throws {MediaLoomError} `ERR_INVALID_ARG` (another stream has the name, too), `ERR_CLOSED`, `ERR_LIMIT`, `ERR_IO`
   */
  createHls(options?: HlsOptions & { appData?: unknown }): Promise<Hls>
  /**
   * Serves all HLS streams of the endpoint, those that come later too, from a thread on which no JavaScript runs: each at
   * `http://HOST:PORT/NAME/index.m3u8` with its {@link Hls.name}. Plain HTTP/1.1 without a check of who asks: for players
   * behind a proxy or a CDN, or with names that nobody guesses. At most 16.
   * @param options `ip` default `'0.0.0.0'`; `port` default 0, any that is free
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`, `ERR_LIMIT`, `ERR_IO` (the address cannot be listened on)
   */
  listenHls(options?: { ip?: string; port?: number }): Promise<{ readonly ip: string; readonly port: number }>
  /**
   * Opens a file, or several that are played one behind the other without a gap: WebM and Matroska, MP4 (ordinary and
   * fragmented), Ogg with Opus, WAV, and Janus' mjr. What they hold is played as it is; AAC-LC and PCM become Opus. The
   * player stands at the beginning until {@link Player.play}. An endpoint has at most 10000, of at most 10000 files each.
   * @param file a path, the bytes of a file, or a list of them. All are opened when they are about to be played, the first
   *   one at once
   * @throws {MediaLoomError} of the first file: `ERR_IO` (not there, or not readable), `ERR_FORMAT` (no such file; the text
   *   says at which byte), `ERR_CODEC_MISMATCH` (a codec that cannot be played, which the text names; pictures with
   *   B-frames). Else `ERR_INVALID_ARG`, `ERR_CLOSED`, `ERR_LIMIT`
   */
  createPlayer(
    file: string | Uint8Array | readonly (string | Uint8Array)[],
    options?: PlayerOptions & { appData?: unknown }
  ): Promise<Player>
  /**
   * Listens for encoders that push by RTMP or RTMPS, on a thread of its own. An endpoint has at most 64.
   * @throws {MediaLoomError} `ERR_INVALID_ARG` (also a certificate or key that is none), `ERR_LISTEN`, `ERR_CLOSED`,
   *   `ERR_LIMIT`, `ERR_IO` (no thread)
   */
  createRtmpServer(options: RtmpServerOptions & { appData?: unknown }): Promise<RtmpServer>
  /**
   * Listens for encoders that push MPEG-TS by SRT, on a thread of its own. An endpoint has at most 64 servers of SRT and RTMP.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_LISTEN`, `ERR_CLOSED`, `ERR_LIMIT`, `ERR_IO` (no thread)
   */
  createSrtServer(options: SrtServerOptions & { appData?: unknown }): Promise<SrtServer>
  /**
   * Pushes tracks to a server by RTMP, or by RTMPS, when it takes them. An endpoint has at most 64 of these at a time.
   * @param url `rtmp://HOST[:PORT]/APP/KEY` or `rtmps://`; the port is 1935, or 443, unless it says another one. By `rtmps:` the
   *   server has to have a certificate for the name in it
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CODEC_MISMATCH` (pictures that are not H264, sound that is not Opus),
   *   `ERR_B_FRAMES`, `ERR_CLOSED`, `ERR_LIMIT`, `ERR_IO` (no such host, no connection, or the server refuses: the message has
   *   what it said)
   */
  createRtmpOutput(url: string, options: RtmpOutputOptions & { appData?: unknown }): Promise<RtmpOutput>
  /**
   * Fetches MPEG-TS by SRT from somebody who listens: a camera, ffmpeg with `mode=listener`, another server. An input as those
   * that are pushed; it counts as one of the 64 servers.
   * @param url `srt://HOST:PORT`; what else there is goes into `options`
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_FORBIDDEN_ADDRESS` (a private one that is not allowed), `ERR_CLOSED`,
   *   `ERR_LIMIT`, `ERR_IO` (no such host, no answer within 5 s, or a refusal: the message has its meaning and its code)
   */
  pullSrt(url: string, options?: SrtPullOptions & { appData?: unknown }): Promise<MediaInput>
  /**
   * Sends tracks as MPEG-TS by SRT: to somebody who listens, when he takes it, or with `mode: 'listener'` to whoever calls. An
   * endpoint has at most 64 outputs of SRT and RTMP at a time.
   * @param url `srt://HOST:PORT`: who is called, or the address to listen on; port 0 is one that is free. What else there is goes
   *   into `options`
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CODEC_MISMATCH` (pictures that are neither H264 nor H265, sound that is not
   *   Opus), `ERR_B_FRAMES`, `ERR_CLOSED`, `ERR_LIMIT`, `ERR_LISTEN`, `ERR_IO` (no such host, no answer within 5 s, or a refusal:
   *   the message has its meaning and its code)
   */
  createSrtOutput(url: string, options: SrtOutputOptions & { appData?: unknown }): Promise<SrtOutput>
  /**
   * Fetches media from a camera or a server by RTSP, once it sends. An endpoint has at most 1,000 of these at a time, all on one
   * thread of their own.
   * @param url `rtsp://[USER[:PASSWORD]@]HOST[:PORT]/PATH`; the port is 554 unless it says another one. `rtsps://` is RTSP in TLS,
   *   at port 322; media come on the connection itself then, as nothing protects them on ports of UDP
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_FORBIDDEN_ADDRESS`, `ERR_UNAUTHORIZED`, `ERR_CODEC_MISMATCH` (nothing of what
   *   it has is taken), `ERR_FORMAT` (what it says is no RTSP), `ERR_IO` (no such host, no connection, no answer, or the server
   *   refuses: the message has what it said), `ERR_CLOSED`, `ERR_LIMIT`
   */
  pullRtsp(url: string, options?: RtspOptions & { appData?: unknown }): Promise<RtspInput>
  /**
   * Adds a font for names and texts of mixers that are made from then on. Latin, Greek, Cyrillic,
   * Arabic and Hebrew need none, because DejaVu Sans comes with the module; Chinese, Japanese,
   * Korean, Thai and the scripts of India do. Letters are taken from the first font that has them,
   * in the order of adding. All mixers share it; at most 16.
   * @param font a TrueType or OpenType file, or a collection of them of which the first counts; at most 64 MiB
   * @throws {MediaLoomError} `ERR_INVALID_ARG` (not a font, or one too many),
   *   `ERR_INVALID_STATE` (a build without mixing), `ERR_CLOSED`
   */
  addFont(font: Uint8Array): this
  /** One snapshot of everything below this endpoint. Cheap enough for once a second. */
  getStats(): Promise<EndpointStats>
  /** Keeps the process alive while the endpoint is open. */
  ref(): this
  /** Lets the process exit while the endpoint is open (the default). */
  unref(): this
  /** Closes everything below and releases sockets and threads. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

// ---------------------------------------------------------------------------------------------
// Recording
// ---------------------------------------------------------------------------------------------

export type RecordingFormat = 'webm' | 'mkv' | 'mp4' | 'ogg' | 'wav'

export interface RecorderOptions {
  /**
   * `'webm'`, which browsers play, holds Opus, VP8, VP9 and AV1; `'mkv'` (Matroska) every codec; `'mp4'` Opus, H264, H265,
   * VP9 and AV1; `'ogg'` one track of Opus; `'wav'` one track of sound, decoded to 16-bit samples. G.711 and G.722 become
   * Opus in all but `'mkv'` and `'wav'`; that and `'wav'` need a build with mixing. Default: by the ending of the file,
   * `.webm`, `.mkv`, `.mka`, `.mp4`, `.m4a`, `.ogg`, `.opus` or `.wav`.
   */
  format?: RecordingFormat
  /**
   * What becomes of the file when a picture changes its size, its parameter sets or its codec: `'inline'`, the same file goes
   * on (a change of codec as another track), or `'split'`, it is closed and another one begins (`name-2.mp4` after
   * `name.mp4`), with keyframes of all tracks; what changes again within half a second goes on in the same one. Default `'inline'`.
   */
  onFormatChange?: 'inline' | 'split'
  /** Milliseconds of a fragment of MP4: what `kill -9` costs at most, besides 100 ms. 100 to 10000, default 500. */
  fragment?: number
  /** Permissions of the file. Default 0o600: its owner's. Without meaning on Windows. */
  mode?: number
  /** Bytes, of all its files, after which it closes, with the reason `'limit'`. Default: none. */
  maxSize?: number
  /** Milliseconds after which it closes, with the reason `'limit'`. Default: none. */
  maxDuration?: number
  /** Bytes that are to stay free on the file system: below, it closes with `'limit'`. Looked at once a second. Default 0. */
  minFree?: number
}

export interface RecordOptions {
  /** What players call the track, at most 200 characters. Default: nothing. */
  name?: string
  /** A language tag (RFC 5646). Default `'und'`: nobody knows. */
  language?: string
  /**
   * Which of a simulcast track's encodings: the best or the smallest that is sent, or one by its RID (while the track has none
   * of that name, the best). Layers of SVC are recorded whole. Default `'best'`.
   */
  encoding?: 'best' | 'smallest' | (string & {})
}

/** How far a recording is. */
export interface RecordingInfo {
  /** The one that is written, or was last. */
  readonly file: string
  /** Of all its files. */
  readonly bytes: number
  /** Seconds that they take to play. */
  readonly duration: number
  /** Frames that were left out because the disk did not keep up: whole groups of pictures. */
  readonly framesDropped: number
}

export interface RecorderEvents {
  /** Once a second, when something was recorded. */
  progress: [info: RecordingInfo]
  /** It goes on with another file ({@link RecorderOptions.onFormatChange}). */
  file: [file: string]
  /** The file cannot be written any more (`ERR_IO`); the recorder closes. What was written before plays. */
  error: [error: MediaLoomError]
  closed: [reason: CloseReason, info: RecordingInfo]
}

/**
 * Writes tracks into one file, on one time line. The file opens and plays up to its last moment wherever writing ends, by a
 * crash, `kill -9` or a full disk; {@link repair} makes such a one seekable. No thread that moves or mixes media waits for
 * the disk.
 */
export class Recorder extends EventEmitter<RecorderEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  appData: unknown
  readonly closed: boolean
  /** The whole path of the file that is written. */
  readonly file: string
  /** All of them, in order. */
  readonly files: readonly string[]
  readonly format: RecordingFormat
  /** What is recorded now. */
  readonly tracks: readonly RecordedTrack[]
  readonly paused: boolean
  /** As of the last `progress`, or of the end. */
  readonly info: RecordingInfo
  /**
   * Records a track as well, from now on; at most 64 at a time. A keyframe is asked for at once and after each loss;
   * repetitions of lost packets are waited for for a second. What the track's frames turn out to be, {@link
   * RecordedTrack.format} says.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CODEC_MISMATCH` (the format holds none of its codecs), `ERR_CLOSED`,
   *   `ERR_QUEUE_FULL`
   */
  record(track: SourceTrack, options?: RecordOptions & { appData?: unknown }): RecordedTrack
  /** Time of the file stands still until {@link resume}. */
  pause(): void
  resume(): void
  /**
   * Gives this moment a name, as a chapter; at most 1000 of at most 1000 characters. They are in a file that was closed; of
   * MP4 the first 255, of which 255 bytes each. Ogg and WAV have none.
   */
  mark(name: string): void
  getStats(): Promise<RecorderStats>
  /** Writes what there is, makes the file seekable and closes it. */
  close(): Promise<RecordingInfo>
  [Symbol.asyncDispose](): Promise<void>
}

/** What a recorded track is in the file. */
export interface RecordedFormat {
  /** Number of the file's track. */
  readonly number: number
  readonly codec: AudioCodec | VideoCodec
  /** Of the first picture; `null` of sound. */
  readonly width: number | null
  readonly height: number | null
}

export interface RecordedTrackEvents {
  /**
   * Its first frame was written; or the first of another codec, which is another track of the file; or the first of another
   * size, which is not.
   */
  format: [format: RecordedFormat]
  /**
   * Nothing of it can be written: `ERR_CODEC_MISMATCH` (the format does not hold its codec; or its frames are encrypted end
   * to end), `ERR_LIMIT` (the file has 64 tracks already). It closes, the recording goes on.
   */
  error: [error: MediaLoomError]
  closed: [reason: CloseReason]
}

/**
 * A line of a recording. When its source closes it stays, and there is a gap until it is attached to another track: a
 * publisher who leaves and returns is one track of the file.
 */
export class RecordedTrack extends EventEmitter<RecordedTrackEvents> {
  private constructor()
  readonly id: number
  readonly recorder: Recorder
  appData: unknown
  readonly closed: boolean
  readonly kind: Kind
  readonly name: string
  /** What feeds it now. */
  readonly source: SourceTrack | null
  readonly paused: boolean
  /** `null` before its first frame. */
  readonly format: RecordedFormat | null
  /**
   * Goes on with another track of its kind.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CODEC_MISMATCH`, `ERR_CLOSED`, `ERR_QUEUE_FULL`
   */
  attachTo(track: SourceTrack): this
  /** Nothing feeds it until it is attached again. */
  detach(): void
  /** Leaves its frames out until {@link resume}; time goes on. */
  pause(): void
  resume(): void
  /** Ends it; the recording goes on. */
  close(): void
}

/** What was made of a file that no recorder closed. */
export interface RepairedFile {
  file: string
  /** `false`: it was closed properly and is as it was. */
  repaired: boolean
  bytes: number
  /** Seconds; `null` when it was not repaired. */
  duration: number | null
  /** The beginning of a frame at the end of the file was cut off and put here; `null`: nothing was. */
  cut: string | null
}

/**
 * Makes a file seekable whose recorder ended before it closed it. Do it when nothing writes to the file any more.
 * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_IO`, `ERR_FORMAT` (not a file of a recorder)
 */
export function repair(file: string): Promise<RepairedFile>

// ---------------------------------------------------------------------------------------------
// HTTP Live Streaming
// ---------------------------------------------------------------------------------------------

export interface HlsOptions {
  /** Of the stream at {@link Endpoint.listenHls}: up to 128 letters, digits, `-` and `_`. Default: random, 128 bits. */
  name?: string
  /** Milliseconds of a part at most, 100 to 2000: players are about four of them behind. Default 500. */
  part?: number
  /** Milliseconds of a segment, two parts to 30000: as often a keyframe is asked for. Default 2000. */
  segment?: number
  /** Segments in a playlist, 3 to 1000: how far players can go back. All are in memory. Default 6. */
  window?: number
}

export interface RenditionOptions {
  /** For whoever chooses between several sounds, up to 200 characters. */
  title?: string
  /** As BCP 47 has it. Default `'und'`, unknown. */
  language?: string
  /**
   * Of a simulcast track: the best or the smallest that is sent, or one by its RID. Add the track several times for a choice
   * of qualities. Default `'best'`.
   */
  encoding?: 'best' | 'smallest' | (string & {})
}

export interface HlsStats {
  /** About how many watch, over the last ten seconds. */
  viewers: number
  /** What players asked for so far. */
  requests: number
  /** Packets that found no room before they were looked at. */
  packetsDropped: number
  renditions: RenditionStats[]
}

export interface RenditionStats {
  id: number
  /** As playlists call it. */
  name: string
  /** As RFC 6381 has it; `null` while nobody watches. */
  codec: string | null
  width: number | null
  height: number | null
  /** That were begun so far. */
  segments: number
  /** Bits a second. */
  bitrate: number
  /** That are kept. */
  bytes: number
  frames: number
  keyframes: number
  /** Frames that were lost on their way here or broken. */
  framesLost: number
}

export interface HlsEvents {
  /** Somebody began to watch, or nobody did for 30 s: nothing is made while nobody watches. */
  watched: [watched: boolean]
  /** A fault of the engine; the stream closes. */
  error: [error: MediaLoomError]
  closed: [reason: CloseReason]
}

/**
 * A live stream for players of HLS (RFC 8216) and its low-latency extensions, as hls.js, Safari and ffmpeg have them:
 * tracks as they are, without transcoding, about two seconds behind. Segments begin with keyframes, which are asked for.
 */
export class Hls extends EventEmitter<HlsEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  appData: unknown
  readonly closed: boolean
  readonly name: string
  readonly renditions: readonly Rendition[]
  readonly watched: boolean
  /**
   * Answers requests below the address of the stream, as Express and `node:http` give them, with the mount path already taken off `url`:
   * `app.use('/live', hls.handler)` serves `/live/index.m3u8`. Whoever is to be refused is refused in front of it.
   */
  readonly handler: (request: IncomingMessage, response: ServerResponse) => void
  /**
   * Another rendition: H264, H265, VP9, AV1 or Opus. Pictures are what players choose from; sound goes with all of them.
   * Players can ask for it from now on. At most 32.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CODEC_MISMATCH` (HLS carries none of its codecs: VP8 is to be mixed
   *   into another one), `ERR_CLOSED`, `ERR_LIMIT`, `ERR_QUEUE_FULL`
   */
  add(track: SourceTrack, options?: RenditionOptions & { appData?: unknown }): Rendition
  getStats(): Promise<HlsStats>
  /** Players are told that it is over, from now on. */
  close(): void
}

export interface RenditionEvents {
  /** Players could not play it: `ERR_CODEC_MISMATCH`. It closes, the others go on. */
  error: [error: MediaLoomError]
  closed: [reason: CloseReason]
}

/** What players choose from. When its source closes it stays, and waits for another one. */
export class Rendition extends EventEmitter<RenditionEvents> {
  private constructor()
  readonly id: number
  readonly hls: Hls
  appData: unknown
  readonly closed: boolean
  readonly kind: Kind
  /** What feeds it now. */
  readonly source: SourceTrack | null
  /**
   * Goes on with another track of its kind.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CODEC_MISMATCH`, `ERR_CLOSED`, `ERR_QUEUE_FULL`
   */
  attachTo(track: SourceTrack): this
  /** Nothing feeds it until it is attached again. */
  detach(): void
  /** Players have it no more; the others go on. */
  close(): void
}

// ---------------------------------------------------------------------------------------------
// Playback
// ---------------------------------------------------------------------------------------------

export interface PlayerOptions {
  /** Behind the last file it goes on with the first one, without a gap. Default false. */
  loop?: boolean
  /** Seconds in the first file where it begins: at the keyframe before. Default 0. */
  from?: number
  /** `false`: sound of the files is left out. Default true. */
  audio?: boolean
  /** `false`: pictures of the files are left out. Default true. */
  video?: boolean
  /**
   * What becomes of H264 with B-frames, which x264 makes by default: pictures that are decoded in another order than they are
   * shown in, which WebRTC has no word for. `refuse`: `ERR_CODEC_MISMATCH`. `mix`: the track is
   * {@link PlayedTrack.reordered}, and takes a mixer, which decodes and encodes it anew. Other codecs with B-frames are always
   * refused. Default `refuse`.
   */
  bFrames?: 'refuse' | 'mix'
}

/** Statistics of a track that is played. */
export interface PlayedTrackStats {
  codec: AudioCodec | VideoCodec
  frames: number
  /** Of pictures. */
  keyframes: number
  packets: number
  bytes: number
  /** Frames of the file that were left out: broken, or sound too large for a packet. */
  framesDropped: number
}

/** Statistics of a player. */
export interface PlayerStats {
  item: number
  /** Seconds. */
  position: number
  playing: boolean
  /** Read and not played yet; at most about 18 MiB. */
  bytesWaiting: number
  /** How often reading did not keep up, so that time stood still. */
  stalls: number
  /** `null`: there is no sound. */
  audio: PlayedTrackStats | null
  video: PlayedTrackStats | null
}

export interface PlayerEvents {
  /** It goes on with another file, by its place. */
  item: [item: number]
  /** It goes on with the first file again. */
  loop: [item: number]
  /** All files were played. It stands at the end, and {@link Player.play} begins anew. */
  ended: []
  /**
   * A file cannot be played, or no further, as {@link Endpoint.createPlayer} says; `field` names it, such as `file[2]`. It
   * is passed over. Without a `field` it is a fault that ends the player. Without a listener it goes to the log.
   */
  error: [error: MediaLoomError]
  closed: [reason: CloseReason]
}

/**
 * Plays files as tracks that anything attaches to: outgoing tracks, ports of mixers, recorders. Time is that of the files,
 * from {@link play} on, whether anybody watches or not. Who comes late begins with the last keyframe.
 */
export class Player extends EventEmitter<PlayerEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  appData: unknown
  readonly closed: boolean
  /** `null`: the first file has no sound, or none is played. */
  readonly audio: PlayedTrack | null
  readonly video: PlayedTrack | null
  /** How many files there are. */
  readonly length: number
  /** Which of them is played, from 0. */
  readonly item: number
  /** Seconds of that file; `null` where it does not say that, as one whose recorder did not close it. */
  readonly duration: number | null
  /** Seconds in that file. */
  readonly position: number
  /** It stands still: at first, after {@link pause}, and at the end. */
  readonly paused: boolean
  /** All was played. */
  readonly ended: boolean
  /** Whether it goes on with the first file behind the last one. What is read ahead, half a second, is played anyway. */
  loop: boolean
  /**
   * Time goes on; behind the end it begins anew.
   * @throws {MediaLoomError} `ERR_CLOSED`, `ERR_QUEUE_FULL`
   */
  play(): void
  /** Time stands still; the last picture stays. */
  pause(): void
  /**
   * Goes to a moment of a file: to the keyframe at or before it, whose time is returned. Time goes on from there, or the
   * picture is shown while it stands still. A jump that another one overtakes returns where that one goes.
   * @param item which file. Default: the one that is played
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`, and what the file is refused with
   */
  seek(seconds: number, item?: number): Promise<number>
  /**
   * Adds files behind those there are. One that is to follow without a gap has to be there half a second before.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`, `ERR_LIMIT`, `ERR_QUEUE_FULL`
   */
  add(...files: (string | Uint8Array)[]): this
  getStats(): Promise<PlayerStats>
  /** Closes it and its tracks. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface PlayedTrackEvents {
  closed: [reason: CloseReason]
}

/** What a player plays of one kind. Closes with its player. Nobody looks into its sound, so it tells no levels. */
export class PlayedTrack extends EventEmitter<PlayedTrackEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  readonly player: Player
  readonly kind: Kind
  appData: unknown
  readonly closed: boolean
  /** One: what the files hold, or Opus that was made of it. */
  readonly codecs: readonly (AudioCodec | VideoCodec)[]
  /** Empty. */
  readonly rids: readonly string[]
  readonly encodings: readonly Encoding[]
  readonly transponders: readonly Transponder[]
  /**
   * Its pictures have B-frames: ports of mixers attach to it, and for anything else that throws `ERR_B_FRAMES`. Only with
   * {@link PlayerOptions.bFrames} `mix`.
   */
  readonly reordered: boolean
  /**
   * Who begins with it from now on gets nothing of what came before: no last group of pictures. For what was muted meanwhile.
   * @throws {MediaLoomError} `ERR_CLOSED`
   */
  forgetPast(): void
}

// ---------------------------------------------------------------------------------------------
// Transport
// ---------------------------------------------------------------------------------------------

export type AudioCodec = 'opus' | 'pcmu' | 'pcma' | 'g722'
export type VideoCodec = 'vp8' | 'vp9' | 'h264' | 'av1' | 'h265'
export type Kind = 'audio' | 'video'

/** What a peer is asked for in the Opus that it sends (RFC 7587 6.1). */
export interface OpusOptions {
  /** Two channels. Peers that are not asked send one. Default false. */
  stereo?: boolean
  /** Bits per second, 6000 to 510000. Default: the peer's own, for most about 32000 a channel. */
  maxAverageBitrate?: number
}

export interface TransportOptions {
  appData?: unknown
  /**
   * ICE-lite (RFC 8445 2.5): the peer does the checking. Right for a server with a reachable
   * address, and cheaper. `false`: full ICE, needed when the peer is ICE-lite itself, as
   * another endpoint is by default. Two endpoints, or one with itself, may be connected by up to 64
   * transports a media thread, of each of which one side has `iceLite: false`. Default true.
   */
  iceLite?: boolean
  /**
   * When both sides offer at once, the polite side gives way. Default true: `acceptOffer` drops
   * this side's pending offer and asks for negotiation again. `false`: `acceptOffer` rejects with
   * `ERR_GLARE` and the peer has to give way.
   */
  polite?: boolean
  /** Codecs to negotiate, most wanted first. Default: all of them. */
  codecs?: (AudioCodec | VideoCodec)[]
  /**
   * Negotiate RED (RFC 2198) for Opus: each packet repeats the one before, which survives loss at
   * twice the bitrate. Whether the source sends RED does not matter: it is made for peers that
   * take it and unwrapped for those that do not, and what a source lost on the way is rebuilt out
   * of its RED for all. A peer that reports a loss of 5 % or more gets the last two. Browsers made of
   * libwebrtc do without: what they lose is repeated, and publishers are told to make Opus redundant
   * while a viewer loses some. Default false.
   */
  red?: boolean
  /** Ask the peer to send Opus with pauses in silence (RFC 7587 3.1.3, DTX). Default false. */
  dtx?: boolean
  /** How the peer is asked to send Opus. Default: as it likes. */
  opus?: OpusOptions
  /** DTLS versions to accept. Default `'auto'`: 1.2 or 1.3, as the peer's first message asks. */
  dtls?: '1.2' | '1.3' | 'auto'
  /** Milliseconds until a transport that never connected closes. 0: never. Default 30000. */
  connectTimeout?: number
  /**
   * Milliseconds without consent until the transport closes with `timeout` (RFC 7675). It counts from
   * the last authentic packet of the peer: a check, an answer to one, media, a report or a message.
   * Peers that only send checks do so every two to six seconds, so that a timeout below 15000 may end
   * one whose checks got lost. Default 30000.
   */
  disconnectTimeout?: number
  /** Largest data channel message to send or receive, in bytes. Default 262144, at most 16 MiB. */
  maxMessageSize?: number
  /** Bytes a data channel may hold back before `send()` throws `ERR_QUEUE_FULL`. Default 16 MiB. */
  maxBufferedAmount?: number
  /**
   * Write decrypted RTP and RTCP to this pcapng file, for Wireshark. For debugging only. A file that cannot be written is
   * an `error` event of the transport, which goes on without.
   */
  dumpFile?: string
}

/**
 * `disconnected`: nothing authentic came for seven seconds, or half of `disconnectTimeout` where that
 * is less; `connected` again as soon as something does, until it times out.
 */
export type TransportState = 'new' | 'connecting' | 'connected' | 'disconnected' | 'closed'

export type SignalingState = 'stable' | 'have-local-offer' | 'closed'

export interface TransportEvents {
  /** The peer added a track by negotiation. Fires before `acceptOffer` resolves. */
  track: [track: IncomingTrack, stream: IncomingStream]
  state: [state: TransportState]
  /**
   * Something changed that the peer must be told: call {@link Transport.createOffer}. An offer of the peer's may
   * settle it first; what an async listener then rejects with does no harm.
   */
  negotiationneeded: []
  /** The peer opened a data channel. */
  datachannel: [channel: DataChannel]
  /**
   * How good the link to the peer is, twice a second while video is sent to it and the peer gives
   * feedback.
   */
  bandwidth: [report: BandwidthReport]
  /** A fault of this peer. The transport closes after it unless it says otherwise. Logged when nobody listens. */
  error: [error: MediaLoomError]
  closed: [reason: CloseReason]
}

/** The link to a peer, as the engine estimates it from the peer's feedback. */
export interface BandwidthReport {
  /** Bits per second that the link carries, as far as is known, or {@link Transport.setMaxBitrate} allows. */
  readonly available: number
  /** Bits per second that the audio and the layers chosen now need. */
  readonly target: number
  /** Bits per second that the next better layers would need, `null` when all have what they may have. */
  readonly wanted: number | null
  /** Packets lost on the way to the peer, 0 to 1. */
  readonly fractionLost: number
  /** Milliseconds that packets wait in queues on their way. */
  readonly queueDelay: number
}

/** One peer: one ICE, DTLS and SRTP association carrying any number of streams. */
export class Transport extends EventEmitter<TransportEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  appData: unknown
  readonly closed: boolean
  readonly state: TransportState
  readonly signalingState: SignalingState
  /** Index of the media thread it lives on. */
  readonly thread: number
  readonly incomingStreams: readonly IncomingStream[]
  readonly incomingTracks: readonly IncomingTrack[]
  readonly outgoingStreams: readonly OutgoingStream[]
  readonly outgoingTracks: readonly OutgoingTrack[]
  readonly dataChannels: readonly DataChannel[]

  /**
   * Takes the peer's SDP offer and makes the answer. Tracks the offer adds are announced by
   * `track` events before the promise resolves. Outgoing tracks that have no m-line yet are put
   * on m-lines the peer is willing to receive on; `negotiationneeded` follows for the rest.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_SDP`, `ERR_GLARE`, `ERR_CLOSED`
   */
  acceptOffer(sdp: string): Promise<string>
  /**
   * Makes an SDP offer of all that changed since the last negotiation. It replaces an offer that
   * is still pending.
   * @param options.iceRestart use new ICE credentials (RFC 8445 9)
   * @throws {MediaLoomError} `ERR_INVALID_STATE` when there is nothing to negotiate, `ERR_CLOSED`
   */
  createOffer(options?: { iceRestart?: boolean }): Promise<string>
  /**
   * Takes the peer's answer to the last offer.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE`, `ERR_SDP`, `ERR_CLOSED`
   */
  acceptAnswer(sdp: string): Promise<void>
  /** Forgets the pending offer, as if {@link Transport.createOffer} had not been called. */
  rollback(): Promise<void>
  /**
   * Adds a candidate of the peer that came by trickle. `null` and the empty string mean there are
   * no more. Candidates for other ICE generations, and those that nothing can be sent to (host names
   * such as mDNS `.local`, addresses with a zone), are ignored, as the peer's checks reach this side anyway.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CANDIDATE`, `ERR_CLOSED`
   */
  addIceCandidate(candidate: string | IceCandidateInit | null): Promise<void>
  /**
   * Takes an SDP fragment (RFC 8840) as WHIP and WHEP send by PATCH: candidates, or an ICE restart.
   * @returns the fragment to answer with when it restarted ICE, else `null`
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE`, `ERR_SDP`, `ERR_CLOSED`
   */
  acceptFragment(fragment: string): Promise<string | null>
  /**
   * Makes a stream to send: a group of tracks the peer plays in step. A transport sends at most
   * 1000 tracks. `negotiationneeded` follows when the tracks need an m-line.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`, `ERR_LIMIT`
   */
  createOutgoingStream(options?: OutgoingStreamOptions): OutgoingStream
  /**
   * Sends at most so much to the peer; layers are chosen to fit. The link may carry less.
   * @param bitrate bits per second, `null` (the default) leaves it to the link
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`
   */
  setMaxBitrate(bitrate: number | null): void
  /**
   * Lets the peer send at most so much media. It is told by REMB, as browsers heed it beside transport-wide feedback,
   * and by `b=TIAS` and `b=AS` of the video in the next description. Of a peer that sends a fifth more for three
   * seconds in a row what is above it is dropped (`packetsDropped.tooMuch`), until it heeds it for as long.
   * @param bitrate bits per second, `null` (the default) leaves it to the link
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`
   */
  setMaxIncomingBitrate(bitrate: number | null): void
  /**
   * Opens a data channel. The first one of a transport needs negotiation. A transport has at most
   * 1024 of them.
   * @param label at most 700 bytes
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`, `ERR_LIMIT`
   */
  createDataChannel(label: string, options?: DataChannelOptions): DataChannel
  getStats(): Promise<TransportStats>
  /** Says goodbye to the peer and closes everything below. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

// ---------------------------------------------------------------------------------------------
// Plain RTP
// ---------------------------------------------------------------------------------------------

export interface RtpTransportOptions {
  /**
   * What is sent here, as whoever sends it announces it: an SDP of ffmpeg or VLC, or of a session announcement. Says codecs,
   * payload types, ports, addresses and keys (`a=crypto`) of lines for which `audio` and `video` say nothing else.
   */
  sdp?: string
  /** What is neither here nor in `sdp` is not sent in any direction. */
  audio?: RtpAudioOptions
  video?: RtpMediaOptions
  /**
   * The address to listen at: one of this host, `0.0.0.0` or `::` for all, or a multicast address, which is joined. Default:
   * the address of `sdp`, else `127.0.0.1`.
   */
  address?: string
  /** The address of the interface to join an IPv4 multicast address on; else the system chooses. */
  interface?: string
  /**
   * Of a multicast address: 1 to 10 addresses whose packets alone are taken (RFC 4607), in place of `allow`. The system leaves
   * the others out for IPv4, this side for IPv6. Default: what `a=source-filter` of `sdp` says (RFC 4570), else any.
   */
  sources?: string[]
  /**
   * Addresses and networks (`192.0.2.0/24`) that the first packet of a port may be from, at most 64; default: any. From then
   * on only that packet's address is heard.
   */
  allow?: string[]
  /**
   * The far end may move to another address (RFC 4145 calls a side that waits for it so). With SRTP it is followed at once,
   * without when nothing came from where it was for two seconds. Default `false`: nothing moves it.
   */
  comedia?: boolean
  /** What reports call this side (RFC 3550 6.5.1). Default: by chance. */
  cname?: string
  /** Milliseconds without a packet after which it is stalled and the state is `disconnected`, 100 to 3,600,000. Default 5000. */
  silence?: number
  /**
   * What becomes of pictures with B-frames, as ffmpeg sends them of most files, and which WebRTC cannot carry. `refuse`: they are
   * left out from the first that shows it on, and a `warning` with `ERR_B_FRAMES` says so. `mix`: H264 is for mixers alone,
   * {@link IncomingTrack.reordered}, which decode and encode it anew; other codecs are refused. Default `refuse`.
   */
  bFrames?: 'refuse' | 'mix'
  /** Where to write all RTP and RTCP, in the clear, as pcapng. */
  dumpFile?: string
  appData?: unknown
}

export interface RtpMediaOptions {
  /** Seen from this side. Default `recvonly`. */
  direction?: 'recvonly' | 'sendonly' | 'sendrecv'
  /** What may come and what can be sent, most wanted first. Default: what `sdp` says. */
  codecs?: RtpCodec[]
  /** To listen at; RTCP is on the next one. Default: that of `sdp`, else 0: any free one, an even one. */
  port?: number
  /** In place of `port`: one for each encoding of simulcast, at most 8, lowest quality first. */
  ports?: RtpPortOptions[]
  /** RTP and RTCP share a port (RFC 5761). Default: what `sdp` says, else `false`. */
  rtcpMux?: boolean
  /** Other transports may have the same port, told apart by address and SSRC. Default `false`. */
  shared?: boolean
  /** Where to send. Packets are taken from that host alone then. Default: where packets come from. */
  remote?: RtpAddress
  /** The SSRC that the far end sends with; nothing else is taken. */
  ssrc?: number
  /** The far end takes NACK, PLI and FIR (RTP/AVPF, RFC 4585, RFC 5104). Default: what `sdp` says, else `false`. */
  feedback?: boolean
  /** RTCP in reduced size (RFC 5506). Default: what `sdp` says, else `false`. */
  reducedSize?: boolean
  /** Default: what `sdp` says, else none: RTP/AVP. */
  srtp?: RtpSrtpOptions
}

export interface RtpAudioOptions extends RtpMediaOptions {
  /** Payload type of keys of a telephone (RFC 4733). */
  telephoneEvents?: number
  /** Payload type of RED (RFC 2198) around Opus. */
  red?: number
}

export type RtpMediaUpdate = Omit<RtpMediaOptions, 'port' | 'ports' | 'rtcpMux' | 'shared'>
export type RtpAudioUpdate = Omit<RtpAudioOptions, 'port' | 'ports' | 'rtcpMux' | 'shared'>

export interface RtpCodec {
  name: AudioCodec | VideoCodec
  /** 0 to 127. G.711 and G.722 have numbers of their own (RFC 3551 6). */
  payloadType?: number
  /**
   * What `a=fmtp` says. Default: nothing; of H264 `packetization-mode=1;profile-level-id=42e01f`, as every browser takes it.
   * Parameter sets that come by `sprop-parameter-sets` and the like alone are put in front of keyframes.
   */
  parameters?: string
  /**
   * Payload type of retransmissions (RFC 4588), of pictures. Without, what a far end with `feedback` asks for is sent again as
   * it was.
   */
  rtx?: number
}

export interface RtpPortOptions {
  /** Default 0: any free one. */
  port?: number
  /** Name of the encoding. */
  rid?: string
  ssrc?: number
}

export interface RtpAddress {
  /** An address or a host name. */
  address: string
  port: number
  /** Default: the next one, or the same where RTP and RTCP share one. */
  rtcpPort?: number
}

/** SRTP with keys that were agreed on elsewhere (SDES, RFC 4568). */
export interface RtpSrtpOptions {
  suite:
    | 'AES_CM_128_HMAC_SHA1_80'
    | 'AES_CM_128_HMAC_SHA1_32'
    | 'AES_256_CM_HMAC_SHA1_80'
    | 'AES_256_CM_HMAC_SHA1_32'
    | 'AEAD_AES_128_GCM'
    | 'AEAD_AES_256_GCM'
  /** Master key and salt of the far end, in base64, as `a=crypto` has them. Not needed to send only. */
  key?: string
  /** Those of this side. Default: by chance; {@link RtpTransport.sdp} has them. */
  sendKey?: string
}

/** A port that is bound. */
export interface RtpPort {
  readonly kind: Kind
  readonly rid: string | null
  readonly address: string
  readonly port: number
  /** The same as `port` where both share one. */
  readonly rtcpPort: number
}

export interface RtpTransportEvents {
  state: [state: TransportState]
  /** Nothing has come for {@link RtpTransportOptions.silence}: the state is `disconnected`, and its incoming tracks are muted. */
  stalled: []
  /** Something comes again. */
  resumed: []
  /** A port hears its far end at this address: for the first time, or because it moved. */
  remote: [remote: { readonly kind: Kind; readonly rid: string | null; readonly address: string; readonly port: number }]
  /** Something is left out: pictures with B-frames (`ERR_B_FRAMES`). Those of another encoder that comes after are taken. */
  warning: [error: MediaLoomError]
  bandwidth: [report: BandwidthReport]
  error: [error: MediaLoomError]
  closed: [reason: CloseReason]
}

/**
 * A peer of plain RTP. Its incoming tracks are like any other: outgoing tracks attach to them, mixers and recorders take
 * them. It has one outgoing track for each line that sends.
 *
 * It is `connected` from the first packet of the far end on, or at once where it only sends, and `disconnected` while the
 * far end is silent.
 */
export class RtpTransport extends EventEmitter<RtpTransportEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  appData: unknown
  readonly closed: boolean
  readonly state: TransportState
  /** Index of the media thread it lives on. */
  readonly thread: number
  /** The far end sent, and is silent at the moment. */
  readonly stalled: boolean
  /** What is listened at, sound before pictures. */
  readonly ports: readonly RtpPort[]
  readonly cname: string
  readonly incomingStreams: readonly IncomingStream[]
  readonly incomingTracks: readonly IncomingTrack[]
  readonly outgoingStreams: readonly OutgoingStream[]
  /** One for each line that sends, sound before pictures. They take what they are attached to. */
  readonly outgoingTracks: readonly OutgoingTrack[]
  /**
   * An SDP for whoever plays what is sent: ffmpeg, GStreamer and VLC listen at the address and ports that it names. It has
   * the keys. `null` while nothing is sent anywhere.
   */
  readonly sdp: string | null
  /**
   * Says anew what lines are: where the far end is, what it takes and sends, its keys, that it is on hold. What is not given
   * stays. Ports, SSRCs and tracks stay; a line that did not receive or send before gets its track.
   * @throws {MediaLoomError} as {@link Endpoint.createRtpTransport}; nothing changes then
   */
  update(options: { audio?: RtpAudioUpdate; video?: RtpMediaUpdate }): Promise<void>
  /** As {@link Transport.setMaxBitrate}. */
  setMaxBitrate(bitrate: number | null): void
  /** As {@link Transport.setMaxIncomingBitrate}; the far end is told where it takes feedback. */
  setMaxIncomingBitrate(bitrate: number | null): void
  getStats(): Promise<TransportStats>
  /** Says goodbye to the far end (BYE) and closes everything below. Its ports are free when the promise resolves. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** What a browser's `RTCIceCandidate.toJSON()` gives. */
export interface IceCandidateInit {
  /** Absent or empty: there are no more. */
  candidate?: string
  sdpMid?: string | null
  sdpMLineIndex?: number | null
  usernameFragment?: string | null
}

// ---------------------------------------------------------------------------------------------
// Incoming media
// ---------------------------------------------------------------------------------------------

export interface IncomingStreamEvents {
  track: [track: IncomingTrack]
  closed: [reason: CloseReason]
}

/** Tracks of a peer that belong together (one MSID, RFC 8830). Closes with its last track. */
export class IncomingStream extends EventEmitter<IncomingStreamEvents> {
  private constructor()
  /** The stream id of the MSID, or `-` when the peer gave none. */
  readonly id: string
  readonly transport: Transport | RtpTransport
  appData: unknown
  readonly closed: boolean
  readonly tracks: readonly IncomingTrack[]
  readonly audio: readonly IncomingTrack[]
  readonly video: readonly IncomingTrack[]
}

/** One RTP stream of a track: the only one, or one of a simulcast. */
export interface Encoding {
  /** The RID (RFC 8851), `null` without simulcast. */
  readonly rid: string | null
  readonly ssrc: number
  /** Whether packets came in the last 1.5 seconds or so. */
  readonly active: boolean
  readonly codec: AudioCodec | VideoCodec
}

export interface AudioLevel {
  /** -127 (silence) to 0 (loudest), dBov (RFC 6464). */
  level: number
  voice: boolean
}

/** Whether anybody takes an encoding. */
export interface EncodingDemand {
  readonly rid: string | null
  /** False: no receiver takes it or would if it came. */
  readonly wanted: boolean
}

/** What stands on the keys of a telephone. */
export type TelephoneKey = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '*' | '#' | 'A' | 'B' | 'C' | 'D'

/** A key of a telephone (RFC 4733). */
export interface TelephoneEvent {
  /** Its number, 0 to 255: 0 to 15 are the keys, 16 is flash. */
  event: number
  /** What stands on it, `null` where it is no key. */
  key: TelephoneKey | null
  /** How long it was down, in milliseconds. */
  duration: number
  /** -63 to 0, dBm0. */
  volume: number
}

export interface TelephoneEventOptions {
  key?: TelephoneKey
  /** The number of the event instead of the key, 0 to 255. */
  event?: number
  /** Milliseconds that it is down, 40 to 8000. Default 100. */
  duration?: number
  /** -63 to 0, dBm0. Default -10. */
  volume?: number
}

export interface IncomingTrackEvents {
  /** An encoding appeared, or became active or inactive. */
  encoding: [encoding: Encoding]
  /**
   * Receivers began or ceased to want encodings of a video track. Tell the sender to switch those
   * off that nobody wants (`RTCRtpSender.setParameters` with `active: false`): it saves the uplink
   * and the encoder. An encoding counts as unwanted when that lasted for three seconds, as wanted
   * at once; one that was switched off is wanted again as soon as it would be forwarded.
   */
  demand: [demand: readonly EncodingDemand[]]
  /** Loudness, at most ten times a second, when the peer sends RFC 6464 levels. */
  audiolevel: [level: AudioLevel]
  /**
   * The peer pressed a key of a telephone (RFC 4733, DTMF): once for each, when it is up again. At
   * most 25 a second are told, after a burst of 50. Receivers that negotiated `telephone-event` get
   * the key as well, in between the sound, as long as it has the clock of the sound: keys of a
   * gateway that offers `telephone-event/8000` beside Opus are told and no more.
   */
  telephoneevent: [event: TelephoneEvent]
  /**
   * The peer stopped sending by negotiation but still names the track (hold), or sends again. A
   * browser that removes a track names it no more: then it closes with `'remote'`, and a `track`
   * event follows if it comes back.
   */
  mute: []
  unmute: []
  closed: [reason: CloseReason]
}

/** What a peer sends on one m-line. */
export class IncomingTrack extends EventEmitter<IncomingTrackEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  readonly transport: Transport | RtpTransport
  readonly stream: IncomingStream
  readonly kind: Kind
  /** The m-line's `a=mid`. */
  readonly mid: string
  /** The track id of the MSID, the empty string when the peer gave none. */
  readonly trackId: string
  appData: unknown
  readonly closed: boolean
  /** Whether the peer's m-line says it is not sending. */
  readonly muted: boolean
  /** Whether nothing of it is let through, see {@link IncomingTrack.withhold}. */
  readonly withheld: boolean
  /** Codecs negotiated for it, most wanted first. */
  readonly codecs: readonly (AudioCodec | VideoCodec)[]
  /** RIDs announced by the SDP, best first as the peer wrote them; empty without simulcast. */
  readonly rids: readonly string[]
  /** Encodings seen so far. */
  readonly encodings: readonly Encoding[]
  /**
   * Its pictures may have B-frames: ports of mixers attach to it, and for anything else that throws `ERR_B_FRAMES`. Only with
   * {@link RtpTransportOptions.bFrames} `mix`.
   */
  readonly reordered: boolean
  /** Which encodings of a video track receivers want, as the last `demand` event said; empty before. */
  readonly demand: readonly EncodingDemand[]
  /** Transponders that take this track. */
  readonly transponders: readonly Transponder[]
  /**
   * Asks the sender for a keyframe; at most one request per encoding goes out in 500 ms. Nobody who starts to receive a
   * track needs to: it gets the last keyframe and what came since, or one is asked for.
   * @param rid one encoding, default all of them
   */
  requestKeyframe(rid?: string): void
  /**
   * Lets nothing of it through any more, or again: to no outgoing track, mixer or speaker slot, whether it
   * takes the track already or only later. The peer is not told and notices nothing but that, after some
   * seconds, nobody wants its video (`demand`). Video goes on with a keyframe. `audiolevel` and
   * `telephoneevent` go on meanwhile.
   * @param withheld default true
   */
  withhold(withheld?: boolean): void
  /** Stops receiving it; `negotiationneeded` tells the peer. */
  close(): void
  [Symbol.dispose](): void
  /**
   * Who begins with it from now on gets nothing of what came before: no last group of pictures. For what was muted meanwhile.
   * @throws {MediaLoomError} `ERR_CLOSED`
   */
  forgetPast(): void
}

// ---------------------------------------------------------------------------------------------
// Outgoing media
// ---------------------------------------------------------------------------------------------

export interface OutgoingStreamOptions {
  /** Stream id of the MSID, 1 to 64 token characters. Default: random. */
  id?: string
  /** Number of audio tracks. Default 0. */
  audio?: number
  /** Number of video tracks. Default 0. */
  video?: number
  appData?: unknown
}

export interface OutgoingStreamEvents {
  closed: [reason: CloseReason]
}

export class OutgoingStream extends EventEmitter<OutgoingStreamEvents> {
  private constructor()
  readonly id: string
  readonly transport: Transport | RtpTransport
  appData: unknown
  readonly closed: boolean
  readonly tracks: readonly OutgoingTrack[]
  readonly audio: readonly OutgoingTrack[]
  readonly video: readonly OutgoingTrack[]
  /**
   * Adds a track. @param options.id track id of the MSID, default random
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`, `ERR_LIMIT`
   */
  addTrack(kind: Kind, options?: { id?: string; appData?: unknown }): OutgoingTrack
  close(): void
  [Symbol.dispose](): void
}

export interface OutgoingTrackEvents {
  /** It got its m-line: {@link OutgoingTrack.mid} is set. */
  negotiated: []
  closed: [reason: CloseReason]
}

/** What this side sends on one m-line. It carries whatever is attached to it. */
export class OutgoingTrack extends EventEmitter<OutgoingTrackEvents> {
  private constructor()
  readonly id: number
  readonly transport: Transport | RtpTransport
  readonly stream: OutgoingStream
  readonly kind: Kind
  /** Track id of the MSID. */
  readonly trackId: string
  /** The m-line's `a=mid`, `null` until negotiated. */
  readonly mid: string | null
  appData: unknown
  readonly closed: boolean
  readonly transponder: Transponder | null
  /**
   * Sends an incoming track of any transport of the same endpoint, what a mixer makes, or whatever
   * has a slot of speakers. Attaching again switches the source: no negotiation, the peer sees one continuous
   * stream, the transponder stays the same one and forgets the encoding it was told to select.
   * Works before either side is connected.
   * @throws {MediaLoomError} `ERR_INVALID_ARG` (other kind, other endpoint), `ERR_CLOSED`
   */
  attachTo(track: SourceTrack | SpeakerSlot): Transponder
  /** Sends nothing any more until attached again. */
  detach(): void
  /**
   * Presses a key of a telephone (RFC 4733, DTMF), after those that wait already and 70 ms apart.
   * The sound of the track waits as long. Fulfilled when it is its turn to wait; nothing has to be
   * attached.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`; `ERR_INVALID_STATE` while nothing is
   * sent on the track, `ERR_CODEC_MISMATCH` when the peer takes no `telephone-event`,
   * `ERR_QUEUE_FULL` when 64 keys wait
   */
  sendTelephoneEvent(options: TelephoneEventOptions): Promise<void>
  /** Stops sending and gives the m-line back; `negotiationneeded` tells the peer. */
  close(): void
  [Symbol.dispose](): void
}

/** What is forwarded of the source. */
export interface ForwardedLayer {
  /** The simulcast encoding, `null` without simulcast. */
  readonly rid: string | null
  /** Spatial layer, 0 is the smallest picture. */
  readonly spatial: number
  /** Temporal layer, 0 is the lowest frame rate. */
  readonly temporal: number
  /** Pixels, when known. */
  readonly width?: number
  readonly height?: number
  /** Frames per second, when known. */
  readonly frameRate?: number
  /** Bits per second, with headers, as measured when it was chosen. */
  readonly bitrate: number
}

/**
 * Why it is forwarded: there is nothing better (`best`), nothing better is wanted (`preferences`),
 * the link carries no more (`bandwidth`), the source sends nothing (`unavailable`), the transponder
 * is muted, or the media thread is overloaded (`load`).
 */
export type LayerReason = 'best' | 'preferences' | 'bandwidth' | 'unavailable' | 'muted' | 'load'

export interface LayerSelection {
  /** Default: not limited. */
  spatial?: number
  /** Default: not limited. */
  temporal?: number
}

/** What an application wants of a video track. The engine chooses among the layers within it. */
export interface Preferences {
  /**
   * Pixels of the place the picture is shown in. Of several encodings the largest that does not
   * exceed it is taken, or the smallest there is. Default: not limited.
   */
  maxWidth?: number
  maxHeight?: number
  /** Frames per second. Default: not limited. */
  maxFrameRate?: number
  /** Bits per second. Default: not limited. */
  maxBitrate?: number
  /** 1 to 100. What is more important gets its layers first. Default 1. */
  priority?: number
  /**
   * Whether it stops when the link has room for nothing of it; the `layer` event tells, and it
   * goes on by itself. `false`: the lowest layer is sent in any case. Default true.
   */
  pauseAllowed?: boolean
}

export interface TransponderEvents {
  /**
   * The layers that are forwarded changed, or the reason for them; `null` while there are none,
   * as when the link has no room for the track (`'bandwidth'`).
   */
  layer: [layer: ForwardedLayer | null, reason: LayerReason]
  /** The encoding that is forwarded changed; `null` while there is none. */
  encoding: [rid: string | null, encoding: Encoding | null]
  /** `ERR_CODEC_MISMATCH`: the receiver cannot take what the source sends. Nothing is forwarded until that changes. */
  error: [error: MediaLoomError]
  closed: [reason: CloseReason]
}

/** Copies one incoming track to one outgoing track. Closes when either of them does, or on detach. */
export class Transponder extends EventEmitter<TransponderEvents> {
  private constructor()
  readonly id: number
  /** `null` only with a {@link Transponder.slot} that nobody has. */
  readonly incomingTrack: SourceTrack | null
  /** The slot it is attached to, `null` when it is attached to a track. */
  readonly slot: SpeakerSlot | null
  readonly outgoingTrack: OutgoingTrack
  appData: unknown
  readonly closed: boolean
  readonly muted: boolean
  /** The RID asked for, or `'auto'`. */
  readonly selectedEncoding: string
  /** The encoding forwarded now, `null` while there is none. */
  readonly currentEncoding: Encoding | null
  /** The layers asked for, `null` leaves them to the engine. */
  readonly selectedLayer: Readonly<LayerSelection> | null
  /** The layers forwarded now, `null` while there are none. */
  readonly currentLayer: ForwardedLayer | null
  readonly layerReason: LayerReason
  /** What {@link Transponder.setPreferences} was told, `null` before. */
  readonly preferences: Readonly<Preferences> | null
  /** Switches the source, like {@link OutgoingTrack.attachTo}. */
  attachTo(track: SourceTrack | SpeakerSlot): this
  /**
   * Chooses one simulcast encoding by RID. The switch happens at its next keyframe, which is
   * requested; the old one goes on until then. `'auto'` (the default) takes the best that is active
   * and fits the link and the preferences.
   * A RID that sends nothing leaves the current one in place until it does; one that the source
   * neither announced nor sent is refused, unless the source is a slot: who has it next may have
   * the RID.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`
   */
  selectEncoding(rid: string): void
  /**
   * Takes at most these layers of an encoding (SVC, temporal layers). `null` (the default) leaves
   * them to the engine. Forgotten when the source is switched.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`
   */
  selectLayer(layer: LayerSelection | null): void
  /**
   * Says what the track is needed for. Replaces what was said before; it stays when the source is
   * switched.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`
   */
  setPreferences(preferences: Preferences): void
  /** Stops (true) or resumes (false) forwarding; video resumes with a keyframe. Default true. */
  mute(muted?: boolean): void
  detach(): void
  close(): void
  [Symbol.dispose](): void
}

// ---------------------------------------------------------------------------------------------
// Speakers
// ---------------------------------------------------------------------------------------------

export interface ActiveSpeakerDetectorOptions {
  appData?: unknown
  /** Sound below this does not count, in dBov (RFC 6464): -127 to 0. Default -60. */
  threshold?: number
  /**
   * Milliseconds without a sound after which a member has stopped to speak, as `speaking` tells: 200 to 60000. Pauses
   * between words are shorter than the default of 700.
   */
  pause?: number
}

export interface ActiveSpeakerDetectorEvents {
  /** Somebody else has the word; `null` when whoever had it left. In silence nothing changes. */
  speaker: [track: IncomingTrack | null]
  /**
   * A member begins to speak, at the first sound that is not noise, or has been silent for
   * {@link ActiveSpeakerDetectorOptions.pause}. Each by itself, as many as there are. A member that is removed, or whose track closes, is
   * not told of any more. Measured only while somebody listens.
   */
  speaking: [track: IncomingTrack, speaking: boolean]
  closed: [reason: CloseReason]
}

/**
 * Tells who of many speaks, from the audio levels that come with their packets (RFC 6464; browsers
 * send them, a peer that does not is never heard of). What goes on all the time is noise, a cough
 * takes nobody's word, a pause between words does not lose it, and who begins to speak after
 * somebody has it within half a second. The media threads do all that; the silent cost nothing.
 */
export class ActiveSpeakerDetector extends EventEmitter<ActiveSpeakerDetectorEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  appData: unknown
  readonly closed: boolean
  /** The members. */
  readonly tracks: readonly IncomingTrack[]
  /** Open slots that members of this detector have. */
  readonly slots: readonly SpeakerSlots[]
  /** Who has the word, or had it last; `null` before anybody spoke. */
  readonly speaker: IncomingTrack | null
  /**
   * Adds a member, at most 10000. A track that closes is removed. Adding one again changes its
   * picture.
   * @param track sound, of any transport of the same endpoint
   * @param options.video the picture that goes with it, for slots of video
   * @throws {MediaLoomError} `ERR_INVALID_ARG` (other kind, other endpoint), `ERR_CLOSED`, `ERR_LIMIT`
   */
  add(track: IncomingTrack, options?: { video?: IncomingTrack | null }): void
  /** @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED` */
  remove(track: IncomingTrack): void
  /**
   * Makes slots that members of this detector get, at most 16 times, such as three for telephones
   * and nine for everybody else.
   * @param count slots for sound, 0 to 64
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`, `ERR_LIMIT`
   */
  createSlots(count: number, options?: SpeakerSlotsOptions): SpeakerSlots
  /** Closes its slots too. */
  close(): void
  [Symbol.dispose](): void
}

export interface SpeakerSlotsOptions {
  appData?: unknown
  /** Slots for pictures, 0 to 64. Default 0. */
  video?: number
}

export interface SpeakerSlotsEvents {
  /** A slot for sound has another track. In the order of the slots, not of loudness. */
  speakers: [tracks: IncomingTrack[]]
  closed: [reason: CloseReason]
}

/**
 * A few slots that many share. Each listener attaches one outgoing track to each slot, once; the
 * media threads feed the slots with the sound of the loudest members, and with the pictures of
 * those who had the word last, also while JavaScript is busy. While a slot is free, members get it
 * in the order in which they came. Who has a slot keeps it until somebody else needs it, so
 * listeners hear no shuffling. Nobody is sent what they send themselves: a slot is silent for
 * whoever has it. A track that its sender mutes or ends makes room.
 */
export class SpeakerSlots extends EventEmitter<SpeakerSlotsEvents> {
  private constructor()
  readonly id: number
  readonly detector: ActiveSpeakerDetector
  appData: unknown
  readonly closed: boolean
  readonly audio: readonly SpeakerSlot[]
  readonly video: readonly SpeakerSlot[]
  /** The tracks that have a slot for sound, in the order of the slots. */
  readonly speakers: readonly IncomingTrack[]
  /** Outgoing tracks that are attached to a slot are detached. */
  close(): void
  [Symbol.dispose](): void
}

export interface SpeakerSlotEvents {
  /** Another track has it, or none. */
  change: [track: IncomingTrack | null]
  closed: [reason: CloseReason]
}

/** What {@link OutgoingTrack.attachTo} takes in place of a track. Closes with the others. */
export class SpeakerSlot extends EventEmitter<SpeakerSlotEvents> {
  private constructor()
  readonly id: number
  readonly slots: SpeakerSlots
  readonly kind: Kind
  appData: unknown
  readonly closed: boolean
  /** Who has it now. */
  readonly track: IncomingTrack | null
  /** Those of the outgoing tracks that are attached to it. */
  readonly transponders: readonly Transponder[]
}

// ---------------------------------------------------------------------------------------------
// Mixing
// ---------------------------------------------------------------------------------------------

export interface MixerOptions {
  appData?: unknown
  /** Mix sound; `true` for the defaults. */
  audio?: boolean | MixerAudioOptions
  /** Mix pictures; `true` for the defaults. */
  video?: boolean | MixerVideoOptions
}

export interface MixerAudioOptions {
  /** How many of the loudest are heard at once, 1 to 16. Default 4. */
  speakers?: number
  /** Default false: one channel. */
  stereo?: boolean
  /** Bits per second of Opus, 6000 to 510000. Default 32000, in stereo 64000. */
  bitrate?: number
  /** Opus packets carry a coarse copy of the one before (in-band FEC). Default true. */
  fec?: boolean
  /** Opus pauses in silence. Default false. */
  dtx?: boolean
}

export interface MixerVideoOptions {
  /** Pixels, even, 16 to 4096; at most 3840x2160 in all. Default 1280. */
  width?: number
  /** Default 720. */
  height?: number
  /** Frames per second, 1 to 60. Default 25. */
  frameRate?: number
  /**
   * What the canvas is offered in, most wanted first. One that nobody watches costs nothing.
   * Default `['vp8', 'h264']`.
   */
  codecs?: ('vp8' | 'vp9' | 'h264')[]
  /** Bits per second at full size. Default by the size, 1.5 Mbit/s for 1280x720 at 25. */
  bitrate?: number
  /**
   * Sizes the canvas is offered in: 1 the full one, 2 its half as well, 3 its quarter too. Viewers
   * get the one that fits their link, as with simulcast. At most 8 of sizes times codecs. Default 1.
   */
  rungs?: number
  /** Behind everything, like `'#14181d'`. */
  background?: string
  /** Default `'grid'`. */
  layout?: 'grid' | 'speaker' | 'pip' | 'sidebar'
}

/** Where something is on the canvas, in parts of its width and height. */
export interface CanvasPlace {
  /** Left edge, 0 to 1. */
  x: number
  /** Upper edge, 0 to 1. */
  y: number
  width: number
  height: number
  /** Higher ones cover lower ones. Default 0. */
  z?: number
}

export interface Tile extends CanvasPlace {
  /** Fill the tile and cut what is over, or show all with bars. Default `'cover'`. */
  fit?: 'cover' | 'contain'
  /** Part of the tile's shorter side, 0 to 0.5. Default 0. */
  border?: number
  /** Default `'#ffffff'`. */
  borderColor?: string
  /** Of the corners, part of the tile's shorter side, 0 to 0.5. Default 0. */
  radius?: number
  /** A port, whoever has the word, or the next one that has no tile. Default `'any'`. */
  show?: MixerPort | 'speaker' | 'any'
}

export type MixerLayout = 'grid' | 'speaker' | 'pip' | 'sidebar' | { tiles: Tile[] }

/** A text, or a picture (JPEG or PNG). */
export type Overlay = CanvasPlace & (TextOverlay | { picture: Uint8Array; text?: undefined })

export interface TextOverlay {
  /** At most 500 characters; lines are broken where they have to be. */
  text: string
  /** Part of the canvas' height, 0.005 to 1. Default 0.05. */
  size?: number
  /** Default `'#ffffff'`. */
  color?: string
  /** Of a field behind the text. Default none. */
  background?: string
  /** Default `'left'`. */
  align?: 'left' | 'center' | 'right'
  picture?: undefined
}

export interface SnapshotOptions {
  /** Default `'jpeg'`. */
  format?: 'jpeg' | 'png'
  /** Pixels, 16 to 4096; the height follows. Default: as it is. */
  width?: number
  /** Of JPEG, 1 to 100. Default 80. */
  quality?: number
}

/**
 * What the engine does when the threads that mix are late: encoders look less for what makes
 * pictures small, then every second picture is left out, then they have half the width and height.
 */
export type MixerEffort = 'full' | 'fast' | 'half-rate' | 'half-size'

export interface MixerEvents {
  /** Others are heard now. The loudest first. */
  speakers: [ports: MixerPort[]]
  /** Pictures get less effort, or more again. `late`: milliseconds of the latest turn before. */
  effort: [effort: MixerEffort, info: { late: number }]
  /** Mixing failed; the mixer closes. */
  error: [error: MediaLoomError]
  closed: [reason: CloseReason]
}

/**
 * Mixes what its ports get. What comes out are tracks that any outgoing track attaches to, and
 * ports of other mixers. Threads of their own do the work ({@link EndpointOptions.mixingThreads});
 * a mixer that nobody hears or sees costs nothing, and so does what nobody takes of it. Files and what is
 * written are played all the same, as time goes on.
 */
export class Mixer extends EventEmitter<MixerEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  appData: unknown
  readonly closed: boolean
  /** Everybody who is heard; for those who are not. `null` without sound. */
  readonly audio: MixedTrack | null
  /** The canvas. `null` without pictures. */
  readonly video: MixedTrack | null
  readonly ports: readonly MixerPort[]
  /** Who is heard. */
  readonly speakers: readonly MixerPort[]
  readonly effort: MixerEffort
  /** `'tiles'` for tiles of your own, `null` without pictures. */
  readonly layout: 'grid' | 'speaker' | 'pip' | 'sidebar' | 'tiles' | null
  /**
   * Adds a place. A mixer has at most 10000, of which the first 1024 can be seen.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`, `ERR_LIMIT`
   */
  addPort(options?: MixerPortOptions & { appData?: unknown }): MixerPort
  /**
   * Arranges the canvas anew, at once.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE` (no pictures), `ERR_CLOSED`
   */
  setLayout(layout: MixerLayout): void
  /**
   * @param background a colour like `'#14181d'`, or a JPEG or PNG of at most 16 MiB
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE`, `ERR_CLOSED`
   */
  setBackground(background: string | Uint8Array): Promise<void>
  /**
   * Puts texts and pictures on the canvas, in place of those before; at most 32.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE`, `ERR_CLOSED`
   */
  setOverlays(overlays: Overlay[]): Promise<void>
  /** These come first in layouts, whoever speaks; none for nobody. */
  pin(...ports: MixerPort[]): void
  /**
   * The canvas as a file.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE`, `ERR_CLOSED`
   */
  snapshot(options?: SnapshotOptions): Promise<Buffer>
  /**
   * The sound of everybody who is heard.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE` (no sound), `ERR_CLOSED`
   */
  createPcmReader(options?: PcmReaderOptions & { raw?: false }): PcmReader<PcmFrame>
  createPcmReader(options: PcmReaderOptions & { raw: true }): PcmReader<Buffer>
  /**
   * The canvas, picture by picture.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE` (no pictures), `ERR_CLOSED`
   */
  createFrameReader(options?: FrameReaderOptions & { raw?: false }): FrameReader<VideoFrame>
  createFrameReader(options: FrameReaderOptions & { raw: true }): FrameReader<Buffer>
  getStats(): Promise<MixerStats>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface MixerPortOptions {
  /** The name on its tile, at most 200 characters. Default none. */
  label?: string
  /** Of its sound, 0 to 8. Default 1. */
  gain?: number
  /** Where it is heard in stereo, -1 (left) to 1 (right). Default 0. */
  position?: number
  /** Bring its speech slowly to the loudness of the others. Default false. */
  autoGain?: boolean
  noiseSuppression?: boolean
  /** Not heard; its tile says so. Default false. */
  muted?: boolean
  /** Whether it is on the canvas. Default true. */
  visible?: boolean
  /** It shows a screen, which gets the room it needs. Default false. */
  screen?: boolean
}

export interface MixerPortEvents {
  /** A file of {@link MixerPort.playFile} is over. */
  fileended: []
  closed: [reason: CloseReason]
}

/** A place in a mixer: what one participant brings to it, and gets from it. */
export class MixerPort extends EventEmitter<MixerPortEvents> {
  private constructor()
  readonly id: number
  readonly mixer: Mixer
  appData: unknown
  readonly closed: boolean
  readonly label: string
  /** All its options. */
  readonly options: Required<MixerPortOptions>
  /** Everybody but this port. While it is not heard it is the mix of all, encoded once. */
  readonly audio: MixedTrack | null
  /** The tracks that feed it. */
  readonly audioSource: SourceTrack | null
  readonly videoSource: SourceTrack | null
  /**
   * Takes a track as its sound or its picture, in place of what it had. Call it for each kind. A
   * track that closes is detached. Opus, G.711, G.722, VP8, VP9, H264 and AV1 are decoded; of H265
   * nothing is seen.
   * @throws {MediaLoomError} `ERR_INVALID_ARG` (other endpoint, or a track of this mixer),
   *   `ERR_INVALID_STATE` (the mixer mixes no such kind), `ERR_CLOSED`
   */
  attachTo(track: SourceTrack): this
  /** Takes nothing more, of one kind or both. */
  detach(kind?: Kind): void
  /** Changes what is given. @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED` */
  set(options: MixerPortOptions): void
  /**
   * What it gets (`source: 'mix'`, the default: everybody but this port), or what it brings
   * (`'own'`): what a transcriber needs.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE` (no sound), `ERR_CLOSED`
   */
  createPcmReader(options?: PcmReaderOptions & { source?: 'mix' | 'own'; raw?: false }): PcmReader<PcmFrame>
  createPcmReader(options: PcmReaderOptions & { source?: 'mix' | 'own'; raw: true }): PcmReader<Buffer>
  /**
   * Sound of an application in place of a track: what a voice agent needs.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE` (no sound), `ERR_CLOSED`
   */
  createPcmWriter(options?: PcmWriterOptions): PcmWriter
  /** What it brings. @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE`, `ERR_CLOSED` */
  createFrameReader(options?: FrameReaderOptions & { raw?: false }): FrameReader<VideoFrame>
  createFrameReader(options: FrameReaderOptions & { raw: true }): FrameReader<Buffer>
  /** Pictures of an application in place of a track. @throws {MediaLoomError} `ERR_INVALID_STATE`, `ERR_CLOSED` */
  createFrameWriter(): FrameWriter
  /**
   * Plays a tone on top of what it brings, or two as telephones do, until `null`.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE`, `ERR_CLOSED`
   */
  setTone(tone: Tone | null): void
  /**
   * Plays a file on top of what it brings; `fileended` tells when it is over. Resolves when it is
   * understood.
   * @param file WAV (16 bit PCM) or Ogg Opus, with one or two channels, at most 64 MiB
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE`, `ERR_CLOSED`
   */
  playFile(file: Uint8Array, options?: { repeat?: boolean }): Promise<void>
  stopFile(): Promise<void>
  /** Its picture as a file. @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_INVALID_STATE`, `ERR_CLOSED` */
  snapshot(options?: SnapshotOptions): Promise<Buffer>
  close(): void
  [Symbol.dispose](): void
}

export interface Tone {
  /** Hz, 20 to 20000. */
  frequency: number
  second?: number
  /** Amplitude of each in dB of full scale, -127 to 0. Default -20, which a meter shows as -23 dBov. */
  level?: number
}

export interface MixedTrackEvents {
  /**
   * Loudness of the mix, at most ten times a second, and lasting silence once. A listener is
   * somebody who hears it: the mixer mixes, though it encodes nothing for that.
   */
  audiolevel: [level: AudioLevel]
  closed: [reason: CloseReason]
}

/**
 * What a mixer makes. Outgoing tracks and ports of other mixers attach to it like to an incoming
 * track; each receiver gets the codec it takes. Closes with its mixer or port.
 */
export class MixedTrack extends EventEmitter<MixedTrackEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  readonly mixer: Mixer
  /** The port it is for, `null` when it is for all. */
  readonly port: MixerPort | null
  readonly kind: Kind
  appData: unknown
  readonly closed: boolean
  readonly codecs: readonly (AudioCodec | VideoCodec)[]
  /** `f`, `h` and `q` for the sizes it is offered in, empty where there is one. */
  readonly rids: readonly string[]
  /** What it is offered in: each codec in each size. */
  readonly encodings: readonly Encoding[]
  readonly transponders: readonly Transponder[]
  /**
   * Who begins with it from now on gets nothing of what came before: no last group of pictures. For what was muted meanwhile.
   * @throws {MediaLoomError} `ERR_CLOSED`
   */
  forgetPast(): void
}

/** What can be attached to: of a peer, of a mixer, of a player, or of an encoder. */
export type SourceTrack = IncomingTrack | MixedTrack | PlayedTrack | InputTrack

/** Who wants to publish by RTMP. */
export interface RtmpPublisher {
  /** The application: what stands behind the host in the URL, at most 1024 characters. */
  app: string
  /** The stream's name, which encoders call the stream key, with everything behind it; at most 1024 characters. A secret. */
  key: string
  /** Where it comes from: an IP address. */
  address: string
}

export interface RtmpServerOptions {
  /** Where to listen; 0 is a port that is free, and {@link RtmpServer.port} says which. Default 1935. */
  port?: number
  /** The address to listen on. Default `0.0.0.0`. */
  ip?: string
  /** Speak RTMPS, and nothing else: the certificate with those between it and its root, and its private key, as PEM. */
  tls?: { cert: string | Uint8Array; key: string | Uint8Array }
  /**
   * Says who may publish: nothing but `true` lets one in. Who may not is told so as RTMP has it, and gets no more than that
   * out of an error thrown here, which is an `error` event of the server. There are 30 s to answer.
   */
  authorize(publisher: RtmpPublisher): boolean | Promise<boolean>
  /** Publishers at a time, 1 to 4096. Default 1000. */
  maxInputs?: number
  /**
   * What becomes of H264 with B-frames, which cannot be forwarded. `refuse`: a `warning`, and sound goes on alone. `mix`: the
   * track is there, {@link InputTrack.reordered}, and takes a mixer, which decodes and encodes it anew. Other codecs with
   * B-frames are always refused. Default `refuse`.
   */
  bFrames?: 'refuse' | 'mix'
  /** Milliseconds without sound and pictures after which an input is {@link MediaInput.stalled}, 100 to 3,600,000. Default 5000. */
  silence?: number
}

export interface RtmpServerEvents {
  /** Somebody publishes who was let in. Add listeners at once: tracks come with their first frames. */
  input: [input: MediaInput]
  /** `authorize` threw, or the server failed and closes (`ERR_INTERNAL`, `ERR_IO`). */
  error: [error: MediaLoomError]
  closed: [reason: CloseReason]
}

/** Takes what encoders push by RTMP: OBS, ffmpeg, GStreamer. */
export class RtmpServer extends EventEmitter<RtmpServerEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  appData: unknown
  readonly closed: boolean
  /** Where it listens. */
  readonly port: number
  /** Whether it speaks RTMPS. */
  readonly secure: boolean
  /** Who publishes now. */
  readonly inputs: readonly MediaInput[]
  /** Ends all inputs, and listens no more when the promise settles. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Who wants to publish by SRT. */
export interface SrtPublisher {
  /** As it came, at most 512 bytes; empty when there was none. Often a secret. */
  streamId: string
  /** What it names: `r` of `#!::r=live/KEY,m=publish`, and all of any other id. */
  resource: string
  /** The resource up to its last `/`, as RTMP has an application; empty without one. */
  app: string
  /** The last part of the resource, as RTMP has a key. */
  key: string
  /** `u` of `#!::`. */
  user: string | null
  /** Where it comes from: an IP address, of somebody who showed that he is there. */
  address: string
}

export interface SrtServerOptions {
  /** Where to listen; 0 is a port that is free, and {@link SrtServer.port} says which. Default 9000. */
  port?: number
  /** The address to listen on. Default `0.0.0.0`. */
  ip?: string
  /**
   * What all who push have to have, 10 to 79 bytes: AES-128 or AES-256, as the encoder has it. Without one nobody may encrypt.
   * Default: none.
   */
  passphrase?: string | null
  /** Milliseconds from sending to delivery, 20 to 8000: in them what was lost is sent again. An encoder may want more. Default 120. */
  latency?: number
  /**
   * Says who may publish, of those that have the passphrase: `true` lets one in. `false` refuses with code 1403, a number from
   * 1000 to 3999 with that one (of SRT's access control: 1401 not authenticated, 1404 nothing of that name, 1409 taken already).
   * What it throws is an `error` event of the server, and refuses with 1403. There are 10 s to answer, of which encoders wait 3.
   * Who wants to pull (`m=request`) is refused with 1405 without a question.
   */
  authorize(publisher: SrtPublisher): boolean | number | Promise<boolean | number>
  /** Publishers at a time, 1 to 4096. Default 1000. */
  maxInputs?: number
  /** As {@link RtmpServerOptions.silence}. */
  silence?: number
  /** As {@link RtmpServerOptions.bFrames}. */
  bFrames?: 'refuse' | 'mix'
}

export interface SrtServerEvents {
  /** Somebody publishes who was let in. Add listeners at once: tracks come with their first frames. */
  input: [input: MediaInput]
  /** `authorize` threw, or the server failed and closes (`ERR_INTERNAL`, `ERR_IO`). */
  error: [error: MediaLoomError]
  closed: [reason: CloseReason]
}

/** Takes what encoders push by SRT: ffmpeg, GStreamer, OBS, hardware encoders. MPEG-TS with H264 or H265, and AAC-LC or Opus. */
export class SrtServer extends EventEmitter<SrtServerEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  appData: unknown
  readonly closed: boolean
  /** Where it listens, by UDP. */
  readonly port: number
  /** Whether it wants a passphrase. */
  readonly encrypted: boolean
  /** Who publishes now. */
  readonly inputs: readonly MediaInput[]
  /** Ends all inputs, and listens no more when the promise settles. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** What the link to an encoder does that pushes by SRT. Packets are those of SRT. */
export interface LinkStats {
  packetsReceived: number
  /** That did not come by themselves. */
  packetsLost: number
  /** Of these: that came when they were asked for. */
  packetsRecovered: number
  /** That were not there when they were due. */
  packetsDropped: number
  /** That the keys do not fit. */
  packetsUndecrypted: number
  /** Seconds. */
  roundTripTime: number
  encrypted: boolean
}

export interface InputTrackStats {
  codec: AudioCodec | VideoCodec
  /** Pictures, or pieces of sound. */
  frames: number
  keyframes: number
  /** Damaged, or before the first keyframe. */
  framesDropped: number
  /** What was handed on. */
  packets: number
}

export interface InputStats {
  /** Of sound and pictures. */
  bytesReceived: number
  /** `null` before the first frame, and of pictures that are left out. */
  video: InputTrackStats | null
  audio: InputTrackStats | null
  /** How often the encoder's clock jumped. */
  clockJumps: number
  /** Of SRT alone. */
  link?: LinkStats
}

export interface MediaInputEvents {
  track: [track: InputTrack]
  /** What the encoder says of itself came, or came anew. */
  metadata: [metadata: InputMetadata]
  /**
   * Something is left out, and the rest goes on: pictures with B-frames (`ERR_B_FRAMES`), a codec that is not taken
   * (`ERR_CODEC_MISMATCH`; its message names it), damage (`ERR_FORMAT`). Each once.
   */
  warning: [error: MediaLoomError]
  /** Neither sound nor pictures have come for {@link RtmpServerOptions.silence}. Its tracks are muted, and nothing is closed. */
  stalled: []
  /** Something comes again. */
  resumed: []
  /** Of what is fetched: the connection is over, and it is called again after `delay` milliseconds. Its tracks stay. */
  reconnecting: [again: { delay: number; error: MediaLoomError }]
  /** It is there again. Its tracks go on, pictures with a keyframe; one in another codec is another track. */
  connected: []
  /** What ends it: what the encoder sends is no RTMP any more (`ERR_FORMAT`), SRT breaks down (`ERR_IO`), or a fault (`ERR_INTERNAL`). */
  error: [error: MediaLoomError]
  /** `remote`: the encoder ended. `timeout`: nothing came for 30 s. */
  closed: [reason: CloseReason]
}

/** What an encoder says of itself: at most 64 of whatever it has, such as `width` and `encoder`. */
export type InputMetadata = Readonly<Record<string, string | number | boolean>>

/** What one encoder pushes, or is fetched from somebody. Closes with its server. */
export class MediaInput extends EventEmitter<MediaInputEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  /** `null` of one that was fetched. */
  readonly server: RtmpServer | SrtServer | null
  appData: unknown
  readonly closed: boolean
  /** Nothing comes at the moment. */
  readonly stalled: boolean
  readonly state: 'connected' | 'stalled' | 'reconnecting' | 'closed'
  readonly app: string
  /** A secret. */
  readonly key: string
  /** Of SRT; `null` of RTMP. */
  readonly streamId: string | null
  readonly address: string
  /** At most one of each kind. */
  readonly tracks: readonly InputTrack[]
  readonly metadata: InputMetadata
  getStats(): Promise<InputStats>
  /** Ends the encoder's connection. */
  close(): void
}

export interface InputTrackEvents {
  /** Loudness, at most ten times a second, and lasting silence once. Of AAC only: Opus goes on without being decoded. */
  audiolevel: [level: AudioLevel]
  /** `error`: it ended before its input. The input's `warning` says why. */
  /** Its input stalled, or resumed. */
  mute: []
  unmute: []
  closed: [reason: CloseReason]
}

export interface RtmpOutputOptions {
  /** Sound, as Opus by Enhanced RTMP: nobody makes AAC here. Not every server takes it. */
  audio?: SourceTrack | null
  /** H264. A mixer makes it with `video: { codecs: ['h264'] }`. */
  video?: SourceTrack | null
  /**
   * Of `rtmps:`: the certificates of those who may say which server is which, as PEM, in place of all whom Node believes.
   */
  ca?: string | Uint8Array
  /**
   * Seconds for which a connection that was lost is made again, up to a day: after a second, and then after twice as long each
   * time, half a minute at most. Each stream begins with a keyframe. Default 0: the output ends with its connection.
   */
  reconnect?: number
}

export interface RtmpOutputStats {
  bytesSent: number
  /** That wait for the link. From 2 MiB on pictures are left out, up to a keyframe. */
  bytesWaiting: number
  framesSent: number
  framesDropped: number
  /** Packets of sound. */
  soundsSent: number
}

export interface RtmpOutputEvents {
  /** The connection was lost, and is made again: see {@link RtmpOutputOptions.reconnect}. */
  disconnected: [error: MediaLoomError]
  /** The server takes the stream again. */
  reconnected: []
  /** What ends it: the connection or the server (`ERR_IO`, `ERR_FORMAT`), or a link that is too thin (`ERR_LIMIT`). */
  error: [error: MediaLoomError]
  closed: [reason: CloseReason]
}

/** Pushes tracks to a server by RTMP. A track that closes is missing from then on, and the other one goes on. */
export class RtmpOutput extends EventEmitter<RtmpOutputEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  appData: unknown
  readonly closed: boolean
  readonly audioSource: SourceTrack | null
  readonly videoSource: SourceTrack | null
  /** The server takes the stream at the moment. */
  readonly connected: boolean
  getStats(): Promise<RtmpOutputStats>
  /** Says goodbye to the server; the promise settles when the connection is closed. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface SrtPullOptions {
  /** What is said to who is called, at most 512 bytes. Default: none. */
  streamId?: string
  /** 10 to 79 bytes. Default: none. */
  passphrase?: string | null
  /** Bytes of the key: AES-128 or AES-256. Default 16. */
  keyLength?: 16 | 32
  /** As {@link SrtServerOptions.latency}. */
  latency?: number
  /** As {@link RtmpServerOptions.silence}. */
  silence?: number
  /** As {@link RtmpServerOptions.bFrames}. */
  bFrames?: 'refuse' | 'mix'
  /**
   * Whether it is called again after it was there once: first after `delay` milliseconds (1000), then after twice as long each time
   * up to `maxDelay` (30000), give or take a fifth. Default `true`.
   */
  reconnect?: boolean | { delay?: number; maxDelay?: number }
  /** As {@link RtspOptions.allowPrivate}: hosts at private, loopback and other special addresses are not called. Default `false`. */
  allowPrivate?: boolean
  /** As {@link RtspOptions.allow}. */
  allow?: string[]
}

export interface SrtOutputOptions {
  /** Sound, as Opus: nobody makes AAC here. ffmpeg, VLC and GStreamer take it; much hardware does not. */
  audio?: SourceTrack | null
  /** H264 or H265, as the track has it. A mixer makes H264 with `video: { codecs: ['h264'] }`. */
  video?: SourceTrack | null
  /** Whether it calls, or listens and sends to all who call. Default `caller`. */
  mode?: 'caller' | 'listener'
  /** What is said to who is called, or what those have to say who call: others are refused with 1404. At most 512 bytes. Default: none. */
  streamId?: string
  /** Encrypts, 10 to 79 bytes: whoever calls or is called needs it. Default: none. */
  passphrase?: string | null
  /** Bytes of the key, where it calls: AES-128 or AES-256. Who listens takes what the caller has. Default 16. */
  keyLength?: 16 | 32
  /** Milliseconds from sending to delivery, 20 to 8000, unless the other end wants more. Default 120. */
  latency?: number
  /** Those who may call at a time, 1 to 1024; a quarter of them, and one at least, from one IPv4 address or IPv6 /64. Default 64. */
  maxWatchers?: number
  /** Where it calls: as {@link RtmpOutputOptions.reconnect}. Default 0: the output ends with its connection. Refused with `mode: 'listener'`. */
  reconnect?: number
  /**
   * Packets that are encrypted with one key, from 16 on; half as many before that, 4,096 at most, the next one is announced, and it is
   * used once the other end says that it has it. Default 33,554,432.
   */
  keyRefresh?: number
}

export interface SrtOutputStats {
  /** Of the stream, once however many take it. */
  bytesSent: number
  bytesWaiting: number
  framesSent: number
  framesDropped: number
  /** Packets of sound. */
  soundsSent: number
  /** Of all who take it together; packets are those of SRT. */
  link: {
    watchers: number
    packetsSent: number
    packetsSentAgain: number
    /** That were too late before the other end had them. */
    packetsDropped: number
    /** The longest, in seconds. */
    roundTripTime: number
  }
}

export interface SrtOutputEvents {
  /** The connection was lost, and is made again: see {@link SrtOutputOptions.reconnect}. */
  disconnected: [error: MediaLoomError]
  /** The other end takes it again. */
  reconnected: []
  /** What ends it: who was called is silent or keeps it out (`ERR_IO`), or a link that is too thin (`ERR_LIMIT`). */
  error: [error: MediaLoomError]
  closed: [reason: CloseReason]
}

/**
 * Sends tracks by SRT. Nothing is taken of the tracks while nobody takes it. Whoever comes begins at a keyframe, which is asked for.
 * Where it calls, it closes when the other end does (`remote`), unless it is to {@link SrtOutputOptions.reconnect}.
 */
export class SrtOutput extends EventEmitter<SrtOutputEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  appData: unknown
  readonly closed: boolean
  /** Its own, by UDP: where it listens, or calls from. */
  readonly port: number
  /** It listens, or the other end takes the stream at the moment. */
  readonly connected: boolean
  readonly audioSource: SourceTrack | null
  readonly videoSource: SourceTrack | null
  getStats(): Promise<SrtOutputStats>
  /** Says goodbye; the promise settles when that is sent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface RtspOptions {
  /**
   * How media travel. `tcp`: on the connection itself, through every firewall that it came through. `udp`: on ports of their own,
   * where what is lost delays nothing. Default `auto`: TCP, and UDP where the server does not send by TCP.
   */
  transport?: 'auto' | 'tcp' | 'udp'
  /** In place of those in the URL. They are shown by Digest (MD5, SHA-256), or Basic where the server knows nothing else. */
  user?: string
  password?: string
  /** Milliseconds for a connection, and for an answer. Default 10000. */
  timeout?: number
  /** Milliseconds without media after which the server counts as gone. Default 5000. */
  silence?: number
  /**
   * Whether it is tried again after it was there once: first after `delay` milliseconds (1000), then after twice as long each time
   * up to `maxDelay` (30000), give or take a fifth. Default `true`.
   */
  reconnect?: boolean | { delay?: number; maxDelay?: number }
  /**
   * Whether hosts at private, loopback, link-local and other special addresses are asked. Default `false`: a URL from
   * somebody else would have this host ask what only it can reach. Multicast and unspecified addresses never are.
   */
  allowPrivate?: boolean
  /** Addresses and networks that are asked whatever they are, such as `192.168.7.0/24`. At most 64. */
  allow?: string[]
  /**
   * Gives the addresses of a host, each time it is connected to. They are looked at as all others, and nothing but them is
   * connected to. Default: as the system has it.
   */
  lookup?: (host: string) => Promise<string[]>
  /**
   * Of `rtsps://`: whose certificates are believed, as PEM, in place of those that Node believes. The server's has to be for the
   * host of the URL, and for that of each place it sends on to.
   */
  ca?: string | Uint8Array
  /**
   * Of `rtsps://`: SHA-256 of the certificate of the server in hexadecimal digits, with or without colons, as `openssl x509
   * -fingerprint -sha256` prints it. Nothing else of the certificate is looked at: cameras make their own.
   */
  fingerprint?: string
  /**
   * What becomes of pictures with B-frames, which WebRTC cannot carry. `refuse`: they are left out, and a `warning` with
   * `ERR_B_FRAMES` says so. `mix`: H264 is for mixers alone, {@link InputTrack.reordered}; other codecs are refused. Default `refuse`.
   */
  bFrames?: 'refuse' | 'mix'
}

export interface RtspStats {
  state: 'connecting' | 'connected' | 'stalled' | 'reconnecting'
  /** `null` while it is not connected. */
  transport: 'tcp' | 'udp' | null
  /** How often it was connected. */
  connections: number
  /** How often media did not come any more. */
  stalls: number
  /** RTP and RTCP. */
  bytesReceived: number
  packetsReceived: number
  /** Of what goes on as it comes, as of tracks of peers. */
  tracks: IncomingTrackStats[]
  /** AAC, which becomes Opus. `null` where there is none. */
  transcoded: InputTrackStats | null
}

export interface RtspInputEvents {
  /** It has another track: those that it begins with are there when {@link Endpoint.pullRtsp} resolves. */
  track: [track: InputTrack]
  /** It sends again. */
  connected: []
  /** No media came for {@link RtspOptions.silence}. It is asked anew. */
  stalled: []
  /** Why it ended, and in how many milliseconds it is tried again. Its tracks stay. */
  reconnecting: [again: { delay: number; error: MediaLoomError }]
  /**
   * Something is left out and the rest goes on: a codec that is not taken (`ERR_CODEC_MISMATCH`; its message names it), pictures
   * with B-frames (`ERR_B_FRAMES`). Each once.
   */
  warning: [error: MediaLoomError]
  /** What ends it: the server (`ERR_IO`) where it is not tried again, or a fault (`ERR_INTERNAL`). */
  error: [error: MediaLoomError]
  closed: [reason: CloseReason]
}

/** What is fetched from a camera or a server by RTSP. Its tracks outlive connections: viewers go on when it comes back. */
export class RtspInput extends EventEmitter<RtspInputEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  appData: unknown
  readonly closed: boolean
  /** Without user and password. */
  readonly url: string
  readonly state: 'connecting' | 'connected' | 'stalled' | 'reconnecting' | 'closed'
  /** At most one of each kind. */
  readonly tracks: readonly InputTrack[]
  /** What was left out so far. */
  readonly warnings: readonly MediaLoomError[]
  getStats(): Promise<RtspStats>
  /** Says goodbye to the server; the promise settles when it was said. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * What an encoder pushes or a camera sends, as tracks of peers are: outgoing tracks, ports of mixers and recorders attach to it. Pictures go on
 * as they came. AAC becomes Opus while somebody hears it. No keyframe can be asked of an encoder, so who begins
 * to watch gets everything since the last one at once, at most 20 s and 4 MiB.
 */
export class InputTrack extends EventEmitter<InputTrackEvents> {
  private constructor()
  readonly id: number
  readonly endpoint: Endpoint
  readonly input: MediaInput | RtspInput
  readonly kind: Kind
  appData: unknown
  readonly closed: boolean
  readonly codecs: readonly (AudioCodec | VideoCodec)[]
  /** None. */
  readonly rids: readonly string[]
  readonly encodings: readonly Encoding[]
  readonly transponders: readonly Transponder[]
  /** Of its first picture; `null` of sound. */
  readonly width: number | null
  readonly height: number | null
  /**
   * Its pictures have B-frames, or may: ports of mixers attach to it, and for anything else that throws `ERR_B_FRAMES`. Only
   * with {@link RtmpServerOptions.bFrames} or {@link RtspOptions.bFrames} `mix`.
   */
  readonly reordered: boolean
  /** Its input is {@link MediaInput.stalled}, or its camera stalled or is gone. */
  readonly muted: boolean
  /**
   * Who begins with it from now on gets nothing of what came before: no last group of pictures. For what was muted meanwhile.
   * @throws {MediaLoomError} `ERR_CLOSED`
   */
  forgetPast(): void
}

export interface PcmReaderOptions {
  /** Hz. Default 48000. */
  sampleRate?: 8000 | 16000 | 24000 | 48000
  /** Default 1. */
  channels?: 1 | 2
  /** Milliseconds of a frame. Default 20. */
  frameDuration?: 10 | 20
  /** Milliseconds that wait for a slow reader until the oldest is dropped, 20 to 10000. Default 1000. */
  bufferDuration?: number
  /** Give samples as bytes (16 bit, little-endian) to pipe somewhere. Default false. */
  raw?: boolean
}

export interface PcmFrame {
  /** Interleaved. */
  samples: Int16Array
  /** When its first sample is heard, milliseconds since the Unix epoch. */
  timestamp: number
  sampleRate: number
  channels: number
}

/**
 * Sound, frame by frame: `for await (const frame of reader)`, or as any readable stream. Ends when
 * what it reads closes; `destroy()` ends it before, a `for await` without an error.
 */
export class PcmReader<T = PcmFrame> extends Readable {
  private constructor()
  readonly sampleRate: number
  readonly channels: number
  /** Milliseconds of a frame. */
  readonly frameDuration: number
  /** Frames that were lost because they were not read in time. */
  readonly dropped: number;
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<T>
}

export interface PcmWriterOptions {
  /** Hz. Default 48000. */
  sampleRate?: 8000 | 16000 | 24000 | 48000
  /** Default 1. */
  channels?: 1 | 2
  /** Milliseconds that may wait, 20 to 10000. Default 1000. */
  bufferDuration?: number
}

/**
 * Sound of an application. Takes `Int16Array`, Buffers of 16 bit little-endian samples, or
 * `{ samples, timestamp }`, at most a second at once; `write()` gives false while too much waits.
 * Closes when its port closes or gets another source, and what still waits to be written fails with
 * `ERR_CLOSED`. So does whoever awaits it by `once(writer, 'drain')`, `finished` or `pipeline`: there is
 * an `error` event if anybody listens for it, and none that ends the process if nobody does. `finish`
 * comes when the mixer has taken everything, some 60 ms before it is heard to the end. Sound is played in
 * time whether or not anybody listens; where nobody does, up to 100 ms may pass before it begins.
 */
export class PcmWriter extends Writable {
  private constructor()
  readonly sampleRate: number
  readonly channels: number
  /** Milliseconds of what was written that were played, to within 20. */
  readonly position: number
  /** Milliseconds that wait to be played. */
  readonly waiting: number
  /**
   * Takes back all that was written and not played: silence follows within 40 ms, as an interruption needs it.
   * Writes that waited succeed, {@link PcmWriter.position} stays where it is, and what is written next is
   * played next.
   */
  clear(): void
}

export interface FrameReaderOptions {
  /** Default `'i420'`. */
  format?: 'i420' | 'rgba'
  /** Pixels, even; with the height. Default: as it is. */
  width?: number
  height?: number
  /** Frames per second at most. Default 25. */
  frameRate?: number
  /**
   * Gives so many, whether or not there is another picture, from the first one on: as recorders and encoders want
   * it. Default false: only what changed.
   */
  steady?: boolean
  /** Gives the bytes of each picture alone, to be piped into another program. Default false. */
  raw?: boolean
  /** Pictures that wait for a slow reader until the oldest is dropped, 1 to 60. Default 3. */
  bufferLength?: number
}

/** A picture: the three planes of I420 one behind the other, or RGBA. */
export interface VideoFrame {
  data: Buffer
  format: 'i420' | 'rgba'
  width: number
  height: number
  /** Milliseconds since the Unix epoch. */
  timestamp: number
}

/** Pictures, one by one. */
export class FrameReader<T = VideoFrame> extends Readable {
  private constructor()
  readonly format: 'i420' | 'rgba'
  /** Pictures that were lost because they were not read in time. */
  readonly dropped: number;
  [Symbol.asyncIterator](): NodeJS.AsyncIterator<T>
}

/**
 * Takes `{ data, format, width, height }`, and a `timestamp` if it is to be in step with sound. Closes
 * as {@link PcmWriter} does.
 */
export class FrameWriter extends Writable {
  private constructor()
  /** Takes back what was written and not shown. */
  clear(): void
}

// ---------------------------------------------------------------------------------------------
// Data channels
// ---------------------------------------------------------------------------------------------

export interface DataChannelOptions {
  /** Default true. */
  ordered?: boolean
  /** Give a message up after so many retransmissions. Excludes `maxPacketLifeTime`. */
  maxRetransmits?: number
  /** Give a message up after so many milliseconds. Excludes `maxRetransmits`. */
  maxPacketLifeTime?: number
  /** At most 700 bytes. Default: none. */
  protocol?: string
  /** Set by both sides by other means: no in-band announcement. Needs `id`. */
  negotiated?: boolean
  /** SCTP stream id, 0 to 65534, with `negotiated`. */
  id?: number
  appData?: unknown
}

export interface DataChannelEvents {
  open: []
  /**
   * Text comes as a string, binary as a Buffer. Messages that JavaScript does not take in time may
   * pile up to 16 MiB per channel; a channel that gets more closes with an error.
   */
  message: [data: string | Buffer]
  /** {@link DataChannel.bufferedAmount} fell to the threshold or below. */
  bufferedamountlow: []
  error: [error: MediaLoomError]
  closed: [reason: CloseReason]
}

export class DataChannel extends EventEmitter<DataChannelEvents> {
  private constructor()
  readonly id: number
  readonly transport: Transport
  readonly label: string
  readonly protocol: string
  readonly ordered: boolean
  readonly maxRetransmits: number | null
  readonly maxPacketLifeTime: number | null
  appData: unknown
  readonly closed: boolean
  readonly readyState: 'connecting' | 'open' | 'closed'
  /** Bytes given to `send()` that the peer has not acknowledged yet, as far as JavaScript knows. */
  readonly bufferedAmount: number
  /** Default 0. */
  bufferedAmountLowThreshold: number
  /**
   * Queues a message. Before the channel is open it waits. An empty message cannot be sent.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`, `ERR_MESSAGE_TOO_LARGE`, `ERR_QUEUE_FULL`
   */
  send(data: string | ArrayBuffer | ArrayBufferView): void
  /**
   * Sends whatever arrives on `source`, a channel of any transport of the same endpoint, out on this
   * channel, without JavaScript, from the moment this returns. The source still emits `message`, if
   * it has listeners. A message is dropped and counted when this channel's queue is full, or the
   * way to its media thread. Attaching again replaces the source.
   * @throws {MediaLoomError} `ERR_INVALID_ARG`, `ERR_CLOSED`, `ERR_QUEUE_FULL`
   */
  attachTo(source: DataChannel): void
  detach(): void
  close(): void
  [Symbol.dispose](): void
}

// ---------------------------------------------------------------------------------------------
// Statistics
// ---------------------------------------------------------------------------------------------

/** Names are those of W3C webrtc-stats where one exists; rates are bits per second over the last second. */
export interface EndpointStats {
  /** Milliseconds since the Unix epoch. */
  timestamp: number
  threads: ThreadStats[]
  transports: TransportStats[]
  /** As {@link Mixer.getStats} gives them. */
  mixers: MixerStats[]
  /** As {@link Recorder.getStats} gives them. */
  recorders: RecorderStats[]
}

export interface ThreadStats {
  thread: number
  transports: number
  /** The share of its time in which it works, 0 to 1, over about a second; as of its last turn. */
  load: number
  /** Whether it takes no new transports because it is too busy. */
  overloaded: boolean
  /** As in {@link ThreadLoad}: 1 unless the thread is overloaded. */
  layerShare: number
  /** Transports that took too much of a busy thread: their datagrams wait until those of others were handled. */
  transportsOverBudget: number
  /** Datagrams of such transports that were dropped. */
  packetsOverBudget: number
  packetsReceived: number
  packetsSent: number
  bytesReceived: number
  bytesSent: number
  /** Datagrams that belonged to no peer. */
  packetsUnmatched: number
  /** Packets dropped because a socket's send buffer was full. */
  packetsDiscardedOnSend: number
  /** Packets dropped because a ring to or from another thread was full. */
  packetsDiscardedBetweenThreads: number
  /** System calls that read from sockets; one may take many datagrams. */
  receiveCalls: number
  /** System calls that wrote to sockets; one may send many datagrams to one peer. */
  sendCalls: number
  /** System calls that asked which sockets can be read, most of them waiting for it. */
  waitCalls: number
  /** How often this thread woke another: a media thread, or the one of JavaScript. */
  wakeups: number
  /** Allocations of this thread. Only in builds with the cargo feature `allocation-counter`. */
  allocations?: number
  /** Peers closed because handling them failed. */
  panics: number
}

export interface CandidatePairStats {
  protocol: 'udp' | 'tcp'
  localAddress: string
  remoteAddress: string
  /**
   * Seconds, by this side's own checks: never there with ICE-lite (the default), which sends none. What a publisher's is
   * by RTCP stands in {@link EncodingStats.roundTripTime} of its tracks, a viewer's in that of the outgoing ones.
   */
  currentRoundTripTime?: number
  totalRoundTripTime?: number
  responsesReceived?: number
}

/** Packets that a peer sent and nobody got. Those that disagree with the description are logged, one a second at most. */
export interface DroppedPacketStats {
  /** No RTP, or padding that is longer than the packet. */
  malformed: number
  /** Not encrypted with the keys of the peer, or before there were any. */
  unauthenticated: number
  /** There before, by itself or as a retransmission. Networks repeat packets, too. */
  replayed: number
  /** Of a payload type that the m-line does not have. */
  unknownPayloadType: number
  /** Of no m-line, or of one that neither MID, RID, SSRC nor payload type tells (RFC 9143 9.2). */
  noLine: number
  /** Of an SSRC that is one too many for the peer or the track. */
  tooManySources: number
  /** Of an SSRC whose place another one took. */
  superseded: number
  /** Of a track that was closed on this side. */
  refused: number
  /** Above what the peer may send, see {@link Transport.setMaxIncomingBitrate}. */
  tooMuch: number
}

export interface TransportStats {
  id: number
  thread: number
  state: TransportState
  iceLite: boolean
  /** `DTLS 1.2` or `DTLS 1.3`, once connected. */
  dtlsVersion?: string
  /** Such as `SRTP_AEAD_AES_256_GCM`, once connected. */
  srtpCipher?: string
  /** Of plain RTP: where each stream comes from and goes to. */
  rtpPorts?: RtpPortStats[]
  /** Of plain RTP: datagrams from elsewhere, not authentic, or nothing at all. */
  packetsRefused?: number
  bytesReceived: number
  bytesSent: number
  packetsReceived: number
  packetsSent: number
  /** Packets of media that came and that nobody got, by the reason. */
  packetsDropped: DroppedPacketStats
  /** Bits per second that the link to the peer carries, as far as is known. */
  availableOutgoingBitrate?: number
  /** Bits per second that the layers chosen now and the audio need. */
  targetBitrate: number
  /** Bits per second that the next better layers would need, when there are any. */
  wantedBitrate?: number
  /** Packets repeated only to find out how much the link carries. */
  probePacketsSent: number
  probeBytesSent: number
  /** Packets of tracks that arrived, as the peer's transport-wide feedback says; 0 where it gives none. */
  packetsAcknowledged: number
  /** Their bytes, headers and encryption included. */
  bytesAcknowledged: number
  /** Packets of tracks that did not arrive, by the same feedback. */
  packetsUnacknowledged: number
  selectedCandidatePair?: CandidatePairStats
  /** How often another pair came to be sent to, the first one included: ICE chose it, or the peer moved. */
  selectedCandidatePairChanges: number
  incomingTracks: IncomingTrackStats[]
  outgoingTracks: OutgoingTrackStats[]
  dataChannels: DataChannelStats[]
}

/** Addresses with their ports. */
export interface RtpPortStats {
  mid: string
  rid?: string
  local: string
  localRtcp: string
  /** Where packets come from, once some came. */
  source?: string
  remote?: string
  remoteRtcp?: string
  /** SRTP. */
  secure: boolean
}

export interface IncomingTrackStats {
  id: number
  kind: Kind
  mid: string
  encodings: EncodingStats[]
}

export interface EncodingStats {
  rid: string | null
  ssrc: number
  codec: string
  active: boolean
  packetsReceived: number
  bytesReceived: number
  bitrate: number
  /** Packets that never came, retransmissions counted as come. */
  packetsLost: number
  /** Fraction of the packets lost since the last report, 0 to 1. */
  fractionLost?: number
  /** Seconds. */
  jitter: number
  nackCount: number
  pliCount: number
  firCount: number
  /** Video frames, counted where the packets tell. */
  framesReceived?: number
  framesPerSecond?: number
  keyFramesReceived?: number
  /** As the sender's video layers allocation or keyframe says. */
  frameWidth?: number
  frameHeight?: number
  /** Seconds. */
  roundTripTime?: number
  /** Of video, the layers that its packets tell apart: those of SVC, and temporal ones. */
  layers?: LayerStats[]
}

export interface LayerStats {
  spatial: number
  temporal: number
  /** Bits per second of the layer with those below it that it needs, headers included. */
  bitrate: number
  framesPerSecond: number
  frameWidth?: number
  frameHeight?: number
}

export interface OutgoingTrackStats {
  id: number
  kind: Kind
  mid: string | null
  ssrc?: number
  rtxSsrc?: number
  codec?: string
  /** The encoding being forwarded. */
  rid?: string | null
  /** The layers of it that are forwarded. */
  spatialLayer?: number
  temporalLayer?: number
  /** Why it is these layers, for video. */
  layerReason?: LayerReason
  source?: number
  muted: boolean
  packetsSent: number
  bytesSent: number
  bitrate: number
  nackCount: number
  pliCount: number
  firCount: number
  /** Packets repeated because the receiver asked for them, or before a pause. */
  retransmittedPacketsSent: number
  /** Payload bytes of them. */
  retransmittedBytesSent: number
  framesSent?: number
  /** As the receiver reports. */
  packetsLost?: number
  fractionLost?: number
  jitter?: number
  roundTripTime?: number
}

/** As {@link Recorder.getStats} gives them. */
export interface RecorderStats {
  id: number
  /** Of the file, with those on their way to it. */
  bytes: number
  /** Seconds that it takes to play. */
  duration: number
  /** Seconds: where in the file what is captured now comes; `null` before its first frame. */
  position: number | null
  /** On their way to the disk; at most 8 MiB of a recorder and 64 MiB of an endpoint. */
  bytesWaiting: number
  framesDropped: number
  /** Packets that the recorder came too late for. */
  packetsDropped: number
  tracks: RecordedTrackStats[]
}

export interface RecordedTrackStats {
  id: number
  codec: AudioCodec | VideoCodec | null
  frames: number
  keyframes: number
  bytes: number
  /** Frames that were lost on their way or broken. */
  framesLost: number
  /** Frames left out because the disk did not keep up. */
  framesDropped: number
  /** Frames that were captured no later than the one before, and moved behind it. */
  timesMoved: number
}

export interface MixerStats {
  id: number
  effort: MixerEffort
  /** Milliseconds of the latest turn of the last second. */
  lateness: number
  /** Packets that found no room on their way in. */
  packetsDropped: number
  ports: MixerPortStats[]
  /** Each codec and size that somebody watches or watched. */
  classes: MixerClassStats[]
}

export interface MixerPortStats {
  id: number
  /** Milliseconds that its sound waits, and is meant to. */
  jitterBufferDelay?: number
  jitterBufferTarget?: number
  /** Silent ones as well of which nothing was needed. */
  packetsReceived?: number
  /** Packets that came too late, or were thrown away for another reason. */
  packetsLate?: number
  packetsDiscarded?: number
  /** Milliseconds of sound made up for what did not come. */
  concealed?: number
  /** Of the sender's clock, in millionths. */
  drift?: number
  /** Loudness, dBov. */
  audioLevel?: number
  framesDecoded?: number
  framesDropped?: number
  decoderErrors?: number
  frameWidth?: number
  frameHeight?: number
}

export interface MixerClassStats {
  codec: AudioCodec | VideoCodec
  width: number
  height: number
  framesEncoded: number
  keyFramesEncoded: number
  bytesEncoded: number
}

export interface DataChannelStats {
  id: number
  label: string
  protocol: string
  state: 'connecting' | 'open' | 'closed'
  messagesSent: number
  messagesReceived: number
  bytesSent: number
  bytesReceived: number
  /** Forwarded messages dropped because the queue was full. */
  messagesDropped: number
}
