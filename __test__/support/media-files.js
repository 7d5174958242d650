'use strict'

/** Files of a test picture and a tone, as ffmpeg and mkvmerge make them. */

const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const hasFfmpeg = !spawnSync('ffmpeg', ['-version']).error
const hasMkvmerge = !spawnSync('mkvmerge', ['--version']).error

const PICTURE = { rate: 25, width: 160, height: 120 }
/** Pictures from one keyframe to the next. */
const GROUP = 10
const VP8 = ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '400k']
const VP9 = ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '400k', '-lag-in-frames', '0']
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-profile:v', 'baseline', '-bf', '0']
const H265 = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'bframes=0:log-level=error']
const AV1 = ['-c:v', 'libaom-av1', '-usage', 'realtime', '-cpu-used', '8', '-b:v', '400k', '-lag-in-frames', '0']
const OPUS = ['-c:a', 'libopus', '-b:a', '48k']
const AAC = ['-c:a', 'aac', '-b:a', '96k']

/** A folder that goes with the test. */
function folder(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-player-'))
  t.after(() => fs.rmSync(made, { recursive: true, force: true }))
  return made
}

function run(program, args) {
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
}

/**
 * So many seconds of pictures (`video`: arguments of their encoder) and sound (`audio`), with a keyframe every `GROUP` pictures.
 * @returns the path
 */
function makeFile(where, name, { video, audio, seconds = 2, more = [] }) {
  const file = path.join(where, name)
  const { rate, width, height } = PICTURE
  const inputs = []
  if (video) inputs.push('-f', 'lavfi', '-i', `testsrc=s=${width}x${height}:r=${rate}:d=${seconds}`)
  if (audio) inputs.push('-f', 'lavfi', '-i', `sine=f=440:r=48000:d=${seconds}`)
  const pictures = video ? ['-pix_fmt', 'yuv420p', '-g', String(GROUP), ...video] : []
  run('ffmpeg', ['-v', 'error', '-y', ...inputs, ...pictures, ...(audio ?? []), ...more, file])
  return file
}

/** As mkvmerge writes it: several frames of sound in a block. */
function merge(where, name, from) {
  const file = path.join(where, name)
  run('mkvmerge', ['-q', '-o', file, from])
  return file
}

module.exports = { AAC, AV1, H264, H265, OPUS, PICTURE, VP8, VP9, folder, hasFfmpeg, hasMkvmerge, makeFile, merge }
