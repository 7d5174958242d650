'use strict'

/** What every browser has to be able to do with the client: two programs of a few lines in one room. */

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')
const { until } = require('../support/events.js')

const TIMEOUT = 90_000
const LONG_MS = 30_000

/** @param {import('../support/clients/browser/launch.js')['chromium']} browser */
function roomsSuite(browser) {
  let launched, server
  if (!browser.missing) {
    before(async () => {
      const { startRoomServer } = await import('../../examples/room-server/room-server.js')
      server = await startRoomServer({
        port: 0,
        host: '127.0.0.1',
        endpoint: { listen: [{ ip: '127.0.0.1' }] },
        iceServers: [],
        open: true
      })
      launched = await browser.launch()
    })
    after(async () => {
      await launched?.close()
      await server?.close()
    })
  }
  const check = (name, run) => {
    const title = `${browser.name}: ${name}`
    if (browser.missing) return test(`${title} (skipped: ${browser.missing})`, { skip: true })
    test(title, { timeout: TIMEOUT }, async t => {
      await run(t)
      for (const room of [...server.rooms]) room.close()
    })
  }

  /** A page in the room, with `globalThis.room` and what happened in it. */
  async function enter(t, name, { options = {}, room = 'loom', start = { audio: true, video: true } } = {}) {
    // A page of the server's own, on which nothing goes on.
    const page = await launched.open(`${server.url}css/base.css`)
    t.after(() => page.close().catch(() => {}))
    await page.evaluate(
      async ([link, wanted, devices]) => {
        const client = await import('/client/index.js')
        const { RTCPeerConnection } = globalThis
        globalThis.peers = []
        globalThis.RTCPeerConnection = class extends RTCPeerConnection {
          constructor(...parameters) {
            super(...parameters)
            globalThis.peers.push(this)
          }
        }
        globalThis.happened = []
        const media = new client.LocalMedia({ video: { width: 320, height: 240 } })
        await media.start(devices)
        const room = new client.Room(link, null, { ...wanted, media })
        for (const type of ['message', 'chat', 'ended', 'rejoined', 'state']) {
          room.on(type, detail => globalThis.happened.push({ type, detail, ice: globalThis.peers.at(-1)?.iceConnectionState }))
        }
        globalThis.room = await room.join()
      },
      [`${server.url}r/${room}`, { name, ...options }, start]
    )
    return page
  }

  const happened = (page, type) => page.evaluate(wanted => globalThis.happened.filter(each => each.type === wanted), type)
  const other = page => page.evaluate(() => [...globalThis.room.participants.values()].find(each => !each.isLocal)?.id)

  /** Passes when pictures are decoded and sound comes of the only other one. */
  async function receives(page) {
    const figures = () =>
      page.evaluate(async () => {
        const camera = [...globalThis.room.participants.values()].find(each => !each.isLocal)?.camera
        const of = await globalThis.room.figures()
        return [of.get(camera?.videoTrack?.id)?.framesDecoded ?? 0, of.get(camera?.audioTrack?.id)?.bitrate ?? 0]
      })
    await until(async () => (await figures()).every(value => value > 0), 'pictures and sound', LONG_MS)
    const [before] = await figures()
    await until(async () => (await figures())[0] > before + 5, 'more pictures', LONG_MS)
  }

  check('two join by a link, see and hear each other, and know the layers', async t => {
    const [ada, grace] = [await enter(t, 'Ada'), await enter(t, 'Grace')]
    await Promise.all([receives(ada), receives(grace)])
    const names = await grace.evaluate(() => [...globalThis.room.participants.values()].map(({ name, isLocal }) => [name, isLocal]))
    assert.deepEqual(names, [
      ['Ada', false],
      ['Grace', true]
    ])
    const layer = () => grace.evaluate(() => [...globalThis.room.participants.values()][0].camera?.layer)
    await until(async () => (await layer())?.bitrate > 0, 'the layer that is sent', LONG_MS)
    const reason = await grace.evaluate(() => [...globalThis.room.participants.values()][0].camera.reason)
    assert.ok(['best', 'unavailable', 'bandwidth', 'preferences'].includes(reason), reason)
  })

  check('with a key in the link everything is encrypted end to end, and read', async t => {
    const options = { options: { key: 'a passphrase' } }
    const [ada, grace] = [await enter(t, 'Ada', options), await enter(t, 'Grace', options)]
    await Promise.all([receives(ada), receives(grace)])
    const secrecy = page => page.evaluate(() => [...globalThis.room.participants.values()].find(each => !each.isLocal).camera.secrecy)
    for (const page of [ada, grace]) await until(async () => (await secrecy(page)) === 'sealed', 'sealed frames', LONG_MS)
    const mallory = await enter(t, 'Mallory', { options: { key: 'another' }, start: {} })
    await until(
      () => mallory.evaluate(() => [...globalThis.room.participants.values()].some(({ camera }) => camera?.secrecy === 'locked')),
      'no key to it',
      LONG_MS
    )
  })

  check('without the server between them two see and hear each other, and speak', async t => {
    const options = { options: { mode: 'p2p' } }
    const [ada, grace] = [await enter(t, 'Ada', options), await enter(t, 'Grace', options)]
    await Promise.all([receives(ada), receives(grace)])
    assert.equal(server.endpoint.transports.length, 0)
    await until(() => grace.evaluate(() => globalThis.room.sendChat('Good morning')), 'an open channel', LONG_MS)
    await until(async () => (await happened(ada, 'chat')).length > 0, 'the line')
    const [{ detail }] = await happened(ada, 'chat')
    assert.deepEqual([detail.name, detail.text], ['Grace', 'Good morning'])
  })

  check('without the server between them, what a host mutes is not taken from somebody who sends it all the same', async t => {
    const options = { options: { mode: 'p2p' } }
    const [ada, grace] = [await enter(t, 'Ada', options), await enter(t, 'Grace', options)]
    await Promise.all([receives(ada), receives(grace)])
    await ada.evaluate(() => {
      const { prototype } = globalThis.RTCRtpSender
      globalThis.replaceTrack = prototype.replaceTrack
      prototype.replaceTrack = async () => {}
    })
    const muted = [...server.rooms][0].participants.find(({ name }) => name === 'Ada')
    const comes = () =>
      grace.evaluate(() =>
        (({ videoTrack, audioTrack }) => [videoTrack !== null, audioTrack !== null])([...globalThis.room.participants.values()][0].camera)
      )
    muted.mute('video')
    await until(async () => String(await comes()) === 'false,true', 'no picture, and sound', LONG_MS)

    muted.unmute('video')
    await ada.evaluate(async () => {
      globalThis.RTCRtpSender.prototype.replaceTrack = globalThis.replaceTrack
      await globalThis.room.media.setCamera(true)
    })
    await until(async () => String(await comes()) === 'true,true', 'the picture again', LONG_MS)
    await receives(grace)
  })

  check('what is switched off is told, and goes on as it was', async t => {
    const [ada, grace] = [await enter(t, 'Ada'), await enter(t, 'Grace')]
    await receives(grace)
    const told = () => grace.evaluate(() => (({ audio, video }) => [audio, video])([...globalThis.room.participants.values()][0]))
    await ada.evaluate(async () => {
      await globalThis.room.media.setMicrophone(false)
      await globalThis.room.media.setCamera(false)
    })
    await until(async () => String(await told()) === 'false,false', 'both off')
    await ada.evaluate(async () => {
      await globalThis.room.media.setMicrophone(true)
      await globalThis.room.media.setCamera(true)
    })
    await until(async () => String(await told()) === 'true,true', 'both on')
    await receives(grace)
  })

  check('chat arrives with the name of who wrote it', async t => {
    const [ada, grace] = [await enter(t, 'Ada', { start: {} }), await enter(t, 'Grace', { start: {} })]
    for (const page of [grace, ada])
      await until(() => page.evaluate(() => globalThis.room.sendChat('Good morning')), 'an open channel', LONG_MS)
    await until(async () => (await happened(grace, 'chat')).length > 0, 'the line')
    const [{ detail }] = await happened(grace, 'chat')
    assert.deepEqual([detail.name, detail.text, detail.from], ['Ada', 'Good morning', await other(grace)])
  })

  check('who takes the speakers of a room finds them at the participants', async t => {
    await enter(t, 'Ada')
    const linus = await enter(t, 'Linus', { options: { source: 'speakers' }, start: { audio: false, video: false } })
    const ada = () =>
      linus.evaluate(async () => {
        const { camera } = [...globalThis.room.participants.values()].find(({ name }) => name === 'Ada')
        const of = await globalThis.room.figures()
        return {
          frames: of.get(camera?.videoTrack?.id)?.framesDecoded ?? 0,
          bitrate: of.get(camera?.audioTrack?.id)?.bitrate ?? 0,
          sentAs: camera?.sentAs
        }
      })
    await until(async () => (await ada()).bitrate > 0 && (await ada()).frames > 0, 'sound and pictures of whoever speaks', LONG_MS)
    assert.match((await ada()).sentAs, /^speaker\.video\.\d+$/)
    await linus.evaluate(() => globalThis.room.setSource(null))
    await receives(linus)
    assert.equal(await linus.evaluate(() => globalThis.room.source), 'streams')
  })

  check('messages reach whom they are for, and a hand and what one says of oneself everyone', async t => {
    const [ada, grace, linus] = [
      await enter(t, 'Ada', { start: {} }),
      await enter(t, 'Grace', { start: {} }),
      await enter(t, 'Linus', { start: {} })
    ]
    const id = page => page.evaluate(() => globalThis.room.localId)
    await ada.evaluate(to => globalThis.room.sendMessage('for Grace', { to: [to], topic: 'poll' }), await id(grace))
    await ada.evaluate(() => globalThis.room.sendMessage('for all'))
    await until(async () => (await happened(linus, 'message')).length > 0 && (await happened(grace, 'message')).length > 1, 'the messages')
    const from = await id(ada)
    assert.deepEqual(
      (await happened(grace, 'message')).map(({ detail }) => detail),
      [
        { from, topic: 'poll', data: 'for Grace' },
        { from, topic: '', data: 'for all' }
      ]
    )
    assert.equal((await happened(linus, 'message')).length, 1)

    await grace.evaluate(() => {
      globalThis.room.raiseHand()
      globalThis.room.setMetadata({ metadata: '{"seat":3}', attributes: { lang: 'en' } })
    })
    const seen = () =>
      linus.evaluate(() => ({
        hands: globalThis.room.hands,
        ...[...globalThis.room.participants.values()].find(({ name }) => name === 'Grace')
      }))
    await until(async () => (await seen()).metadata !== '' && (await seen()).hands.length > 0, 'hand and metadata')
    const { hands, attributes } = await seen()
    assert.deepEqual([hands.map(({ name }) => name), attributes], [['Grace'], { lang: 'en' }])
    assert.ok(await grace.evaluate(() => globalThis.room.local.hand > 0), 'of oneself as well')
    await grace.evaluate(() => globalThis.room.raiseHand(false))
    await until(async () => (await seen()).hands.length === 0, 'the hand is down')
  })

  check('a host mutes for everyone, and it is not on by itself afterwards', async t => {
    const [ada, grace] = [await enter(t, 'Ada'), await enter(t, 'Grace')]
    await receives(grace)
    const ofAda = page =>
      page.evaluate(() => (({ audio, moderated }) => [audio, moderated.audio])([...globalThis.room.participants.values()][0]))
    await grace.evaluate(id => globalThis.room.moderation.mute(id), await other(grace))
    for (const page of [ada, grace]) await until(async () => String(await ofAda(page)) === 'false,true', 'everyone is told')
    assert.deepEqual(await ada.evaluate(() => [globalThis.room.maySend('microphone'), globalThis.room.maySend('camera')]), [false, true])
    const sends = () =>
      ada.evaluate(() =>
        globalThis.peers
          .at(-1)
          .getSenders()
          .some(({ track }) => track?.kind === 'audio')
      )
    await until(async () => !(await sends()), 'nothing is sent any more')
    await grace.evaluate(id => globalThis.room.moderation.unmute(id), await other(grace))
    await until(async () => String(await ofAda(ada)) === 'false,false', 'allowed again, and off')
    await ada.evaluate(() => globalThis.room.media.setMicrophone(true))
    await until(async () => String(await ofAda(grace)) === 'true,false', 'on again')
    await receives(grace)
  })

  check('who is kicked knows it at once, and why', async t => {
    const [ada, grace] = [await enter(t, 'Ada'), await enter(t, 'Grace')]
    await receives(ada)
    await grace.evaluate(id => globalThis.room.moderation.kick(id, 'that was enough'), await other(grace))
    await until(async () => (await happened(ada, 'ended')).length > 0, 'the end')
    const [{ detail, ice }] = await happened(ada, 'ended')
    assert.deepEqual(detail, { code: 'kicked', message: 'that was enough' })
    assert.equal(ice, 'closed', 'the connection was closed with it')
    assert.equal(await ada.evaluate(() => globalThis.room.state), 'ended')
    await until(async () => (await other(grace)) === undefined, 'gone for the others')
  })

  check('the network breaks and comes back: the same participant, and media goes on', async t => {
    const [ada, grace] = [await enter(t, 'Ada'), await enter(t, 'Grace')]
    await receives(grace)
    const id = await ada.evaluate(() => globalThis.room.localId)
    server.signaling.cut()
    await until(async () => (await happened(ada, 'state')).some(({ detail }) => detail === 'reconnecting'), 'the loss is noticed', LONG_MS)
    await until(
      () => ada.evaluate(() => globalThis.room.state === 'connected' && !globalThis.room.signalingLost),
      'the server is found again',
      LONG_MS
    )
    await receives(grace)
    assert.equal(await ada.evaluate(() => globalThis.room.localId), id)
    assert.equal(await ada.evaluate(() => globalThis.room.rejoins), 0)
  })

  check('a connection that the server closes is noticed at once, and made anew', async t => {
    const [ada, grace] = [await enter(t, 'Ada'), await enter(t, 'Grace')]
    await Promise.all([receives(ada), receives(grace)])
    const participant = [...server.rooms.get('loom').participants].find(({ name }) => name === 'Ada')
    // As if the WebSocket were slow: what the browser sees of DTLS is all that there is.
    await ada.evaluate(() => {
      const { parse } = JSON
      JSON.parse = text => (/"disconnected"/.test(text) ? { type: 'pong' } : parse(text))
      globalThis.happened = []
    })
    await participant.transport.close()
    await until(async () => (await happened(ada, 'state')).length > 0, 'the end is noticed', LONG_MS)
    const [{ detail, ice }] = await happened(ada, 'state')
    assert.equal(detail, 'reconnecting')
    assert.match(ice, /^(?:connected|completed)$/, 'ICE takes seconds to miss the server')
    await until(() => ada.evaluate(() => globalThis.room.state === 'connected'), 'a new connection', LONG_MS)
    await Promise.all([receives(ada), receives(grace)])
  })

  check('a server that is not there is an error with a code, and so is giving up', async t => {
    const page = await enter(t, 'Ada', { start: {} })
    const codes = await page.evaluate(async () => {
      const { join } = await import('/client/index.js')
      const code = promise =>
        promise.then(
          () => null,
          error => [error.name, error.code]
        )
      const gone = new AbortController()
      const aborted = code(join('http://127.0.0.1:9/r/loom', null, { signal: gone.signal }))
      gone.abort()
      const wrong = code(join(location.origin, null, { room: '///' }))
      return Promise.all([aborted, wrong])
    })
    assert.deepEqual(codes, [
      ['RoomError', 'aborted'],
      ['RoomError', 'bad-message']
    ])
  })
  return { enter, check, happened, other, receives, server: () => server }
}

module.exports = { roomsSuite }
