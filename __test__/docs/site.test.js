'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { SIDEBAR, TOP } = require('../../scripts/docs.js')

test('every document is in the sidebar of the site once', () => {
  const pages = fs.readdirSync(path.join(__dirname, '..', '..', 'docs')).filter(name => name.endsWith('.md'))
  const wanted = [...pages, ...Object.values(TOP).filter(page => page !== 'index.md')].map(page => page.replace('.md', ''))
  assert.deepEqual(Object.values(SIDEBAR).flat().sort(), wanted.sort())
})
