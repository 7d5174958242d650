'use strict'

const fs = require('node:fs')
const path = require('node:path')

/** What a source build needs, how to see whether it is there, and how to get it. */
const TOOLS = [
  {
    name: 'cargo',
    programs: ['cargo'],
    hint: 'the Rust toolchain, 1.89 or newer: https://rustup.rs'
  },
  {
    name: 'a C compiler',
    programs: process.platform === 'win32' ? ['cl', 'clang-cl', 'gcc'] : ['cc', 'gcc', 'clang'],
    hint:
      process.platform === 'win32'
        ? 'the Visual Studio Build Tools'
        : process.platform === 'darwin'
          ? 'xcode-select --install'
          : "apt-get install build-essential, or your distribution's like"
  },
  {
    name: 'cmake',
    programs: ['cmake'],
    hint: 'to build libopus and libaom: apt-get install cmake, brew install cmake, or https://cmake.org',
    mixing: true
  },
  {
    name: 'nasm',
    programs: ['nasm', 'yasm'],
    arch: 'x64',
    hint: 'to build libaom: apt-get install nasm, brew install nasm, or https://nasm.us',
    mixing: true
  },
  {
    name: 'perl',
    programs: ['perl'],
    hint: 'to build libaom: apt-get install perl, or https://strawberryperl.com',
    mixing: true
  },
  {
    name: 'libvpx 1.8 or newer',
    present: hasLibvpx,
    hint: 'to mix pictures: apt-get install libvpx-dev pkg-config, brew install libvpx pkg-config, or set VPX_LIB_DIR and VPX_INCLUDE_DIR',
    mixing: true
  }
]

/** Where pkg-config looks for what a library needs. */
const PKG_CONFIG = [
  '/usr/lib',
  '/usr/lib64',
  '/usr/local/lib',
  '/opt/homebrew/lib',
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu'
]

/** The oldest libvpx that has the calls that are made, as its version's first two numbers. */
const OLDEST_LIBVPX = [1, 8]

function hasLibvpx(env) {
  if (env.VPX_LIB_DIR) return true
  const [major, minor] = (libvpxVersion(env) ?? '0.0').split('.').map(Number)
  const [oldestMajor, oldestMinor] = OLDEST_LIBVPX
  const isNewEnough = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
  return findProgram('pkg-config', env) !== null && isNewEnough
}

/** As its description for pkg-config says, `null` where there is none. */
function libvpxVersion(env = process.env) {
  const named = (env.PKG_CONFIG_PATH || '').split(path.delimiter).filter(Boolean)
  const directories = [...named, ...PKG_CONFIG.map(directory => path.join(directory, 'pkgconfig'))]
  const found = directories.map(directory => path.join(directory, 'vpx.pc')).find(file => fs.existsSync(file))
  return found ? (/^Version: *(\S+)/m.exec(fs.readFileSync(found, 'utf8'))?.[1] ?? null) : null
}

/** Path of a program in `PATH`, or `null`. Looks at the directories itself: nothing is spawned. */
function findProgram(program, env = process.env) {
  const extensions = process.platform === 'win32' ? (env.PATHEXT || '.EXE;.CMD').split(';') : ['']
  for (const directory of (env.PATH || env.Path || '').split(path.delimiter)) {
    if (!directory) continue
    for (const extension of extensions) {
      const file = path.join(directory, program + extension)
      try {
        fs.accessSync(file, fs.constants.X_OK)
        if (fs.statSync(file).isFile()) return file
      } catch {}
    }
  }
  return null
}

/** The tools that a source build needs and this machine lacks. */
function missingTools(env = process.env, { mixing = true } = {}) {
  const found = tool => tool.present?.(env) ?? tool.programs.some(program => findProgram(program, env))
  const needed = tool => (mixing || !tool.mixing) && (!tool.arch || tool.arch === process.arch)
  return TOOLS.filter(tool => needed(tool) && !found(tool))
}

module.exports = { findProgram, libvpxVersion, missingTools }
