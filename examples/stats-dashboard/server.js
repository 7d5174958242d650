import express from 'express'
import { Endpoint } from 'medialoom'
import { whepRouter, whipRouter } from 'medialoom/express'
import { Rooms } from 'medialoom/rooms'

const { PORT = '3000', MEDIA_IP = '127.0.0.1' } = process.env
const endpoint = await Endpoint.create({ listen: [{ ip: MEDIA_IP }] })
const rooms = new Rooms({ endpoint, mixer: false })

const app = express()
app.use(express.static(import.meta.dirname, { extensions: ['html'] }))
app.use('/whip', whipRouter({ rooms }))
app.use('/whep', whepRouter({ rooms }))

/** Pages that look on, and one timer for all of them. */
const watchers = new Set()
setInterval(async () => {
  if (watchers.size === 0) return
  const data = JSON.stringify(summary(await endpoint.getStats()))
  for (const watcher of watchers) watcher.write(`data: ${data}\n\n`)
}, 1000).unref()

app.get('/events', (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  watchers.add(response)
  response.on('close', () => watchers.delete(response))
})

// What Prometheus reads: https://prometheus.io/docs/instrumenting/exposition_formats/
app.get('/metrics', async (_request, response) => {
  const { threads, transports } = await endpoint.getStats()
  const lines = ['# TYPE medialoom_transports gauge', `medialoom_transports ${transports.length}`]
  for (const [name, type, value] of [
    ['thread_load', 'gauge', ({ load }) => load],
    ['packets_received_total', 'counter', ({ packetsReceived }) => packetsReceived],
    ['packets_sent_total', 'counter', ({ packetsSent }) => packetsSent],
    ['packets_unmatched_total', 'counter', ({ packetsUnmatched }) => packetsUnmatched],
    ['packets_discarded_on_send_total', 'counter', ({ packetsDiscardedOnSend }) => packetsDiscardedOnSend]
  ]) {
    lines.push(`# TYPE medialoom_${name} ${type}`)
    for (const thread of threads) lines.push(`medialoom_${name}{thread="${thread.thread}"} ${value(thread)}`)
  }
  response.type('text/plain; version=0.0.4').send(`${lines.join('\n')}\n`)
})

function summary({ threads, transports }) {
  const bitrate = tracks => tracks.flatMap(track => track.encodings ?? [track]).reduce((sum, { bitrate }) => sum + bitrate, 0)
  return {
    load: threads.map(({ load }) => load),
    transports: transports.map(({ id, state, srtpCipher, incomingTracks, outgoingTracks, availableOutgoingBitrate }) => ({
      id,
      state,
      cipher: srtpCipher ?? '',
      receives: Math.round(bitrate(incomingTracks) / 1000),
      sends: Math.round(bitrate(outgoingTracks) / 1000),
      link: availableOutgoingBitrate ? Math.round(availableOutgoingBitrate / 1000) : ''
    }))
  }
}

const server = app.listen(Number(PORT), () => console.log(`http://localhost:${server.address().port}`))
