'use strict'

/** The median, the mean of the two in the middle for an even number of values. */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Objects of the same shape made one, with the median of each number in them. */
function medians(objects) {
  const [first] = objects
  if (typeof first === 'number') return median(objects.filter(value => typeof value === 'number'))
  if (first === null || typeof first !== 'object') return first
  return Object.fromEntries(Object.keys(first).map(key => [key, medians(objects.map(object => object[key]))]))
}

module.exports = { median, medians }
