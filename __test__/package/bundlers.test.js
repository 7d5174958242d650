'use strict'

/**
 * What becomes of the native module when an application is traced or bundled, as docs/bundlers.md
 * says: the application runs in a folder that has no more than what the tool left.
 */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const { after, before, test } = require('node:test')
const { Registry } = require('./registry.js')
const { requireTool } = require('./tools.js')
const { platformName } = require('../../lib/native/platform.js')

const BODY = `
Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 }).then(async endpoint => {
  console.log(endpoint.addresses[0].ip, version)
  await endpoint.close()
})
`
const USED = `127.0.0.1 ${require('../../package.json').version}`

let registry, project
before(async () => {
  registry = await Registry.start()
  project = registry.folder('project')
  fs.writeFileSync(path.join(project, 'package.json'), '{ "name": "somebodys-project", "version": "1.0.0", "private": true }')
  fs.writeFileSync(path.join(project, 'app.cjs'), `const { Endpoint, version } = require('medialoom')\n${BODY}`)
  fs.writeFileSync(path.join(project, 'app.mjs'), `import { Endpoint, version } from 'medialoom'\n${BODY}`)
  const npm = process.env.npm_execpath ?? fs.realpathSync(path.join(path.dirname(process.execPath), 'npm'))
  const { code, output } = await registry.run([process.execPath, npm, 'install', '--no-audit', '--no-fund', 'medialoom'], project)
  assert.equal(code, 0, output)
})
after(() => registry?.close())

withTool('@vercel/nft', 'the tracer of Next.js (standalone) and Vercel finds the native module', async ({ nodeFileTrace }) => {
  for (const app of ['app.cjs', 'app.mjs']) {
    const { fileList } = await nodeFileTrace([path.join(project, app)], { base: project })
    assert.ok(fileList.has(path.join('node_modules', '@medialoom', platformName(), `medialoom.${platformName()}.node`)), app)
    const output = registry.folder(`traced-${app}`)
    for (const file of fileList) {
      fs.mkdirSync(path.dirname(path.join(output, file)), { recursive: true })
      fs.copyFileSync(path.join(project, file), path.join(output, file))
    }
    assertRuns(output, app)
  }
})

withTool('esbuild', 'esbuild takes the native module along as a file (CommonJS)', async esbuild => {
  const output = registry.folder('copied')
  await bundle(esbuild, {
    entryPoints: ['app.cjs'],
    outdir: output,
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    loader: { '.node': 'copy' }
  })
  assertRuns(output, 'app.cjs')
})

withTool('esbuild', 'esbuild refuses at once to bundle the native module unless it is told what to do with it', async esbuild => {
  const built = bundle(esbuild, { entryPoints: ['app.cjs'], outdir: registry.folder('refused'), format: 'cjs' })
  await assert.rejects(built, /No loader is configured for "\.node" files/)
})

for (const [format, extension] of [
  ['cjs', '.cjs'],
  ['esm', '.mjs']
]) {
  withTool('esbuild', `with medialoom marked external, esbuild's bundle runs (${format})`, async esbuild => {
    const output = path.join(project, `external-${format}`)
    await bundle(esbuild, {
      entryPoints: [`app${extension}`],
      outdir: output,
      format,
      outExtension: { '.js': extension },
      external: ['medialoom']
    })
    assertRuns(output, `app${extension}`)
  })
}

withTool('esbuild', 'a bundle that lost the native module says that a bundler did it, and what to do', async esbuild => {
  const output = registry.folder('lost')
  await bundle(esbuild, {
    entryPoints: ['app.cjs'],
    outdir: output,
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    external: ['@medialoom/*']
  })
  const { status, stderr } = run(output, 'app.cjs')
  assert.notEqual(status, 0)
  assert.match(stderr, /the bundle around .* lost the native module/)
  assert.match(stderr, /Mark medialoom as external in the bundler.*docs\/bundlers\.md/)
})

withTool('webpack', 'with medialoom marked external, webpack says nothing and its bundle runs', async webpack => {
  const output = path.join(project, 'webpacked')
  const { errors, warnings } = await pack(webpack, output, { externals: { medialoom: 'commonjs medialoom' } })
  assert.deepEqual([errors, warnings], [[], []])
  assertRuns(output, 'main.js')
})

withTool('webpack', 'webpack refuses at once to bundle the native module unless it is told what to do with it', async webpack => {
  const { errors } = await pack(webpack, path.join(project, 'unpacked'), {})
  assert.equal(errors.length, 1)
  assert.match(errors[0].message, /You may need an appropriate loader/)
})

function withTool(name, title, run) {
  const tool = requireTool(name)
  const reason = tool ? false : `no ${name}: npm ci in tools/`
  test(`${title}${reason ? ` (skipped: ${reason})` : ''}`, { skip: reason }, () => run(tool))
}

function bundle(esbuild, options) {
  return esbuild.build({ absWorkingDir: project, bundle: true, platform: 'node', logLevel: 'silent', ...options })
}

function pack(webpack, output, options) {
  const configuration = {
    context: project,
    entry: './app.cjs',
    mode: 'production',
    target: 'node',
    output: { path: output },
    ...options
  }
  return new Promise((resolve, reject) => {
    webpack(configuration, (error, stats) => (error ? reject(error) : resolve(stats.toJson({ all: false, errors: true, warnings: true }))))
  })
}

function run(folder, app) {
  return spawnSync(process.execPath, [app], { cwd: folder, encoding: 'utf8', timeout: 60_000 })
}

function assertRuns(folder, app) {
  const { stdout, stderr } = run(folder, app)
  assert.equal(stdout.trim(), USED, stderr)
}
