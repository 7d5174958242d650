'use strict'

/** Files as other programs see them, where those are installed. */

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')

const ENTRIES = 'stream=codec_name,nb_read_packets:format=duration:chapter_tags=title'

/** What ffprobe counts; `null` without it. */
function probe(file) {
  const { error, status, stdout, stderr } = spawnSync(
    'ffprobe',
    ['-v', 'error', '-count_packets', '-show_chapters', '-show_entries', ENTRIES, '-of', 'json', file],
    { encoding: 'utf8' }
  )
  if (error) return null
  assert.equal(status, 0, stderr)
  assert.equal(stderr, '', file)
  const { streams, format, chapters = [] } = JSON.parse(stdout)
  return {
    duration: Number(format.duration),
    streams: streams.map(s => [s.codec_name, Number(s.nb_read_packets)]),
    chapters: chapters.map(chapter => chapter.tags?.title)
  }
}

/** Decodes all of it where ffmpeg is. */
function decode(file) {
  const { error, status, stderr } = spawnSync('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-'], {
    encoding: 'utf8'
  })
  if (error) return
  assert.equal(status, 0, `${file}: ${stderr}`)
}

module.exports = { decode, probe }
