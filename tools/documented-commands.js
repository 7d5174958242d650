'use strict'

/**
 * Runs the commands of docs/ingest.md as they are written there, against what the page has beside them, and says what became of each.
 * One whose program is not installed is told and left out; one that nothing here knows is an error. Listens on the ports of the page.
 *
 *   node tools/documented-commands.js [WORD]     only commands that have the word
 */

const { spawn, spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { Endpoint } = require('..')

const ROOT = path.join(__dirname, '..')
const PAGE = path.join(ROOT, 'docs', 'ingest.md')
const PASSPHRASE = 'a-passphrase-of-ours'
/** Milliseconds. */
const PATIENCE = 40_000
/** Programs that run as somebody else where this is root: VLC does not run as root. */
const NOBODY = 65_534
const AS_NOBODY = ['cvlc']
/** Frames after which something is shown to work. */
const ENOUGH = 40
/** Where nothing can be shown, players show it all the same. */
const ENVIRONMENT = {
  ...process.env,
  SDL_VIDEODRIVER: 'dummy',
  SDL_AUDIODRIVER: 'dummy',
  GST_PLUGIN_FEATURE_RANK: 'fakevideosink:MAX'
}

/** The commands of the page, each with its lines joined as a shell does. */
function commands(page) {
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => block)
  // A line that ends with a backslash goes on, and so does one inside of quotes.
  const whole = text => !/\\$/.test(text) && (text.match(/'/g) ?? []).length % 2 === 0
  return blocks.flatMap(block => {
    const found = []
    let open = ''
    for (const line of block.split('\n')) {
      open = open ? `${open}\n${line}` : line
      if (!open || !whole(open)) continue
      found.push(open)
      open = ''
    }
    return found
  })
}

async function until(check, what) {
  for (const end = Date.now() + PATIENCE; Date.now() < end; await sleep(100)) if (await check()) return
  throw new Error(`${what} did not come`)
}

/** A command in a shell, in a folder that has what it reads. */
function run(command, folder) {
  const [, program] = /^(?:\w+=\S+ )*(\S+)/.exec(command)
  const identity = AS_NOBODY.includes(program) && process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  const env = { ...ENVIRONMENT, HOME: folder }
  const child = spawn('/bin/bash', ['-c', command], { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'], ...identity })
  const running = { child, said: '', status: null }
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (running.said = (running.said + data).slice(-4000)))
  child.on('exit', status => (running.status = status ?? 1))
  running.stop = async signal => {
    if (running.status !== null) return
    try {
      process.kill(-child.pid, signal)
    } catch {
      // It is gone.
    }
    for (let turn = 0; turn < 50 && running.status === null; turn++) await sleep(100)
    if (running.status === null) process.kill(-child.pid, 'SIGKILL')
  }
  return running
}

const frames = ({ video, audio }) => Math.min(video?.frames ?? 0, audio?.frames ?? ENOUGH)
const arrives = async (made, running) => {
  const inputs = []
  made.on('input', input => inputs.push(input))
  await until(async () => {
    if (running().status !== null) throw new Error('it ended')
    return inputs[0] && frames(await inputs[0].getStats()) > ENOUGH
  }, 'an input')
  return Object.keys(await inputs[0].getStats()).join(', ')
}

const authorize = ({ key }) => key === 'KEY'
const rtp = (endpoint, options = {}) =>
  endpoint.createRtpTransport({
    audio: { codecs: [{ name: 'opus', payloadType: 97 }], port: 5004 },
    video: { codecs: [{ name: 'h264', payloadType: 96 }], port: 5006, ...options.video },
    ...options.rest
  })
const received = async (transport, count) =>
  until(async () => {
    const { incomingTracks } = await transport.getStats()
    return incomingTracks.filter(({ encodings }) => encodings[0]?.packetsReceived > ENOUGH).length >= count
  }, 'packets')

/** A clip with a keyframe every two seconds, as encoders have them. */
async function play(endpoint, folder) {
  const player = await endpoint.createPlayer(path.join(folder, 'clip.mkv'), { loop: true })
  player.play()
  return { video: player.video, audio: player.audio }
}

/** Who pushes to a server of ours. */
const pushes = create => async (endpoint, start) => {
  const made = await create(endpoint)
  const running = start()
  return arrives(made, () => running)
}

/** What is done about each command: it is given an endpoint, what starts the command, and the folder. */
const SCENARIOS = [
  [/rtmp:\/\/localhost/, pushes(endpoint => endpoint.createRtmpServer({ ip: '127.0.0.1', authorize }))],
  [
    /mode=listener/,
    async (endpoint, start) => {
      start()
      const options = { passphrase: PASSPHRASE, latency: 200, allowPrivate: true }
      let input = null
      await until(async () => (input ??= await endpoint.pullSrt('srt://127.0.0.1:9000', options).catch(() => null)), 'an answer')
      await until(async () => frames(await input.getStats()) > ENOUGH, 'frames')
      return 'fetched'
    }
  ],
  [/srt:\/\/127\.0\.0\.1:9000/, pushes(endpoint => endpoint.createSrtServer({ ip: '127.0.0.1', passphrase: PASSPHRASE, authorize }))],
  [
    /srt:\/\/127\.0\.0\.1:9001/,
    async (endpoint, start, folder) => {
      const options = { ...(await play(endpoint, folder)), mode: 'listener', streamId: 'stage', passphrase: PASSPHRASE }
      const output = await endpoint.createSrtOutput('srt://127.0.0.1:9001', options)
      const running = start()
      const taken = async () => (await output.getStats()).link
      await until(async () => {
        if (running.status !== null) throw new Error('it ended')
        return (await taken()).packetsSent > 10 * ENOUGH
      }, 'somebody who takes it')
      return `${(await taken()).packetsSent} packets`
    }
  ],
  [
    /-sdp_file camera\.sdp/,
    async (endpoint, start, folder) => {
      start()
      const file = path.join(folder, 'camera.sdp')
      await until(() => fs.existsSync(file) && fs.readFileSync(file, 'utf8').includes('a=crypto'), 'the SDP')
      const input = await endpoint.createRtpTransport({ sdp: fs.readFileSync(file, 'utf8') })
      await received(input, 1)
      return 'SRTP'
    }
  ],
  [
    /gst-launch-1\.0 rtpbin/,
    async (endpoint, start) => {
      const input = await rtp(endpoint, { video: { feedback: true } })
      start()
      await received(input, 1)
      return 'pictures'
    }
  ],
  [
    /^cvlc/,
    async (endpoint, start) => {
      const codecs = kind => ({ codecs: [{ name: kind === 'audio' ? 'opus' : 'h264', payloadType: 96 }] })
      const input = await endpoint.createRtpTransport({
        audio: { ...codecs('audio'), port: 5004 },
        video: { ...codecs('video'), port: 5006 }
      })
      start()
      await received(input, 2)
      return 'pictures and sound'
    }
  ],
  [
    /rtp:\/\/127\.0\.0\.1:5006/,
    async (endpoint, start) => {
      const input = await rtp(endpoint)
      start()
      await received(input, 2)
      return 'pictures and sound'
    }
  ],
  [
    /out\.sdp/,
    async (endpoint, start, folder) => {
      const { audio, video } = await play(endpoint, folder)
      const to = port => ({ direction: 'sendonly', remote: { address: '127.0.0.1', port } })
      const output = await endpoint.createRtpTransport({
        audio: { codecs: [{ name: 'opus', payloadType: 97 }], ...to(6004) },
        video: { codecs: [{ name: 'h264', payloadType: 96 }], ...to(6006) }
      })
      for (const outgoing of output.outgoingTracks) outgoing.attachTo(outgoing.kind === 'audio' ? audio : video)
      fs.writeFileSync(path.join(folder, 'out.sdp'), output.sdp)
      const running = start()
      await sleep(8000)
      if (running.status !== null) throw new Error('it ended')
      const file = path.join(folder, 'out.mkv')
      if (!fs.existsSync(file)) return 'it plays'
      await running.stop('SIGINT')
      const probed = spawnSync('ffprobe', ['-v', 'error', '-count_packets', '-show_entries', 'stream=codec_name,nb_read_packets', file])
      if (!/h264/.test(String(probed.stdout))) throw new Error(`the file has no pictures: ${probed.stdout}`)
      return 'a file with pictures'
    }
  ]
]
/** What is no command of a program that sends or takes media; tests of the room server run these. */
const ELSEWHERE = /medialoom|^curl|^export|rtsp-server\.py/

async function main([word = '']) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-commands-'))
  fs.chmodSync(folder, 0o777)
  const clip = ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=30', '-f', 'lavfi', '-i', 'sine', '-t', '60', '-c:v', 'libx264']
  const made = [...clip, '-preset', 'ultrafast', '-bf', '0', '-g', '60', '-profile:v', 'baseline', '-pix_fmt', 'yuv420p']
  spawnSync('ffmpeg', [...made, '-c:a', 'aac', path.join(folder, 'talk.mp4')])
  spawnSync('ffmpeg', [...made, '-c:a', 'libopus', path.join(folder, 'clip.mkv')])
  let failed = 0
  for (const command of commands(fs.readFileSync(PAGE, 'utf8'))) {
    if (!command.includes(word) || ELSEWHERE.test(command)) continue
    const shown = command.replace(/\\\n\s*/g, '').slice(0, 100)
    const programs = command.split(/\s\|\s/).map(part => part.trim().split(/\s/)[0])
    const missing = programs.filter(program => spawnSync('which', [program]).status !== 0)
    const scenario = SCENARIOS.find(([pattern]) => pattern.test(command))?.[1]
    if (missing.length > 0 || !scenario) {
      console.log(`${scenario ? `left out, ${missing.join(', ')} is not here` : 'NOBODY KNOWS'}: ${shown}`)
      failed += scenario ? 0 : 1
      continue
    }
    const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }] })
    let running
    try {
      const became = await scenario(endpoint, () => (running = run(command, folder)), folder)
      console.log(`works (${became}): ${shown}`)
    } catch (error) {
      failed += 1
      console.log(`FAILED, ${error.message}: ${shown}\n${running?.said ?? ''}`)
    }
    await running?.stop('SIGTERM')
    await endpoint.close()
  }
  fs.rmSync(folder, { recursive: true, force: true })
  if (failed > 0) process.exitCode = 1
}

void main(process.argv.slice(2))
