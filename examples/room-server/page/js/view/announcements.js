import { nameOf } from './element.js'
import { notice } from './notices.js'

const MODE_WORDS = {
  sfu: 'the server: everyone is forwarded',
  mcu: 'the mix: the server sends everyone one picture of all',
  broadcast: 'broadcast: listeners get the mix',
  p2p: 'direct connections'
}

const KIND_WORDS = { audio: 'microphone', video: 'camera', screen: 'screen' }

/** Says in passing what happens in the room. @param {import('/client/index.js').Room} call */
export function announce(call) {
  call.on('joined', ({ name, role }) => {
    if (role !== 'viewer') notice([nameOf(name), ' came in'])
  })
  call.on('left', ({ participant: { name, role } }) => {
    if (role !== 'viewer') notice([nameOf(name), ' left'])
  })
  call.on('mode', ({ mode, by }) => {
    const who = by === call.localId ? 'You' : (call.participants.get(by)?.name ?? 'Someone')
    notice([nameOf(who), ` switched to ${MODE_WORDS[mode]}`])
  })
  call.on('role', role => notice(role === 'member' ? 'You are on stage: the others see and hear you' : 'You only listen now'))
  call.on('hand', ({ id, name, since }) => {
    if (since !== null && id !== call.localId) notice([nameOf(name), ' wants to speak'])
  })
  let recorded = call.recording !== null
  if (recorded) notice('This room is being recorded')
  call.on('recording', ({ recording, reason, message }) => {
    if ((recording !== null) === recorded) return
    recorded = recording !== null
    if (recording) notice(recording.by ? [nameOf(recording.by), ' records this room'] : 'This room is being recorded')
    else notice(endOf(reason, message), message !== null)
  })
  let guests = 0
  call.on('lobby', waiting => {
    if (waiting.length > guests) notice([nameOf(waiting[waiting.length - 1].name), ' waits to be let in'])
    guests = waiting.length
  })
  let before = call.local?.moderated
  call.on('participants', () => {
    const now = call.local?.moderated
    for (const kind of /** @type {const} */ (['audio', 'video', 'screen'])) {
      if (!now || !before || now[kind] === before[kind]) continue
      notice(now[kind] ? `A host switched your ${KIND_WORDS[kind]} off` : `You may use your ${KIND_WORDS[kind]} again`, now[kind])
    }
    before = now
  })
  call.on('moving', ({ url }) =>
    notice(url ? 'The server stops: you are taken to another one' : 'The server stops for a moment: you come back by yourself')
  )
  call.on('rejoined', () => notice('The server had forgotten this call. You are back in the room.'))
  call.on('error', ({ message }) => notice(message, true))
  let { source } = call
  call.on('settings', () => {
    if (source === call.source) return
    source = call.source
    if (source === 'mix' && call.encryption) {
      notice('The server cannot mix what it cannot read: those who encrypt are not in the picture.', true)
    }
  })
}

/** @type {Record<string, string>} */
const REASONS = {
  limit: 'The recording has ended: it is as long as it may be, or the disk is full',
  mode: 'The recording has ended: nothing passes the server any more'
}

/** @param {string | null} reason @param {string | null} message what went wrong */
function endOf(reason, message) {
  if (message) return `The recording has ended: ${message}`
  return REASONS[reason ?? ''] ?? 'The recording has ended'
}
