'use strict'

const check = require('../object/check.js')
const { ConduitWriter } = require('./conduit-writer.js')
const { kUnwrap } = require('../object/internal.js')

const MAX_SIDE = 4096

/** Pictures of an application, as a port's source. */
class FrameWriter extends ConduitWriter {
  [kUnwrap](conduit, frame) {
    const { data, format, width, height, timestamp } = check.options(frame, 'frame', ['data', 'format', 'width', 'height', 'timestamp'])
    check.integer(width, 'frame.width', 2, MAX_SIDE)
    check.integer(height, 'frame.height', 2, MAX_SIDE)
    check.oneOf(format, 'frame.format', ['i420', 'rgba'])
    if (timestamp !== undefined) check.positive(timestamp, 'frame.timestamp')
    if (!(data instanceof Uint8Array)) throw check.invalid('frame.data', 'a Buffer or a Uint8Array', data)
    const half = side => (side + 1) >> 1
    const size = format === 'rgba' ? width * height * 4 : width * height + 2 * half(width) * half(height)
    if (data.length !== size) throw check.invalid('frame.data', `${size} bytes of a ${format} picture`, data.length)
    return () => conduit.offer(data, format === 'rgba', width, height, timestamp)
  }
}

module.exports = { FrameWriter }
