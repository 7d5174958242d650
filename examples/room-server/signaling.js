import { RoomError } from 'medialoom/rooms'
import { WebSocketServer } from 'ws'
import { CLOSE, Connection } from './connection.js'
import { clientMessages } from './messages.js'
import { RoomSignaling } from './room-signaling.js'
import { Session } from './session.js'

/** The path of the WebSocket. */
export const SIGNALING_PATH = '/signaling'

/** Whoever comes may do everything. @type {Partial<import('medialoom/rooms').Permissions>} */
const EVERYTHING = { roomAdmin: true }

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
  ERR_CLOSED: 'shutting-down',
}

/** The signaling protocol of docs/signaling.md over WebSockets. */
export class Signaling {
  #server
  #rooms
  #limits
  #iceServers
  #schema
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
   */
  constructor({ httpServer, rooms, limits, iceServers }) {
    this.#rooms = rooms
    this.#limits = limits
    this.#iceServers = iceServers
    this.#schema = clientMessages(limits)
    this.#server = new WebSocketServer({
      server: httpServer,
      path: SIGNALING_PATH,
      // Twice the limit, so that a message over the limit gets an answer instead of a cut.
      maxPayload: 2 * limits.maxMessageSize,
    })
    this.#server.on('connection', socket => this.#connected(socket))
    this.#server.on('error', () => {})
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

  close() {
    clearInterval(this.#heartbeat)
    for (const socket of this.#server.clients) socket.close(CLOSE.goingAway, 'shutting-down')
    this.#server.close()
  }

  /** @param {import('ws').WebSocket} socket */
  #connected(socket) {
    /** @type {Session | null} */
    let session = null
    /** @type {import('medialoom/rooms').Guest | null} */
    let guest = null
    const connection = new Connection(socket, {
      limits: this.#limits,
      schema: this.#schema,
      onMessage: message => {
        if (session) session.handle(message)
        else if (message.type === 'ping') connection.send({ type: 'pong' })
        else if (guest?.waiting) waitOn(guest, connection, message)
        else if (message.type === 'join') {
          const entered = this.#join(connection, message)
          if (entered instanceof Session) session = entered
          else guest = entered
          guest?.once('admitted', participant => (session = this.#admitted(connection, participant)))
        } else connection.fail('not-joined', 'the first message is join', { request: message.type })
        if (session || guest) clearTimeout(lateness)
      },
      onClose: () => {
        clearTimeout(lateness)
        guest?.leave()
        session?.disconnected(connection)
      },
    })
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
   * @param {import('./messages.js').ClientMessageOf<'join'>} message
   * @returns {Session | import('medialoom/rooms').Guest | null} a guest waits in the lobby
   */
  #join(connection, message) {
    const known = message.session === undefined ? undefined : this.#sessions.get(message.session)
    if (known && known.participant.room.name === message.room.normalize('NFC')) {
      known.resume(connection)
      return known
    }
    /** @type {import('medialoom/rooms').JoinOptions} */
    const options = {
      name: message.name,
      permissions: EVERYTHING,
      ...(message.mode && { mode: message.mode }),
      ...(message.role && { role: message.role }),
      ...(message.source && { source: message.source }),
      // A broken media connection is set up anew while the participant stays.
      leaveOnTransportClosed: false,
    }
    try {
      return this.#admitted(connection, this.#rooms.join(message.room, options))
    } catch (error) {
      if (!(error instanceof RoomError)) throw error
      const room = this.#rooms.get(message.room)
      if (error.code === 'ERR_LOBBY' && room) return this.#knock(connection, room, options)
      connection.fail(ERROR_CODES[error.code], error.message, { request: 'join', ...(error.field && { field: error.field }) })
      return null
    }
  }

  /**
   * @param {Connection} connection
   * @param {import('medialoom/rooms').Room} room
   * @param {import('medialoom/rooms').JoinOptions} options
   */
  #knock(connection, room, options) {
    try {
      const guest = room.knock(options)
      guest.once('rejected', (code, text) => connection.bye(CLOSE.policy, code, text ?? 'you were not let in'))
      connection.send({ type: 'waiting', room: room.name })
      return guest
    } catch (error) {
      if (!(error instanceof RoomError)) throw error
      connection.fail(ERROR_CODES[error.code], error.message, { request: 'join' })
      return null
    }
  }

  /**
   * @param {Connection} connection
   * @param {import('medialoom/rooms').Participant} participant
   */
  #admitted(connection, participant) {
    const signaling = /** @type {RoomSignaling} */ (this.#byRoom.get(participant.room))
    const session = new Session(participant, {
      connection,
      signaling,
      limits: this.#limits,
      endpoint: this.#rooms.endpoint,
      iceServers: this.#iceServers,
    })
    this.#sessions.set(session.token, session)
    participant.once('left', () => this.#sessions.delete(session.token))
    signaling.add(session)
    session.connectMedia()
    session.welcome(false)
    return session
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
