import { byId } from './element.js'

/** @type {Record<import('/client/index.js').RoomState, string>} */
const STATE_TEXT = { connecting: 'Connecting', waiting: 'Waiting', connected: 'Connected', reconnecting: 'Reconnecting', ended: 'Left' }

/** The top of the room: its name, the state of the connection, and the room's mode. */
export class Bar {
  /** @param {import('/client/index.js').Room} call */
  constructor(call) {
    byId('room-name').textContent = call.name
    byId('room-locked').hidden = call.encryption === null
    const status = byId('status')
    const segments = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll('.segments [data-mode]')])
    const showState = () => {
      status.dataset.state = call.state
      byId('status-text').textContent = call.signalingLost ? 'Server lost, reconnecting' : STATE_TEXT[call.state]
    }
    call.on('state', showState)
    const showMode = () => {
      byId('mode-text').textContent = modeText(call)
      byId('room-closed').hidden = !call.locked
      for (const segment of segments) {
        const checked = segment.dataset.mode === call.mode
        segment.setAttribute('aria-checked', String(checked))
        segment.tabIndex = checked ? 0 : -1
        segment.hidden = !call.mixes && isMixed(segment.dataset.mode)
        segment.disabled = (call.role === 'listener' || !call.permissions.roomAdmin) && !checked
      }
    }
    call.on('settings', showMode)
    call.on('participants', showMode)
    showState()
    showMode()
    for (const segment of segments) {
      segment.onclick = () => call.setMode(/** @type {import('/client/index.js').RoomMode} */ (segment.dataset.mode))
      segment.onkeydown = ({ key }) => {
        if (!key.startsWith('Arrow')) return
        const step = key === 'ArrowLeft' || key === 'ArrowUp' ? -1 : 1
        const shown = segments.filter(each => !each.hidden)
        const other = shown[(shown.indexOf(segment) + step + shown.length) % shown.length]
        other.focus()
        other.click()
      }
    }
  }
}

/** @param {string | undefined} mode */
function isMixed(mode) {
  return mode === 'mcu' || mode === 'broadcast'
}

/** @param {import('/client/index.js').Room} call */
function modeText({ mode, participants, listeners }) {
  const roles = [...participants.values()].map(participant => participant.role)
  const members = roles.filter(role => role !== 'viewer' && role !== 'listener').length
  const viewers = roles.filter(role => role === 'viewer').length
  const more = [
    [viewers, 'watching'],
    [listeners, 'listening']
  ].filter(([count]) => count !== 0)
  const others = more.map(([count, what]) => ` · ${count} ${what}`).join('')
  if (mode === 'sfu') return `Through the server · ${members} here${others}`
  if (mode === 'mcu') return `Mixed by the server · ${members} here${others}`
  if (mode === 'broadcast') return `Broadcast · ${members} on stage${others}`
  if (members <= 1) return 'Direct · waiting for someone'
  return members === 2 ? 'Direct · 1-to-1' : `Direct · mesh of ${members}`
}
