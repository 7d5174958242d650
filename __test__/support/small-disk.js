'use strict'

/** A file system that is soon full. */

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

function mount(size) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-small-'))
  const { error, status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory])
  const unmount = () => {
    if (!error && status === 0) spawnSync('umount', [directory])
    fs.rmdirSync(directory)
  }
  return { directory, mounted: !error && status === 0, unmount }
}

function canMount() {
  const { mounted, unmount } = mount(4096)
  unmount()
  return mounted
}

/** The name of a test that needs a file system of its own, and its options: `test(...needingDisk(name), ...)`. */
function needingDisk(name) {
  return canMount() ? [name, {}] : [`${name} (skipped: no file system can be mounted here)`, { skip: true }]
}

/** A file system of so many bytes, until the test is over. */
function smallDisk(t, size) {
  const { directory, mounted, unmount } = mount(size)
  t.after(unmount)
  assert.ok(mounted)
  return directory
}

/** Takes all the room that is left. Gives the file that has it. */
function fill(directory) {
  const file = path.join(directory, 'filling')
  const filling = fs.openSync(file, 'a')
  try {
    for (;;) fs.writeSync(filling, Buffer.alloc(4096, 1))
  } catch (error) {
    assert.equal(error.code, 'ENOSPC')
  } finally {
    fs.closeSync(filling)
  }
  return file
}

module.exports = { fill, needingDisk, smallDisk }
