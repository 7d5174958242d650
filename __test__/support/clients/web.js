'use strict'

const { once } = require('node:events')
const path = require('node:path')
const express = require('express')
const { whepRouter, whipRouter } = require('medialoom/express')
const { Rooms } = require('medialoom/rooms')

/**
 * A web server with WHIP at `/whip/ROOM`, WHEP at `/whep/ROOM` and a page for browsers to be driven
 * in, over rooms of an endpoint. Closed when the test ends.
 */
async function webServer(t, endpoint) {
  const rooms = new Rooms({ endpoint })
  const app = express()
  app.use('/whip', whipRouter({ rooms }))
  app.use('/whep', whepRouter({ rooms }))
  app.get('/page.js', (_request, response) => response.sendFile(path.join(__dirname, 'browser', 'page.js')))
  app.get('/', (_request, response) =>
    response.type('html').send('<!doctype html><link rel="icon" href="data:,"><script src="page.js"></script>')
  )
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    rooms.close()
    server.closeAllConnections()
    server.close()
  })
  return { rooms, url: `http://127.0.0.1:${server.address().port}` }
}

module.exports = { webServer }
