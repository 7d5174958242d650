/**
 * What one client may ask of the server. docs/signaling.md tells clients the same numbers.
 *
 * @typedef {typeof LIMITS} Limits
 */
export const LIMITS = {
  /** Rooms at once. */
  maxRooms: 1000,
  /** Participants of one room, and those who only listen to it. */
  maxParticipants: 50,
  maxAudience: 5000,
  /** Characters of a room's or a participant's name. */
  maxNameLength: 64,
  /** WebSockets at once, joined or not. */
  maxConnections: 10_000,
  /**
   * Of one address, or the /64 of an IPv6 address: TCP connections, WebSockets and rooms that it made, at
   * once. A school or an office may be one address.
   */
  maxSocketsPerAddress: 1024,
  maxConnectionsPerAddress: 256,
  maxRoomsPerAddress: 50,
  /** Inputs at once, of RTMP and others: of the server, of one room and of one address. */
  maxInputs: 500,
  maxInputsPerRoom: 20,
  maxInputsPerAddress: 50,
  /** Of one address, a second over a longer time and at once: WebSockets that it opens. */
  connectionsPerSecond: 20,
  connectionBurst: 300,
  /** Tries to join, by WebSocket. */
  joinsPerSecond: 10,
  joinBurst: 300,
  /** Requests of WHIP, WHEP, the API and metrics. */
  requestsPerSecond: 50,
  requestBurst: 500,
  /** Messages over all its WebSockets: beyond, they are read no faster. */
  addressMessagesPerSecond: 2000,
  addressMessageBurst: 10_000,
  /** Bytes over all its WebSockets: beyond, they are read no faster. */
  addressBytesPerSecond: 4 * 1024 * 1024,
  addressByteBurst: 32 * 1024 * 1024,
  /** Addresses that are remembered. */
  maxAddresses: 100_000,
  /** Before joining: bytes of a message, objects and values of it, and bytes in all. */
  maxJoinSize: 4096,
  maxJoinDepth: 2,
  maxJoinValues: 64,
  maxBytesBeforeJoin: 64 * 1024,
  /** Messages that may wait while a token is looked at. */
  maxHeldMessages: 32,
  /** Characters of an SDP over the WebSocket: some 3 kB for every m-line of everyone in the room. */
  maxSdpLength: 512 * 1024,
  /** Bytes of a body of WHIP or WHEP. */
  maxHttpSdpSize: 64 * 1024,
  /** Bytes of a message that is answered with an error; twice as many close the WebSocket (1009). */
  maxMessageSize: 768 * 1024,
  /** Objects and arrays inside each other, and values and names, of a message: it is not parsed beyond. */
  maxMessageDepth: 8,
  maxMessageValues: 8192,
  /** Messages a second over a longer time, and at once. */
  messagesPerSecond: 50,
  messageBurst: 250,
  /** Messages dropped for coming too fast until the WebSocket is closed (1008). */
  maxDroppedMessages: 500,
  /** Bytes that may wait for a slow WebSocket until it is cut. */
  maxBufferedAmount: 8 * 1024 * 1024,
  /** Characters of a chat message; how many a second over a longer time, and at once. */
  maxChatLength: 2000,
  chatsPerSecond: 2,
  chatBurst: 10,
  /** Milliseconds from opening the WebSocket to `join`. */
  joinTimeout: 10_000,
  /** Milliseconds between heartbeats; one missed heartbeat cuts the WebSocket. */
  heartbeatInterval: 10_000,
  /** Milliseconds a participant whose WebSocket is gone stays in the room. */
  resumeTimeout: 20_000,
  /** Connections to the server's media (`reset`) that one participant may ask for, a second and at once. */
  resetsPerSecond: 0.2,
  resetBurst: 5,
  /** Milliseconds in which changes of the number of listeners are told together. */
  audienceInterval: 1000,
  /** Changes of a room's mode a second over a longer time, and at once: each negotiates with everyone anew. */
  modeChangesPerSecond: 0.5,
  modeChangeBurst: 5,
  /** Changes of a room's layout a second over a longer time, and at once. */
  layoutChangesPerSecond: 2,
  layoutChangeBurst: 10,
  /** Changes of what one participant receives, and of their role, a second over a longer time, and at once. */
  choicesPerSecond: 0.5,
  choiceBurst: 10,
  /** Sizes of tiles (`view`) and limits of the downlink (`limit-downlink`) a second over a longer time, and at once. */
  viewsPerSecond: 5,
  viewBurst: 20,
  /** Bits per second between which a client may limit its downlink. */
  minDownlink: 50_000,
  maxDownlink: 1_000_000_000,
  /** Streams that one message about tiles or figures may name. */
  maxStreams: 400,
  /** Milliseconds between figures for a client that watches them. */
  figuresInterval: 1000
}
