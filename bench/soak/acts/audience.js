'use strict'

const { setTimeout: sleep } = require('node:timers/promises')
const { Load } = require('../../load.js')

const CONCURRENT_JOINS = 4
/** Seconds that all joins together may take. */
const PATIENCE = 20

/**
 * Publishers and their viewers, some behind a network that loses packets, all of one process that is
 * killed or ends: it says goodbye to nobody either way.
 */
async function audience({ server, program, lossy, size, milliseconds, number, count }) {
  const clients = [
    { audio: { kilobits: 32 }, video: { kilobits: 300 } },
    ...Array.from({ length: size }, (_, index) => (index % 4 === 0 ? { hears: [0] } : { hears: [0], sees: [0] }))
  ]
  const load = new Load(program, 'clients', {
    clients,
    address: '127.0.0.1',
    leaders: 1,
    concurrent_joins: CONCURRENT_JOINS,
    patience_seconds: PATIENCE,
    partial: true
  })
  const answer = async ({ client, sdp }) => {
    const { hears = [], sees = [] } = clients[client]
    const reply = await count(server.call('joinAudience', number, { client, sdp, hears, sees }))
    load.tell({ type: 'answer', client, sdp: client % 5 === 2 ? await lossy(reply) : reply })
  }
  const refuse = ({ client }) => load.tell({ type: 'refused', client })
  try {
    for (;;) {
      const report = await load.next()
      if (report.type === 'offer') answer(report).catch(() => refuse(report))
      else if (report.type === 'ready') break
    }
    await sleep(milliseconds)
  } finally {
    if (number % 2 === 0) await load.kill()
    else await load.close()
  }
}

module.exports = { audience }
