'use strict'

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** An authority of certificates that nobody else knows, made by openssl. */
function authority(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-certificates-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const openssl = (...args) => {
    const { status, stderr, error } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' })
    if (status !== 0) throw error ?? new Error(stderr)
  }
  const read = name => fs.readFileSync(path.join(folder, name), 'utf8')
  openssl('req', '-x509', ...NEW_KEY, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=An authority of a test')
  return {
    ca: read('ca.pem'),
    /** A certificate for names as `subjectAltName` has them, and its key. */
    issue(names) {
      fs.writeFileSync(path.join(folder, 'names'), `subjectAltName=${names}\nbasicConstraints=critical,CA:FALSE\n`)
      openssl('req', ...NEW_KEY, '-keyout', 'own.key', '-out', 'own.csr', '-subj', '/CN=A server of a test')
      const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names']
      openssl('x509', '-req', '-in', 'own.csr', ...signed, '-out', 'own.pem')
      return { cert: read('own.pem'), key: read('own.key') }
    }
  }
}

module.exports = { authority }
