/** The page's own encodings, see senders.js. */
const NAMES = /** @type {Record<string, string>} */ ({ auto: 'Auto', q: 'Low', h: 'Mid', f: 'High' })

/** What to call an encoding; those of other clients have no name but their RID. @param {string} rid */
export function encodingName(rid) {
  return NAMES[rid] ?? rid
}
