'use strict'

const fs = require('node:fs')
const { stat } = require('node:fs/promises')
const { FollowedObject } = require('./s3-follow.js')
const { checkStoredName } = require('./names.js')
const { sdk, uploads } = require('./s3-sdk.js')

/** Bytes of a part: S3 wants 5 MiB or more of all but the last. */
const PART_SIZE = 8 * 1024 * 1024
const LEAST_PART = 5 * 1024 * 1024
/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const MOST_PART = 5 * 1024 * 1024 * 1024

/** Keeps recordings in a bucket of S3, or of what speaks its protocol. */
class S3Storage {
  #client
  #partSize
  #pollInterval

  /** @param {import('./s3.js').S3StorageOptions} options */
  constructor({ client, bucket, prefix = '', partSize = PART_SIZE, pollInterval = 2000 }) {
    if (typeof client?.send !== 'function') throw invalid('client', 'an S3Client of @aws-sdk/client-s3')
    if (typeof bucket !== 'string' || bucket === '') throw invalid('bucket', 'the name of a bucket')
    if (typeof prefix !== 'string' || (prefix !== '' && !prefix.endsWith('/'))) throw invalid('prefix', 'empty, or end with a slash')
    if (!Number.isInteger(partSize) || partSize < LEAST_PART || partSize > MOST_PART)
      throw invalid('partSize', 'bytes, from 5 MiB to 5 GiB')
    this.#client = client
    this.bucket = bucket
    this.prefix = prefix
    this.#partSize = partSize
    this.#pollInterval = pollInterval
  }

  /**
   * @param {string} name
   * @param {string} file
   * @param {{ signal?: AbortSignal }} [options]
   */
  async put(name, file, { signal } = {}) {
    const object = this.#object(name)
    const { Upload } = uploads()
    const { size } = await stat(file)
    const upload = new Upload({
      client: this.#client,
      params: { ...object, Body: fs.createReadStream(file), ContentType: contentType(name) },
      // S3 takes 10000 parts of an object.
      partSize: Math.max(this.#partSize, Math.ceil(size / 10_000)),
      queueSize: 2
    })
    const abort = () => void upload.abort()
    signal?.addEventListener('abort', abort, { once: true })
    try {
      signal?.throwIfAborted()
      await upload.done()
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /** @param {string} name @param {string} file */
  follow(name, file) {
    const object = { ...this.#object(name), ContentType: contentType(name) }
    return new FollowedObject(file, {
      client: this.#client,
      object,
      partSize: this.#partSize,
      pollInterval: this.#pollInterval,
      put: () => this.put(name, file)
    })
  }

  /** @param {string} [recording] */
  async *list(recording) {
    const { ListObjectsV2Command } = sdk()
    const prefix = `${this.prefix}${recording === undefined ? '' : `${recording}/`}`
    let next
    do {
      const page = await this.#client.send(new ListObjectsV2Command({ Bucket: this.bucket, Prefix: prefix, ContinuationToken: next }))
      for (const { Key = '', Size = 0, LastModified = new Date(0) } of page.Contents ?? []) {
        const name = Key.slice(this.prefix.length)
        if (isStoredName(name)) yield { name, size: Size, modified: LastModified }
      }
      next = page.IsTruncated ? page.NextContinuationToken : undefined
    } while (next)
  }

  /** @param {string} name */
  async stat(name) {
    const { HeadObjectCommand } = sdk()
    try {
      const { ContentLength = 0, LastModified = new Date(0) } = await this.#client.send(new HeadObjectCommand(this.#object(name)))
      return { name, size: ContentLength, modified: LastModified }
    } catch (error) {
      if (/** @type {any} */ (error)?.$metadata?.httpStatusCode === 404) return null
      throw error
    }
  }

  /**
   * @param {string} name
   * @param {{ start?: number, end?: number }} [range]
   */
  async read(name, { start, end } = {}) {
    const { GetObjectCommand } = sdk()
    const range = start === undefined && end === undefined ? {} : { Range: `bytes=${start ?? 0}-${end ?? ''}` }
    const { Body } = await this.#client.send(new GetObjectCommand({ ...this.#object(name), ...range }))
    return Body
  }

  /** @param {string} name */
  async remove(name) {
    const { DeleteObjectCommand } = sdk()
    await this.#client.send(new DeleteObjectCommand(this.#object(name)))
  }

  /** @param {string} name */
  #object(name) {
    checkStoredName(name)
    return { Bucket: this.bucket, Key: `${this.prefix}${name}` }
  }
}

/** @param {string} name */
function isStoredName(name) {
  try {
    return checkStoredName(name).length === 2
  } catch {
    return false
  }
}

/** @type {Record<string, string>} */
const CONTENT_TYPES = { json: 'application/json', mkv: 'video/x-matroska', mp4: 'video/mp4', webm: 'video/webm' }

/** @param {string} name */
function contentType(name) {
  return CONTENT_TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
}

/**
 * @param {string} field
 * @param {string} expected
 */
function invalid(field, expected) {
  return Object.assign(new TypeError(`options.${field} must be ${expected}`), { code: 'ERR_INVALID_ARG', field: `options.${field}` })
}

exports.S3Storage = S3Storage
