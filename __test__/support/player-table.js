'use strict'

/** Recordings in every codec and container, and the programs that play them: who plays what. */

const { spawn, spawnSync } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { AV1, H265, OPUS, makeFile } = require('./media-files.js')
const { movingMixer } = require('./moving-mixer.js')
const { missing } = require('./players.js')

/** Seconds of a recording that was finished, and at least of what a crash leaves. */
const SECONDS = 2
const NOBODY = 65_534
const MINUTE = 60_000

/** What mixers make, and what they do not: files that a player plays into a recorder. */
const MIXED = { vp8: ['webm'], vp9: ['webm', 'mp4'], h264: ['mp4', 'mkv'] }
const PLAYED = { av1: { video: AV1, endings: ['webm', 'mp4'] }, h265: { video: H265, endings: ['mp4', 'mkv'] } }

/**
 * Records everything into a folder: `vp8.webm` and so on, and `vp8-killed.webm` as a process that was killed leaves it.
 * @returns {Promise<string[]>} the names
 */
async function recordAll(endpoint, folder, { played = !missing.ffmpeg } = {}) {
  const works = []
  const stops = []
  const record = async (name, tracks) => {
    const recorder = await endpoint.createRecorder(path.join(folder, name), { fragment: 200 })
    for (const track of tracks) recorder.record(track)
    while (recorder.info.duration < SECONDS) await once(recorder, 'progress')
    const { dir, name: base, ext } = path.parse(recorder.file)
    fs.copyFileSync(recorder.file, path.join(dir, `${base}-killed${ext}`))
    await recorder.close()
  }
  for (const [codec, endings] of Object.entries(MIXED)) {
    const { mixer, stop } = await movingMixer(endpoint, { codecs: [codec] })
    stops.push(stop)
    for (const ending of endings) works.push(record(`${codec}.${ending}`, [mixer.video, mixer.audio]))
    if (codec === 'vp8') for (const ending of ['ogg', 'wav']) works.push(record(`sound.${ending}`, [mixer.audio]))
  }
  for (const [codec, { video, endings }] of Object.entries(played ? PLAYED : {})) {
    const file = makeFile(folder, `source-${codec}.mkv`, { video, audio: OPUS, seconds: SECONDS + 3 })
    const player = await endpoint.createPlayer(file, { loop: true })
    for (const ending of endings) works.push(record(`${codec}.${ending}`, [player.video, player.audio]))
    player.play()
    fs.rmSync(file)
  }
  await Promise.all(works)
  stops.forEach(stop => stop())
  return fs.readdirSync(folder).sort()
}

const said = ({ status, stderr }) => (status === 0 ? null : stderr.trim().split('\n').at(-1) || `it ended with ${status}`)

/** Runs a program that may hang. Gives what went wrong. */
async function run(program, args, options = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options })
  let stderr = ''
  child.stderr.on('data', data => (stderr += data))
  const timer = setTimeout(() => child.kill('SIGKILL'), MINUTE)
  const [status, signal] = await once(child, 'exit')
  clearTimeout(timer)
  return signal ? 'it did not end' : said({ status, stderr })
}

const hasPicture = name => !name.startsWith('sound')

/** Every element of a Matroska file is one that mkvinfo knows. */
async function mkvinfo(file) {
  const { stdout } = spawnSync('mkvinfo', ['-v', file], { encoding: 'utf8', maxBuffer: 1 << 28 })
  return /[Uu]nknown element|[Ee]rror|damaged|not a valid/.exec(stdout)?.[0] ?? (/Cluster/.test(stdout) ? null : 'no cluster')
}

/** GStreamer decodes all streams. */
function gstreamer(file, name) {
  const sinks = (hasPicture(name) ? ['video', 'audio'] : ['audio']).flatMap(kind => [
    'd.',
    '!',
    `${kind}/x-raw`,
    '!',
    'queue',
    '!',
    'fakesink'
  ])
  return run('gst-launch-1.0', ['-q', 'uridecodebin', `uri=file://${file}`, 'name=d', ...sinks])
}

/** VLC, which does not run for root, plays it: what it shows and what is heard become files. */
async function vlc(file, name) {
  const home = fs.mkdtempSync(`${file}.vlc-`)
  const heard = path.join(home, 'heard.wav')
  fs.chmodSync(home, 0o777)
  fs.chmodSync(path.dirname(file), 0o755)
  fs.chmodSync(file, 0o644)
  const shown = ['--vout', 'vdummy', '--no-drop-late-frames', '--no-skip-frames', '--video-filter', 'scene']
  const pictures = [...shown, '--scene-path', home, '--scene-ratio', '1', '--scene-format', 'png']
  const sound = ['--aout', 'afile', '--audiofile-file', heard]
  const options = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY, env: { ...process.env, HOME: home } } : {}
  try {
    const error = await run('cvlc', ['--no-dbus', '-I', 'dummy', ...pictures, ...sound, file, 'vlc://quit'], options)
    if (error) return error
    // Two bytes of a sample, of which there are 48,000 a second.
    const seconds = fs.existsSync(heard) ? fs.statSync(heard).size / 96_000 : 0
    if (seconds < SECONDS / 2) return 'no sound'
    const count = fs.readdirSync(home).filter(entry => entry.endsWith('.png')).length
    return hasPicture(name) && count < SECONDS * 3 ? 'no pictures' : null
  } finally {
    fs.rmSync(home, { recursive: true, force: true })
  }
}

/** Programs that play: what is missing here, which files they are for, and what goes wrong with one (`null`: nothing). */
const PROGRAMS = [
  {
    name: 'ffmpeg',
    missing: missing.ffmpeg,
    takes: () => true,
    play: file => run('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-'])
  },
  { name: 'mkvinfo', missing: missing.mkvinfo, takes: name => /\.(webm|mkv)$/.test(name), play: mkvinfo },
  { name: 'GStreamer', missing: missing['gst-launch-1.0'], takes: () => true, play: gstreamer },
  { name: 'VLC', missing: missing.cvlc, takes: () => true, play: vlc }
]

module.exports = { PROGRAMS, SECONDS, hasPicture, recordAll }
