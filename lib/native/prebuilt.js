'use strict'

/**
 * Loads the module that the package of a platform brings. Every name stands here in full: bundlers
 * and the tracers of Next.js and Vercel read the source to see what a program needs, and do not run
 * it. Within `try` they take a package that is not installed, as most of these never are, for an
 * optional one.
 *
 * @returns {{ version: string, native: object } | null} null for a platform without a package, and
 *   where its package is not installed
 * @throws whatever kept an installed module from loading
 */
function loadPrebuilt(name) {
  try {
    switch (name) {
      case 'darwin-arm64':
        return { version: require('@medialoom/darwin-arm64/package.json').version, native: require('@medialoom/darwin-arm64') }
      case 'darwin-x64':
        return { version: require('@medialoom/darwin-x64/package.json').version, native: require('@medialoom/darwin-x64') }
      case 'linux-arm64-gnu':
        return { version: require('@medialoom/linux-arm64-gnu/package.json').version, native: require('@medialoom/linux-arm64-gnu') }
      case 'linux-arm64-musl':
        return { version: require('@medialoom/linux-arm64-musl/package.json').version, native: require('@medialoom/linux-arm64-musl') }
      case 'linux-x64-gnu':
        return { version: require('@medialoom/linux-x64-gnu/package.json').version, native: require('@medialoom/linux-x64-gnu') }
      case 'linux-x64-musl':
        return { version: require('@medialoom/linux-x64-musl/package.json').version, native: require('@medialoom/linux-x64-musl') }
      case 'win32-x64-msvc':
        return { version: require('@medialoom/win32-x64-msvc/package.json').version, native: require('@medialoom/win32-x64-msvc') }
      default:
        return null
    }
  } catch (error) {
    if (error.code === 'MODULE_NOT_FOUND') return null
    throw error
  }
}

module.exports = { loadPrebuilt }
