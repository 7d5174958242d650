'use strict'

/**
 * The package as package managers other than npm's default install it, and the runtimes beside Node:
 * from a registry, by its name, with nothing asked and nothing warned of.
 */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { after, before, test } = require('node:test')
const { Registry } = require('./registry.js')
const { findTool } = require('./tools.js')

/** Words by which managers begin a complaint, and those about scripts that they did not run. */
const COMPLAINT = /\bwarn|\berr(?:or)?\b|deprecated|ignored build|blocked|approve|install.scripts?|YN0004/i

const USE = `
const { Endpoint, version } = require('medialoom')
Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 }).then(async endpoint => {
  console.log(endpoint.addresses[0].ip, version)
  await endpoint.close()
})
`
const USED = `127.0.0.1 ${require('../../package.json').version}`

let registry
before(async () => (registry = await Registry.start()))
after(() => registry?.close())

const npm = process.env.npm_execpath ?? fs.realpathSync(path.join(path.dirname(process.execPath), 'npm'))
const quiet = ['--no-audit', '--no-fund', '--no-update-notifier']
const managers = [
  { name: 'npm', command: [process.execPath, npm, 'install', ...quiet, 'medialoom'] },
  { name: 'npm without install scripts', command: [process.execPath, npm, 'install', ...quiet, '--ignore-scripts', 'medialoom'] },
  { name: 'pnpm', tool: 'pnpm', command: ['add', 'medialoom'] },
  // What a build server runs: there a script that is not allowed makes it fail.
  { name: 'pnpm on a build server', tool: 'pnpm', command: ['add', 'medialoom'], env: { CI: '1' } },
  { name: 'yarn with node_modules', tool: 'yarn', command: ['add', 'medialoom'], linker: 'node-modules' },
  { name: "yarn with Plug'n'Play", tool: 'yarn', command: ['add', 'medialoom'], linker: 'pnp', run: ['yarn', 'node', 'use.cjs'] },
  { name: 'bun', tool: 'bun', command: ['add', 'medialoom'] }
]

for (const { name, tool, command, env, linker, run } of managers) {
  const found = tool ? findTool(tool) : command.slice(0, 2)
  const reason = found ? false : `no ${tool}: npm ci in tools/`
  test(`${name} installs it without a word of warning, and it runs${reason ? ` (skipped: ${reason})` : ''}`, { skip: reason }, async () => {
    const project = emptyProject(name, linker)
    const install = await registry.run(tool ? [...found, ...command] : command, project, env)
    assert.equal(install.code, 0, install.output)
    assert.doesNotMatch(install.output, COMPLAINT)
    const [runner, ...args] = run ? [...findTool(run[0]), ...run.slice(1)] : [process.execPath, 'use.cjs']
    assertUsed(await registry.run([runner, ...args], project))
  })
}

for (const [runtime, args] of [
  ['bun', ['use.cjs']],
  ['deno', ['run', '--allow-all', 'use.cjs']]
]) {
  const found = findTool(runtime)
  const reason = found ? false : `no ${runtime}: npm ci in tools/`
  test(`it runs on ${runtime}${reason ? ` (skipped: ${reason})` : ''}`, { skip: reason }, async () => {
    const project = emptyProject(`on ${runtime}`)
    const install = await registry.run([process.execPath, npm, 'install', ...quiet, 'medialoom'], project)
    assert.equal(install.code, 0, install.output)
    assertUsed(await registry.run([...found, ...args], project))
  })
}

function assertUsed({ code, output }) {
  assert.equal(code, 0, output)
  assert.equal(output.trim(), USED)
}

function emptyProject(name, linker) {
  const project = registry.folder(name.replace(/\W/g, '-'))
  fs.writeFileSync(path.join(project, 'package.json'), '{ "name": "somebodys-project", "version": "1.0.0", "private": true }')
  fs.writeFileSync(path.join(project, '.npmrc'), `registry=${registry.url}\n`)
  fs.writeFileSync(path.join(project, 'use.cjs'), USE)
  if (linker) {
    const lines = [
      `nodeLinker: ${linker}`,
      `npmRegistryServer: ${registry.url}`,
      'unsafeHttpWhitelist: ["127.0.0.1"]',
      'enableTelemetry: false'
    ]
    fs.writeFileSync(path.join(project, '.yarnrc.yml'), `${lines.join('\n')}\n`)
    // Else Yarn looks for a project above.
    fs.writeFileSync(path.join(project, 'yarn.lock'), '')
  }
  return project
}
