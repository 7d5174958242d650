'use strict'

const { ENDPOINT, ROOMS } = require('./instruments.js')
const { observeEndpoint } = require('./endpoint-figures.js')
const { observeRooms } = require('./room-figures.js')

/**
 * @param {import('@opentelemetry/api').Meter} meter
 * @param {import('./index.js').ObserveOptions} options
 * @returns {import('./index.js').Observation}
 */
function observe(meter, options) {
  const { endpoint, rooms, largestRooms = 100, attributes = {} } = options ?? {}
  if (typeof meter?.addBatchObservableCallback !== 'function') throw new TypeError('meter must be a Meter of OpenTelemetry')
  if (typeof endpoint?.getStats !== 'function') throw new TypeError('options.endpoint must be an Endpoint of medialoom')
  if (rooms !== undefined && typeof rooms[Symbol.iterator] !== 'function')
    throw new TypeError('options.rooms must be Rooms of medialoom/rooms')
  if (!Number.isInteger(largestRooms) || largestRooms < 0) throw new TypeError('options.largestRooms must be a whole number from 0 on')

  const instruments = new Map(
    Object.entries({ ...ENDPOINT, ...(rooms && ROOMS) }).map(([name, { type, ...described }]) => [
      name,
      meter[`createObservable${type}`](name, described)
    ])
  )
  /** @type {import('@opentelemetry/api').BatchObservableCallback} */
  const collect = async result => {
    if (endpoint.closed) return
    const stats = await endpoint.getStats().catch(() => null)
    // It closed meanwhile.
    if (!stats) return
    /** @type {Record} */
    const record = (name, value, more = {}) => {
      const instrument = instruments.get(name)
      if (instrument) result.observe(instrument, value, { ...attributes, ...more })
    }
    observeEndpoint(stats, record)
    if (rooms) observeRooms(rooms, stats.transports, largestRooms, record)
  }
  const observed = [...instruments.values()]
  meter.addBatchObservableCallback(collect, observed)
  return { stop: () => meter.removeBatchObservableCallback(collect, observed) }
}

/**
 * @typedef {(name: keyof typeof ENDPOINT | keyof typeof ROOMS, value: number, attributes?: import('@opentelemetry/api').Attributes) => void} Record
 */

exports.observe = observe
