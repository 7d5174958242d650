'use strict'

/** A libdatachannel with nothing but channels: opens, fills and closes them, and takes those it is offered. */

const { PeerConnection } = require('node-datachannel')
const { serve } = require('../../../__test__/support/clients/serve.js')

const connection = new PeerConnection('data', { iceServers: [], bindAddress: '127.0.0.1', disableAutoNegotiation: true })
const channels = []
/** Kept: libdatachannel closes what JavaScript collects. */
const offered = []
let opened = 0
let received = 0

connection.onDataChannel(channel => offered.push(channel))

function open(label) {
  const channel = connection.createDataChannel(label)
  channel.onOpen(() => opened++)
  channel.onMessage(() => received++)
  channels.push(channel)
}

async function local(type) {
  connection.setLocalDescription(type)
  while (connection.gatheringState() !== 'complete') await new Promise(resolve => setTimeout(resolve, 10))
  return connection.localDescription().sdp
}

serve({
  start() {
    open('first')
    return local('offer')
  },
  acceptAnswer: sdp => connection.setRemoteDescription(sdp, 'answer'),
  acceptOffer(sdp) {
    connection.setRemoteDescription(sdp, 'offer')
    return local('answer')
  },
  openMore(count) {
    for (let number = 0; number < count; number++) open(`channel ${number}`)
  },
  /** Fills every open channel. */
  send(messages, bytes) {
    for (const channel of channels.filter(channel => channel.isOpen())) {
      for (let number = 0; number < messages; number++) channel.sendMessageBinary(Buffer.alloc(bytes, number))
    }
  },
  closeSome() {
    for (const channel of channels.splice(1, Math.floor(channels.length / 2))) channel.close()
  },
  report: () => ({ opened, received, offered: offered.length }),
  leave: () => connection.close()
})
