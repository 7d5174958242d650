'use strict'

/**
 * What is promised, or an error when it takes longer.
 *
 * @template T
 * @param {number} milliseconds
 * @param {Promise<T>} promise
 * @param {string} what
 * @returns {Promise<T>}
 */
function within(milliseconds, promise, what) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} took more than ${milliseconds} ms`)), milliseconds)
    timer.unref()
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

exports.within = within
