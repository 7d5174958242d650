import { byId } from './element.js'
import { notice } from './notices.js'

const STATE_TEXT = { connecting: 'Connecting', connected: 'Connected', lost: 'Reconnecting' }

/** The top of the room: its name, the state of the connection, and the room's mode. */
export class Bar {
  /** @param {import('../call.js').Call} call */
  constructor(call) {
    byId('room-name').textContent = call.room
    byId('room-locked').hidden = call.encryption === null
    const status = byId('status')
    const segments = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll('.segments button')])
    call.addEventListener('state', () => {
      status.dataset.state = call.state
      byId('status-text').textContent = call.signalingLost ? 'Server lost, reconnecting' : STATE_TEXT[call.state]
    })
    const showMode = () => {
      byId('mode-text').textContent = modeText(call)
      for (const segment of segments) {
        const checked = segment.dataset.mode === call.mode
        segment.setAttribute('aria-checked', String(checked))
        segment.tabIndex = checked ? 0 : -1
      }
    }
    call.addEventListener('mode', showMode)
    call.addEventListener('participants', showMode)
    for (const [index, segment] of segments.entries()) {
      segment.onclick = () => call.setMode(/** @type {'sfu' | 'p2p'} */ (segment.dataset.mode))
      segment.onkeydown = ({ key }) => {
        if (!key.startsWith('Arrow')) return
        const other = segments[(index + 1) % segments.length]
        other.focus()
        other.click()
      }
    }
    byId('copy-link').onclick = async () => {
      try {
        await navigator.clipboard.writeText(location.href)
        notice('The link to this room is on the clipboard')
      } catch {
        notice(`Send them this: ${location.href}`)
      }
    }
  }
}

/** @param {import('../call.js').Call} call */
function modeText({ mode, participants }) {
  const members = [...participants.values()].filter(participant => participant.role !== 'viewer').length
  const viewers = participants.size - members
  const watching = viewers > 0 ? ` · ${viewers} watching` : ''
  if (mode === 'sfu') return `Through the server · ${members} here${watching}`
  if (members <= 1) return 'Direct · waiting for someone'
  return members === 2 ? 'Direct · 1-to-1' : `Direct · mesh of ${members}`
}
