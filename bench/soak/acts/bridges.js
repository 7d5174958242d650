'use strict'

const TRANSPORTS = 2

/** Another endpoint of the same process comes and goes, connected to the one that stays. */
async function bridges({ server, count }) {
  await count(server.call('bridge', { transports: TRANSPORTS }), TRANSPORTS)
}

module.exports = { bridges }
