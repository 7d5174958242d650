'use strict'

const { spawn, spawnSync } = require('node:child_process')
const dgram = require('node:dgram')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { once } = require('node:events')

/** Whether a program is there. */
function has(program, ...args) {
  const { error, status } = spawnSync(program, args.length > 0 ? args : ['-version'], { stdio: 'ignore' })
  return !error && status === 0
}

const missing = {
  ffmpeg: has('ffmpeg') ? null : 'there is no ffmpeg here',
  gstreamer: ['rtpbin', 'rtph264pay', 'x264enc', 'rtph264depay', 'opusenc'].every(element => has('gst-inspect-1.0', '--exists', element))
    ? null
    : 'there is no gst-launch-1.0 with rtpbin, x264enc and opusenc here',
  vlc: has('gst-launch-1.0', '--version') && fs.existsSync('/usr/bin/cvlc') ? null : 'there is no cvlc here'
}

/** Runs a program until the test ends; `text` is what it said. */
function run(t, program, args, options = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  const told = { child, text: '', ended: once(child, 'close').then(([code, signal]) => code ?? signal) }
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', chunk => {
      told.text = (told.text + chunk).slice(-20_000)
    })
  }
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await told.ended
  })
  return told
}

/** A moving picture and a tone, in real time, encoded as every browser takes it. `gop` in pictures. */
function pattern({ gop = 30, bitrate = '400k', size = '320x180' } = {}) {
  return {
    inputs: [
      '-re',
      '-f',
      'lavfi',
      '-i',
      `testsrc=size=${size}:rate=30`,
      '-re',
      '-f',
      'lavfi',
      '-i',
      'sine=frequency=440:sample_rate=48000'
    ],
    video: [
      '-map',
      '0:v',
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-tune',
      'zerolatency',
      '-pix_fmt',
      'yuv420p',
      '-profile:v',
      'baseline',
      '-g',
      `${gop}`,
      '-keyint_min',
      `${gop}`,
      '-sc_threshold',
      '0',
      '-b:v',
      bitrate
    ],
    audio: ['-map', '1:a', '-c:a', 'libopus', '-b:a', '48k']
  }
}

const QUIET = ['-hide_banner', '-loglevel', 'error', '-nostdin']

/** The far end of a transport, made by hand: a socket that keeps what comes. */
async function socket(t, address = '127.0.0.1') {
  const made = dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4')
  const received = []
  made.on('message', message => received.push(message))
  made.bind(0, address)
  await once(made, 'listening')
  let open = true
  t.after(() => {
    open = false
    return new Promise(resolve => made.close(resolve))
  })
  // Who sends again and again may not have heard of the end.
  const send = async (port, bytes) => {
    if (open) await new Promise(resolve => made.send(bytes, port, address, resolve))
  }
  return { received, send, port: made.address().port }
}

/** A packet of RTP (RFC 3550 5.1). */
function rtp({ pt, sequence, timestamp = sequence * 960, ssrc = 7, marker = false, payload = Buffer.from([1]) }) {
  const header = Buffer.alloc(12)
  header[0] = 0x80
  header[1] = pt | (marker ? 0x80 : 0)
  header.writeUInt16BE(sequence & 0xffff, 2)
  header.writeUInt32BE(timestamp >>> 0, 4)
  header.writeUInt32BE(ssrc, 8)
  return Buffer.concat([header, payload])
}

function folder(t) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-ingest-'))
  fs.chmodSync(made, 0o755)
  t.after(() => fs.rmSync(made, { recursive: true, force: true }))
  return made
}

module.exports = { QUIET, folder, missing, pattern, rtp, run, socket }
