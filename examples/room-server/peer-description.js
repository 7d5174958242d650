/** An attribute that says in which direction media goes (RFC 8866 6.7), by the letter as browsers read it. */
const DIRECTION = /^a=(sendrecv|sendonly|recvonly|inactive)(?![\w-])/
/** The stream of an m-line (RFC 8830 2), also as it was written before. */
const STREAM = /^a=(?:ssrc:\d+ )?msid:(\S+)/

/**
 * Takes out of a description from one browser to another what may not pass between them. Both sides of
 * an m-line are narrowed, in offers and answers, so that each stays the answer to the other; and the
 * browsers stay connected, for what may pass.
 *
 * @param {string} sdp
 * @param {object} rules
 * @param {(kind: 'audio' | 'video', streams: Set<string>) => boolean} rules.maySend whether what its sender sends on a line may pass
 * @param {(kind: 'audio' | 'video') => boolean} rules.mayReceive the same of the other way
 */
export function narrowDescription(sdp, { maySend, mayReceive }) {
  // By line feeds alone, as browsers do: what a line is here has to be one there.
  const lines = sdp.split('\n')
  const starts = lines.flatMap((line, index) => (line.startsWith('m=') ? [index] : []))
  const session = directionOf(lines.slice(0, starts[0] ?? lines.length), { sends: true, receives: true })
  /** @type {string[]} */
  const narrowed = lines.slice(0, starts[0] ?? lines.length)
  for (const [position, start] of starts.entries()) {
    const section = lines.slice(start, starts[position + 1] ?? lines.length)
    const kind = /^m=(audio|video)\b/.exec(section[0])?.[1]
    if (kind !== 'audio' && kind !== 'video') {
      narrowed.push(...section)
      continue
    }
    const streams = new Set(section.flatMap(line => STREAM.exec(line)?.[1] ?? []))
    const before = directionOf(section, session)
    const after = { sends: before.sends && maySend(kind, streams), receives: before.receives && mayReceive(kind) }
    narrowed.push(...(after.sends === before.sends && after.receives === before.receives ? section : redirected(section, after)))
  }
  return narrowed.join('\n')
}

/**
 * What an m-line does by any of its attributes: browsers differ in which of several counts.
 *
 * @param {string[]} lines
 * @param {{ sends: boolean, receives: boolean }} inherited
 */
function directionOf(lines, inherited) {
  const given = lines.flatMap(line => DIRECTION.exec(line)?.[1] ?? [])
  if (given.length === 0) return inherited
  return {
    sends: given.some(direction => direction === 'sendrecv' || direction === 'sendonly'),
    receives: given.some(direction => direction === 'sendrecv' || direction === 'recvonly')
  }
}

/**
 * @param {string[]} section
 * @param {{ sends: boolean, receives: boolean }} direction
 */
function redirected([line, ...attributes], { sends, receives }) {
  const direction = sends ? (receives ? 'sendrecv' : 'sendonly') : receives ? 'recvonly' : 'inactive'
  const others = attributes.filter(attribute => !DIRECTION.test(attribute))
  // RFC 8866 5: an attribute comes after all lines of other types, such as c=.
  const first = others.findIndex(attribute => attribute.startsWith('a='))
  const at = first === -1 ? others.length - (others.at(-1) === '' ? 1 : 0) : first
  return [line, ...others.slice(0, at), `a=${direction}\r`, ...others.slice(at)]
}
