'use strict'

const { setTimeout: sleep } = require('node:timers/promises')
const { Load } = require('../../load.js')
const { WebSession } = require('../../whip.js')

const PUBLISHERS = 2
const VIEWERS = 3
const MODES = ['sfu', 'broadcast', 'mcu']

/** Publishers by WHIP and viewers by WHEP in one room, which changes its mode. Some end their sessions, some vanish. */
async function whip({ server, program, url, number, milliseconds, count }) {
  const room = `room ${number}`
  const publisher = { audio: { kilobits: 32 }, video: { kilobits: 200 } }
  const viewer = { strange_audio: 1, strange_video: 1 }
  const load = new Load(program, 'clients', {
    clients: [...Array(PUBLISHERS).fill(publisher), ...Array(VIEWERS).fill(viewer)],
    address: '127.0.0.1',
    leaders: PUBLISHERS,
    concurrent_joins: 2,
    patience_seconds: 20,
    partial: true
  })
  const sessions = []
  const answer = async ({ client, sdp }) => {
    const way = client < PUBLISHERS ? 'whip' : 'whep'
    const session = new WebSession(`${url}/${way}/${encodeURIComponent(room)}?peer=peer${client}`)
    sessions.push(session)
    load.tell({ type: 'answer', client, sdp: await count(session.offer(sdp)) })
  }
  try {
    for (;;) {
      const report = await load.next()
      if (report.type === 'offer') answer(report).catch(() => load.tell({ type: 'refused', client: report.client }))
      else if (report.type === 'ready') break
    }
    await sleep(milliseconds / 2)
    await server.call('setMode', room, MODES[number % MODES.length])
    await sleep(milliseconds / 2)
    // The others are never ended, and those who were are asked again for nothing.
    await Promise.all(sessions.filter((_, index) => (index + number) % 2 === 0).map(session => session.end()))
  } finally {
    await load.kill()
  }
}

module.exports = { whip }
