'use strict'

/**
 * What players of low-latency HLS cost the thread that serves them, and how far behind the live moment
 * they are. Players are made in a process of their own, and do what hls.js does: a playlist that waits and a part that
 * was hinted at, for sound and for pictures, over one connection each.
 *
 *   npm run bench:hls -- --viewers 500 --seconds 20
 */

const fs = require('node:fs')
const http = require('node:http')
const path = require('node:path')
const { fork } = require('node:child_process')
const { once } = require('node:events')
const { setTimeout: sleep } = require('node:timers/promises')

const HERTZ = 100
const ROOT = path.join(__dirname, '..')

function option(name, fallback) {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? fallback : Number(process.argv[at + 1])
}

/** CPU seconds of a thread of this process, by its name. */
function threadSeconds(name) {
  for (const id of fs.readdirSync('/proc/self/task')) {
    if (fs.readFileSync(`/proc/self/task/${id}/comm`, 'utf8').trim() !== name) continue
    const fields = fs.readFileSync(`/proc/self/task/${id}/stat`, 'utf8').split(') ')[1].split(' ')
    return (Number(fields[11]) + Number(fields[12])) / HERTZ
  }
  return 0
}

/** A mixer that makes a tone, and pictures that change, at about the bitrate that is asked for. */
async function source(endpoint) {
  const video = { width: 1280, height: 720, frameRate: 25, rungs: 1, codecs: ['h264'], bitrate: 1_500_000 }
  const mixer = await endpoint.createMixer({ audio: true, video })
  const port = mixer.addPort({ label: 'bench' })
  port.setTone({ frequency: 440, level: -20 })
  const writer = port.createFrameWriter()
  const data = Buffer.alloc(128 * 72 * 4, 255)
  let picture = 0
  const timer = setInterval(() => {
    data.fill(picture++ % 200, 0, data.length / 2)
    if (writer.writable) writer.write({ data, format: 'rgba', width: 128, height: 72 })
  }, 40)
  return { mixer, stop: () => clearInterval(timer) }
}

async function serve() {
  const medialoom = require(ROOT)
  const viewers = option('viewers', 500)
  const seconds = option('seconds', 20)
  const endpoint = await medialoom.Endpoint.create({ listen: [{ ip: '127.0.0.1' }] })
  endpoint.ref()
  const { mixer, stop } = await source(endpoint)
  const hls = await endpoint.createHls()
  hls.add(mixer.video)
  hls.add(mixer.audio)
  const { port } = await endpoint.listenHls({ ip: '127.0.0.1' })
  const players = fork(__filename, ['--players', String(viewers), '--port', String(port)], { env: { ...process.env, HLS_NAME: hls.name } })
  await once(players, 'message')
  const cpu = threadSeconds('medialoom-http')
  const before = Date.now()
  players.send('count')
  await sleep(seconds * 1000)
  players.send('tell')
  const [told] = await once(players, 'message')
  const used = threadSeconds('medialoom-http') - cpu
  const elapsed = (Date.now() - before) / 1000
  const stats = await hls.getStats()
  const share = used / elapsed
  console.log(
    `${viewers} viewers, ${elapsed.toFixed(0)} s, ${told.requests} requests, ${told.failed} failed, ${((told.bytes * 8) / elapsed / 1e6).toFixed(0)} Mbit/s`
  )
  console.log(
    `thread of the server: ${(100 * share).toFixed(1)} % of a core, ${((1e6 * used) / told.requests).toFixed(1)} us a request, ${Math.round(viewers / share)} viewers a core`
  )
  console.log(
    `a part is with its viewers ${told.p50.toFixed(0)} ms (p95 ${told.p95.toFixed(0)}) after its last frame; kept: ${(stats.renditions.reduce((sum, { bytes }) => sum + bytes, 0) / 2 ** 20).toFixed(1)} MiB`
  )
  stop()
  players.kill()
  await endpoint.close()
}

/** The answer to a request, over the viewer's own connection. */
function get(agent, port, url) {
  return new Promise((resolve, reject) => {
    const request = http.get({ agent, port, host: '127.0.0.1', path: url }, response => {
      const chunks = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks) }))
    })
    request.on('error', reject)
  })
}

async function play() {
  const port = option('port', 0)
  const viewers = option('players', 0)
  const name = process.env.HLS_NAME
  const count = { requests: 0, failed: 0, bytes: 0, delays: [] }
  const watch = async (agent, rendition) => {
    const ask = async url => {
      const answer = await get(agent, port, `/${name}/${rendition}/${url}`)
      count.requests += 1
      count.bytes += answer.body.length
      if (answer.status !== 200) count.failed += 1
      return answer
    }
    let { body } = await ask('live.m3u8')
    for (;;) {
      const text = body.toString()
      const [, hint, segment, part] = /PRELOAD-HINT:TYPE=PART,URI="(p(\d+)\.(\d+)[^"]+)"/.exec(text) ?? []
      if (!hint) throw new Error(text)
      const [playlist] = await Promise.all([ask(`live.m3u8?_HLS_msn=${segment}&_HLS_part=${part}`), ask(hint)])
      body = playlist.body
      // When the newest part ended, by the date of its segment and the lengths of its parts.
      const last = body.toString().split('#EXT-X-PROGRAM-DATE-TIME:').at(-1)
      const lengths = [...last.matchAll(/#EXT-X-PART:DURATION=([\d.]+)/g)].reduce((sum, [, length]) => sum + Number(length), 0)
      if (count.delays.length < 100_000) count.delays.push(Date.now() - Date.parse(last.split('\n', 1)[0]) - lengths * 1000)
    }
  }
  process.on('message', message => {
    if (message === 'count') Object.assign(count, { requests: 0, failed: 0, bytes: 0, delays: [] })
    if (message !== 'tell') return
    const delays = count.delays.sort((a, b) => a - b)
    const at = share => delays[Math.floor(delays.length * share)] ?? 0
    process.send({ requests: count.requests, failed: count.failed, bytes: count.bytes, p50: at(0.5), p95: at(0.95) })
  })
  for (let viewer = 0; viewer < viewers; viewer++) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 4 })
    void watch(agent, 'v0').catch(() => (count.failed += 1))
    void watch(agent, 'a1').catch(() => (count.failed += 1))
  }
  await sleep(6000)
  process.send('ready')
}

void (process.argv.includes('--players') ? play() : serve())
