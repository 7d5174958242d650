import { byId, create } from './element.js'

const SHOWN_MS = 4000
const MOST = 4

/** Says something in passing. @param {string} text @param {boolean} [bad] */
export function notice(text, bad = false) {
  const notices = byId('notices')
  const element = create('div', { class: `notice${bad ? ' bad' : ''}`, text })
  notices.append(element)
  while (notices.childElementCount > MOST) notices.firstElementChild?.remove()
  setTimeout(() => element.remove(), bad ? SHOWN_MS * 2 : SHOWN_MS)
}
