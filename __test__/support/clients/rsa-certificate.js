'use strict'

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { CipherContext, HashAlgorithm, RTCCertificate, SignatureAlgorithm } = require('werift')

const RSA = { hash: HashAlgorithm.sha256_4, signature: SignatureAlgorithm.rsa_1 }

/** A self-signed certificate of 2048 bits with its key, in PEM. */
async function rsaCertificate() {
  const { certPem, keyPem } = await CipherContext.createSelfSignedCertificateWithKey(RSA)
  return { certPem, keyPem }
}

/** It as werift takes it. */
async function rsaForWerift() {
  const { certPem, keyPem } = await rsaCertificate()
  return new RTCCertificate(keyPem, certPem, RSA)
}

/** It as libdatachannel takes it, in files that are gone when the test ends. */
async function rsaInFiles(t) {
  const { certPem, keyPem } = await rsaCertificate()
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-certificate-'))
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }))
  const [certificatePemFile, keyPemFile] = ['certificate.pem', 'key.pem'].map(name => path.join(folder, name))
  fs.writeFileSync(certificatePemFile, certPem)
  fs.writeFileSync(keyPemFile, keyPem)
  return { certificatePemFile, keyPemFile }
}

module.exports = { rsaForWerift, rsaInFiles }
