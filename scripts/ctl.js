'use strict'

/** `npx medialoom ctl`: looks after a room server that runs, by its HTTP API. */

const { randomBytes } = require('node:crypto')
const { readFileSync } = require('node:fs')
const { parseArgs } = require('node:util')

const USAGE = `medialoom ctl rooms                            which rooms there are
medialoom ctl participants ROOM                who is in one
medialoom ctl kick ROOM WHO [--reason TEXT] [--ban]
medialoom ctl bans ROOM                        identities, addresses and tokens that are kept out
medialoom ctl unban ROOM BAN
medialoom ctl mute ROOM WHO [audio|video|screen]
medialoom ctl unmute ROOM WHO [audio|video|screen]
medialoom ctl lock ROOM, medialoom ctl unlock ROOM
medialoom ctl close ROOM                       everyone leaves
medialoom ctl record ROOM [mixed|tracks|both]  begins a recording
medialoom ctl stop ROOM                        ends it
medialoom ctl recordings ROOM                  what was recorded there
medialoom ctl inputs ROOM                      what comes by RTMP, SRT and RTP
medialoom ctl key ROOM [--name NAME] [--identity ID] [--expires SECONDS]
                                               server and stream key for an encoder
medialoom ctl add-input ROOM SDP-FILE|URL [--name NAME] [--identity ID] [--from ADDRESS]
                                               plain RTP as an SDP says, RTSP or SRT
medialoom ctl remove-input ROOM ID
medialoom ctl token ROOM [--name NAME] [--identity ID] [--admin] [--record] [--listen] [--expires SECONDS]

WHO is an id, an identity, or a name that only one in the room has.

  --url URL    of the server, or the link of its host; MEDIALOOM_URL, or else http://localhost:3000
  --token T    MEDIALOOM_TOKEN, or else one is made with MEDIALOOM_SECRET or MEDIALOOM_KEYS
  --json       what the server answers, as it is
`

const OPTIONS = /** @type {const} */ ({
  url: { type: 'string' },
  token: { type: 'string' },
  json: { type: 'boolean' },
  reason: { type: 'string' },
  ban: { type: 'boolean' },
  name: { type: 'string' },
  identity: { type: 'string' },
  admin: { type: 'boolean' },
  record: { type: 'boolean' },
  listen: { type: 'boolean' },
  from: { type: 'string', multiple: true },
  expires: { type: 'string' },
  help: { type: 'boolean' }
})

/** Seconds for which a token holds that is made for one command. */
const MOMENT = 60

const COMMANDS = {
  async rooms(api) {
    const { rooms } = await api.get('rooms')
    return api.show(
      rooms,
      rooms.map(({ name, mode, participants, locked }) => [name, mode, `${participants} in it`, locked ? 'locked' : ''])
    )
  },
  async participants(api, room) {
    const { participants } = await api.get(`rooms/${api.room(room)}`)
    return api.show(
      participants,
      participants.map(({ id, name, role, identity, state }) => [id, name, role, identity ?? '', state ?? ''])
    )
  },
  async kick(api, room, who) {
    const { reason, ban = false } = api.options
    const answer = await api.send('DELETE', await api.path(room, who), { ...(reason && { reason }), ban })
    return ban && !answer.banned ? 'taken out; there is nothing to know them by, so they can come back' : 'taken out'
  },
  async bans(api, room) {
    const { banned } = await api.get(`rooms/${api.room(room)}`)
    return api.show(
      banned,
      banned.map(ban => [ban])
    )
  },
  async unban(api, room, ban) {
    await api.send('DELETE', `rooms/${api.room(room)}/bans/${encodeURIComponent(need(ban, 'BAN'))}`)
    return 'may come again'
  },
  mute: (api, room, who, kind = 'audio') => setMuted(api, room, who, kind, true),
  unmute: (api, room, who, kind = 'audio') => setMuted(api, room, who, kind, false),
  async lock(api, room) {
    await api.send('PATCH', `rooms/${api.room(room)}`, { locked: true })
    return 'locked'
  },
  async unlock(api, room) {
    await api.send('PATCH', `rooms/${api.room(room)}`, { locked: false })
    return 'unlocked'
  },
  async close(api, room) {
    await api.send('DELETE', `rooms/${api.room(room)}`)
    return 'closed'
  },
  async record(api, room, what) {
    const recording = await api.send('POST', `rooms/${api.room(room)}/recordings`, what === undefined ? {} : { what })
    return api.options.json ? JSON.stringify(recording, null, 2) : `recording ${recording.name}`
  },
  async stop(api, room) {
    const ended = await api.send('POST', `rooms/${api.room(room)}/recordings/stop`)
    return api.options.json ? JSON.stringify(ended, null, 2) : `${ended.name}: ${ended.duration} s, ${ended.bytes} bytes`
  },
  async recordings(api, room) {
    const { recordings } = await api.get(`rooms/${api.room(room)}/recordings`)
    return api.show(
      recordings,
      recordings.map(({ name, state, what, duration, bytes }) => [name, state, what, `${duration} s`, `${bytes} bytes`])
    )
  },
  async inputs(api, room) {
    const { inputs } = await api.get(`rooms/${api.room(room)}/inputs`)
    const codecs = tracks => tracks.map(({ codec }) => codec).join('+')
    return api.show(
      inputs,
      inputs.map(({ id, name, type, address, tracks, warnings }) => [
        id,
        name,
        type,
        address ?? '',
        codecs(tracks),
        warnings.map(({ code }) => code).join(' ')
      ])
    )
  },
  async key(api, room) {
    const { name, identity, expires } = api.options
    const made = await api.send('POST', `rooms/${api.room(room)}/inputs`, {
      type: 'rtmp',
      ...who(name, identity),
      ...(expires && { expiresIn: Number(expires) })
    })
    return api.options.json
      ? JSON.stringify(made, null, 2)
      : [...made.servers.map(server => `server ${server}`), `key    ${made.key}`, ...(made.srt ? [`srt    ${made.srt}`] : [])].join('\n')
  },
  async 'add-input'(api, room, source) {
    const { name, identity, from } = api.options
    const what = /^(?:rtsps?|srt):/i.test(need(source, 'SDP-FILE|URL'))
      ? { url: source }
      : { type: 'rtp', sdp: readFileSync(source, 'utf8'), ...(from && { from }) }
    const made = await api.send('POST', `rooms/${api.room(room)}/inputs`, { ...what, ...who(name, identity) })
    if (api.options.json) return JSON.stringify(made, null, 2)
    return [`input ${made.id}`, ...(made.ports ?? []).map(({ kind, port }) => `${kind} to ${made.host}:${port}`)].join('\n')
  },
  async 'remove-input'(api, room, id) {
    await api.send('DELETE', `rooms/${api.room(room)}/inputs/${encodeURIComponent(need(id, 'ID'))}`)
    return 'removed'
  },
  async token(api, room) {
    const { name, identity, admin, record, listen, expires } = api.options
    const grants = { ...(admin && { roomAdmin: true }), ...(record && { roomRecord: true }), ...(listen && { canPublish: false }) }
    const expiresIn = expires === undefined ? 24 * 60 * 60 : Number(expires)
    const own =
      api.keys && !api.given
        ? await ownToken(
            api.keys,
            {
              name,
              identity,
              tokenId: randomBytes(9).toString('base64url'),
              video: { room: need(room, 'ROOM'), roomJoin: true, ...grants }
            },
            expiresIn
          )
        : null
    if (own) return `${api.base}r/${api.room(room)}#token=${own}`
    return (
      await api.send('POST', `rooms/${api.room(room)}/tokens`, {
        ...(name && { name }),
        ...(identity && { identity }),
        ...grants,
        expiresIn
      })
    ).url
  }
}

/** @param {string | undefined} name @param {string | undefined} identity */
function who(name, identity) {
  return { ...(name && { name }), ...(identity && { identity }) }
}

async function setMuted(api, room, who, kind, muted) {
  await api.send('PATCH', await api.path(room, who), { muted: { [kind]: muted } })
  return `${kind} ${muted ? 'muted' : 'not muted any more'}`
}

/** The HTTP API of a room server, for one command. */
class Api {
  #bearer = null

  constructor(options, environment) {
    const { base, token } = readAddress(options.url ?? (environment.MEDIALOOM_URL || 'http://localhost:3000'))
    this.options = options
    this.base = base
    this.given = options.token ?? environment.MEDIALOOM_TOKEN ?? token
    this.keys = readKey(environment)
  }

  get(path) {
    return this.send('GET', path)
  }

  async send(method, path, body) {
    this.#bearer ??=
      this.given ??
      (this.keys && (await ownToken(this.keys, { video: { room: '*', roomAdmin: true, roomRecord: true, roomList: true } }, MOMENT))) ??
      ''
    let response
    try {
      response = await fetch(new URL(`api/${path}`, this.base), {
        method,
        headers: { ...(this.#bearer && { Authorization: `Bearer ${this.#bearer}` }), ...(body && { 'Content-Type': 'application/json' }) },
        ...(body && { body: JSON.stringify(body) })
      })
    } catch (error) {
      throw new Error(`${this.base} is out of reach: ${error.cause?.message ?? error.message}`)
    }
    const answer = response.status === 204 ? {} : await response.json().catch(() => ({}))
    if (!response.ok) throw new Error(`${response.status}: ${answer.detail ?? response.statusText}`)
    return answer
  }

  room(room) {
    return encodeURIComponent(need(room, 'ROOM'))
  }

  /** Of one participant. */
  async path(room, who) {
    const { participants } = await this.get(`rooms/${this.room(room)}`)
    need(who, 'WHO')
    const found =
      [({ id }) => id === who, ({ identity }) => identity === who, ({ name }) => name === who]
        .map(is => participants.filter(is))
        .find(({ length }) => length > 0) ?? []
    if (found.length !== 1)
      throw new Error(found.length === 0 ? `${who} is not in the room` : `${found.length} in the room are called ${who}: give an id`)
    return `rooms/${this.room(room)}/participants/${encodeURIComponent(found[0].id)}`
  }

  show(answer, rows) {
    return this.options.json ? JSON.stringify(answer, null, 2) : table(rows)
  }
}

/** A server's address, or the link of its host. */
function readAddress(text) {
  if (!URL.canParse(text) || !/^https?:/.test(text))
    throw new Error(`the server's address (--url, MEDIALOOM_URL) is no http or https URL: '${text}'`)
  const url = new URL(text)
  const token = new URLSearchParams(url.hash.slice(1)).get('token') ?? undefined
  const path = url.pathname.replace(/\/r\/[^/]+\/?$/, '/')
  return { base: `${url.origin}${path.endsWith('/') ? path : `${path}/`}`, token }
}

/** The key that the room server signs with, by the same variables. */
function readKey({ MEDIALOOM_SECRET, MEDIALOOM_KEYS }) {
  if (MEDIALOOM_SECRET) return { id: 'room-server', secret: MEDIALOOM_SECRET }
  const [, id, secret] = /^\s*([^:,]+):([^,]+?)\s*(?:,|$)/.exec(MEDIALOOM_KEYS ?? '') ?? []
  return id ? { id, secret } : null
}

async function ownToken(key, contents, expiresIn) {
  const { KeyRing, createToken } = require('../lib/auth/index.js')
  return createToken(new KeyRing(key), contents, { expiresIn })
}

function need(value, what) {
  if (value === undefined || value === '') throw new Error(`${what} is missing; see medialoom ctl --help`)
  return value
}

function table(rows) {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => String(row[column]).length)))
  return rows
    .map(row =>
      row
        .map((cell, column) => String(cell).padEnd(widths[column]))
        .join('  ')
        .trimEnd()
    )
    .join('\n')
}

/** Ids of participants are base64url, so that some begin with a dash, as options do. */
function parse(argv) {
  const shield = 'id:'
  const args = argv.map(arg => (/^-[\w-]{11}$/.test(arg) ? shield + arg : arg))
  const unshielded = value => (typeof value === 'string' && value.startsWith(`${shield}-`) ? value.slice(shield.length) : value)
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true })
  return {
    values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, unshielded(value)])),
    positionals: positionals.map(unshielded)
  }
}

/** Runs it, and says what went wrong. */
async function main(argv, environment = process.env) {
  try {
    const { values, positionals } = parse(argv)
    const [command, ...rest] = positionals
    if (values.help || command === undefined) return void console.log(USAGE)
    if (!Object.hasOwn(COMMANDS, command)) throw new Error(`unknown command ${command}\n${USAGE}`)
    const said = await COMMANDS[command](new Api(values, environment), ...rest)
    if (said) console.log(said)
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}

module.exports = { main }
