'use strict'

const crypto = require('node:crypto')
const fs = require('node:fs')
const http = require('node:http')
const os = require('node:os')
const path = require('node:path')
const zlib = require('node:zlib')
const { execFileSync, spawn } = require('node:child_process')
const { once } = require('node:events')
const { stageMain, stagePlatform } = require('../../scripts/package.js')
const { PLATFORM_OF_TARGET } = require('../../scripts/build.js')
const { platformName } = require('../../lib/native/platform.js')

/** Milliseconds that a program may take. */
const TIMEOUT = 120_000
const ROOT = path.join(__dirname, '..', '..')

/**
 * A registry on the loopback that has the package and its platform packages and nothing else, so
 * that package managers install by name, as they do once it is published. The packages of other
 * platforms are there without their modules.
 */
class Registry {
  #folder = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-registry-'))
  #packages = new Map()
  #server = http.createServer((request, response) => this.#answer(request, response))

  /** @returns {Promise<Registry>} */
  static async start() {
    const registry = new Registry()
    registry.#server.listen(0, '127.0.0.1')
    await once(registry.#server, 'listening')
    const manifest = require('../../package.json')
    const platforms = manifest.napi.targets.map(target => PLATFORM_OF_TARGET[target])
    const stage = path.join(registry.#folder, 'stage')
    registry.#add(stageMain(stage, manifest, platforms))
    for (const platform of platforms) registry.#add(stageOf(stage, platform))
    return registry
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}/`
  }

  /** A folder for the projects and caches of a test, gone with the registry. */
  folder(name) {
    const folder = path.join(this.#folder, name)
    fs.mkdirSync(folder, { recursive: true })
    return folder
  }

  /**
   * Runs a program that installs from here, with caches and settings of its own: those of whoever
   * runs the tests are no part of them.
   *
   * @returns {Promise<{ code: number | null, output: string }>}
   */
  run([program, ...args], cwd, env = {}) {
    const own = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_TEST_CONTEXT$|^CI$/.test(name))
    const home = this.folder('home')
    const places = { HOME: home, USERPROFILE: home, XDG_CACHE_HOME: home, XDG_DATA_HOME: home, npm_config_cache: path.join(home, 'npm') }
    const child = spawn(program, args, {
      cwd,
      env: { ...Object.fromEntries(own), ...places, npm_config_registry: this.url, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT
    })
    let output = ''
    child.stdout.on('data', text => (output += text))
    child.stderr.on('data', text => (output += text))
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', code => resolve({ code, output }))
    })
  }

  close() {
    this.#server.closeAllConnections()
    this.#server.close()
    fs.rmSync(this.#folder, { recursive: true, force: true })
  }

  #add(stage) {
    const manifest = JSON.parse(fs.readFileSync(path.join(stage, 'package.json'), 'utf8'))
    // As `npm pack` does, but for the time it takes to compress.
    const parent = path.dirname(stage)
    const packed = path.join(parent, 'package')
    fs.renameSync(stage, packed)
    const tar = execFileSync('tar', ['-cf', '-', '-C', parent, 'package'], { maxBuffer: 1024 ** 3 })
    fs.rmSync(packed, { recursive: true })
    const tarball = zlib.gzipSync(tar, { level: 1 })
    const integrity = `sha512-${crypto.createHash('sha512').update(tarball).digest('base64')}`
    const url = `${this.url}${manifest.name}/-/${manifest.version}.tgz`
    const dist = { tarball: url, integrity, shasum: crypto.createHash('sha1').update(tarball).digest('hex') }
    // What npm's registry adds for those who must not run scripts unasked.
    const hasInstallScript = ['preinstall', 'install', 'postinstall'].some(name => manifest.scripts?.[name])
    const version = { ...manifest, dist, ...(hasInstallScript && { hasInstallScript }) }
    const packument = {
      name: manifest.name,
      'dist-tags': { latest: manifest.version },
      versions: { [manifest.version]: version },
      // Some package managers refuse what was published a moment ago.
      time: { [manifest.version]: '2020-01-01T00:00:00.000Z', modified: '2020-01-01T00:00:00.000Z' }
    }
    this.#packages.set(manifest.name, { packument, tarball })
  }

  #answer({ url }, response) {
    const [name, file] = decodeURIComponent(url.slice(1).split('?')[0]).split('/-/')
    const found = this.#packages.get(name)
    if (!found) response.writeHead(404, { 'content-type': 'application/json' }).end('{}')
    else if (file) response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(found.tarball)
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found.packument))
  }
}

function stageOf(stage, platform) {
  if (platform === platformName()) return stagePlatform(stage, platform, ROOT)
  const folder = path.join(stage, platform)
  fs.cpSync(path.join(ROOT, 'npm', platform), folder, { recursive: true })
  return folder
}

module.exports = { Registry }
