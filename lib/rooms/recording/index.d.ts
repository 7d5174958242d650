/// <reference types="node" />
/** Recordings of rooms, as `medialoom/rooms` gives them out. */

import { EventEmitter } from 'node:events'
import type { AudioCodec, Kind, VideoCodec } from '../../../index.js'
import type { RecordingStorage, Retention } from '../../storage/index.js'
import type { Participant, ParticipantRole, Room } from '../index.js'

/** Everybody's own, one picture and one sound of all, or both. */
export type RecordedWhat = 'tracks' | 'mixed' | 'both'
/** With a file for each source, a camera has its microphone in it, and a screen its sound. */
export type RecordedSource = 'camera' | 'microphone' | 'screen' | 'screen-audio' | 'mix'

export interface RoomRecordOptions {
  /**
   * `'tracks'` (default): what everybody sends, as it is. `'mixed'`: the mix of the room, which has a mixer while it is
   * recorded. `'both'`.
   */
  what?: RecordedWhat
  /** Of the recording and of its directory. Default: time and room, such as `2026-11-30T162503120Z-garden`. */
  name?: string
  /**
   * `'source'` (default): a file for each camera with its microphone and each screen with its sound, on one time line.
   * `'track'`: a file for each track.
   */
  files?: 'source' | 'track'
  /** Of the files. `'auto'` (default): WebM, which browsers play, or Matroska where WebM does not hold the codec. */
  format?: 'auto' | 'webm' | 'mkv' | (string & {})
  /** Of simulcast. Default `'best'`. */
  encoding?: 'best' | 'smallest'
  /** Permissions of files. Default 0o600. */
  mode?: number
  /** Bytes of all files together after which it ends, with the reason `limit`. Default: none. */
  maxSize?: number
  /** Milliseconds after which it ends. Default: none. */
  maxDuration?: number
  /** Bytes that stay free on the file system, or it ends. Looked at once a second. Default 100 MB. */
  minFree?: number
  /** What is kept of earlier recordings there; looked at before it begins and after its end. Default: all. */
  retention?: Retention
  /** Milliseconds for which the files of somebody with an identity who left wait for their return. Default 60000. */
  absence?: number
  /** Where files go, while and after they are written. Default: they stay where they are. */
  storage?: RecordingStorage
  /** Whether they stay in the directory as well when they were stored. Default false. */
  keepLocal?: boolean
  /** Who wants it: a participant needs `roomRecord`. A name is written into the index as it is. Default: nobody. */
  by?: Participant | string
  appData?: unknown
}

export interface RecordedBy {
  /** `null`: no participant. */
  readonly id: string | null
  readonly identity: string | null
  readonly name: string
}

/** A file of a recording. Seconds are of the recording's time, which begins with 0 when it does. */
export interface RecordedFileEntry {
  /** Its name in the recording's directory. */
  file: string
  /** {@link Participant.id} of who was the first in it; `null` of the mix. */
  participant: string | null
  identity: string | null
  /** Of the participant, or of the room. */
  name: string
  source: RecordedSource
  format: string
  /**
   * Seconds at which it begins: play all files of a recording shifted by this, and they are in step. What was captured just
   * before the recording began makes it some hundredths less than 0.
   */
  offset: number
  /** Seconds. */
  duration: number
  bytes: number
  framesDropped: number
  /** What is in it, as it comes. `number` is the file's. */
  tracks: { number: number; kind: Kind; codec: AudioCodec | VideoCodec; width: number | null; height: number | null }[]
}

/** Something that happened: `muted`, `unmuted`, `mode`, `mixing-failed`. */
export interface RecordedEvent {
  /** Seconds. */
  at: number
  type: string
  [detail: string]: unknown
}

/** What is written as `index.json` beside the files, once a second and at the end. */
export interface RecordingIndex {
  version: number
  name: string
  room: string
  what: RecordedWhat
  /** `recording` of one that goes on, or whose process ended before it did: `repair()` of medialoom makes its files seekable. */
  state: 'recording' | 'finished'
  /** ISO 8601. */
  startedAt: string
  startedBy: RecordedBy | null
  /** Seconds. */
  duration: number
  bytes: number
  /** Why it ended, see {@link RoomRecording.reason}. */
  reason: string | null
  error: string | null
  /** Who was there and when, in seconds; without listeners and viewers. Who came twice is there twice. */
  participants: { id: string; identity: string | null; name: string; role: ParticipantRole; joined: number; left: number | null }[]
  files: RecordedFileEntry[]
  marks: { at: number; name: string }[]
  events: RecordedEvent[]
  /** What was left out: `encrypted`, `limit` (1000 files), or what the recorder said. */
  skipped: { participant: string | null; name: string | null; kind: Kind | null; reason: string }[]
}

export interface RoomRecordingResult {
  name: string
  directory: string
  reason: string
  /** What ended it, or kept it from being stored or its index from being written. */
  error: Error | null
  /** Whether everything is where it is to be kept. If not, it is in the directory. */
  stored: boolean
  index: RecordingIndex
}

export interface RoomRecordingEvents {
  /** A file begins. */
  file: [file: RecordedFileEntry]
  /** Something is not recorded: of a participant, or of a kind of theirs. */
  skipped: [participant: Participant | null, kind: Kind | null, reason: string]
  mark: [name: string]
  /** Once a second. */
  progress: [progress: { duration: number; bytes: number; files: number }]
  /** Nothing is recorded any more. */
  ended: [reason: string, error: Error | null]
  /** Its files are whole, and stored. */
  finished: [result: RoomRecordingResult]
}

/** A recording of a room. It has a directory of its own, with files and an `index.json` ({@link RecordingIndex}). */
export class RoomRecording extends EventEmitter<RoomRecordingEvents> {
  private constructor()
  readonly name: string
  readonly room: Room
  /** The whole path of its own. */
  readonly directory: string
  readonly what: RecordedWhat
  readonly by: RecordedBy | null
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number
  appData: unknown
  readonly active: boolean
  /**
   * Why it ended: `stopped` or what {@link stop} was given, `limit` (size, duration or free space), `error`, `room-closed`,
   * `mode` (the room went to `p2p`), `closed` (the endpoint). `null` while it goes on.
   */
  readonly reason: string | null
  /** What ended it, such as a full disk. No other recording ends with it. */
  readonly error: Error | null
  /** Seconds. */
  readonly duration: number
  /** Bytes of all files. */
  readonly bytes: number
  readonly files: RecordedFileEntry[]
  /** What is written, or will be. */
  readonly index: RecordingIndex
  /**
   * Names this moment, in the index and as a chapter of each file; at most 1000.
   * @returns whether there was room for it, and it goes on
   * @throws {RoomError} `ERR_INVALID_ARG`
   */
  mark(name: string): boolean
  /** @param reason default `stopped` @returns {@link finished} */
  stop(reason?: string): Promise<RoomRecordingResult>
  /** Resolves when files and index are whole and stored. Never rejects. */
  readonly finished: Promise<RoomRecordingResult>
}

/**
 * Makes seekable what a process that was killed left in its recordings' directory, and says in its index how it ended
 * (`interrupted`). Call it before anything is recorded there.
 * @param options.storage where recordings go that are still in the directory
 * @returns names of the recordings that it did something for
 */
export function recoverRecordings(directory: string, options?: { storage?: RecordingStorage }): Promise<string[]>
