import { missingDevices } from './device-words.js'
import { byId } from './element.js'
import { notice } from './notices.js'

/** What there is to say where something is mixed: how the picture is arranged, and who is on stage. */
export class MixBar {
  #element = byId('mix-bar')
  #stage = /** @type {HTMLButtonElement} */ (byId('stage-button'))
  #layouts = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll('#mix-bar [data-layout]')])
  #call

  /** @param {import('/client/index.js').Room} call */
  constructor(call) {
    this.#call = call
    for (const button of this.#layouts) {
      button.onclick = () => call.setLayout(/** @type {import('/client/index.js').RoomLayout} */ (button.dataset.layout))
      button.onkeydown = ({ key }) => {
        if (!key.startsWith('Arrow')) return
        const step = key === 'ArrowLeft' || key === 'ArrowUp' ? -1 : 1
        const at = this.#layouts.indexOf(button) + step
        const other = this.#layouts[(at + this.#layouts.length) % this.#layouts.length]
        other.focus()
        other.click()
      }
    }
    this.#stage.onclick = () => void this.#changeRole()
    call.on('settings', () => this.#show())
    this.#show()
  }

  #show() {
    const { layout, mixes, mode, permissions, role, source } = this.#call
    const mixed = mixes && mode !== 'p2p' && (mode !== 'sfu' || source === 'mix')
    const broadcast = mode === 'broadcast' || role === 'listener'
    this.#element.hidden = !mixed && !broadcast
    byId('layouts').hidden = !mixed || role === 'listener' || !permissions.roomAdmin
    for (const button of this.#layouts) {
      const checked = button.dataset.layout === layout
      button.setAttribute('aria-checked', String(checked))
      button.tabIndex = checked ? 0 : -1
    }
    this.#stage.hidden = !broadcast || !permissions.canPublish
    this.#stage.textContent = role === 'listener' ? 'Go on stage' : 'Step down'
    this.#stage.classList.toggle('primary', role === 'listener')
  }

  async #changeRole() {
    const call = this.#call
    if (call.role === 'member') return call.setRole('listener')
    // Asked here and not before: listeners need no camera.
    this.#stage.disabled = true
    const missing = missingDevices(await call.media.start())
    this.#stage.disabled = false
    if (missing) notice(missing, true)
    call.setRole('member')
  }
}
