'use strict'

/** The page's encryption of frames, which Node can run as well as a browser. */

const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const { before, test } = require('node:test')

/** @type {typeof import('../../lib/client/frame-cipher.js')} */
let cipher
/** @type {typeof import('../../lib/client/nal-units.js')} */
let nalUnits
/** @type {CryptoKey} */
let key
before(async () => {
  cipher = await import('../../lib/client/frame-cipher.js')
  nalUnits = await import('../../lib/client/nal-units.js')
  key = await cipher.deriveRoomKey('a passphrase', 'loom')
})

const bytes = length => new Uint8Array(randomBytes(length))
const START = [0, 0, 0, 1]
const h264 = length => Uint8Array.of(...START, 0x67, 1, 2, 3, ...START, 0x68, 4, 5, ...START, 0x65, 0x88, 0x80, 0, 0, ...bytes(length))

const FRAMES = [
  { mimeType: 'video/VP8', isKeyframe: true, clear: 10, frame: () => bytes(900) },
  { mimeType: 'video/VP8', isKeyframe: false, clear: 3, frame: () => bytes(300) },
  { mimeType: 'video/VP9', isKeyframe: true, clear: 0, frame: () => bytes(500) },
  { mimeType: 'video/AV1', isKeyframe: true, clear: 0, frame: () => bytes(5000) },
  { mimeType: 'video/H264', isKeyframe: true, clear: 4 + 4 + 4 + 3 + 4 + 5, frame: () => h264(800) },
  { mimeType: 'audio/opus', isKeyframe: false, clear: 1, frame: () => bytes(80) },
  { mimeType: 'audio/opus', isKeyframe: false, clear: 1, frame: () => bytes(1) }
]

for (const { mimeType, isKeyframe, clear, frame } of FRAMES) {
  test(`a frame of ${mimeType}${isKeyframe ? ' (key)' : ''} comes out as it went in, and only what must be is in clear`, async () => {
    const sealer = new cipher.FrameSealer(key)
    const opener = new cipher.FrameOpener(key)
    for (let count = 0; count < 20; count += 1) {
      const original = frame()
      const sealed = await sealer.seal(original, { mimeType, isKeyframe })
      assert.ok(cipher.isSealed(sealed))
      if (clear > 0) assert.deepEqual(sealed.subarray(0, clear), original.subarray(0, clear))
      const secret = original.subarray(clear, clear + 16)
      if (secret.length === 16) assert.equal(Buffer.from(sealed).includes(Buffer.from(secret)), false)
      assert.deepEqual(await opener.open(sealed), { state: 'sealed', frame: original })
    }
  })
}

test('a frame of AV1 is one OBU of a type that decoders skip', async () => {
  const sealed = await new cipher.FrameSealer(key).seal(bytes(300), { mimeType: 'video/AV1', isKeyframe: true })
  assert.equal((sealed[0] >> 3) & 15, 9)
  const size = (sealed[1] & 0x7f) | (sealed[2] << 7)
  assert.equal(size, sealed.length - 3)
  // Packetizers take the size away, and put it back as they like: here in three bytes.
  const rewritten = Uint8Array.of(sealed[0], (size & 0x7f) | 0x80, (size >> 7) | 0x80, 0, ...sealed.subarray(3))
  assert.equal((await new cipher.FrameOpener(key).open(rewritten)).state, 'sealed')
})

test('no start code occurs in an encrypted slice, and the parameter sets may be rewritten on the way', async () => {
  for (let count = 0; count < 200; count += 1) {
    const original = h264(2000)
    const sealed = await new cipher.FrameSealer(key).seal(original, { mimeType: 'video/H264', isKeyframe: true })
    const slice = sealed.subarray(nalUnits.firstSlice(sealed, 'h264') - 5)
    assert.equal(/\0\0[\0-\x02]/.test(Buffer.from(slice).toString('latin1')), false)
    const shorter = Uint8Array.of(0, 0, 1, 0x67, 9, ...sealed.subarray(8))
    const opened = await new cipher.FrameOpener(key).open(shorter)
    assert.deepEqual(opened.frame, Uint8Array.of(0, 0, 1, 0x67, 9, ...original.subarray(8)))
  }
})

test('another passphrase, or the same one in another room, opens nothing', async () => {
  const sealed = await new cipher.FrameSealer(key).seal(bytes(100), { mimeType: 'video/VP8', isKeyframe: false })
  for (const [passphrase, room] of [
    ['another', 'loom'],
    ['a passphrase', 'weft']
  ]) {
    const opener = new cipher.FrameOpener(await cipher.deriveRoomKey(passphrase, room))
    assert.deepEqual(await opener.open(sealed), { state: 'locked', frame: null })
  }
})

test('a frame that was changed anywhere is not opened', async () => {
  const sealed = await new cipher.FrameSealer(key).seal(bytes(60), { mimeType: 'video/VP8', isKeyframe: false })
  const opener = new cipher.FrameOpener(key)
  // The last bytes say that it is encrypted at all: without them it is plain, and shown as such.
  for (let index = 0; index < sealed.length - 4; index += 1) {
    const changed = sealed.slice()
    changed[index] ^= 0x01
    assert.equal((await opener.open(changed)).state, 'locked', `byte ${index}`)
  }
  assert.equal((await opener.open(sealed)).state, 'sealed')
})

test('the same frame twice is encrypted differently, by one sender and by two', async () => {
  const frame = bytes(50)
  const [one, two] = [new cipher.FrameSealer(key), new cipher.FrameSealer(key)]
  const about = { mimeType: 'audio/opus', isKeyframe: false }
  const sealed = [await one.seal(frame, about), await one.seal(frame, about), await two.seal(frame, about)]
  assert.equal(new Set(sealed.map(each => Buffer.from(each.subarray(1, 50)).toString('hex'))).size, 3)
})

test('what is not encrypted is told apart, and short or broken ends do no harm', async () => {
  const opener = new cipher.FrameOpener(key)
  const plain = bytes(40)
  assert.deepEqual(await opener.open(plain), { state: 'plain', frame: plain })
  assert.equal((await opener.open(new Uint8Array(0))).state, 'plain')
  const mark = (await new cipher.FrameSealer(key).seal(plain, { mimeType: 'video/VP9', isKeyframe: true })).slice(-4)
  for (let format = 0; format < 256; format += 1) {
    for (const clear of [0, 128, 140, 255]) {
      const broken = Uint8Array.of(...bytes(20), clear, format, ...mark)
      assert.equal((await opener.open(broken)).state, 'locked')
    }
  }
})
