'use strict'

const fs = require('node:fs')
const path = require('node:path')
const { execFileSync } = require('node:child_process')

const REQUIREMENTS = path.join(__dirname, 'requirements.txt')

/**
 * Zig and cargo-zigbuild, of the versions that are pinned, in a Python environment of their own.
 *
 * @param {string} folder where it is, and is made when it is not there
 * @returns {{ bin: string, zig: string }} the folder with both programs, and Zig itself
 */
function zigTools(folder) {
  const bin = path.join(folder, 'bin')
  const installed = path.join(folder, 'installed.txt')
  const wanted = fs.readFileSync(REQUIREMENTS, 'utf8')
  if (!fs.existsSync(installed) || fs.readFileSync(installed, 'utf8') !== wanted) {
    execFileSync('python3', ['-m', 'venv', folder], { stdio: 'inherit' })
    const install = ['install', '--quiet', '--disable-pip-version-check', '--require-hashes', '--only-binary=:all:', '-r', REQUIREMENTS]
    execFileSync(path.join(bin, 'pip'), install, { stdio: 'inherit' })
    fs.writeFileSync(installed, wanted)
  }
  return { bin, zig: path.join(bin, 'python-zig') }
}

module.exports = { zigTools }
