'use strict'

const path = require('node:path')
const { execFileSync } = require('node:child_process')

const ROOT = path.join(__dirname, '..')

/**
 * What is linked into the native module, by cargo's description of them. Needs cargo and the crates.
 *
 * @param {{ mixing?: boolean }} [options]
 */
function linkedCrates({ mixing = true } = {}) {
  const features = mixing ? [] : ['--no-default-features', '--features=node']
  const metadata = JSON.parse(
    execFileSync('cargo', ['metadata', '--locked', '--format-version=1', ...features], {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'inherit']
    })
  )
  return reachedCrates(metadata)
}

/** What the crate reaches by dependencies that are neither for tests nor for building only. */
function reachedCrates({ packages, resolve }) {
  const byId = new Map(packages.map(crate => [crate.id, crate]))
  const nodes = new Map(resolve.nodes.map(node => [node.id, node]))
  const reached = new Set()
  const open = [resolve.root]
  while (open.length > 0) {
    const id = open.pop()
    if (reached.has(id)) continue
    reached.add(id)
    for (const { pkg, dep_kinds } of nodes.get(id).deps) {
      if (dep_kinds.some(({ kind }) => kind === null)) open.push(pkg)
    }
  }
  reached.delete(resolve.root)
  return [...reached].map(id => byId.get(id)).sort((a, b) => a.name.localeCompare(b.name))
}

module.exports = { linkedCrates }
