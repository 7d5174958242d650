import { Refusal, problemOf } from './problem.js'

/**
 * Takes WebSockets in at one path, and answers those that are not taken before they are any.
 *
 * @param {object} options
 * @param {import('node:http').Server} options.httpServer
 * @param {string} options.path
 * @param {import('ws').WebSocketServer} options.server without a server of its own
 * @param {import('./visitor.js').Visitors} options.visitors
 * @param {import('./addresses.js').Addresses} options.addresses
 * @param {(socket: import('ws').WebSocket, request: import('node:http').IncomingMessage, address: import('./addresses.js').Address) => void} options.connected
 */
export function acceptUpgrades({ httpServer, path, server, visitors, addresses, connected }) {
  httpServer.on('upgrade', (request, socket, head) => {
    // What breaks before the WebSocket has its own listener is nobody's business.
    socket.on('error', () => {})
    try {
      if (request.url?.split('?')[0] !== path) throw new Refusal(404, 'there is nothing here')
      if (!visitors.mayAsk(request)) throw new Refusal(403, 'pages of other sites may not come in here', { code: 'forbidden-origin' })
      const address = addresses.of(visitors.addressOf(request))
      address.connect()
      server.handleUpgrade(request, socket, head, webSocket => {
        address.connections += 1
        webSocket.once('close', () => (address.connections -= 1))
        connected(webSocket, request, address)
      })
    } catch (error) {
      refuse(socket, error)
    }
  })
}

/**
 * @param {import('node:stream').Duplex} socket
 * @param {unknown} error
 */
function refuse(socket, error) {
  const { status, headers, body } = problemOf(error)
  const lines = Object.entries({ ...headers, Connection: 'close', 'Content-Length': Buffer.byteLength(body) }).map(
    ([name, value]) => `${name}: ${value}`
  )
  socket.end(`HTTP/1.1 ${status} Refused\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
  // It may go on sending for as long as it is heard.
  socket.once('finish', () => socket.destroy())
}
