'use strict'

/** The hooks in Chromium, with React as an application has it. */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { after, afterEach, before, test } = require('node:test')
const { Fixture, eventually } = require('../browser/fixture.js')

/** React comes as CommonJS: what each module needs, and where it is. */
const MODULES = {
  scheduler: { file: 'scheduler/cjs/scheduler.production.js', needs: [] },
  react: { file: 'react/cjs/react.production.js', needs: [] },
  'react-dom': { file: 'react-dom/cjs/react-dom.production.js', needs: ['react'] },
  'react-dom/client': { file: 'react-dom/cjs/react-dom-client.production.js', needs: ['react', 'react-dom', 'scheduler'] }
}
const addressOf = name => `/vendor/${name.replace('/', '-')}.js`
const IMPORT_MAP = JSON.stringify({ imports: Object.fromEntries(Object.keys(MODULES).map(name => [name, addressOf(name)])) })

/** @type {Fixture} */
let fixture
let directory = ''
before(async () => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-recordings-'))
  fixture = await Fixture.start({ recordings: { directory, minFree: 0 } })
})
after(async () => {
  await fixture.stop()
  fs.rmSync(directory, { recursive: true, force: true })
})
afterEach(async () => {
  await fixture.clear()
  assert.deepEqual(fixture.complaints.splice(0), [], 'the pages had nothing to complain about')
})

/** A CommonJS module as a browser takes it. */
function asModule({ file, needs }) {
  const whole = path.join(path.dirname(require.resolve('react/package.json')), '..', file)
  const names = Object.keys(require(whole))
  return `${needs.map((name, index) => `import need${index} from '${addressOf(name)}'`).join('\n')}
const needed = { ${needs.map((name, index) => `'${name}': need${index}`).join(', ')} }
const module = { exports: {} }
;(function (module, exports, require) {
${fs.readFileSync(whole, 'utf8')}
})(module, module.exports, name => needed[name])
export default module.exports
export const { ${names.join(', ')} } = module.exports
`
}

/** A page with an application of a few lines, rendered by `globalThis.show(url)`. */
async function application() {
  // An import map is an inline script, which the room server's policy does not allow.
  const page = await fixture.page({ bypassCSP: true })
  for (const [name, module] of Object.entries(MODULES)) {
    await page.route(`**${addressOf(name)}`, route => route.fulfill({ contentType: 'text/javascript', body: asModule(module) }))
  }
  // A page of the server's own, on which nothing goes on.
  await page.goto(`${fixture.server.url}css/base.css`)
  await page.evaluate(imports => {
    const map = Object.assign(document.createElement('script'), { type: 'importmap', textContent: imports })
    document.body.replaceChildren(map, Object.assign(document.createElement('div'), { id: 'app' }))
  }, IMPORT_MAP)
  await page.evaluate(async () => {
    const { createElement, StrictMode, useEffect } = await import('react')
    const { createRoot } = await import('react-dom/client')
    const hooks = await import('/client/react/index.js')

    function Tile({ room, participant }) {
      const { name, camera, hand } = participant
      const layer = hooks.useLayer(room, camera)
      const ref = hooks.useMediaElement(camera?.media)
      return createElement(
        'article',
        { 'aria-label': name, 'data-reason': layer?.reason ?? '', 'data-hand': hand !== null },
        createElement('video', { ref, autoPlay: true, muted: true, playsInline: true })
      )
    }
    function Visit({ url }) {
      const media = hooks.useLocalMedia()
      const { room, state, error } = hooks.useRoom(url, null, { name: 'Reacting', media })
      const people = hooks.useParticipants(room)
      const hands = hooks.useHands(room)
      const waiting = hooks.useLobby(room)
      const recording = hooks.useRecording(room)
      const { lines, send } = hooks.useChat(room)
      const { messages } = hooks.useMessages(room, 'poll')
      const level = hooks.useAudioLevel(media.audioTrack)
      useEffect(() => void media.start({ video: false }), [media])
      Object.assign(globalThis, { room, send })
      return createElement(
        'main',
        {
          'data-state': state ?? 'none',
          'data-error': error?.code ?? '',
          'data-level': level,
          'data-waiting': waiting.length,
          'data-recorded': recording?.by ?? ''
        },
        people.map(participant => createElement(Tile, { key: participant.id, room, participant })),
        createElement('p', { id: 'hands' }, hands.map(({ name }) => name).join()),
        createElement('p', { id: 'chat' }, lines.map(({ name, text }) => `${name}: ${text}`).join()),
        createElement('p', { id: 'messages' }, messages.map(({ data }) => data).join())
      )
    }
    const root = createRoot(document.getElementById('app'))
    globalThis.show = url => root.render(createElement(StrictMode, null, url && createElement(Visit, { url })))
  })
  return page
}

const names = () => fixture.server.rooms.get('loom')?.participants.map(({ name }) => name) ?? []

test('a component is in the room while it is there, and shows who else is', async () => {
  const ada = await fixture.join('Ada')
  const page = await application()
  await page.evaluate(() => globalThis.show(`${location.origin}/r/loom`))
  await page.waitForSelector('main[data-state="connected"]')
  await eventually(
    () => page.$$eval('article', tiles => tiles.map(tile => tile.getAttribute('aria-label'))),
    seen => seen.join() === 'Ada,Reacting',
    'both'
  )
  assert.deepEqual(names(), ['Ada', 'Reacting'], 'once, though effects run twice in strict mode')
  await eventually(
    () => page.$eval('article[aria-label="Ada"] video', video => video.videoWidth),
    width => width > 0,
    'a picture'
  )
  await page.waitForSelector('article[aria-label="Ada"]:not([data-reason=""])')
  await eventually(
    () => page.getAttribute('main', 'data-level'),
    level => Number(level) > 0,
    'the level of the microphone'
  )

  await ada.evaluate(() => {
    const { call } = globalThis
    call.raiseHand()
    call.sendMessage('yes', { topic: 'poll' })
    call.sendMessage('nothing for this component', { topic: 'other' })
  })
  await eventually(
    () => page.textContent('#messages'),
    text => text === 'yes',
    'the message'
  )
  await eventually(
    () => page.textContent('#hands'),
    text => text === 'Ada',
    'the hand'
  )
  await page.waitForSelector('article[aria-label="Ada"][data-hand="true"]')
  await eventually(() => ada.evaluate(() => globalThis.call.sendChat('Hello')), Boolean, 'an open channel')
  await eventually(
    () => page.textContent('#chat'),
    text => text === 'Ada: Hello',
    'the line'
  )
  await eventually(() => page.evaluate(() => globalThis.send('Hello yourself')), Boolean, 'an answer')

  const recording = await fixture.server.recordings.start(fixture.server.rooms.get('loom'), { what: 'tracks', by: 'Ada' })
  await page.waitForSelector('main[data-recorded="Ada"]')
  await recording.stop()
  await page.waitForSelector('main[data-recorded=""]')

  await page.evaluate(() => globalThis.show(null))
  await eventually(names, seen => seen.join() === 'Ada', 'it left with the component')
})

test('another address is another room, and a room that cannot be entered an error', async () => {
  const page = await application()
  await page.evaluate(() => globalThis.show(`${location.origin}/r/first`))
  await page.waitForSelector('main[data-state="connected"]')
  await page.evaluate(() => globalThis.show(`${location.origin}/r/second`))
  await eventually(
    () => fixture.server.rooms.get('second')?.participants.length ?? 0,
    count => count === 1,
    'the second room'
  )
  await eventually(
    () => fixture.server.rooms.get('first')?.participants.length ?? 0,
    count => count === 0,
    'the first is left'
  )
  await page.evaluate(() => globalThis.show(`${location.origin}/r/${encodeURIComponent('///')}`))
  await page.waitForSelector('main[data-state="ended"][data-error="bad-message"]', { state: 'attached' })
})
