'use strict'

/**
 * Builds the native module that is published for a platform of Linux, into prebuilt/. Zig compiles and
 * links it, so that any Linux machine makes the module of every one, for the oldest glibc that Node 20
 * runs on, and with the same libvpx.
 *
 *   node scripts/prebuild.js linux-arm64-musl
 *   node scripts/prebuild.js linux-x64-gnu --libvpx v1.17.0.tar.gz     with libvpx's source at hand
 *
 * Needs Python 3 with venv, rustup, cmake, nasm (for x64), perl and make.
 */

const fs = require('node:fs')
const path = require('node:path')
const { execFileSync } = require('node:child_process')
const { PLATFORM_OF_TARGET, build } = require('./build.js')
const { buildLibvpx } = require('./prebuild/libvpx.js')
const { zigTools } = require('./prebuild/zig.js')

const ROOT = path.join(__dirname, '..')
/** Of RHEL 8 and its like: what the binaries of Node 20 ask for themselves. */
const GLIBC = '2.28'

/**
 * @param {string} platform such as `linux-x64-gnu`
 * @param {{ libvpx?: string }} [options] path of libvpx's source
 * @returns {Promise<string>} path of the module
 */
async function prebuild(platform, { libvpx } = {}) {
  const rustTarget = Object.keys(PLATFORM_OF_TARGET).find(target => PLATFORM_OF_TARGET[target] === platform)
  const [, cpu, libc] = /^(\w+)-unknown-linux-(\w+)$/.exec(rustTarget ?? '') ?? []
  if (!cpu) throw new Error(`${platform} is no platform of Linux that a module is published for`)
  const version = libc === 'gnu' ? `.${GLIBC}` : ''

  const work = path.resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target', 'prebuild')
  const { bin, zig } = zigTools(path.join(work, 'tools'))
  const vpx = await buildLibvpx({ zig, target: `${cpu}-linux-${libc}${version}`, folder: work, tarball: libvpx })
  execFileSync('rustup', ['target', 'add', rustTarget], { stdio: ['ignore', 'ignore', 'inherit'] })

  const out = path.join(ROOT, 'prebuilt')
  fs.mkdirSync(out, { recursive: true })
  const env = {
    ...process.env,
    ...vpx,
    MEDIALOOM_STRIP: '1',
    PATH: `${bin}${path.delimiter}${process.env.PATH}`
  }
  return build({ target: `${rustTarget}${version}`, command: 'zigbuild', out, env })
}

module.exports = { GLIBC, prebuild }

if (require.main === module) {
  const [platform, option, libvpx, ...rest] = process.argv.slice(2)
  const known = platform && (option === undefined || (option === '--libvpx' && libvpx)) && rest.length === 0
  const started = known
    ? prebuild(platform, { libvpx: libvpx && path.resolve(libvpx) })
    : Promise.reject(new Error('usage: node scripts/prebuild.js PLATFORM [--libvpx TARBALL]'))
  started.then(
    module => console.log(`built ${path.relative(process.cwd(), module)}`),
    error => {
      console.error(error.message)
      process.exitCode = 1
    }
  )
}
