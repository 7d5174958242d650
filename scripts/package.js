'use strict'

/**
 * Makes the tarballs that are published: one package per platform that holds the native module, and
 * the package itself, which names them as optional dependencies. The manifest of the repository
 * names none of them, because npm would look in vain for versions that are not published yet.
 *
 *   node scripts/package.js                  the package, every platform that `npm run build` made here, and the room server
 *   node scripts/package.js --all            for publishing: every platform, from prebuilt/, and it fails when one is missing
 *   node scripts/package.js --out FOLDER     where the tarballs go, default dist/
 */

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { execFileSync } = require('node:child_process')
const { PLATFORM_OF_TARGET } = require('./build.js')
const { linkedCrates } = require('./crates.js')
const { libvpxIn, linkedLibraries } = require('./libraries.js')
const { thirdPartyNotices } = require('./notices.js')
const { billOfMaterials } = require('./sbom.js')

const ROOT = path.join(__dirname, '..')
/** Where `scripts/prebuild.js` puts modules, and the workflow those of all platforms. */
const PREBUILT = path.join(ROOT, 'prebuilt')
const NOTICES = 'THIRD-PARTY-NOTICES'
const BILL = 'sbom.cdx.json'
const LICENCES = ['LICENSE-MIT', 'LICENSE-APACHE']

/** @returns {string[]} paths of the tarballs, platforms first as they have to be published first */
function makePackages({ all = false, out = path.join(ROOT, 'dist') } = {}) {
  const manifest = readJson(path.join(ROOT, 'package.json'))
  const platforms = manifest.napi.targets.map(target => PLATFORM_OF_TARGET[target])
  for (const platform of platforms) {
    const { version } = readJson(path.join(ROOT, 'npm', platform, 'package.json'))
    if (version !== manifest.version) {
      throw new Error(`npm/${platform}/package.json has version ${version}, package.json has ${manifest.version}`)
    }
  }

  const folder = all ? PREBUILT : ROOT
  const built = platforms.filter(platform => fs.existsSync(path.join(folder, `medialoom.${platform}.node`)))
  if (all && built.length < platforms.length) {
    throw new Error(`not built: ${platforms.filter(platform => !built.includes(platform)).join(', ')}`)
  }

  fs.mkdirSync(out, { recursive: true })
  const stage = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-package-'))
  try {
    return [...built.map(platform => pack(stagePlatform(stage, platform, folder), out)), pack(stageMain(stage, manifest, platforms), out)]
  } finally {
    fs.rmSync(stage, { recursive: true, force: true })
  }
}

function stagePlatform(stage, platform, modules) {
  const folder = path.join(stage, platform)
  const module = path.join(modules, `medialoom.${platform}.node`)
  fs.cpSync(path.join(ROOT, 'npm', platform), folder, { recursive: true })
  fs.copyFileSync(module, path.join(folder, path.basename(module)))
  for (const file of LICENCES) fs.copyFileSync(path.join(ROOT, file), path.join(folder, file))
  const libvpx = libvpxIn(module)
  // Without libvpx there is no mixing, and none of the crates for it.
  const crates = linkedCrates({ mixing: libvpx !== null })
  const libraries = linkedLibraries(crates, libvpx)
  fs.writeFileSync(path.join(folder, NOTICES), thirdPartyNotices(crates, libraries))
  const { version } = readJson(path.join(folder, 'package.json'))
  fs.writeFileSync(path.join(folder, BILL), `${JSON.stringify(billOfMaterials(platform, version, crates, libraries), null, 2)}\n`)
  return folder
}

function stageMain(stage, manifest, platforms) {
  const folder = path.join(stage, 'medialoom')
  // npm adds the README by itself.
  for (const entry of [...manifest.files, 'README.md']) {
    fs.cpSync(path.join(ROOT, entry), path.join(folder, entry), { recursive: true, filter: isNoBuild })
  }
  const { devDependencies, workspaces, napi, scripts, ...published } = manifest
  published.optionalDependencies = Object.fromEntries(platforms.map(platform => [`@medialoom/${platform}`, manifest.version]))
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
  return folder
}

/** The room server, which `npx medialoom serve` runs. @returns {string} path of the tarball */
function makeServerPackage({ out = path.join(ROOT, 'dist') } = {}) {
  fs.mkdirSync(out, { recursive: true })
  const stage = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-server-package-'))
  try {
    return pack(stageServer(stage), out)
  } finally {
    fs.rmSync(stage, { recursive: true, force: true })
  }
}

function stageServer(stage) {
  const folder = path.join(stage, 'room-server')
  const source = path.join(ROOT, 'examples', 'room-server')
  fs.cpSync(source, folder, {
    recursive: true,
    filter: file => path.basename(file) !== 'node_modules' && path.basename(file) !== 'tsconfig.json'
  })
  for (const file of LICENCES) fs.copyFileSync(path.join(ROOT, file), path.join(folder, file))
  const { private: _, devDependencies, scripts, ...published } = readJson(path.join(source, 'package.json'))
  // One release, one version: the page is served the client of the package.
  published.version = readJson(path.join(ROOT, 'package.json')).version
  published.dependencies.medialoom = published.version
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
  return folder
}

/** Cargo leaves its gigabytes next to the sources, where somebody builds the clients of the benchmark by hand. */
function isNoBuild(file) {
  return path.basename(file) !== 'target'
}

function pack(folder, out) {
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const output = execFileSync(npm, ['pack', folder, '--json', '--pack-destination', out], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32'
  })
  return path.join(out, JSON.parse(output)[0].filename)
}

function readJson(file) {
  return JSON.parse(fs.readFileSync(file, 'utf8'))
}

module.exports = { makePackages, makeServerPackage, stageMain, stagePlatform }

if (require.main === module) {
  const argv = process.argv.slice(2)
  if (argv.includes('--explain')) {
    console.error('Publish the tarballs that `npm run package -- --all` makes; see CONTRIBUTING.md, Releases.')
    process.exit(1)
  }
  try {
    const out = argv.includes('--out') ? path.resolve(argv[argv.indexOf('--out') + 1]) : undefined
    for (const file of [...makePackages({ all: argv.includes('--all'), out }), makeServerPackage({ out })]) console.log(file)
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
