'use strict'

/**
 * The tarballs as a user gets them: packed, installed into an empty project, and used from
 * CommonJS, ES modules and TypeScript.
 */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { spawnSync } = require('node:child_process')
const { after, before, test } = require('node:test')
const { makePackages } = require('../../scripts/package.js')
const { platformName } = require('../../lib/native/platform.js')
const { versions } = require('../../index.js')
const { readElf } = require('./elf.js')

const ROOT = path.join(__dirname, '..', '..')
const TSC = path.join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc')

const USE = `
const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
console.log(endpoint.addresses[0].ip, version)
await endpoint.close()
`

const linux = process.platform === 'linux'

let folder, project, tarballs

before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-tarball-'))
  tarballs = makePackages({ out: folder })
  // Without it npm would build the module from source, which takes minutes.
  assert.ok(
    tarballs.some(file => path.basename(file).startsWith(`medialoom-${platformName()}-`)),
    'run `npm run build` first'
  )
  project = emptyProject('project')
  const { status, output } = npmInstall(project, tarballs.filter(isForThisMachine))
  assert.equal(status, 0, output)
})

after(() => fs.rmSync(folder, { recursive: true, force: true }))

test('every platform is an optional dependency of the same version, and nothing else is a dependency', () => {
  const manifest = installed('package.json')
  const platforms = fs.readdirSync(path.join(ROOT, 'npm')).map(name => [`@medialoom/${name}`, manifest.version])
  assert.deepEqual(manifest.optionalDependencies, Object.fromEntries(platforms))
  assert.equal(manifest.dependencies, undefined)
  assert.equal(manifest.devDependencies, undefined)
})

test('the native module comes from the platform package, not from a build', () => {
  const main = path.join(project, 'node_modules', 'medialoom')
  assert.deepEqual(
    fs.readdirSync(main).filter(name => name.endsWith('.node') || name === 'target'),
    []
  )
  const module = path.join(project, 'node_modules', '@medialoom', platformName(), `medialoom.${platformName()}.node`)
  assert.ok(fs.existsSync(module))
})

test('the package of a platform is less than 15 MB to download, and its module less than 28 MB', () => {
  const tarball = tarballs.find(file => path.basename(file).startsWith(`medialoom-${platformName()}-`))
  const module = path.join(project, 'node_modules', '@medialoom', platformName(), `medialoom.${platformName()}.node`)
  // A build without optimisation is for nobody to download.
  const elf = linux ? readElf(module) : { sections: [], symbolBytes: 0 }
  const debug = elf.sections.includes('.debug_info')
  const limits = debug ? [80e6, 300e6] : [15e6, 28e6]
  assert.ok(fs.statSync(tarball).size < limits[0], `${fs.statSync(tarball).size} bytes`)
  // What is published goes without its symbols.
  const size = fs.statSync(module).size - elf.symbolBytes
  assert.ok(size < limits[1], `${size} bytes`)
})

test('the platform package carries the notices of what is linked into it', () => {
  const notices = fs.readFileSync(path.join(project, 'node_modules', '@medialoom', platformName(), 'THIRD-PARTY-NOTICES'), 'utf8')
  assert.match(notices, /^str0m \d/m)
  for (const [name, version] of libraries()) assert.ok(notices.includes(`${name} ${version}`), `${name} ${version}`)
})

test('the platform package has a bill of materials with the crates and the libraries', () => {
  const file = path.join(project, 'node_modules', '@medialoom', platformName(), 'sbom.cdx.json')
  const bill = JSON.parse(fs.readFileSync(file, 'utf8'))
  assert.equal(bill.bomFormat, 'CycloneDX')
  assert.equal(bill.metadata.component.version, installed('package.json').version)
  const names = bill.components.map(({ name }) => name)
  for (const name of ['str0m', 'aws-lc-sys', 'opusic-sys']) assert.ok(names.includes(name), name)
  const found = bill.components.filter(({ purl }) => purl.startsWith('pkg:generic/')).map(({ name, version }) => [name, version])
  assert.deepEqual(found.sort(), libraries().sort())
  assert.ok(bill.components.every(({ licenses }) => licenses[0].expression))
})

/** The libraries in C, as the module says itself. */
function libraries() {
  const { medialoom, ...others } = versions
  return Object.entries(others)
}

test('it is used from CommonJS', () => {
  runs('use.cjs', `const { Endpoint, version } = require('medialoom')\n;(async () => {${USE}})()`)
})

test('it is used from an ES module', () => {
  runs('use.mjs', `import { Endpoint, version } from 'medialoom'\n${USE}`)
})

test('its own express routers, rooms and tokens are found', () => {
  const { status, output } = node(
    'subpaths.cjs',
    `for (const name of ['rooms', 'express', 'fetch', 'auth', 'storage', 'storage/s3', 'opentelemetry', 'testing']) require.resolve('medialoom/' + name)`
  )
  assert.equal(status, 0, output)
})

test('tokens want jose, which is not installed unasked, and say so', () => {
  const script = `
    const { KeyRing, createToken } = require('medialoom/auth')
    createToken(new KeyRing({ id: 'a', secret: 'x'.repeat(32) }), { video: {} }).catch(error => console.log(error.message))
  `
  const { status, output } = node('tokens.cjs', script)
  assert.equal(status, 0, output)
  assert.match(output, /npm install jose/)
})

test('a bucket wants the AWS SDK, which is not installed unasked, and says so', () => {
  const script = `
    const { S3Storage } = require('medialoom/storage/s3')
    const storage = new S3Storage({ client: { send: async () => ({}) }, bucket: 'recordings' })
    storage.stat('one/film.webm').catch(error => console.log(error.message))
  `
  const { status, output } = node('bucket.cjs', script)
  assert.equal(status, 0, output)
  assert.match(output, /npm install @aws-sdk\/client-s3 @aws-sdk\/lib-storage/)
})

test('medialoom ctl is among its commands', () => {
  const { status, output } = node(
    'ctl.cjs',
    `process.argv.splice(2, Infinity, 'ctl', '--help'); require('./node_modules/medialoom/scripts/cli.js')`
  )
  assert.equal(status, 0, output)
  assert.match(output, /medialoom ctl rooms/)
})

for (const [module, moduleResolution] of [
  ['node16', 'node16'],
  ['esnext', 'bundler']
]) {
  test(`it type-checks with moduleResolution ${moduleResolution}`, () => {
    const name = `typed-${moduleResolution}.mts`
    fs.writeFileSync(
      path.join(project, name),
      `import { Endpoint, version, type IncomingTrack } from 'medialoom'\n` +
        `const tracks: IncomingTrack[] = []\nvoid tracks\n${USE}\n` +
        `// @ts-expect-error no such event\nendpoint.on('nonsense', () => {})\n`
    )
    fs.writeFileSync(
      path.join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          strict: true,
          noEmit: true,
          target: 'es2022',
          lib: ['es2023', 'esnext.disposable'],
          module,
          moduleResolution,
          types: ['node'],
          typeRoots: [path.join(ROOT, 'node_modules', '@types')]
        },
        files: [name]
      })
    )
    const { stdout, stderr, status } = spawnSync(process.execPath, [TSC, '-p', project], { encoding: 'utf8' })
    assert.equal(status, 0, stdout + stderr)
  })
}

test('the sources that come along are all that cargo needs to know of', () => {
  const { status, stderr } = spawnSync('cargo', ['metadata', '--no-deps', '--offline', '--format-version=1'], {
    cwd: path.join(project, 'node_modules', 'medialoom'),
    encoding: 'utf8'
  })
  assert.equal(status, 0, stderr)
})

test('without a platform package it installs, says what to do when required, and the command for it what it lacks', () => {
  const bare = emptyProject('bare')
  const main = tarballs.filter(file => !path.basename(file).startsWith(`medialoom-${platformName()}`))
  const install = npmInstall(bare, main)
  assert.equal(install.status, 0, install.output)

  const env = { ...process.env, PATH: nodeOnly() }
  const required = spawnSync(process.execPath, ['-e', "require('medialoom')"], { cwd: bare, env, encoding: 'utf8' })
  assert.notEqual(required.status, 0)
  assert.match(required.stderr, new RegExp(`medialoom does not start: @medialoom/${platformName()} is not installed`))
  assert.match(required.stderr, /npm install --include=optional/)
  assert.match(required.stderr, /build the module from source: npx medialoom build$/m)

  const command = path.join(bare, 'node_modules', '.bin', 'medialoom')
  const build = spawnSync(process.execPath, [fs.realpathSync(command), 'build'], { cwd: bare, env, encoding: 'utf8' })
  assert.equal(build.status, 1)
  assert.match(build.stderr, /^Building medialoom needs what is missing here:$/m)
  assert.match(build.stderr, /cargo \(the Rust toolchain/)
})

test('nothing runs when it is installed, and it has one command', () => {
  assert.equal(installed('package.json').scripts, undefined)
  assert.deepEqual(Object.keys(installed('package.json').bin), ['medialoom'])
})

test('the benchmark comes along as source, and starts by its name', () => {
  const main = path.join(project, 'node_modules', 'medialoom')
  for (const file of ['bench/load/Cargo.toml', 'bench/load/Cargo.lock', 'bench/load/src/main.rs']) {
    assert.ok(fs.existsSync(path.join(main, file)), file)
  }
  assert.ok(!fs.existsSync(path.join(main, 'bench', 'load', 'target')), 'nothing that was built')
  const command = path.join(project, 'node_modules', '.bin', 'medialoom')
  const { status, stdout } = spawnSync(process.execPath, [fs.realpathSync(command), 'bench', '--help'], { cwd: project, encoding: 'utf8' })
  assert.equal(status, 0)
  assert.match(stdout, /--whip URL/)
})

/** The tarballs of other machines may lie about too when all were built. */
function isForThisMachine(file) {
  const name = path.basename(file)
  return name.startsWith(`medialoom-${platformName()}-`) || /^medialoom-\d/.test(name)
}

function emptyProject(name) {
  const project = path.join(folder, name)
  fs.mkdirSync(project)
  fs.writeFileSync(path.join(project, 'package.json'), '{ "name": "somebodys-project", "version": "1.0.0", "private": true }')
  return project
}

function npmInstall(project, tarballs, env = {}, flags = []) {
  const npm = process.env.npm_execpath ?? fs.realpathSync(path.join(path.dirname(process.execPath), 'npm'))
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [npm, 'install', '--no-audit', '--no-fund', '--prefer-offline', ...flags, ...tarballs],
    { cwd: project, env: { ...process.env, ...env }, encoding: 'utf8' }
  )
  return { status, output: stdout + stderr }
}

/** A PATH with what npm itself needs, and no cargo. */
function nodeOnly() {
  const bin = path.join(folder, 'bin')
  fs.mkdirSync(bin, { recursive: true })
  for (const [name, target] of [
    ['node', process.execPath],
    ['sh', '/bin/sh']
  ]) {
    if (!fs.existsSync(path.join(bin, name))) fs.symlinkSync(target, path.join(bin, name))
  }
  return bin
}

function installed(file) {
  return JSON.parse(fs.readFileSync(path.join(project, 'node_modules', 'medialoom', file), 'utf8'))
}

function node(name, source) {
  fs.writeFileSync(path.join(project, name), source)
  const { status, stdout, stderr } = spawnSync(process.execPath, [name], { cwd: project, encoding: 'utf8', timeout: 30_000 })
  return { status, output: stdout + stderr }
}

function runs(name, source) {
  const { status, output } = node(name, source)
  assert.equal(status, 0, output)
  assert.equal(output.trim(), `127.0.0.1 ${installed('package.json').version}`)
}
