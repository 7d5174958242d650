'use strict'

/** Answers the calls of `client.js`: runs in the process of a client. */
function serve(methods) {
  process.on('message', async ({ id, method, args }) => {
    try {
      process.send({ id, value: await methods[method](...args) })
    } catch (error) {
      process.send({ id, error: String(error.stack ?? error) })
    }
  })
  process.on('disconnect', () => process.exit())
  process.send({ ready: true })
}

module.exports = { serve }
