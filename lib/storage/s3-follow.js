'use strict'

const { createHash } = require('node:crypto')
const { open } = require('node:fs/promises')
const { sdk } = require('./s3-sdk.js')

/** S3 takes so many parts of an object: beyond, the file is uploaded anew when it is whole. */
const MOST_PARTS = 10_000

/**
 * Uploads a file while it is being written, part by part. A recorder that closes a file goes back to
 * its beginning and writes there how long it is, so parts that have changed by then are uploaded once
 * more: S3 takes the last that came of a number.
 */
class FollowedObject {
  #file
  #client
  #object
  #partSize
  #put
  /** @type {string | null} */
  #upload = null
  /** By their order. @type {{ tag: string, digest: string }[]} */
  #parts = []
  #ended = false
  /** One look after the other. @type {Promise<void>} */
  #working = Promise.resolve()
  #timer

  /**
   * @param {string} file
   * @param {object} options
   * @param {{ send: (command: any) => Promise<any> }} options.client
   * @param {{ Bucket: string, Key: string, ContentType: string }} options.object
   * @param {number} options.partSize bytes
   * @param {number} options.pollInterval milliseconds
   * @param {() => Promise<void>} options.put uploads it whole
   */
  constructor(file, { client, object, partSize, pollInterval, put }) {
    this.#file = file
    this.#client = client
    this.#object = object
    this.#partSize = partSize
    this.#put = put
    this.#timer = setInterval(() => {
      // What fails now is tried again with the next look, and at the end by whoever waits for it.
      this.#working = this.#working.then(() => this.#advance()).catch(() => {})
    }, pollInterval)
    this.#timer.unref()
  }

  /** May be called again when it failed. */
  async finish() {
    clearInterval(this.#timer)
    await this.#working
    if (this.#parts.length === 0 || this.#parts.length >= MOST_PARTS) return this.#whole()
    try {
      await this.#complete()
    } catch (error) {
      // It was completed, and the answer was lost; or somebody tidied up.
      if (/** @type {any} */ (error)?.name !== 'NoSuchUpload') throw error
      return this.#whole()
    }
    this.#ended = true
  }

  async abort() {
    clearInterval(this.#timer)
    await this.#working
    await this.#drop()
  }

  /** Uploads it in one go, and drops what was begun. */
  async #whole() {
    await this.#put()
    // What is left of it, a rule of the bucket removes.
    await this.#drop().catch(() => {})
  }

  async #drop() {
    if (this.#ended || this.#upload === null) return
    this.#ended = true
    const { AbortMultipartUploadCommand } = sdk()
    await this.#client.send(new AbortMultipartUploadCommand({ ...this.#target, UploadId: this.#upload }))
  }

  /** Uploads what is whole of the file by now, but for the last part: it is being written. */
  async #advance() {
    const handle = await open(this.#file)
    try {
      const { size } = await handle.stat()
      while ((this.#parts.length + 2) * this.#partSize <= size && this.#parts.length < MOST_PARTS) {
        await this.#send(this.#parts.length, await this.#read(handle, this.#parts.length))
      }
    } finally {
      await handle.close()
    }
  }

  async #complete() {
    const handle = await open(this.#file)
    try {
      const { size } = await handle.stat()
      for (let index = 0; index * this.#partSize < size; index++) {
        const bytes = await this.#read(handle, index)
        if (this.#parts[index]?.digest !== digestOf(bytes)) await this.#send(index, bytes)
      }
    } finally {
      await handle.close()
    }
    const { CompleteMultipartUploadCommand } = sdk()
    const Parts = this.#parts.map(({ tag }, index) => ({ ETag: tag, PartNumber: index + 1 }))
    await this.#client.send(new CompleteMultipartUploadCommand({ ...this.#target, UploadId: this.#upload, MultipartUpload: { Parts } }))
  }

  /** @param {import('node:fs/promises').FileHandle} handle @param {number} index */
  async #read(handle, index) {
    const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(this.#partSize), 0, this.#partSize, index * this.#partSize)
    return buffer.subarray(0, bytesRead)
  }

  /** @param {number} index @param {Buffer} bytes */
  async #send(index, bytes) {
    const { CreateMultipartUploadCommand, UploadPartCommand } = sdk()
    this.#upload ??= (await this.#client.send(new CreateMultipartUploadCommand(this.#object))).UploadId
    const part = { ...this.#target, UploadId: this.#upload, PartNumber: index + 1, Body: bytes }
    const { ETag } = await this.#client.send(new UploadPartCommand(part))
    this.#parts[index] = { tag: ETag, digest: digestOf(bytes) }
  }

  get #target() {
    return { Bucket: this.#object.Bucket, Key: this.#object.Key }
  }
}

/** @param {Buffer} bytes */
function digestOf(bytes) {
  return createHash('sha256').update(bytes).digest('base64')
}

exports.FollowedObject = FollowedObject
