'use strict'

const { AuthError } = require('./auth-error.js')

/** @type {Promise<typeof import('jose')> | null} */
let loading = null

/** The optional peer dependency, loaded with the first token. */
function jose() {
  loading ??= import('jose').catch(cause => {
    loading = null
    throw new AuthError('ERR_INVALID_ARG', 'medialoom/auth needs the package jose: npm install jose', { cause })
  })
  return loading
}

exports.jose = jose
