import { notice } from './notices.js'

const MODE_WORDS = {
  sfu: 'the server: everyone is forwarded',
  mcu: 'the mix: the server sends everyone one picture of all',
  broadcast: 'broadcast: listeners get the mix',
  p2p: 'direct connections',
}

/** Says in passing what happens in the room. @param {import('/client/index.js').Room} call */
export function announce(call) {
  call.on('joined', ({ name, role }) => {
    if (role !== 'viewer') notice(`${name} came in`)
  })
  call.on('left', ({ participant: { name, role } }) => {
    if (role !== 'viewer') notice(`${name} left`)
  })
  call.on('mode', ({ mode, by }) => {
    const who = by === call.localId ? 'You' : call.participants.get(by)?.name ?? 'Someone'
    notice(`${who} switched to ${MODE_WORDS[mode]}`)
  })
  call.on('role', role => notice(role === 'member' ? 'You are on stage: the others see and hear you' : 'You only listen now'))
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
