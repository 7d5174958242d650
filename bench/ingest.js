'use strict'

/**
 * What encoders and plain RTP cost, by CPU time of the engine's threads. Who pushes and who receives is in processes
 * of their own. `--help` lists the options.
 */

const path = require('node:path')
const { fork } = require('node:child_process')
const { once } = require('node:events')
const { parseArgs } = require('node:util')
const { setTimeout: sleep } = require('node:timers/promises')
const { threadShares } = require('./ingest/threads.js')
const { rtpRows } = require('./ingest/rtp.js')
const { sink } = require('./ingest/sink.js')
const { MILLISECONDS } = require('./ingest/srt-encoder.js')
const { markdown } = require('./table.js')

const ROOT = path.join(__dirname, '..')

const HELP = `What encoders that push by RTMP and SRT cost, 2 Mbit/s each, and packets of plain RTP beside those of WebRTC.

  npm run bench:ingest -- [options]

  --inputs N    encoders at once; default 100
  --streams N   of plain RTP, and receivers of one; at most 60, default 40
  --seconds S   of each of twelve measurements; default 10
  --json        a line of JSON for each figure instead of tables
  --help
`

/** Inputs of which latency is measured: reading everything would take longer than sending it. */
const MEASURED = 10
/** A second of an input. */
const FRAMES = { pictures: 30, opus: 50, aac: 44_100 / 1024 }
/** Seconds before each measurement, at most. */
const WARM_UP = 3

const fixed = digits => value => (typeof value === 'number' && Number.isFinite(value) ? value.toFixed(digits) : '')
const percent = value => (typeof value === 'number' ? `${(100 * value).toFixed(2)} %` : '')

const COLUMNS = {
  inputs: [
    ['inputs', r => r.name],
    ['measured', r => fixed(0)(r.carried)],
    ['at once on a core (goal 500)', r => fixed(0)(r.inputsPerCore)],
    ['thread of the server, of a core each', r => percent(r.listening)],
    ['media thread', r => percent(r.media)],
    ['pictures late ms p50', r => fixed(1)(r.pictures?.p50)],
    ['p95 (goal 150)', r => fixed(1)(r.pictures?.p95)]
  ],
  sound: [
    ['sound', r => r.name],
    ['of a core each (goal 1.50 %)', r => percent(r.each)],
    ['late ms p50', r => fixed(1)(r.sound?.p50)],
    ['p95 (goal 150)', r => fixed(1)(r.sound?.p95)]
  ],
  packets: [
    ['packets', r => r.name],
    ['us of CPU each', r => fixed(2)(r.microseconds)],
    ['a second of a core', r => fixed(0)(r.packetsPerCore)],
    ['to WebRTC', r => fixed(2)(r.toWebrtc)]
  ]
}

/** Frames of pictures that came of all inputs, or of sound where they have nothing else. */
async function framesOf(server) {
  const stats = await Promise.all(server.inputs.map(input => input.getStats()))
  return stats.reduce((sum, { video, audio }) => sum + (video ?? audio).frames, 0)
}

/** Has so many encoders push for a while. `watched` is what is sent on, to the process that pushes. */
async function pushed(endpoint, { inputs, seconds, warmUp, pictures, sound, watched, protocol = 'rtmp' }) {
  const encoders = fork(path.join(__dirname, 'ingest', 'encoders.js'), [JSON.stringify({ inputs, pictures, sound, protocol })])
  const ended = once(encoders, 'exit').then(([code]) => {
    throw new Error(`the encoders ended with ${code}`)
  })
  // Until it is waited for.
  ended.catch(() => {})
  const told = async () => (await Promise.race([once(encoders, 'message'), ended]))[0]
  const { ports } = await told()
  const create = protocol === 'srt' ? 'createSrtServer' : 'createRtmpServer'
  const server = await endpoint[create]({ port: 0, ip: '127.0.0.1', authorize: () => true })
  const nobody = await sink()
  const outputs = []
  const output = async (input, track) => {
    const codec = { name: track.codecs[0], payloadType: 96 }
    const port = Number(input.key) < MEASURED ? ports[track.kind] : nobody.port
    const remote = { address: '127.0.0.1', port, rtcpPort: port }
    const rtp = await endpoint.createRtpTransport({ [track.kind]: { codecs: [codec], direction: 'sendonly', remote } })
    rtp.outgoingTracks[0].attachTo(track)
  }
  server.on('input', input => {
    input.on('track', track => {
      if (watched) outputs.push(output(input, track))
    })
  })
  encoders.send({ port: server.port })
  await told()
  await sleep(warmUp * 1000)
  await Promise.all(outputs)
  encoders.send('count')
  const came = await framesOf(server)
  const shares = await threadShares(() => sleep(seconds * 1000))
  // As many as were there, had all been pushed in time: a busy machine has encoders fall behind.
  const carried = ((await framesOf(server)) - came) / shares.seconds / FRAMES[pictures ? 'pictures' : sound]
  encoders.send('tell')
  const late = await told()
  const before = server.inputs.length
  encoders.removeAllListeners('exit')
  encoders.kill()
  nobody.end()
  await server.close()
  for (const transport of endpoint.rtpTransports) await transport.close()
  if (before !== inputs) throw new Error(`${before} of ${inputs} inputs were left`)
  return { ...late, carried, listening: shares.listening / carried, media: shares.media / carried }
}

async function inputRows(endpoint, plan, tell) {
  for (const [name, protocol, watched] of [
    ['RTMP, 2 Mbit/s and Opus, nobody watches', 'rtmp', false],
    ['RTMP, 2 Mbit/s and Opus, each sent on once', 'rtmp', true],
    ['SRT, 2 Mbit/s and Opus, nobody watches', 'srt', false],
    [`SRT, 2 Mbit/s and Opus, each sent on once; late beyond its own ${MILLISECONDS} ms`, 'srt', true]
  ]) {
    const measured = await pushed(endpoint, { ...plan, pictures: true, sound: 'opus', watched, protocol })
    const { carried, listening, media, pictures } = measured
    if (protocol === 'srt' && watched) for (const part of ['p50', 'p95']) pictures[part] -= MILLISECONDS
    tell({ kind: 'inputs', name, carried, inputsPerCore: 1 / (listening + media), listening, media, pictures })
  }
  const unheard = await pushed(endpoint, { ...plan, pictures: false, sound: 'aac', watched: false })
  const heard = await pushed(endpoint, { ...plan, pictures: false, sound: 'aac', watched: true })
  tell({ kind: 'sound', name: 'AAC that nobody hears', each: unheard.listening })
  tell({ kind: 'sound', name: 'AAC made Opus', each: heard.listening, sound: heard.sound })
}

async function bench(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      inputs: { type: 'string', default: '100' },
      streams: { type: 'string', default: '40' },
      seconds: { type: 'string', default: '10' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false }
    }
  })
  if (values.help) return console.log(HELP)
  const seconds = Number(values.seconds)
  const plan = { inputs: Number(values.inputs), streams: Number(values.streams), seconds, warmUp: Math.min(seconds, WARM_UP) }
  const { inputs, streams } = plan
  if (!(inputs >= 1 && inputs <= 1000 && streams >= 1 && streams <= 60 && seconds > 0)) throw new Error(HELP)
  const { Endpoint } = require(ROOT)
  const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  endpoint.ref()
  const results = []
  const tell = result => {
    results.push(result)
    if (values.json) console.log(JSON.stringify(result))
  }
  await inputRows(endpoint, plan, tell)
  await rtpRows(endpoint, plan, tell)
  await endpoint.close()
  if (values.json) return
  for (const [kind, columns] of Object.entries(COLUMNS)) {
    console.log(
      `${markdown(
        columns,
        results.filter(result => result.kind === kind)
      )}\n`
    )
  }
}

function main(argv) {
  return bench(argv).catch(error => {
    console.error(error.message)
    process.exit(1)
  })
}

if (require.main === module) main(process.argv.slice(2))
