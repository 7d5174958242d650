'use strict'

/**
 * @template {string} T
 * @param {Record<T, number>[]} items
 * @param {T} field
 */
function sum(items, field) {
  return items.reduce((total, item) => total + item[field], 0)
}

exports.sum = sum
