'use strict'

/**
 * Programs that play files take recordings in every codec and container, finished and as a crash leaves them. `node
 * tools/players.js` makes the table of docs/recording.md of the same, with browsers.
 */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { after, before, test } = require('node:test')
const { Endpoint } = require('../..')
const { PROGRAMS, recordAll } = require('../support/player-table.js')

/** What GStreamer and VLC of Debian decode is for the table to tell: these every build of them does. */
const EVERYWHERE = /^(vp8|vp9|h264|sound)/

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-players-'))
let names = []
/** VLC plays as fast as time goes by: for the table alone. */
const tested = PROGRAMS.filter(({ name }) => name !== 'VLC')

before(async () => {
  if (tested.every(program => program.missing)) return
  const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  names = await recordAll(endpoint, folder, { played: false })
  await endpoint.close()
})
after(() => fs.rmSync(folder, { recursive: true, force: true }))

for (const { name: program, missing, takes, play } of tested) {
  const name = `${program} plays recordings, finished and as a crash leaves them`
  test(missing ? `${name} (skipped: ${missing})` : name, { skip: Boolean(missing), timeout: 300_000 }, async () => {
    const files = names.filter(file => takes(file) && EVERYWHERE.test(file))
    assert.ok(files.length >= 6, `${names}`)
    for (const file of files) assert.equal(await play(path.join(folder, file), file), null, `${program}: ${file}`)
  })
}
