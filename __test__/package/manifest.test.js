'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')
const { PLATFORM_OF_TARGET } = require('../../scripts/build.js')

const ROOT = path.join(__dirname, '..', '..')
const manifest = require('../../package.json')

test('package.json, Cargo.toml and the platform packages have one version and one licence', () => {
  const cargo = fs.readFileSync(path.join(ROOT, 'Cargo.toml'), 'utf8')
  assert.equal(/^version = "(.*)"$/m.exec(cargo)[1], manifest.version)
  assert.equal(/^license = "(.*)"$/m.exec(cargo)[1], manifest.license)
  for (const name of fs.readdirSync(path.join(ROOT, 'npm'))) {
    const platform = require(`../../npm/${name}/package.json`)
    assert.equal(platform.version, manifest.version, name)
    assert.equal(platform.license, manifest.license, name)
  }
})

test('every target has its platform package, and the workflow builds it', () => {
  const workflow = fs.readFileSync(path.join(ROOT, '.github', 'workflows', 'build.yml'), 'utf8')
  const platforms = manifest.napi.targets.map(target => PLATFORM_OF_TARGET[target])
  assert.deepEqual([...platforms].sort(), fs.readdirSync(path.join(ROOT, 'npm')).sort())
  for (const target of manifest.napi.targets) {
    const [platform, linux] = [PLATFORM_OF_TARGET[target], target.includes('-linux-')]
    // scripts/prebuild.js knows the targets of Linux itself.
    assert.match(workflow, new RegExp(`platform: ${platform}, ${linux ? '' : `.*target: ${target}\\b`}`))
  }
})

test('each platform package fits one kind of machine, and no two the same', () => {
  const fits = fs.readdirSync(path.join(ROOT, 'npm')).map(name => {
    const platform = require(`../../npm/${name}/package.json`)
    assert.equal(platform.name, `@medialoom/${name}`)
    assert.equal(platform.main, `medialoom.${name}.node`)
    return [platform.os, platform.cpu, platform.libc].join()
  })
  assert.equal(new Set(fits).size, fits.length)
})

test('every file that the manifest points at is there', () => {
  const pointers = [...Object.values(manifest.exports), manifest.main, manifest.types, manifest.bin]
    .flatMap(value => (typeof value === 'object' ? Object.values(value) : value))
    .concat(manifest.files)
  for (const file of pointers) assert.ok(fs.existsSync(path.join(ROOT, file)), file)
})

test('the lock file names no registry and is in step with the manifest', () => {
  const lock = JSON.parse(fs.readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8'))
  const resolved = Object.values(lock.packages).map(entry => entry.resolved ?? '')
  assert.deepEqual(
    resolved.filter(where => where.includes('://')),
    []
  )
  assert.equal(lock.version, manifest.version)
  assert.deepEqual(lock.packages[''].devDependencies, manifest.devDependencies)
})

test('actions of the workflows are named by their commit', () => {
  const folder = path.join(ROOT, '.github', 'workflows')
  for (const name of fs.readdirSync(folder)) {
    for (const [, action] of fs.readFileSync(path.join(folder, name), 'utf8').matchAll(/uses: (\S+)/g)) {
      assert.match(action, /^\.\/|@[0-9a-f]{40}$/, name)
    }
  }
})

test('npm knows where the sources are, so that the links of the README lead there', () => {
  const url = 'https://github.com/medialoom/medialoom'
  assert.equal(manifest.repository.url, `git+${url}.git`)
  assert.equal(manifest.bugs, `${url}/issues`)
  assert.ok(manifest.homepage.startsWith(url))
  assert.ok(manifest.author)
  for (const name of fs.readdirSync(path.join(ROOT, 'npm'))) {
    // Provenance of a package is refused unless its repository is that of the workflow.
    const { repository } = require(`../../npm/${name}/package.json`)
    assert.deepEqual(repository, { ...manifest.repository, directory: `npm/${name}` })
  }
})

test('the packages of all platforms are named in full where they are loaded', () => {
  const source = fs.readFileSync(path.join(ROOT, 'lib', 'native', 'prebuilt.js'), 'utf8')
  for (const name of fs.readdirSync(path.join(ROOT, 'npm'))) {
    assert.ok(source.includes(`require('@medialoom/${name}')`), name)
    assert.ok(source.includes(`require('@medialoom/${name}/package.json')`), name)
  }
})
