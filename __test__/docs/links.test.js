'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')

const ROOT = path.join(__dirname, '..', '..')
const DOCUMENTS = [...fs.readdirSync(ROOT), ...fs.readdirSync(path.join(ROOT, 'docs')).map(name => `docs/${name}`)].filter(name =>
  name.endsWith('.md')
)

for (const document of DOCUMENTS) {
  test(`${document} links to what is there`, () => {
    const text = fs.readFileSync(path.join(ROOT, document), 'utf8').replace(/```[^]*?```/g, '')
    const broken = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target)
      .filter(target => !/^(?:https?|mailto):/.test(target))
      .filter(target => !isThere(document, target))
    assert.deepEqual(broken, [])
  })
}

function isThere(document, target) {
  const [file, anchor] = target.split('#')
  const found = file === '' ? path.join(ROOT, document) : path.join(ROOT, path.dirname(document), file)
  if (!fs.existsSync(found)) return false
  if (!anchor) return true
  const headings = fs.readFileSync(found, 'utf8').matchAll(/^#+ (.*)$/gm)
  return [...headings].some(([, heading]) => slug(heading) === anchor)
}

/** The anchor of a heading, as GitHub makes it. */
function slug(heading) {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-')
}
