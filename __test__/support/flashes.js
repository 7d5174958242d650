'use strict'

/** A stream that flashes and beeps at once, and how far apart that is where it is seen and heard. */

/** White and loud for 300 ms of every second. */
const FLASHES = ['-f', 'lavfi', '-i', "color=c=black:s=320x240:r=30,drawbox=c=white:t=fill:enable='lt(mod(t\\,1)\\,0.3)'"]
const BEEPS = ['-f', 'lavfi', '-i', 'aevalsrc=if(lt(mod(t\\,1)\\,0.3)\\,0.5*sin(6283*t)\\,0):s=44100']

/** A transport that sends them to a page, which plays them, and what the page sees and hears. */
async function watch(page, endpoint, sources) {
  const transport = endpoint.createTransport()
  const stream = transport.createOutgoingStream({ audio: 1, video: 1 })
  stream.audio[0].attachTo(sources.audio)
  stream.video[0].attachTo(sources.video)
  const answer = await page.evaluate(play, await transport.createOffer())
  await transport.acceptAnswer(answer)
  return transport
}

/** In the page: answers an offer, plays it and keeps the moments at which flashes are seen and beeps heard. */
async function play(offer) {
  const peer = new RTCPeerConnection()
  const moments = { seen: [], heard: [], frames: 0, first: null, began: performance.now() }
  globalThis.moments = moments
  const stream = new MediaStream()
  peer.ontrack = ({ track }) => stream.addTrack(track)
  await peer.setRemoteDescription({ type: 'offer', sdp: offer })
  await peer.setLocalDescription()
  const video = Object.assign(document.createElement('video'), { srcObject: stream, muted: true })
  document.body.append(video)
  const picture = new OffscreenCanvas(8, 8).getContext('2d', { willReadFrequently: true })
  let bright = true
  const look = (_, { expectedDisplayTime }) => {
    moments.frames++
    moments.first ??= performance.now() - moments.began
    picture.drawImage(video, 0, 0, 8, 8)
    const was = bright
    bright = picture.getImageData(4, 4, 1, 1).data[0] > 128
    if (bright && !was) moments.seen.push(expectedDisplayTime)
    video.requestVideoFrameCallback(look)
  }
  video.requestVideoFrameCallback(look)
  const context = new AudioContext()
  const source = `registerProcessor('beeps', class extends AudioWorkletProcessor {
    quiet = 0
    process([[samples]]) {
      const loud = samples?.some(sample => Math.abs(sample) > 0.1)
      if (loud && this.quiet > 40) this.port.postMessage(currentTime)
      this.quiet = loud ? 0 : this.quiet + 1
      return true
    }
  })`
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })))
  const beeps = new AudioWorkletNode(context, 'beeps')
  beeps.port.onmessage = ({ data }) => moments.heard.push(performance.now() - (context.currentTime - data) * 1000)
  context.createMediaStreamSource(stream).connect(beeps)
  void video.play().catch(() => {})
  return peer.localDescription.sdp
}

/** Milliseconds that the last beeps come behind their flashes, the middle of so many; `null` before there are. */
function skew({ seen, heard }, count) {
  const pairs = seen.flatMap(flash => {
    const beep = heard.find(moment => Math.abs(moment - flash) < 400)
    return beep === undefined ? [] : [beep - flash]
  })
  const last = pairs.slice(-count).sort((a, b) => a - b)
  return last.length < count ? null : Math.round(last[Math.floor(count / 2)])
}

module.exports = { BEEPS, FLASHES, skew, watch }
