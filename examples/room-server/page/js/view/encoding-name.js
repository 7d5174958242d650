/** The page's own encodings, see senders.js. */
const NAMES = /** @type {Record<string, string>} */ ({ auto: 'Auto', q: 'Low', h: 'Mid', f: 'High' })

/** The smaller ones first. @param {string} a @param {string} b */
export function compareEncodings(a, b) {
  const order = Object.keys(NAMES)
  return order.indexOf(a) - order.indexOf(b)
}

/** What to call an encoding; those of other clients have no name but their RID. @param {string} rid */
export function encodingName(rid) {
  return NAMES[rid] ?? rid
}
