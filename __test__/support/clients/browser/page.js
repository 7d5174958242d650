/**
 * Runs in a page: peer connections by name, which tests drive from outside through
 * `globalThis.client`. Written in what every browser knows, as no build step comes between.
 */
;(() => {
  /** Signal that counts as sound: the fake microphones beep or hum. */
  const AUDIBLE = 0.001
  const GATHERING_MS = 5_000
  const FIRST_PICTURE_MS = 10_000
  const peers = new Map()
  const channels = new Map()
  const messages = new Map()
  /** Kept: a player that is collected plays nothing. */
  const players = []
  const cameras = new Map()

  const of = name => {
    const peer = peers.get(name)
    if (!peer) throw new Error(`no connection ${name}`)
    return peer
  }

  /** The fake microphone and camera, asked for once for each size. */
  function camera(width, height) {
    const key = `${width}x${height}`
    if (!cameras.has(key)) cameras.set(key, navigator.mediaDevices.getUserMedia({ audio: true, video: { width, height } }))
    return cameras.get(key)
  }

  function play(track) {
    const player = document.createElement(track.kind)
    player.srcObject = new MediaStream([track])
    // Pictures are decoded without sound that a page may not play by itself.
    player.muted = track.kind === 'video'
    players.push(player)
    void player.play().catch(() => {})
  }

  function listenTo(name, channel) {
    channels.set(name, channel)
    channel.binaryType = 'arraybuffer'
    channel.onmessage = ({ data }) => messages.get(name).push(typeof data === 'string' ? data : [...new Uint8Array(data)])
  }

  /** Replaces as `String.replace` would: regular expressions do not survive the way into a page. */
  const munged = (sdp, munge) => munge.reduce((text, [pattern, replacement]) => text.replace(new RegExp(pattern, 'gm'), replacement), sdp)

  async function local(peer, description, munge) {
    await peer.setLocalDescription({ type: description.type, sdp: munged(description.sdp, munge) })
    const deadline = Date.now() + GATHERING_MS
    while (peer.iceGatheringState !== 'complete' && Date.now() < deadline) await new Promise(resolve => setTimeout(resolve, 10))
    return peer.localDescription.sdp
  }

  globalThis.client = {
    /** `rsa`: with a certificate of 2048 bits. The rest is an RTCConfiguration. */
    async open(name, { rsa = false, ...configuration } = {}) {
      if (rsa) {
        const algorithm = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }
        configuration.certificates = [await RTCPeerConnection.generateCertificate(algorithm)]
      }
      const peer = new RTCPeerConnection(configuration)
      peer.ontrack = ({ track }) => play(track)
      peer.ondatachannel = ({ channel }) => listenTo(name, channel)
      peers.set(name, peer)
      messages.set(name, [])
    },

    close(name) {
      of(name).close()
      peers.delete(name)
    },

    /**
     * Sends the fake microphone or camera on a new m-line. `codec` is a MIME type, `encodings` are
     * for simulcast.
     */
    async send(name, kind, { codec, encodings, width = 320, height = 180 } = {}) {
      const stream = await camera(width, height)
      // A track of its own for each line: browsers share what two senders do to one.
      const track = stream
        .getTracks()
        .find(each => each.kind === kind)
        .clone()
      const transceiver = of(name).addTransceiver(track, {
        direction: 'sendonly',
        streams: [stream],
        ...(encodings && { sendEncodings: encodings })
      })
      if (codec) {
        const known = RTCRtpSender.getCapabilities(kind).codecs
        transceiver.setCodecPreferences(known.filter(each => each.mimeType.toLowerCase() === codec.toLowerCase()))
      }
    },

    /** Offers to receive on a new m-line. */
    receive(name, kind) {
      of(name).addTransceiver(kind, { direction: 'recvonly' })
    },

    /** Stops the transceiver of that number for good (RFC 8829 4.2.1). */
    stop(name, index) {
      of(name).getTransceivers()[index].stop()
    },

    /** An offer that is thrown away. */
    async draftOffer(name) {
      return (await of(name).createOffer()).sdp
    },

    restartIce(name) {
      of(name).restartIce()
    },

    /** With all candidates in it. `munge`: what the page changes in it first, as [pattern, replacement]. */
    async offer(name, munge = []) {
      const peer = of(name)
      return local(peer, await peer.createOffer(), munge)
    },

    acceptAnswer(name, sdp) {
      return of(name).setRemoteDescription({ type: 'answer', sdp })
    },

    async acceptOffer(name, sdp) {
      const peer = of(name)
      await peer.setRemoteDescription({ type: 'offer', sdp })
      return local(peer, await peer.createAnswer(), [])
    },

    /** By WHIP or WHEP: the offer is posted, the answer is what comes back. Gives when it was posted, as `Date.now()`. */
    async post(name, url) {
      const headers = { 'Content-Type': 'application/sdp' }
      const body = await this.offer(name)
      const posted = Date.now()
      const response = await fetch(url, { method: 'POST', headers, body })
      if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
      await this.acceptAnswer(name, await response.text())
      return posted
    },

    /** When the first picture of all m-lines was decoded, as `Date.now()`; `null` when none is within ten seconds. */
    async firstPicture(name) {
      const deadline = Date.now() + FIRST_PICTURE_MS
      while (Date.now() < deadline) {
        if ((await this.received(name)).frames > 0) return Date.now()
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      return null
    },

    openChannel(name, label) {
      listenTo(name, of(name).createDataChannel(label))
    },

    /** A text, or bytes as numbers. */
    async sendMessage(name, data) {
      const channel = channels.get(name)
      if (channel.readyState === 'connecting') await new Promise(resolve => channel.addEventListener('open', resolve, { once: true }))
      channel.send(typeof data === 'string' ? data : new Uint8Array(data))
    },

    /** Messages that came: texts, and bytes as numbers. */
    messages: name => messages.get(name),

    state: name => of(name).connectionState,

    /** How much was decoded of all m-lines together. */
    async received(name) {
      const sum = { frames: 0, soundPackets: 0, energy: 0 }
      const report = await of(name).getStats()
      report.forEach(stat => {
        if (stat.type !== 'inbound-rtp') return
        if (stat.kind === 'video') sum.frames += stat.framesDecoded ?? 0
        else {
          sum.soundPackets += stat.packetsReceived ?? 0
          sum.energy += stat.totalAudioEnergy ?? 0
        }
      })
      return { ...sum, audible: sum.energy > AUDIBLE }
    },

    /** Bytes of media that were encoded to be sent, and bytes that left for the other side. */
    async sent(name) {
      const sum = { encoded: 0, left: 0 }
      const report = await of(name).getStats()
      report.forEach(stat => {
        if (stat.type === 'outbound-rtp') sum.encoded += stat.bytesSent ?? 0
        if (stat.type === 'candidate-pair' && stat.nominated) sum.left += stat.bytesSent ?? 0
      })
      return sum
    }
  }
})()
