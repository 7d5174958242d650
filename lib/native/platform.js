'use strict'

const fs = require('node:fs')

const SUPPORTED = new Set([
  'linux-x64-gnu',
  'linux-x64-musl',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc'
])

/**
 * Name of the running platform, as in `medialoom.linux-x64-gnu.node` and
 * `@medialoom/linux-x64-gnu`. No process is spawned and no diagnostic report is made for it:
 * either would cost more than loading the module.
 */
function platformName() {
  const { platform, arch } = process
  if (platform === 'linux') return `linux-${arch}-${usesMusl(process.execPath) ? 'musl' : 'gnu'}`
  if (platform === 'win32') return `win32-${arch}-msvc`
  return `${platform}-${arch}`
}

/** Whether packages with a ready-made module exist for a platform. */
function isPrebuilt(name) {
  return SUPPORTED.has(name)
}

/**
 * Whether an ELF executable is linked against musl, by the loader it asks for (PT_INTERP). A module
 * has to match the C library of the process, whatever else is installed on the machine.
 */
function usesMusl(executable) {
  let file
  try {
    file = fs.openSync(executable, 'r')
    const header = Buffer.alloc(64)
    if (fs.readSync(file, header, 0, 64, 0) < 64 || header.readUInt32BE(0) !== 0x7f454c46) return false
    // 64-bit little-endian only, which is every Linux platform supported here.
    if (header[4] !== 2 || header[5] !== 1) return false
    const offset = Number(header.readBigUInt64LE(32))
    const entrySize = header.readUInt16LE(54)
    const entries = Buffer.alloc(entrySize * header.readUInt16LE(56))
    fs.readSync(file, entries, 0, entries.length, offset)
    for (let at = 0; at + 40 <= entries.length; at += entrySize) {
      if (entries.readUInt32LE(at) !== 3) continue
      const loader = Buffer.alloc(Math.min(Number(entries.readBigUInt64LE(at + 32)), 256))
      fs.readSync(file, loader, 0, loader.length, Number(entries.readBigUInt64LE(at + 8)))
      return loader.includes('ld-musl-')
    }
    // A static executable names no loader; it cannot load modules either.
    return false
  } catch {
    return false
  } finally {
    if (file !== undefined) fs.closeSync(file)
  }
}

module.exports = { platformName, isPrebuilt, usesMusl }
