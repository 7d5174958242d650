'use strict'

const { createPrivateKey, createPublicKey, createSecretKey, KeyObject } = require('node:crypto')
const { invalidArgument } = require('./auth-error.js')

/** RFC 7518 3.2: a key of HS256 is as long as its hash, or longer. */
const LEAST_SECRET_BYTES = 32
/** RFC 7518 3.3. */
const LEAST_RSA_BITS = 2048

/**
 * A key that was looked at.
 *
 * @typedef {object} Key
 * @property {string} id
 * @property {string | undefined} issuer
 * @property {'HS256' | 'RS256' | 'EdDSA'} algorithm
 * @property {KeyObject | null} signing `null` for one that only verifies
 * @property {KeyObject} verifying
 */

/** The keys that tokens are signed and verified with, several at once so that they can be changed. */
class KeyRing {
  /** By id, the newest first. @type {Map<string, Key>} */
  #keys = new Map()

  /** @param {import('./index.js').TokenKey | import('./index.js').TokenKey[]} keys the first that can sign signs */
  constructor(keys) {
    for (const key of [keys].flat().reverse()) this.add(key)
  }

  /** In the order in which they are asked to sign. */
  get ids() {
    return [...this.#keys.keys()]
  }

  /** @param {import('./index.js').TokenKey} key */
  add(key) {
    const checked = checkKey(key)
    this.#keys.delete(checked.id)
    this.#keys = new Map([[checked.id, checked], ...this.#keys])
  }

  /** @param {string} id @returns {boolean} whether it was there */
  remove(id) {
    return this.#keys.delete(id)
  }

  /**
   * The key to sign with.
   * @param {string} [id]
   */
  signing(id) {
    const key = [...this.#keys.values()].find(each => each.signing !== null && (id === undefined || each.id === id))
    if (!key) throw invalidArgument('keys', id === undefined ? 'a ring with a key that can sign' : 'a ring with that key, able to sign')
    return key
  }

  /**
   * The key that a token names: by `kid` if it has one (RFC 7515 4.1.4), else by who issued it.
   * @param {unknown} kid
   * @param {unknown} issuer
   */
  verifying(kid, issuer) {
    if (kid !== undefined) return typeof kid === 'string' ? this.#keys.get(kid) : undefined
    if (typeof issuer !== 'string') return undefined
    return this.#keys.get(issuer) ?? [...this.#keys.values()].find(key => key.issuer === issuer)
  }
}

/** @param {import('./index.js').TokenKey} given @returns {Key} */
function checkKey(given) {
  const { id, issuer, secret, privateKey, publicKey, algorithm } = given ?? {}
  if (typeof id !== 'string' || id === '' || id.length > 256) throw invalidArgument('key.id', 'a string of 1 to 256 characters')
  if (issuer !== undefined && (typeof issuer !== 'string' || issuer === ''))
    throw invalidArgument('key.issuer', 'a string that is not empty')
  if ([secret, privateKey, publicKey].filter(each => each !== undefined).length !== 1) {
    throw invalidArgument('key', 'one with a secret, a privateKey or a publicKey, and only one of them')
  }
  const pair = secret !== undefined ? symmetric(secret) : asymmetric(privateKey, publicKey)
  if (algorithm !== undefined && algorithm !== pair.algorithm) {
    throw invalidArgument('key.algorithm', `${pair.algorithm}, which is what the key is for`)
  }
  return { id, issuer, ...pair }
}

/** @param {string | Uint8Array} secret */
function symmetric(secret) {
  const bytes = typeof secret === 'string' ? Buffer.from(secret) : secret
  if (!(bytes instanceof Uint8Array) || bytes.length < LEAST_SECRET_BYTES) {
    throw invalidArgument('key.secret', `a string or bytes, ${LEAST_SECRET_BYTES} bytes or more`)
  }
  const key = createSecretKey(bytes)
  return { algorithm: /** @type {const} */ ('HS256'), signing: key, verifying: key }
}

/**
 * @param {string | KeyObject | undefined} privateKey
 * @param {string | KeyObject | undefined} publicKey
 */
function asymmetric(privateKey, publicKey) {
  const signing = privateKey === undefined ? null : read('key.privateKey', privateKey, 'private')
  const verifying = signing ? createPublicKey(signing) : read('key.publicKey', /** @type {string | KeyObject} */ (publicKey), 'public')
  const type = verifying.asymmetricKeyType
  if (type === 'ed25519') return { algorithm: /** @type {const} */ ('EdDSA'), signing, verifying }
  if (type === 'rsa' && Number(verifying.asymmetricKeyDetails?.modulusLength) >= LEAST_RSA_BITS) {
    return { algorithm: /** @type {const} */ ('RS256'), signing, verifying }
  }
  throw invalidArgument('key', `an RSA key of ${LEAST_RSA_BITS} bits or more, or an Ed25519 key`)
}

/**
 * @param {string} field
 * @param {string | KeyObject} given
 * @param {'private' | 'public'} type
 */
function read(field, given, type) {
  if (given instanceof KeyObject && given.type === type) return given
  if (typeof given === 'string') {
    try {
      return type === 'private' ? createPrivateKey(given) : createPublicKey(given)
    } catch {
      // OpenSSL's own words help nobody, and might repeat a part of the key.
    }
  }
  throw invalidArgument(field, `a ${type} key, as PEM or as a KeyObject`)
}

exports.KeyRing = KeyRing
