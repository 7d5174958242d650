'use strict'

const assert = require('node:assert/strict')
const { after, before, test } = require('node:test')
const { nextEvent, until } = require('../../events.js')
const { connected, loopbackEndpoint } = require('../../loopback.js')
const { webServer } = require('../web.js')
const { BrowserPeer, SOME, arrives } = require('./browser-peer.js')

const TIMEOUT = 60_000

/** The m-lines of a description, each with its lines. */
const sections = sdp => sdp.split(/^(?=m=)/m).slice(1)

/** Registers a test for which a browser has to be there. */
function browserTest(browser, name, run) {
  const title = `${browser.name}: ${name}`
  if (browser.missing) return test(`${title} (skipped: ${browser.missing})`, { skip: true })
  test(title, { timeout: TIMEOUT }, run)
}

/**
 * One browser for a file of tests. Each test gets a page of its own, an endpoint and the web server
 * they meet at.
 */
function withBrowser(browser) {
  let launched
  if (!browser.missing) {
    before(async () => {
      launched = await browser.launch()
    })
    after(() => launched?.close())
  }
  return async (t, options) => {
    const endpoint = await loopbackEndpoint(t, options)
    const web = await webServer(t, endpoint)
    const page = await launched.open(`${web.url}/`)
    t.after(() => page.close().catch(() => {}))
    return { endpoint, page, ...web }
  }
}

/** A page that publishes sound and a picture, connected; the tracks in the order of their m-lines. */
async function publisher(t, { endpoint, page }, { transport: options, open, media = ['audio', 'video'], ...negotiation } = {}) {
  const transport = endpoint.createTransport(options)
  const peer = await BrowserPeer.open(t, page, 'publisher', open)
  for (const each of media) await peer.call('send', ...[each].flat())
  const descriptions = await peer.offerTo(transport, negotiation)
  return { peer, transport, tracks: transport.incomingTracks, ...descriptions }
}

/** What every browser has to be able to do with this engine. */
function browserSuite(browser, meet) {
  const check = (name, run) => browserTest(browser, name, run)

  check('what it publishes by WHIP it decodes by WHEP', async t => {
    const { page, url } = await meet(t)
    const sender = await BrowserPeer.open(t, page, 'publisher')
    await sender.call('send', 'audio')
    await sender.call('send', 'video')
    await sender.call('post', `${url}/whip/stage`)
    const viewer = await BrowserPeer.open(t, page, 'viewer')
    await viewer.call('receive', 'audio')
    await viewer.call('receive', 'video')
    await viewer.call('post', `${url}/whep/stage`)
    await viewer.decodes({ frames: 10, soundPackets: 50 }, 'what was published')
    await until(async () => (await viewer.call('received')).audible, 'sound that is not silence')
  })

  check('simulcast arrives as the encodings it names, and a viewer decodes each', async t => {
    const there = await meet(t)
    const encodings = [
      { rid: 'simulcast1', scaleResolutionDownBy: 4, maxBitrate: 60_000 },
      { rid: 'simulcast2', scaleResolutionDownBy: 2, maxBitrate: 120_000 },
      { rid: 'simulcast3', maxBitrate: 300_000 }
    ]
    // libwebrtc sends three encodings from this size on.
    const camera = { encodings, width: 960, height: 540 }
    const {
      transport,
      tracks: [track]
    } = await publisher(t, there, { media: [['video', camera]] })
    assert.deepEqual(track.rids, ['simulcast1', 'simulcast2', 'simulcast3'])
    await connected(transport)
    await until(
      async () => {
        const [{ encodings }] = (await transport.getStats()).incomingTracks
        return encodings.filter(({ rid, packetsReceived }) => /^simulcast[123]$/.test(rid) && packetsReceived > 5).length === 3
      },
      'packets of three encodings',
      20_000
    )

    const watching = there.endpoint.createTransport()
    const { transponder } = attach(watching, 'video', track)
    const viewer = await BrowserPeer.open(t, there.page, 'viewer')
    await viewer.answerTo(watching)
    for (const rid of ['simulcast1', 'simulcast3']) {
      transponder.selectEncoding(rid)
      await until(() => transponder.currentEncoding?.rid === rid, `encoding ${rid} is the one forwarded`)
      await viewer.decodes({ frames: 5 }, `pictures of ${rid}`)
    }
  })

  check('offers and is offered to again and again, and media goes on', async t => {
    const { peer, transport } = await publisher(t, await meet(t))
    await arrives(transport, SOME, 'media of the first offer')

    await peer.call('send', 'video')
    await peer.offerTo(transport)
    assert.equal(transport.incomingTracks.length, 3)
    await arrives(transport, SOME, 'media with a second camera')

    // Its own camera comes back to it.
    const camera = transport.incomingTracks.find(track => track.kind === 'video')
    const { track: shown } = attach(transport, 'video', camera)
    await peer.answerTo(transport)
    await peer.decodes({ frames: 10 }, 'the camera that is sent back')

    await peer.call('restartIce')
    await peer.offerTo(transport)
    await peer.decodes({ frames: 10 }, 'pictures after an ICE restart')

    const gone = nextEvent(transport.incomingTracks[2], 'closed')
    await peer.call('stop', 2)
    await peer.offerTo(transport)
    await gone
    shown.close()
    await peer.answerTo(transport)
    await arrives(transport, SOME, 'media of what is left')
  })

  check('the first m-line is stopped and media of the second goes on', async t => {
    const there = await meet(t)
    for (let attempt = 1; !(await stopsTheFirstLine(t, there)); attempt++) {
      assert.ok(attempt < 8, 'the browser never sent its media')
      t.diagnostic('the browser kept its media to itself; once more')
    }
  })

  check('sound is offered first where only VP8 is taken: the first line is idle and pictures arrive', async t => {
    const { transport, offered, answered } = await publisher(t, await meet(t), { transport: { codecs: ['vp8'] } })
    assert.equal(sections(answered).length, sections(offered).length)
    assert.deepEqual(
      transport.incomingTracks.map(track => track.kind),
      ['video']
    )
    await arrives(transport, { video: 10 }, 'pictures')
  })

  check('a data channel carries text and bytes both ways', async t => {
    const { endpoint, page } = await meet(t)
    const transport = endpoint.createTransport()
    const peer = await BrowserPeer.open(t, page, 'talker')
    await peer.call('openChannel', 'chat')
    const opened = nextEvent(transport, 'datachannel', 15_000)
    await peer.offerTo(transport)
    const [channel] = await opened
    assert.equal(channel.label, 'chat')
    const heard = []
    channel.on('message', data => heard.push(data))
    const bytes = [0, 1, 2, 254, 255]
    await peer.call('sendMessage', 'größer')
    await peer.call('sendMessage', bytes)
    channel.send('zurück')
    channel.send(Buffer.from(bytes))
    await until(() => heard.length === 2, 'messages of the browser')
    assert.deepEqual(heard, ['größer', Buffer.from(bytes)])
    await until(async () => (await peer.call('messages')).length === 2, 'messages at the browser')
    assert.deepEqual(await peer.call('messages'), ['zurück', bytes])
  })

  for (const dtls of ['auto', '1.2']) {
    for (const [role, setup] of [
      ['client', 'active'],
      ['server', 'passive']
    ]) {
      check(`an RSA certificate as DTLS ${role}, DTLS ${dtls === 'auto' ? 'of any version' : dtls}`, async t => {
        const offer = sdp => sdp.replaceAll('a=setup:actpass', `a=setup:${setup}`)
        const { peer, transport, answered } = await publisher(t, await meet(t), { transport: { dtls }, open: { rsa: true }, offer })
        assert.match(answered, setup === 'active' ? /^a=setup:passive/m : /^a=setup:active/m)
        await arrives(transport, SOME, 'media of a browser with an RSA certificate')
        assert.equal(await peer.call('state'), 'connected')
        if (dtls !== 'auto') assert.equal((await transport.getStats()).dtlsVersion, `DTLS ${dtls}`)
      })
    }
  }

  for (const [who, way] of [
    ['this side', 'offer'],
    ['the browser', 'answer']
  ]) {
    check(`a certificate that ${who} does not trust is an error at once`, async t => {
      const there = await meet(t)
      // Another certificate than the one that is shown.
      const munge = sdp => sdp.replace(/^(a=fingerprint:sha-256 )..:../gm, '$100:00')
      const transport = there.endpoint.createTransport()
      const failed = nextEvent(transport, 'error', 8_000)
      const closed = new Promise(resolve => transport.once('closed', resolve))
      const peer = await BrowserPeer.open(t, there.page, 'publisher')
      await peer.call('send', 'audio')
      await peer.offerTo(transport, { [way]: munge })
      const [error] = await failed
      assert.match(error.message, way === 'offer' ? /fingerprint/i : /alert|certificate/i)
      // The client of a handshake is connected before the server has looked at its certificate.
      assert.equal(await closed, 'error')
    })
  }
}

/** Gives whether there was anything to see: the browser may stop sending by a fault of its own. */
async function stopsTheFirstLine(t, there) {
  const { peer, transport } = await publisher(t, there)
  await arrives(transport, SOME, 'media of both lines')
  await peer.call('stop', 0)
  const { answered } = await peer.offerTo(transport)
  assert.match(sections(answered)[0], /^m=audio 0 /)
  // The browser opens another DTLS association.
  if (!(await peer.sends())) return false
  await arrives(transport, { video: 30 }, 'pictures after sound was stopped')
  assert.equal(transport.state, 'connected')

  await peer.call('send', 'audio')
  await peer.offerTo(transport)
  if (!(await peer.sends())) return false
  await arrives(transport, SOME, 'sound that is back')
  return true
}

/** Adds a track to what a transport sends; the peer learns of it by the next negotiation. */
function attach(transport, kind, source) {
  const track = transport.createOutgoingStream().addTrack(kind)
  return { track, transponder: track.attachTo(source) }
}

module.exports = { browserSuite, browserTest, publisher, sections, withBrowser }
