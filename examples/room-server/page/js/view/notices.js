import { byId, create } from './element.js'

const SHOWN_MS = 4000
const MOST = 4

/** Says something in passing. @param {string | (string | Node)[]} text @param {boolean} [bad] */
export function notice(text, bad = false) {
  const notices = byId('notices')
  const element = create('div', { class: `notice${bad ? ' bad' : ''}` })
  element.append(...(typeof text === 'string' ? [text] : text))
  notices.append(element)
  // Shown anew, it is above a dialog that was opened since.
  if ('showPopover' in notices && (document.querySelector('dialog[open]') || !notices.matches(':popover-open'))) {
    notices.hidePopover()
    notices.showPopover()
  }
  while (notices.childElementCount > MOST) notices.firstElementChild?.remove()
  setTimeout(() => element.remove(), bad ? SHOWN_MS * 2 : SHOWN_MS)
}
