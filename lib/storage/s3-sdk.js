'use strict'

// The optional peer dependencies, loaded when they are first used.

/** @returns {any} */
function sdk() {
  return load('@aws-sdk/client-s3')
}

/** @returns {any} */
function uploads() {
  return load('@aws-sdk/lib-storage')
}

/** @param {string} name */
function load(name) {
  try {
    return require(name)
  } catch (cause) {
    if (/** @type {any} */ (cause)?.code !== 'MODULE_NOT_FOUND') throw cause
    throw new Error(`medialoom/storage/s3 needs the package ${name}: npm install @aws-sdk/client-s3 @aws-sdk/lib-storage`, { cause })
  }
}

exports.sdk = sdk
exports.uploads = uploads
