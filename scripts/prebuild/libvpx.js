'use strict'

const crypto = require('node:crypto')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { execFileSync } = require('node:child_process')

const VERSION = '1.17.0'
const SOURCE = `https://github.com/webmproject/libvpx/archive/refs/tags/v${VERSION}.tar.gz`
const SHA256 = '1020f184046187baa2985dbde38e0691f49c44088bca7a1842b0236c6081dc0a'

/** VP8 and VP9 in both directions, of 8 bits and in real time: all that is called (src/mcu/video/codec/vpx.c). */
const OPTIONS = [
  '--enable-pic',
  '--enable-realtime-only',
  '--disable-postproc',
  '--disable-webm-io',
  '--disable-libyuv',
  '--disable-examples',
  '--disable-tools',
  '--disable-docs',
  '--disable-unit-tests',
  '--disable-install-bins',
  '--disable-dependency-tracking'
]

/** What libvpx's configure calls a processor. */
const TARGET_OF_CPU = { x86_64: 'x86_64-linux-gcc', aarch64: 'arm64-linux-gcc' }

/**
 * Compiles the pinned libvpx for another C library or processor than this machine's.
 *
 * @param {object} options
 * @param {string} options.zig the program
 * @param {string} options.target as Zig names it, such as `aarch64-linux-musl`
 * @param {string} options.folder where sources and results lie; what is there already is used
 * @param {string} [options.tarball] the source, where it is not to be downloaded
 * @returns {Promise<{ VPX_LIB_DIR: string, VPX_INCLUDE_DIR: string }>} what build.rs reads
 */
async function buildLibvpx({ zig, target, folder, tarball }) {
  const out = path.join(folder, `libvpx-${VERSION}-${target}`)
  const result = { VPX_LIB_DIR: path.join(out, 'lib'), VPX_INCLUDE_DIR: path.join(out, 'include') }
  if (fs.existsSync(path.join(result.VPX_LIB_DIR, 'libvpx.a'))) return result

  const source = await unpacked(folder, tarball)
  const objects = `${out}-objects`
  fs.rmSync(objects, { recursive: true, force: true })
  fs.mkdirSync(objects, { recursive: true })
  const cc = `${zig} cc -target ${target} -g0`
  /** @type {NodeJS.ProcessEnv} */
  const env = { ...process.env, CC: cc, CXX: `${zig} c++ -target ${target} -g0`, LD: cc, AR: `${zig} ar`, NM: 'nm', STRIP: 'true' }
  // On x86 nasm is found by itself.
  if (target.startsWith('aarch64')) env.AS = cc
  const run = (program, args) => execFileSync(program, args, { cwd: objects, env, stdio: ['ignore', 'ignore', 'inherit'] })
  const cpu = target.split('-')[0]
  run(path.join(source, 'configure'), [`--target=${TARGET_OF_CPU[cpu]}`, `--prefix=${out}`, ...OPTIONS])
  run('make', [`-j${os.availableParallelism()}`])
  run('make', ['install'])
  fs.rmSync(objects, { recursive: true, force: true })
  return result
}

/** The folder with the sources, once they are those that are pinned. */
async function unpacked(folder, tarball) {
  const source = path.join(folder, `libvpx-${VERSION}`)
  if (fs.existsSync(source)) return source
  const bytes = tarball ? fs.readFileSync(tarball) : await download(SOURCE)
  const hash = crypto.createHash('sha256').update(bytes).digest('hex')
  if (hash !== SHA256) throw new Error(`${tarball ?? SOURCE} has the SHA-256 ${hash}, libvpx ${VERSION} has ${SHA256}`)
  fs.mkdirSync(folder, { recursive: true })
  execFileSync('tar', ['-xzf', '-', '-C', folder], { input: bytes })
  return source
}

async function download(url) {
  const response = await fetch(url)
  if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`)
  return Buffer.from(await response.arrayBuffer())
}

module.exports = { VERSION, buildLibvpx }
