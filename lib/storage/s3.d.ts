/// <reference types="node" />
/**
 * Recordings in a bucket of S3, or of anything that speaks its protocol.
 *
 * The npm packages `@aws-sdk/client-s3` and `@aws-sdk/lib-storage` (3) are optional peer dependencies.
 */

import type { Readable } from 'node:stream'
import type { FollowedFile, RecordingStorage, StoredFile } from './index.js'

export interface S3StorageOptions {
  /** An `S3Client` of `@aws-sdk/client-s3`. Credentials, region, endpoint and how often it tries are its own. */
  client: { send(command: any): Promise<any> }
  bucket: string
  /** Of all names, with a slash at its end. Default: none. */
  prefix?: string
  /** Bytes of a part of what is uploaded, from 5 MiB to 5 GiB. Default 8 MiB; S3 takes 10000 parts of an object. */
  partSize?: number
  /** Milliseconds between looks at a file that is being written. Default 2000. */
  pollInterval?: number
}

export class S3Storage implements RecordingStorage {
  constructor(options: S3StorageOptions)
  readonly bucket: string
  readonly prefix: string
  put(name: string, file: string, options?: { signal?: AbortSignal }): Promise<void>
  /**
   * Uploads a file while it is being written, so that little is left to do at its end. A process that is killed
   * leaves an upload that is in no list: a rule of the bucket (`AbortIncompleteMultipartUpload`) removes it.
   */
  follow(name: string, file: string): FollowedFile
  list(recording?: string): AsyncGenerator<StoredFile, void>
  stat(name: string): Promise<StoredFile | null>
  read(name: string, range?: { start?: number; end?: number }): Promise<Readable>
  remove(name: string): Promise<void>
}
