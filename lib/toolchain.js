'use strict'

const fs = require('node:fs')
const path = require('node:path')

/** What a source build needs: the programs that would do, and how to get one. */
const TOOLS = [
  {
    name: 'cargo',
    programs: ['cargo'],
    hint: 'the Rust toolchain, 1.88 or newer: https://rustup.rs'
  },
  {
    name: 'a C compiler',
    programs: process.platform === 'win32' ? ['cl', 'clang-cl', 'gcc'] : ['cc', 'gcc', 'clang'],
    hint:
      process.platform === 'win32'
        ? 'the Visual Studio Build Tools'
        : process.platform === 'darwin'
          ? 'xcode-select --install'
          : 'apt-get install build-essential, or your distribution\'s like'
  }
]

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
function missingTools(env = process.env) {
  return TOOLS.filter(tool => !tool.programs.some(program => findProgram(program, env)))
}

module.exports = { findProgram, missingTools }
