'use strict'

const tls = require('node:tls')
const check = require('../object/check.js')

/** Who says which server is which: whom Node believes, with NODE_EXTRA_CA_CERTS where its version tells. */
function knownRoots() {
  const { getCACertificates, rootCertificates } = /** @type {any} */ (tls)
  const roots = getCACertificates?.('default') ?? rootCertificates
  return roots.join('\n')
}

function pem(value, field) {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8')
  if (typeof value !== 'string' || value === '') throw check.invalid(field, 'PEM as a string or a Buffer', typeof value)
  return value
}

module.exports = { knownRoots, pem }
