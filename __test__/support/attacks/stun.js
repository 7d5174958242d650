'use strict'

const { createHmac, randomBytes } = require('node:crypto')
const { crc32 } = require('./crc32.js')

/** RFC 8489 5, 14. */
const COOKIE = 0x2112a442
const BINDING = 0x0001
const USERNAME = 0x0006
const MESSAGE_INTEGRITY = 0x0008
const PRIORITY = 0x0024
const USE_CANDIDATE = 0x0025
const FINGERPRINT = 0x8028
const ICE_CONTROLLING = 0x802a

function attribute(type, value) {
  const header = Buffer.alloc(4)
  header.writeUInt16BE(type, 0)
  header.writeUInt16BE(value.length, 2)
  return Buffer.concat([header, value, Buffer.alloc((4 - (value.length % 4)) % 4)])
}

function message(type, attributes, extra = 0) {
  const header = Buffer.alloc(20)
  const length = attributes.reduce((sum, { length }) => sum + length, 0)
  header.writeUInt16BE(type, 0)
  header.writeUInt16BE(length + extra, 2)
  header.writeUInt32BE(COOKIE, 4)
  randomBytes(12).copy(header, 8)
  return Buffer.concat([header, ...attributes])
}

/** What a description says to name and to sign checks with. */
function credentialsOf(sdp) {
  const value = name => new RegExp(`^a=${name}:(\\S+)`, 'm').exec(sdp)[1]
  return { fragment: value('ice-ufrag'), password: value('ice-pwd') }
}

/**
 * A connectivity check (RFC 8445 7.2.2) of whoever offered to whoever answered.
 * @param {{ fragment: string, password: string }} remote
 * @param {{ fragment: string }} local
 */
function check(remote, local) {
  const priority = Buffer.alloc(4)
  priority.writeUInt32BE(0x6e001eff)
  const attributes = [
    attribute(USERNAME, Buffer.from(`${remote.fragment}:${local.fragment}`)),
    attribute(PRIORITY, priority),
    attribute(ICE_CONTROLLING, randomBytes(8)),
    attribute(USE_CANDIDATE, Buffer.alloc(0))
  ]
  // Each of the two counts itself as part of the message that it is of (RFC 8489 14.5, 14.7).
  const signed = message(BINDING, attributes, 24)
  const integrity = attribute(MESSAGE_INTEGRITY, createHmac('sha1', remote.password).update(signed).digest())
  const whole = Buffer.concat([signed, integrity])
  whole.writeUInt16BE(whole.length - 20 + 8, 2)
  const fingerprint = Buffer.alloc(4)
  fingerprint.writeUInt32BE((crc32(whole) ^ 0x5354554e) >>> 0)
  return Buffer.concat([whole, attribute(FINGERPRINT, fingerprint)])
}

module.exports = { BINDING, USERNAME, attribute, check, credentialsOf, message }
