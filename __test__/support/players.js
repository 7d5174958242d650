'use strict'

/** Files as other programs see them. */

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')

const missing = Object.fromEntries(
  [
    ['ffmpeg', '-version'],
    ['ffprobe', '-version'],
    ['mkvinfo', '--version'],
    ['gst-launch-1.0', '--version'],
    ['cvlc', '--version']
  ].map(([tool, version]) => [tool, spawnSync(tool, [version]).error ? `${tool} is not installed` : undefined])
)

/** The name of a test and its options, for `test(...needing(tools, name), ...)`: what is missing here is in the name. */
function needing(tools, name, options = {}) {
  const lacks = tools.map(tool => missing[tool]).find(Boolean)
  return [lacks ? `${name} (skipped: ${lacks})` : name, { ...options, skip: Boolean(lacks) }]
}

const ENTRIES = 'stream=codec_name,nb_read_packets:format=duration:chapter_tags=title'

/** What ffprobe counts. For tests that [need](needing) it. */
function probe(file) {
  const { status, stdout, stderr } = spawnSync(
    'ffprobe',
    ['-v', 'error', '-count_packets', '-show_chapters', '-show_entries', ENTRIES, '-of', 'json', file],
    { encoding: 'utf8' }
  )
  assert.equal(status, 0, stderr)
  assert.equal(stderr, '', file)
  const { streams, format, chapters = [] } = JSON.parse(stdout)
  return {
    duration: Number(format.duration),
    streams: streams.map(s => [s.codec_name, Number(s.nb_read_packets)]),
    chapters: chapters.map(chapter => chapter.tags?.title)
  }
}

/** Decodes all of it by ffmpeg, or only some of its streams. */
function decode(file, streams) {
  const map = streams?.flatMap(index => ['-map', `0:${index}`]) ?? []
  const { status, stderr } = spawnSync('ffmpeg', ['-v', 'error', '-xerror', '-i', file, ...map, '-f', 'null', '-'], {
    encoding: 'utf8'
  })
  assert.equal(status, 0, `${file}: ${stderr}`)
}

module.exports = { decode, missing, needing, probe }
