'use strict'

const { plot } = require('./plot.js')

/**
 * What forwarding costs over what it grows with: the subscribers of one publisher, and the streams
 * that each subscriber has.
 *
 * @returns {Record<string, string>} SVG documents by file name; none where there are fewer than two points
 */
function plots(results) {
  const of = which => results.filter(result => result.plot === which && result.cpu !== null)
  const line = (name, measured, x, y) => ({ name, points: measured.map(result => [result[x], result[y]]) })
  const pair = (name, measured, x) =>
    measured.length === 0 ? [] : [line(name, measured, x, 'cpu'), line(`${name}: floor`, measured, x, 'floor')]

  const drawn = {}
  const fanOuts = of('one publisher')
  if (fanOuts.length > 1) {
    drawn['cost-by-subscribers.svg'] = plot({
      title: 'CPU per forwarded packet, one publisher',
      x: 'subscribers',
      y: 'microseconds',
      lines: pair('server', fanOuts, 'subscribers')
    })
  }
  const meetings = of('meetings')
  const audioRooms = of('audio rooms')
  if (meetings.length > 1 || audioRooms.length > 1) {
    drawn['cost-by-streams.svg'] = plot({
      title: 'CPU per forwarded packet, everyone receives everyone',
      x: 'streams per subscriber',
      y: 'microseconds',
      lines: [...pair('meetings', meetings, 'streamsPerSubscriber'), ...pair('audio rooms', audioRooms, 'streamsPerSubscriber')]
    })
  }
  return drawn
}

module.exports = { plots }
