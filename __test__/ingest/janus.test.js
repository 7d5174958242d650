'use strict'

/**
 * Janus' Streaming plugin as what receives: a mountpoint of it is fed by a transport of plain RTP. Skipped where there is no janus, which is run as a program and nothing else.
 */

const dgram = require('node:dgram')
const fs = require('node:fs')
const path = require('node:path')
const { once } = require('node:events')
const { test } = require('node:test')
const { until } = require('../support/events.js')
const { folder, rtp, run, socket } = require('../support/ingest/tools.js')
const { loopbackEndpoint } = require('../support/loopback.js')

const JANUS = '/usr/bin/janus'
const PLUGINS = '/usr/lib/x86_64-linux-gnu/janus'
const OPUS = { name: 'opus', payloadType: 111 }
const VP8 = { name: 'vp8', payloadType: 96 }
/** The beginning of a keyframe of VP8, 320x180, behind a descriptor of one byte. */
const KEYFRAME = Buffer.from([0x10, 0, 0, 0, 0x9d, 0x01, 0x2a, 64, 1, 180, 0, 1, 2, 3])

/** A port that nobody had a moment ago. */
async function freePort() {
  const taken = dgram.createSocket('udp4').bind(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address()
  await new Promise(resolve => taken.close(resolve))
  return port
}

/** Janus with one mountpoint, and what speaks to its HTTP API. */
async function janus(t) {
  const configuration = folder(t)
  const [http, audio, video] = [await freePort(), await freePort(), await freePort()]
  const write = (name, text) => fs.writeFileSync(path.join(configuration, name), text)
  write(
    'janus.jcfg',
    `general: { configs_folder = "${configuration}" plugins_folder = "${PLUGINS}/plugins" transports_folder = "${PLUGINS}/transports" debug_level = 4 session_timeout = 0 token_auth = false }
     nat: { ice_enforce_list = "lo" ice_ignore_list = "vmnet" }
     media: { ipv6 = false }
     plugins: { disable = "libjanus_audiobridge.so,libjanus_duktape.so,libjanus_echotest.so,libjanus_lua.so,libjanus_nosip.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_videoroom.so,libjanus_voicemail.so" }
     transports: { disable = "libjanus_mqtt.so,libjanus_nanomsg.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_websockets.so" }`
  )
  write(
    'janus.transport.http.jcfg',
    `general: { json = "compact" base_path = "/janus" http = true ip = "127.0.0.1" port = ${http} https = false }\nadmin: { admin_http = false }`
  )
  write(
    'janus.plugin.streaming.jcfg',
    `stage: { type = "rtp" id = 1 description = "stage" media = (
       { type = "audio" mid = "a" port = ${audio} pt = ${OPUS.payloadType} codec = "opus" },
       { type = "video" mid = "v" port = ${video} pt = ${VP8.payloadType} codec = "vp8" } ) }`
  )
  const program = run(t, JANUS, ['--configs-folder', configuration, '--config', path.join(configuration, 'janus.jcfg')])
  const post = async (where, body) => {
    const response = await fetch(`http://127.0.0.1:${http}/janus${where}`, {
      method: 'POST',
      body: JSON.stringify({ transaction: 'test', ...body })
    })
    return response.json()
  }
  await until(() => post('', { janus: 'info' }).catch(() => null), `Janus: ${program.text}`, 30_000)
  const session = (await post('', { janus: 'create' })).data.id
  const handle = (await post(`/${session}`, { janus: 'attach', plugin: 'janus.plugin.streaming' })).data.id
  const tell = body => post(`/${session}/${handle}`, { janus: 'message', body })
  return { audio, video, tell, program }
}

test(
  'a mountpoint of Janus takes sound and pictures that are sent by plain RTP',
  {
    timeout: 90_000,
    skip: fs.existsSync(JANUS) ? false : 'there is no janus here'
  },
  async t => {
    const { audio, video, tell, program } = await janus(t)
    const endpoint = await loopbackEndpoint(t)
    const source = await endpoint.createRtpTransport({ audio: { codecs: [OPUS] }, video: { codecs: [VP8] } })
    const to = port => ({ address: '127.0.0.1', port })
    const output = await endpoint.createRtpTransport({
      audio: { codecs: [OPUS], direction: 'sendonly', remote: to(audio) },
      video: { codecs: [VP8], direction: 'sendonly', remote: to(video) }
    })
    for (const track of output.outgoingTracks) track.attachTo(source.incomingTracks.find(({ kind }) => kind === track.kind))
    const camera = await socket(t)
    let sequence = 0
    const timer = setInterval(() => {
      sequence++
      const [sound, pictures] = ['audio', 'video'].map(kind => source.ports.find(port => port.kind === kind).port)
      void camera.send(sound, rtp({ pt: OPUS.payloadType, sequence, ssrc: 1, payload: Buffer.from([0x78, 1, 2]) }))
      void camera.send(
        pictures,
        rtp({ pt: VP8.payloadType, sequence, timestamp: sequence * 1800, ssrc: 2, marker: true, payload: KEYFRAME })
      )
    }, 20)
    t.after(() => clearInterval(timer))
    const young = ({ media }) => media?.length === 2 && media.every(({ age_ms: age }) => age < 1000)
    await until(async () => young((await tell({ request: 'info', id: 1 })).plugindata.data.info), `media at Janus: ${program.text}`, 20_000)

    // What Janus counts is what is sent: it grows old with it.
    for (const track of output.outgoingTracks) track.detach()
    const old = ({ media }) => media.every(({ age_ms: age }) => age > 1000)
    await until(async () => old((await tell({ request: 'info', id: 1 })).plugindata.data.info), 'the end of media at Janus', 20_000)
  }
)
