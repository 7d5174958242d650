import { FrameOpener, FrameSealer, deriveRoomKey } from './frame-cipher.js'

/** So many frames in a row that cannot be read are no accident. */
const PATIENCE = 3

/**
 * @typedef {{ data: ArrayBuffer, type?: 'key' | 'delta' | 'empty', getMetadata(): { mimeType?: string } }} EncodedFrame
 * @typedef {{ readable: ReadableStream<EncodedFrame>, writable: WritableStream<EncodedFrame>, options: { operation: 'seal' | 'open', id: number } }} Transformer
 */

/** @type {(key: Promise<CryptoKey>) => void} */
let setRoomKey
/** Frames wait for it. @type {Promise<CryptoKey>} */
const roomKey = new Promise(resolve => (setRoomKey = resolve))

addEventListener('message', ({ data: { passphrase, room } }) => setRoomKey(deriveRoomKey(passphrase, room)))

addEventListener('rtctransform', event => {
  const { transformer } = /** @type {Event & { transformer: Transformer }} */ (event)
  const { operation, id } = transformer.options
  const transform = operation === 'seal' ? sealing() : opening(id)
  // It ends with the sender or receiver that it belongs to.
  transformer.readable
    .pipeThrough(transform)
    .pipeTo(transformer.writable)
    .catch(() => {})
})

function sealing() {
  const sealer = roomKey.then(key => new FrameSealer(key))
  return new TransformStream({
    async transform(/** @type {EncodedFrame} */ frame, controller) {
      // Audio frames have no type. A browser that does not tell the codec sends VP8, unless asked for another.
      const mimeType = frame.getMetadata().mimeType ?? (frame.type ? 'video/vp8' : 'audio/opus')
      try {
        const sealed = await (await sealer).seal(new Uint8Array(frame.data), { mimeType, isKeyframe: frame.type === 'key' })
        frame.data = sealed.buffer
        controller.enqueue(frame)
      } catch (error) {
        // Rather nothing than something in clear.
        console.error('A frame could not be encrypted', error)
      }
    }
  })
}

/** @param {number} id */
function opening(id) {
  const opener = roomKey.then(key => new FrameOpener(key))
  let told = ''
  let locked = 0
  return new TransformStream({
    async transform(/** @type {EncodedFrame} */ frame, controller) {
      const { state, frame: opened } = await (await opener).open(new Uint8Array(frame.data))
      locked = state === 'locked' ? locked + 1 : 0
      if (state !== told && (state !== 'locked' || locked >= PATIENCE)) {
        told = state
        postMessage({ id, state })
      }
      if (!opened) return
      if (state === 'sealed') frame.data = opened.buffer
      controller.enqueue(frame)
    }
  })
}
