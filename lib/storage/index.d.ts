/// <reference types="node" />
/**
 * Where recordings of rooms are kept: a directory, S3 (`medialoom/storage/s3`), or what an application
 * makes of {@link RecordingStorage}.
 *
 * Files are called `recording/file`. Each part has 1 to 128 letters and digits of ASCII and the marks
 * `. _ -`, and begins with a letter or digit: nothing else is stored, listed or read, so that no name
 * leads anywhere else.
 */

import type { Readable } from 'node:stream'
import type { RecordingIndex } from '../rooms/index.js'

export interface StoredFile {
  /** `recording/file`. */
  name: string
  /** Bytes. */
  size: number
  modified: Date
}

export interface RecordingStorage {
  /** Stores a file of this machine, in place of what has the name. */
  put(name: string, file: string, options?: { signal?: AbortSignal }): Promise<void>
  /** Stores a file that is still being written. Where it is missing, files are stored when they are whole. */
  follow?(name: string, file: string): FollowedFile
  /** @param recording files of this one alone; default: all, of one recording after the other */
  list(recording?: string): AsyncIterable<StoredFile>
  /** `null` where there is none. */
  stat(name: string): Promise<StoredFile | null>
  /** @param range the first and the last byte, both counted from 0; default: all of it */
  read(name: string, range?: { start?: number; end?: number }): Promise<Readable>
  /** Does nothing where there is none. */
  remove(name: string): Promise<void>
}

/** A file that is stored while it is being written. */
export interface FollowedFile {
  /** It is whole: resolves when it is stored as it is now. */
  finish(): Promise<void>
  /** It is not to be stored. */
  abort(): Promise<void>
}

/** Keeps recordings in a directory of this machine. What is a link there is not followed. */
export class DirectoryStorage implements RecordingStorage {
  constructor(directory: string)
  /** The whole path. */
  readonly directory: string
  put(name: string, file: string): Promise<void>
  list(recording?: string): AsyncGenerator<StoredFile, void>
  stat(name: string): Promise<StoredFile | null>
  read(name: string, range?: { start?: number; end?: number }): Promise<Readable>
  /** With its last file a recording's directory goes. */
  remove(name: string): Promise<void>
}

export interface StoredRecording {
  name: string
  files: StoredFile[]
  /** Bytes of all its files. */
  size: number
  /** When something of it was written last. */
  modified: Date
}

/** What a storage has, the oldest first. */
export function listRecordings(storage: RecordingStorage): Promise<StoredRecording[]>

/** What was written about a recording; `null` where there is nothing. It is as trustworthy as the storage. */
export function readIndex(storage: RecordingStorage, recording: string): Promise<RecordingIndex | null>

/** @returns whether there was one */
export function removeRecording(storage: RecordingStorage, recording: string): Promise<boolean>

/** What is kept; of more, the oldest go. */
export interface Retention {
  /** Milliseconds since a recording was written last. Default: for ever. */
  maxAge?: number
  /** Bytes of all recordings together. Default: no limit. */
  maxSize?: number
  /** Recordings. Default: no limit. */
  maxCount?: number
}

/**
 * Removes what is not to be kept.
 * @param options.now milliseconds since the Unix epoch; default: now
 * @param options.except names of recordings that are to stay, such as those that go on
 * @returns the names of what was removed
 */
export function expireRecordings(
  storage: RecordingStorage,
  retention: Retention,
  options?: { now?: number; except?: Iterable<string> },
): Promise<string[]>
