'use strict'

/** @type {Promise<typeof import('jose', { with: { 'resolution-mode': 'import' } })> | null} */
let loading = null

/** The optional peer dependency, loaded with the first token. */
function jose() {
  loading ??= import('jose').catch(cause => {
    loading = null
    throw new Error('medialoom/auth needs the package jose: npm install jose', { cause })
  })
  return loading
}

exports.jose = jose
