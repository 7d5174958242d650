'use strict'

const fs = require('node:fs')
const path = require('node:path')

/** The libraries in C that crates bring along, and where their sources say which version they are. */
const BUNDLED = {
  'aws-lc-sys': { name: 'awslc', file: 'aws-lc/include/openssl/base.h', pattern: /AWSLC_VERSION_NUMBER_STRING "([\d.]+)"/ },
  'opusic-sys': { name: 'libopus', file: 'opus/package_version', pattern: /="([\d.]+)/ },
  'libaom-sys': { name: 'libaom', file: 'vendor/CHANGELOG', pattern: /^\d+-\d+-\d+ v([\d.]+)/ },
  'openh264-sys2': {
    name: 'openh264',
    file: 'upstream/codec/api/wels/codec_ver.h',
    pattern: /_MAJOR \((\d+)\)\s+#define \w+_MINOR \((\d+)\)\s+#define \w+_REVISION \((\d+)\)/
  }
}

/** What libvpx calls itself, in every module that has it. */
const LIBVPX = /WebM Project VP8 Decoder v(\d+\.\d+\.\d+)/

/**
 * The version of the libvpx that is linked into a module; it is of whichever machine built it. `null`
 * for a module that was built without mixing. Read from the file, as a module of another platform
 * cannot be asked.
 *
 * @param {string} module path of the file
 * @returns {string | null}
 */
function libvpxIn(module) {
  return LIBVPX.exec(fs.readFileSync(module, 'latin1'))?.[1] ?? null
}

/**
 * The libraries in C that are in a module, by the crate that brings each; `null` for the one that
 * none brings.
 *
 * @param {{ name: string, license: string, manifest_path: string }[]} crates that are linked into it
 * @param {string | null} libvpx its version
 * @returns {{ name: string, version: string, license: string, crate: string | null }[]}
 */
function linkedLibraries(crates, libvpx) {
  const bundled = crates
    .filter(crate => crate.name in BUNDLED)
    .map(crate => {
      const { name, file, pattern } = BUNDLED[crate.name]
      const found = pattern.exec(fs.readFileSync(path.join(path.dirname(crate.manifest_path), file), 'utf8'))
      if (!found) throw new Error(`${crate.name}: ${file} does not say which version of ${name} it is`)
      return { name, version: found.slice(1).join('.'), license: crate.license, crate: crate.name }
    })
  const own = libvpx === null ? [] : [{ name: 'libvpx', version: libvpx, license: 'BSD-3-Clause', crate: null }]
  return [...bundled, ...own]
}

module.exports = { libvpxIn, linkedLibraries }
