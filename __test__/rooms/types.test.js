'use strict'

const assert = require('node:assert/strict')
const path = require('node:path')
const { execFileSync } = require('node:child_process')
const { test } = require('node:test')

const ROOT = path.join(__dirname, '..', '..')
const TSC = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')

/** @param {string} project */
function check(project) {
  try {
    execFileSync(process.execPath, [TSC, '-p', path.join(ROOT, project)], { encoding: 'utf8' })
  } catch (error) {
    assert.fail(error.stdout)
  }
}

test('rooms and routers are what their typings say', () => check('__test__/rooms'))

test('the page of the room server is sound', () => check('examples/room-server/page'))
