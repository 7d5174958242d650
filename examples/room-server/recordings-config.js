import { createRequire } from 'node:module'

const DAY = 24 * 60 * 60 * 1000
const HOUR = 60 * 60 * 1000
const GIGABYTE = 1e9
/** One that is forgotten ends. */
const DEFAULT_HOURS = 12

/**
 * @typedef {object} RecordingsConfig
 * @property {string} directory where they are written, and kept unless there is a storage
 * @property {import('medialoom/storage').RecordingStorage} [storage] where they are kept
 * @property {number} [maxDuration] milliseconds of one
 * @property {number} [maxSize] bytes of one
 * @property {number} [minFree] bytes that stay free in the directory
 * @property {import('medialoom/storage').Retention} [retention] what is kept; default: everything
 */

/**
 * @param {{ RECORDINGS?: string | undefined, RECORDINGS_KEEP_DAYS?: number | undefined, RECORDINGS_KEEP_GB?: number | undefined,
 *   RECORDINGS_MAX_HOURS?: number | undefined, RECORDINGS_MIN_FREE_GB?: number | undefined,
 *   RECORDINGS_S3?: string | undefined, RECORDINGS_S3_ENDPOINT?: string | undefined }} env
 * @returns {{ ok: true, value: RecordingsConfig | undefined } | { ok: false, message: string }}
 */
export function readRecordings({
  RECORDINGS,
  RECORDINGS_KEEP_DAYS,
  RECORDINGS_KEEP_GB,
  RECORDINGS_MAX_HOURS,
  RECORDINGS_MIN_FREE_GB,
  RECORDINGS_S3,
  RECORDINGS_S3_ENDPOINT
}) {
  const others = {
    RECORDINGS_KEEP_DAYS,
    RECORDINGS_KEEP_GB,
    RECORDINGS_MAX_HOURS,
    RECORDINGS_MIN_FREE_GB,
    RECORDINGS_S3,
    RECORDINGS_S3_ENDPOINT
  }
  if (RECORDINGS === undefined) {
    const lonely = Object.entries(others).find(([, value]) => value !== undefined)
    return lonely ? { ok: false, message: `${lonely[0]}: goes with RECORDINGS` } : { ok: true, value: undefined }
  }
  if (RECORDINGS_S3_ENDPOINT !== undefined && RECORDINGS_S3 === undefined)
    return { ok: false, message: 'RECORDINGS_S3_ENDPOINT: goes with RECORDINGS_S3' }
  let storage
  try {
    storage = RECORDINGS_S3 === undefined ? undefined : s3Storage(RECORDINGS_S3, RECORDINGS_S3_ENDPOINT)
  } catch (error) {
    return { ok: false, message: `RECORDINGS_S3: ${/** @type {Error} */ (error).message}` }
  }
  const retention = {
    ...(RECORDINGS_KEEP_DAYS !== undefined && { maxAge: RECORDINGS_KEEP_DAYS * DAY }),
    ...(RECORDINGS_KEEP_GB !== undefined && { maxSize: RECORDINGS_KEEP_GB * GIGABYTE })
  }
  return {
    ok: true,
    value: {
      directory: RECORDINGS,
      maxDuration: (RECORDINGS_MAX_HOURS ?? DEFAULT_HOURS) * HOUR,
      minFree: (RECORDINGS_MIN_FREE_GB ?? 1) * GIGABYTE,
      ...(Object.keys(retention).length > 0 && { retention }),
      ...(storage && { storage })
    }
  }
}

/**
 * Credentials and region are where the SDK looks for them: AWS_ACCESS_KEY_ID and its like.
 *
 * @param {string} place `s3://bucket/prefix`
 * @param {string | undefined} endpoint of another server than Amazon's
 */
function s3Storage(place, endpoint) {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(place) ?? []
  if (!bucket) throw new Error('must be s3://bucket or s3://bucket/prefix')
  // Loaded where it is asked for, and nowhere else.
  const require = createRequire(import.meta.url)
  const { S3Storage } = require('medialoom/storage/s3')
  const { S3Client } = load(require)
  const client = new S3Client({ ...(endpoint !== undefined && { endpoint, forcePathStyle: true }) })
  return new S3Storage({ client, bucket, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` })
}

/** @param {NodeJS.Require} require */
function load(require) {
  try {
    return require('@aws-sdk/client-s3')
  } catch (cause) {
    throw new Error('needs packages: npm install @aws-sdk/client-s3 @aws-sdk/lib-storage', { cause })
  }
}
