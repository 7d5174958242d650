'use strict'

const assert = require('node:assert/strict')
const { setTimeout: sleep } = require('node:timers/promises')
const { test } = require('node:test')
const { offer, publisherOffer } = require('../rooms/sdp.js')
const { SignalingClient } = require('../rooms/signaling-client.js')
const { WebSession } = require('../../bench/whip.js')
const { buildLoad } = require('../../bench/build.js')
const { LINES, enlarged } = require('../support/attacks/descriptions.js')
const { Field, LINUX, startProcess } = require('../support/attacks/field.js')
const { Neighbours } = require('../support/attacks/neighbours.js')

/** Bytes of candidates, and of 47,000 lines about SSRCs. */
const LARGE = 508_000
const LARGER = 900_000
/** Milliseconds between two descriptions. */
const PAUSE = 150

/** Says the same in turn until it is ended. */
function repeatedly(say) {
  let ended = false
  const saying = (async () => {
    for (let n = 0; !ended; n++) {
      await say(n)
      await sleep(PAUSE)
    }
  })()
  return async () => {
    ended = true
    await saying
  }
}

test('large offers and many candidates harm no neighbour', { ...LINUX, timeout: 120_000 }, async t => {
  const field = await Field.open(t)
  const ours = offer([
    { kind: 'audio', direction: 'sendonly', stream: 'mine' },
    { kind: 'video', direction: 'sendonly', stream: 'mine' }
  ])
  const groups = {
    'candidates and lines about SSRCs': [
      ['candidates', LARGE],
      ['lines about SSRCs', LARGER],
      ['groups of SSRCs', LARGER]
    ],
    'all other lines': Object.keys(LINES)
      .slice(3)
      .map(name => [name, LARGER])
  }
  for (const [name, kinds] of Object.entries(groups)) {
    const large = kinds.map(([lines, bytes]) => enlarged(ours, bytes, LINES[lines]))
    await t.test(`of ${name}`, t =>
      field.holds(t, `offers of ${name}`, async () => {
        const { id } = await field.server.call('join', ours)
        const codes = new Set()
        // Of a transport again and again, and of a new one each time.
        const end = repeatedly(async n => codes.add(await field.server.call('accept', n % 2 === 0 ? id : null, large[n % large.length])))
        return async () => {
          await end()
          t.diagnostic(`answered with ${[...codes].map(code => code ?? 'an answer').join(', ')}`)
        }
      })
    )
  }
  await t.test('of candidates one by one', t =>
    field.holds(t, 'candidates one by one', async () => {
      const { id } = await field.server.call('join', ours)
      return repeatedly(n =>
        field.server.call(
          'trickle',
          id,
          Array.from({ length: 500 }, (_, index) => LINES.candidates(500 * n + index).slice(2))
        )
      )
    })
  )
})

test('offers over the WebSocket of the room server harm nobody in its rooms', { ...LINUX, timeout: 120_000 }, async t => {
  const program = buildLoad()
  const [attacked, control] = await Promise.all([0, 1].map(() => roomServer(t)))
  const [here, elsewhere] = [await audienceOf(t, program, attacked.url), await audienceOf(t, program, control.url)]
  const field = Field.between(attacked.server, here, elsewhere)
  await field.holds(t, 'offers over the WebSocket', async () => {
    const client = await SignalingClient.joined(attacked.url, { room: 'elsewhere', name: 'Eve', mode: 'sfu' })
    const { connection } = client.welcome
    const large = ['candidates', 'lines about SSRCs'].map(lines => enlarged(publisherOffer('mine'), LARGE, LINES[lines]))
    const end = repeatedly(n => client.send({ type: 'offer', connection, id: n + 1, sdp: large[n % 2] }))
    return async () => {
      await end()
      const answers = await client.seen('answer')
      client.close()
      t.diagnostic(`${answers.length} of them answered`)
      assert.ok(answers.length > 0, 'they are read')
    }
  })
})

async function roomServer(t) {
  const server = await startProcess(t, 'room-server')
  return { server, url: await server.call('open') }
}

/** Neighbours who publish by WHIP and watch by WHEP. */
function audienceOf(t, program, url) {
  return Neighbours.join(t, program, ({ client, sdp }) =>
    new WebSession(`${url}${client === 0 ? 'whip' : 'whep'}/stage?peer=peer${client}`).offer(sdp)
  )
}
