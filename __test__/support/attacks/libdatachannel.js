'use strict'

/** A libdatachannel that takes part with a picture and a channel, and then attacks. */

const { randomBytes } = require('node:crypto')
const { PeerConnection, Video } = require('node-datachannel')
const { serve } = require('../clients/serve.js')
const { compound } = require('./rtcp.js')
const { pace } = require('./pace.js')

const SSRC = 0x3333
const PAYLOAD_TYPE = 96
/** More of them it refuses itself: every second stream of 1,024. */
const CHANNELS = 500
const LARGE = 60_000

let connection, track, first, stop
let channels = []
let watched = SSRC

async function local(type) {
  connection.setLocalDescription(type)
  while (connection.gatheringState() !== 'complete') await new Promise(resolve => setTimeout(resolve, 10))
  return connection.localDescription().sdp
}

function open(label) {
  const channel = connection.createDataChannel(label)
  channels.push(channel)
  return channel
}

/** Calls what may fail because the other side has ended the association. */
function regardless(call) {
  try {
    call()
  } catch {}
}

const ATTACKS = {
  'openings of channels': n => open(`channel ${n}`),
  'channels that open and close': n => {
    open(`channel ${n}`)
    if (channels.length > 100) channels.shift().close()
  },
  'messages of all its channels': n => {
    const channel = channels[n % channels.length]
    if (channel.isOpen()) channel.sendMessageBinary(Buffer.alloc(LARGE, n))
  },
  /** Of payload types and with header extensions as they come, from an SSRC of its own each. */
  'media that nobody announced': () => {
    const packet = randomBytes(300)
    packet[0] = 0x90
    track.sendMessageBinary(packet)
  },
  'requests for packets and keyframes': n => track.sendMessageBinary(compound('requests', n, SSRC, watched)),
  'feedback, estimates, goodbyes and nonsense': n => track.sendMessageBinary(compound('feedback', n, SSRC, watched))
}

serve({
  /** Each time as somebody else. */
  start() {
    connection?.close()
    connection = new PeerConnection('attacker', { iceServers: [], bindAddress: '127.0.0.1', disableAutoNegotiation: true })
    channels = []
    const video = new Video('video', 'SendRecv')
    video.addVP8Codec(PAYLOAD_TYPE)
    video.addSSRC(SSRC, 'attacker', 'camera', 'video')
    track = connection.addTrack(video)
    first = open('first')
    return local('offer')
  },
  async acceptAnswer(sdp) {
    // The stream that it is sent, to ask for what it has had.
    watched = Number(/^a=ssrc:(\d+)/m.exec(sdp)?.[1] ?? SSRC)
    connection.setRemoteDescription(sdp, 'answer')
    while (!first.isOpen() || !track.isOpen()) await new Promise(resolve => setTimeout(resolve, 10))
  },
  /** Opens as many channels as it can. */
  async openAll() {
    while (channels.length < CHANNELS) open(`channel ${channels.length}`)
    while (channels.some(channel => !channel.isOpen())) await new Promise(resolve => setTimeout(resolve, 20))
  },
  attack(name, perSecond) {
    stop = pace(perSecond, n => regardless(() => ATTACKS[name](n)))
  },
  stop: () => stop(),
  leave: () => connection.close()
})
