'use strict'

const assert = require('node:assert/strict')
const { createHmac, generateKeyPairSync } = require('node:crypto')
const { test } = require('node:test')
const { AuthError, KeyRing, createToken, signWebhook, tokenAuthorizer, verifyToken, verifyWebhook } = require('medialoom/auth')

const SECRET = 'a secret of more than thirty-two bytes'
const keys = new KeyRing({ id: 'one', secret: SECRET })
const NOW = Date.UTC(2026, 10, 30)
const HOUR = 3_600_000

const base64url = value => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
/** A token made by hand, with a right signature unless it is given. */
function handMade(payload, { header = { alg: 'HS256', iss: undefined }, secret = SECRET, signature } = {}) {
  const signed = `${base64url(header)}.${base64url(payload)}`
  return `${signed}.${signature ?? createHmac('sha256', secret).update(signed).digest('base64url')}`
}
const GOOD = { iss: 'one', exp: NOW / 1000 + 60, video: { room: 'loom', roomJoin: true } }
/** Asserts that the token is refused so. */
async function refused(token, code, { status, claim, ...options } = {}) {
  await assert.rejects(verifyToken(keys, token, { now: NOW, ...options }), error => {
    assert.ok(error instanceof AuthError)
    assert.deepEqual([error.code, error.status, error.claim], [code, status ?? 401, claim])
    assert.ok(!token || token.length > 4000 || !error.message.includes(token), 'nothing of the token is repeated')
    return true
  })
}

test('a token may have an id, by which it is known again', async () => {
  const token = await createToken(keys, { tokenId: 'x4Kp', video: { room: 'loom', roomJoin: true } })
  assert.equal((await verifyToken(keys, token)).tokenId, 'x4Kp')
  const { tokenId, identity } = await tokenAuthorizer(keys)({}, { action: 'join', room: 'loom', token })
  assert.deepEqual([tokenId, identity], ['x4Kp', undefined])
  await assert.rejects(createToken(keys, { tokenId: 7, video: {} }), { code: 'ERR_INVALID_ARG', field: 'tokenId' })
})

test('a token says who somebody is and what they may', async () => {
  const token = await createToken(
    keys,
    {
      identity: 'ada',
      name: 'Ada',
      metadata: '{"team":1}',
      attributes: { seat: '4' },
      video: { room: 'loom', roomJoin: true, canPublishSources: ['microphone', 'screen_share'] }
    },
    { now: NOW, expiresIn: 60 }
  )
  assert.deepEqual(await verifyToken(keys, token, { room: 'loom', grants: ['roomJoin'], now: NOW }), {
    identity: 'ada',
    name: 'Ada',
    metadata: '{"team":1}',
    attributes: { seat: '4' },
    tokenId: null,
    video: { room: 'loom', roomJoin: true, canPublishSources: ['microphone', 'screen'] },
    expiresAt: NOW + 60_000,
    keyId: 'one'
  })
})

for (const [name, pair] of [
  ['RS256', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ['EdDSA', () => generateKeyPairSync('ed25519')]
]) {
  test(`${name}: who has the public key verifies and cannot sign`, async () => {
    const { privateKey, publicKey } = pair()
    const signing = new KeyRing({ id: 'pair', privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) })
    const verifying = new KeyRing({ id: 'pair', publicKey, algorithm: name })
    const token = await createToken(signing, { video: { room: 'loom', roomJoin: true } })
    assert.equal(JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).alg, name)
    for (const ring of [signing, verifying]) assert.equal((await verifyToken(ring, token)).keyId, 'pair')
    await assert.rejects(createToken(verifying, { video: {} }), { code: 'ERR_INVALID_ARG' })
    // RFC 8725 2.1: the public key is no secret, so it must not pass for one.
    const confused = handMade(
      { ...GOOD, iss: 'pair' },
      { header: { alg: 'HS256', kid: 'pair' }, secret: publicKey.export({ type: 'spki', format: 'pem' }) }
    )
    await assert.rejects(verifyToken(verifying, confused, { now: NOW }), { code: 'ERR_TOKEN_ALGORITHM', status: 401 })
  })
}

test('a key is found by kid, or else by who issued the token, as LiveKit has it', async () => {
  const token = handMade({ ...GOOD, sub: 'ada' })
  assert.equal((await verifyToken(keys, token, { now: NOW })).identity, 'ada')
  await refused(handMade(GOOD, { header: { alg: 'HS256', kid: 'two' } }), 'ERR_TOKEN_KEY')
  await refused(handMade(GOOD, { header: { alg: 'HS256', kid: ['one'] } }), 'ERR_TOKEN_KEY')
  await refused(handMade({ ...GOOD, iss: 'nobody' }), 'ERR_TOKEN_KEY')
  await refused(handMade({ ...GOOD, iss: { toString: 'one' } }), 'ERR_TOKEN_KEY')
  const provider = new KeyRing({ id: 'k1', issuer: 'https://id.example.org', secret: SECRET })
  const theirs = { ...GOOD, iss: 'https://id.example.org' }
  assert.equal((await verifyToken(provider, handMade(theirs), { now: NOW })).keyId, 'k1')
  const foreign = handMade({ ...theirs, iss: 'https://evil.example' }, { header: { alg: 'HS256', kid: 'k1' } })
  await assert.rejects(verifyToken(provider, foreign, { now: NOW }), { code: 'ERR_TOKEN_CLAIMS', claim: 'iss' })
})

test('keys are changed without a gap: the new one signs, the old one verifies until it is removed', async () => {
  const ring = new KeyRing({ id: 'old', secret: SECRET })
  const before = await createToken(ring, { video: {} })
  ring.add({ id: 'new', secret: `another ${SECRET}` })
  assert.deepEqual(ring.ids, ['new', 'old'])
  const after = await createToken(ring, { video: {} })
  assert.deepEqual([(await verifyToken(ring, before)).keyId, (await verifyToken(ring, after)).keyId], ['old', 'new'])
  assert.equal(ring.remove('old'), true)
  await assert.rejects(verifyToken(ring, before), { code: 'ERR_TOKEN_KEY' })
  assert.equal((await verifyToken(ring, after)).keyId, 'new')
})

test('what is no token, or a bad one, is refused with what is wrong', async () => {
  const good = handMade(GOOD)
  await refused(null, 'ERR_TOKEN_MISSING')
  await refused('', 'ERR_TOKEN_MISSING')
  for (const text of [
    'x',
    'a.b',
    'a.b.c',
    '..',
    `${base64url([])}.${base64url(GOOD)}.`,
    `${base64url({ alg: 'HS256' })}.${base64url('null')}.x`,
    'ä'.repeat(9)
  ]) {
    await refused(text, 'ERR_TOKEN_MALFORMED')
  }
  await refused(`${good}${'x'.repeat(4096)}`, 'ERR_TOKEN_MALFORMED')
  await refused(/** @type {any} */ ({ length: 3 }), 'ERR_TOKEN_MALFORMED')
  await refused(handMade(GOOD, { header: { alg: 'none' }, signature: '' }), 'ERR_TOKEN_ALGORITHM')
  await refused(handMade(GOOD, { header: { alg: 'none', kid: 'one' } }), 'ERR_TOKEN_ALGORITHM')
  await refused(handMade(GOOD, { header: { alg: 'HS512', kid: 'one' } }), 'ERR_TOKEN_ALGORITHM')
  await refused(handMade(GOOD, { secret: 'guessed' }), 'ERR_TOKEN_FORGED')
  const [header, , signature] = good.split('.')
  await refused(`${header}.${base64url({ ...GOOD, video: { room: 'loom', roomAdmin: true } })}.${signature}`, 'ERR_TOKEN_FORGED')
})

test('a token has its time, with a tolerance for clocks that differ', async () => {
  const { exp } = GOOD
  await verifyToken(keys, handMade(GOOD), { now: (exp + 9) * 1000 })
  await refused(handMade(GOOD), 'ERR_TOKEN_EXPIRED', { now: (exp + 11) * 1000, claim: 'exp' })
  await refused(handMade({ ...GOOD, nbf: NOW / 1000 + 11 }), 'ERR_TOKEN_NOT_YET', { claim: 'nbf' })
  await verifyToken(keys, handMade({ ...GOOD, nbf: NOW / 1000 + 9 }), { now: NOW })
  const later = await createToken(keys, { video: {} }, { notBefore: NOW + HOUR, now: NOW })
  await refused(later, 'ERR_TOKEN_NOT_YET', { claim: 'nbf' })
})

test('claims that are missing or of another type are named', async () => {
  /** @type {[string, object][]} */
  const wrong = [
    ['exp', { ...GOOD, exp: undefined }],
    ['exp', { ...GOOD, exp: 'tomorrow' }],
    ['video', { ...GOOD, video: undefined }],
    ['video', { ...GOOD, video: ['roomJoin'] }],
    ['video.roomJoin', { ...GOOD, video: { roomJoin: 'yes' } }],
    ['video.roomAdmin', { ...GOOD, video: { roomAdmin: 1 } }],
    ['video.room', { ...GOOD, video: { room: 7 } }],
    ['video.canPublishSources', { ...GOOD, video: { canPublishSources: 'camera' } }],
    ['sub', { ...GOOD, sub: 1 }],
    ['name', { ...GOOD, name: {} }],
    ['attributes', { ...GOOD, attributes: { a: 1 } }]
  ]
  for (const [claim, payload] of wrong) await refused(handMade(payload), 'ERR_TOKEN_CLAIMS', { claim })
  await refused(handMade({ ...GOOD, video: { roomJoin: true } }), 'ERR_TOKEN_CLAIMS', { room: 'loom', claim: 'video.room' })
})

test('a token is for its room and for what it grants', async () => {
  await refused(handMade(GOOD), 'ERR_TOKEN_ROOM', { room: 'weft', status: 403, claim: 'video.room' })
  await refused(handMade(GOOD), 'ERR_TOKEN_GRANT', { grants: ['roomAdmin'], status: 403, claim: 'video.roomAdmin' })
  // Two spellings of one name.
  await verifyToken(keys, handMade({ ...GOOD, video: { room: 'caf\u0065\u0301' } }), { room: 'caf\u00e9', now: NOW })
  await verifyToken(keys, handMade({ ...GOOD, video: { room: '*' } }), { room: 'any', now: NOW })
})

test('authorization by tokens: each action needs its grant', async () => {
  const authorize = tokenAuthorizer(keys)
  const ask = async (video, action, room) => {
    const token = await createToken(keys, { identity: 'ada', video })
    return authorize(null, { action, room, token })
  }
  const joined = await ask({ room: 'loom', roomJoin: true, canPublish: false, hidden: true }, 'join', 'loom')
  assert.deepEqual(joined.permissions, {
    canPublish: false,
    canPublishSources: null,
    canSubscribe: true,
    canPublishData: true,
    roomAdmin: false,
    roomRecord: false,
    hidden: true
  })
  assert.deepEqual([joined.identity, joined.mayCreate], ['ada', true])
  assert.equal((await ask({ room: 'loom', roomJoin: true, roomCreate: false }, 'join', 'loom')).mayCreate, false)
  const forbidden = { status: 403, code: 'ERR_TOKEN_GRANT' }
  await assert.rejects(ask({ room: 'loom' }, 'join', 'loom'), forbidden)
  await assert.rejects(ask({ room: 'loom', roomJoin: true, canPublish: false }, 'publish', 'loom'), forbidden)
  await assert.rejects(ask({ room: 'loom', roomJoin: true, canSubscribe: false }, 'play', 'loom'), forbidden)
  await assert.rejects(ask({ room: 'loom', roomJoin: true }, 'administer', 'loom'), forbidden)
  await assert.rejects(ask({ room: 'loom', roomAdmin: true }, 'administer', 'weft'), { status: 403, code: 'ERR_TOKEN_ROOM' })
  await assert.rejects(ask({ room: '*', roomAdmin: true }, 'observe'), forbidden)
  await assert.rejects(ask({ room: '*', roomAdmin: true, roomJoin: true, roomList: true }, 'destroy', 'loom'), forbidden)
  await assert.rejects(ask({ room: 'loom', roomAdmin: true }, 'record', 'loom'), { ...forbidden, claim: 'video.roomRecord' })
  await assert.rejects(ask({ room: 'loom', roomRecord: true }, 'record', 'weft'), { status: 403, code: 'ERR_TOKEN_ROOM' })
  assert.equal((await ask({ room: 'loom', roomRecord: true }, 'record', 'loom')).permissions.roomRecord, true)
  await ask({ roomList: true }, 'observe')
  await ask({ room: '*', roomAdmin: true }, 'administer', 'weft')
})

test('keys and contents that cannot be used are refused by name', async () => {
  const { privateKey: ec } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  for (const [field, key] of [
    ['key.id', { secret: SECRET }],
    ['key.secret', { id: 'a', secret: 'short' }],
    ['key', { id: 'a' }],
    ['key', { id: 'a', secret: SECRET, publicKey: 'x' }],
    ['key.publicKey', { id: 'a', publicKey: 'no PEM' }],
    ['key', { id: 'a', privateKey: ec }],
    ['key.algorithm', { id: 'a', secret: SECRET, algorithm: 'RS256' }]
  ]) {
    assert.throws(() => new KeyRing(/** @type {any} */ (key)), { code: 'ERR_INVALID_ARG', field, status: undefined })
  }
  for (const [contents, options] of [
    [{ video: undefined }],
    [{ video: { roomJoin: 'yes' } }],
    [{ identity: 7, video: {} }],
    [{ video: {}, expiresIn: 60 }],
    [{ metadata: 'x'.repeat(4000), video: {} }],
    [{ video: {} }, { expiresIn: 0 }],
    [{ video: {} }, { keyId: 'other' }]
  ]) {
    await assert.rejects(createToken(keys, /** @type {any} */ (contents), options), { code: 'ERR_INVALID_ARG' })
  }
})

test('what a refusal says fits into a header', async () => {
  const challenge = new AuthError('ERR_TOKEN_CLAIMS', 'a "claim"\\ \r\nwith ünusual signs').challenge
  assert.equal(challenge, 'Bearer realm="medialoom", error="invalid_token", error_description="a claim with nusual signs"')
  assert.equal(new AuthError('ERR_TOKEN_MISSING', 'x').challenge, 'Bearer realm="medialoom"')
  assert.match(new AuthError('ERR_TOKEN_ROOM', 'x').challenge, /insufficient_scope/)
})

test('a webhook is signed with its body, and for five minutes', async () => {
  const body = JSON.stringify({ event: 'room_started' })
  const signature = await signWebhook(keys, body, { now: NOW })
  const now = NOW + 1000
  assert.deepEqual(await verifyWebhook(keys, body, signature, { now }), { event: 'room_started' })
  assert.deepEqual(await verifyWebhook(keys, Buffer.from(body), `Bearer ${signature}`, { now }), { event: 'room_started' })
  await assert.rejects(verifyWebhook(keys, `${body} `, signature, { now }), { code: 'ERR_TOKEN_FORGED', claim: 'sha256' })
  await assert.rejects(verifyWebhook(keys, body, undefined, { now }), { code: 'ERR_TOKEN_MISSING' })
  await assert.rejects(verifyWebhook(keys, body, await createToken(keys, { video: {} }), {}), { code: 'ERR_TOKEN_FORGED' })
  await assert.rejects(verifyWebhook(keys, body, signature, { now: NOW + 6 * 60_000 }), { code: 'ERR_TOKEN_EXPIRED' })
})
