'use strict'

const assert = require('node:assert/strict')

/** What rfc8216bis asks of the playlist of a rendition. Gives the lengths of its parts, in seconds. */
function assertPlaylist(playlist) {
  const value = name => Number(new RegExp(`[:,]${name}[=:]([\\d.]+)`).exec(playlist.replaceAll('#EXT-X-', ':'))?.[1])
  assert.match(playlist, /^#EXTM3U\n#EXT-X-VERSION:9\n/)
  const target = value('TARGETDURATION')
  const part = value('PART-TARGET')
  // 4.4.3.8
  assert.ok(value('PART-HOLD-BACK') >= 3 * part - 1e-9 && value('HOLD-BACK') >= 3 * target, playlist)
  const lengths = []
  // Of the segment that is not over: its last part is not known yet.
  let open = []
  for (const line of playlist.split('\n')) {
    const [, length, attributes] = /^#EXT-X-PART:DURATION=([\d.]+)(.*)/.exec(line) ?? []
    if (length) {
      // 4.4.4.9
      assert.ok(Number(length) > 0 && Number(length) <= part + 1e-9, `${line} of\n${playlist}`)
      lengths.push(Number(length))
      open.push({ length: Number(length), independent: attributes.includes('INDEPENDENT=YES') })
    }
    const [, segment] = /^#EXTINF:([\d.]+)/.exec(line) ?? []
    if (!segment) continue
    // 4.4.3.1
    assert.ok(Math.round(Number(segment)) <= target, `${line} of\n${playlist}`)
    const sum = open.reduce((sum, { length }) => sum + length, 0)
    assert.ok(open.length === 0 || Math.abs(sum - Number(segment)) < 1e-3, `${line} of\n${playlist}`)
    assertLongEnough(open.slice(0, -1))
    open = []
  }
  assertLongEnough(open)
  assert.equal(playlist.match(/#EXT-X-PRELOAD-HINT:TYPE=PART,URI="p/g)?.length, 1)
  return lengths

  function assertLongEnough(parts) {
    for (const { length, independent } of parts) assert.ok(independent || length >= 0.85 * part - 1e-9, `${length} in\n${playlist}`)
  }
}

module.exports = { assertPlaylist }
