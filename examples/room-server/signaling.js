import { AuthError } from 'medialoom/auth'
import { RoomError } from 'medialoom/rooms'
import { WebSocketServer } from 'ws'
import { TooMany } from './addresses.js'
import { CLOSE, Connection } from './connection.js'
import { clientMessages } from './messages.js'
import { RoomSignaling } from './room-signaling.js'
import { Session } from './session.js'
import { acceptUpgrades } from './upgrade.js'

/** The path of the WebSocket. */
export const SIGNALING_PATH = '/signaling'

/** @type {Record<import('medialoom/rooms').RoomErrorCode, string>} */
const ERROR_CODES = {
  ERR_INVALID_ARG: 'bad-message',
  ERR_ROOM_LIMIT: 'too-many-rooms',
  ERR_PARTICIPANT_LIMIT: 'room-full',
  ERR_ROOM_MODE: 'wrong-mode',
  ERR_LOCKED: 'locked',
  ERR_LOBBY: 'lobby',
  ERR_BANNED: 'banned',
  ERR_FORBIDDEN: 'forbidden',
  ERR_RATE_LIMIT: 'rate-limited',
  ERR_ENCRYPTED: 'encrypted',
  ERR_IO: 'recording-failed',
  ERR_RECORDING_LIMIT: 'already-recording',
  ERR_CLOSED: 'shutting-down'
}

/**
 * @typedef {import('./messages.js').ClientMessageOf<'join'>} Join
 */

/** The signaling protocol of docs/signaling.md over WebSockets. */
export class Signaling {
  #server
  #rooms
  #limits
  #iceServers
  #schema
  #entrance
  #recordings
  /** @type {WeakMap<import('medialoom/rooms').Room, RoomSignaling>} */
  #byRoom = new WeakMap()
  /** By token. @type {Map<string, Session>} */
  #sessions = new Map()
  #heartbeat

  /**
   * @param {object} options
   * @param {import('node:http').Server} options.httpServer
   * @param {import('medialoom/rooms').Rooms} options.rooms
   * @param {import('./limits.js').Limits} options.limits
   * @param {object[]} options.iceServers
   * @param {import('./entrance.js').Entrance} options.entrance
   * @param {import('./recordings.js').Recordings | null} [options.recordings] null: nothing is recorded here
   */
  constructor({ httpServer, rooms, limits, iceServers, entrance, recordings = null }) {
    this.#rooms = rooms
    this.#limits = limits
    this.#iceServers = iceServers
    this.#entrance = entrance
    this.#recordings = recordings
    this.#schema = clientMessages(limits)
    this.#server = new WebSocketServer({
      noServer: true,
      // Twice the limit, so that a message over the limit gets an answer instead of a cut.
      maxPayload: 2 * limits.maxMessageSize
    })
    acceptUpgrades({
      httpServer,
      path: SIGNALING_PATH,
      server: this.#server,
      visitors: entrance.visitors,
      addresses: entrance.addresses,
      connected: (socket, request, address) => this.#connected(socket, request, address)
    })
    rooms.on('room', room => this.#byRoom.set(room, new RoomSignaling(room, limits)))
    this.#heartbeat = setInterval(() => this.#checkHeartbeats(), limits.heartbeatInterval)
    this.#heartbeat.unref()
  }

  /** Open WebSockets. */
  get connections() {
    return this.#server.clients.size
  }

  /** @param {import('medialoom/rooms').Room} room */
  roomSignaling(room) {
    return this.#byRoom.get(room)
  }

  /** Cuts every WebSocket without a word, as a broken network does. For tests. */
  cut() {
    for (const socket of this.#server.clients) socket.terminate()
  }

  /**
   * Tells everyone in a room that the server is going to stop.
   * @param {{ deadline: number, url?: string }} where and until when they should be somewhere else
   */
  move({ deadline, url }) {
    for (const session of this.#sessions.values()) session.send({ type: 'move', deadline, ...(url !== undefined && { url }) })
  }

  close() {
    clearInterval(this.#heartbeat)
    for (const socket of this.#server.clients) socket.close(CLOSE.goingAway, 'shutting-down')
    this.#server.close()
  }

  /**
   * @param {import('ws').WebSocket} socket
   * @param {import('node:http').IncomingMessage} request
   * @param {import('./addresses.js').Address} address
   */
  #connected(socket, request, address) {
    /** @type {Session | null} */
    let session = null
    /** In the lobby. @type {import('medialoom/rooms').Guest | null} */
    let guest = null
    const connection = new Connection(socket, {
      limits: this.#limits,
      schema: this.#schema,
      address,
      onMessage: message => {
        if (session) session.handle(message)
        else if (message.type === 'ping') connection.send({ type: 'pong' })
        else if (guest?.waiting) waitOn(guest, connection, message)
        else if (message.type === 'join') void enter(message)
        else connection.fail('not-joined', 'the first message is join', { request: message.type })
      },
      onClose: () => {
        clearTimeout(lateness)
        guest?.leave()
        session?.disconnected(connection)
      }
    })
    request.socket.on('data', chunk => connection.received(chunk.length))
    const enter = async (/** @type {Join} */ message) => {
      connection.hold()
      const entered = await this.#join(connection, message, request, address)
      if (entered instanceof Session) session = entered
      else guest = entered
      guest?.once('admitted', participant => (session = this.#admitted(connection, participant)))
      if (entered) clearTimeout(lateness)
      connection.release()
    }
    const lateness = setTimeout(() => connection.bye(CLOSE.policy, 'join-timeout', 'no join came'), this.#limits.joinTimeout)
    lateness.unref()
    alive.add(socket)
    socket.on('pong', () => alive.add(socket))
    if (this.connections > this.#limits.maxConnections) {
      connection.bye(CLOSE.policy, 'too-many-connections', 'the server is full; come back later')
    }
  }

  /**
   * @param {Connection} connection
   * @param {Join} message
   * @param {import('node:http').IncomingMessage} request
   * @param {import('./addresses.js').Address} address
   * @returns {Promise<Session | import('medialoom/rooms').Guest | null>} a guest waits in the lobby
   */
  async #join(connection, message, request, address) {
    try {
      address.join()
      const known = message.session === undefined ? undefined : this.#sessions.get(message.session)
      if (known && known.participant.room.name === message.room.normalize('NFC')) {
        connection.joined()
        known.resume(connection)
        return known
      }
      const authorization = await this.#entrance.enter(request, { action: 'join', room: message.room, token: message.token ?? null })
      // It may have gone, or been sent away, while the token was looked at.
      if (connection.dismissed) return null
      return this.#entrance.as(address, () => this.#enter(connection, message, authorization))
    } catch (error) {
      this.#refuse(connection, error)
      return null
    }
  }

  /**
   * @param {Connection} connection
   * @param {Join} message
   * @param {import('medialoom/auth').Authorization} authorization
   * @returns {Session | import('medialoom/rooms').Guest}
   */
  #enter(connection, message, { name, identity, metadata, attributes, permissions, banBy }) {
    /** @type {import('medialoom/rooms').JoinOptions} */
    const options = {
      // Who has a name by their token is called so.
      name: name ?? message.name,
      ...(identity !== undefined && { identity }),
      ...(banBy !== undefined && { banBy }),
      ...(metadata !== undefined && { metadata }),
      ...(attributes !== undefined && { attributes }),
      ...(permissions !== undefined && { permissions }),
      ...(message.mode && { mode: message.mode }),
      ...(message.role && { role: message.role }),
      ...(message.source && { source: message.source }),
      // A broken media connection is set up anew while the participant stays.
      leaveOnTransportClosed: false
    }
    try {
      return this.#admitted(connection, this.#rooms.join(message.room, options))
    } catch (error) {
      const room = this.#rooms.get(message.room)
      if (!(error instanceof RoomError) || error.code !== 'ERR_LOBBY' || !room) throw error
      const guest = room.knock(options)
      guest.once('rejected', (code, text) => connection.bye(CLOSE.policy, code, text ?? 'you were not let in'))
      connection.send({ type: 'waiting', room: room.name })
      return guest
    }
  }

  /**
   * @param {Connection} connection
   * @param {import('medialoom/rooms').Participant} participant
   */
  #admitted(connection, participant) {
    connection.joined()
    const signaling = /** @type {RoomSignaling} */ (this.#byRoom.get(participant.room))
    const session = new Session(participant, {
      connection,
      signaling,
      limits: this.#limits,
      endpoint: this.#rooms.endpoint,
      iceServers: this.#iceServers,
      recordings: this.#recordings
    })
    this.#sessions.set(session.token, session)
    participant.once('left', () => this.#sessions.delete(session.token))
    signaling.add(session)
    session.connectMedia()
    session.welcome(false)
    return session
  }

  /**
   * @param {Connection} connection
   * @param {any} error
   */
  #refuse(connection, error) {
    const request = 'join'
    if (error instanceof RoomError) {
      connection.fail(ERROR_CODES[error.code], error.message, { request, ...(error.field && { field: error.field }) })
    } else if (error instanceof TooMany) {
      connection.fail(error.code, error.message, { request, retryAfter: error.retryAfter })
    } else if (error instanceof AuthError || error?.status === 401 || error?.status === 403) {
      const code = error.status === 403 ? 'forbidden' : 'unauthorized'
      connection.fail(code, error.message, { request, reason: error.code })
    } else if (error?.status === 503) {
      connection.fail('shutting-down', error.message, { request })
    } else {
      console.error(error)
      connection.fail('internal', 'the server failed; try again later', { request })
    }
  }

  #checkHeartbeats() {
    for (const socket of this.#server.clients) {
      if (!alive.delete(socket)) socket.terminate()
      else socket.ping()
    }
  }
}

/**
 * What a guest says meanwhile: nothing but that they are tired of waiting.
 *
 * @param {import('medialoom/rooms').Guest} guest
 * @param {Connection} connection
 * @param {import('./messages.js').ClientMessage} message
 */
function waitOn(guest, connection, { type }) {
  if (type !== 'leave') return connection.fail('not-joined', 'somebody has to let you in first', { request: type })
  guest.leave()
  connection.bye(CLOSE.normal, 'left', 'you left the lobby')
}

/** WebSockets that answered the last heartbeat. @type {WeakSet<import('ws').WebSocket>} */
const alive = new WeakSet()
