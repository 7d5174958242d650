'use strict'

/**
 * `npm run docs`: the site of docs/, the documents at the top of the repository and the API reference
 * of the typings, in target/docs. Fails when a page of it links to nothing. Needs what
 * `npm ci --prefix tools` installs.
 */

const fs = require('node:fs')
const path = require('node:path')
const { spawnSync } = require('node:child_process')

const ROOT = path.join(__dirname, '..')
const TOOLS = path.join(ROOT, 'tools', 'node_modules')
const PAGES = path.join(ROOT, 'target', 'docs-pages')
const SITE = path.join(ROOT, 'target', 'docs')
const REPOSITORY = 'https://github.com/medialoom/medialoom/blob/main'

/** Documents of the top, and what they are called on the site. */
const TOP = {
  'README.md': 'index.md',
  'ARCHITECTURE.md': 'architecture.md',
  'CHANGELOG.md': 'changelog.md',
  'CONTRIBUTING.md': 'contributing.md',
  'SECURITY.md': 'reporting.md'
}
/** The typings, each a module of the reference. */
const TYPINGS = [
  'index.d.ts',
  'lib/rooms/index.d.ts',
  'lib/express/index.d.ts',
  'lib/fetch/index.d.ts',
  'lib/auth/index.d.ts',
  'lib/storage/index.d.ts',
  'lib/storage/s3.d.ts',
  'lib/opentelemetry/index.d.ts',
  'lib/testing/index.d.ts',
  'lib/client/index.d.ts'
]

const SIDEBAR = {
  Start: ['getting-started', 'concepts', 'cookbook', 'faq', 'troubleshooting'],
  Use: [
    'api',
    'rooms',
    'client',
    'auth',
    'jwt',
    'mixing',
    'recording',
    'playback',
    'hls',
    'ingest',
    'whip-whep',
    'closing',
    'bundlers',
    'migrating'
  ],
  Run: ['deployment', 'capacity', 'observability', 'security', 'signaling'],
  Inside: ['architecture', 'packet', 'bandwidth', 'networks', 'performance', 'soak'],
  Project: ['changelog', 'contributing', 'reporting']
}

function makeSite() {
  if (!fs.existsSync(TOOLS)) throw new Error('Install what makes the site first: npm ci --prefix tools')
  fs.rmSync(PAGES, { recursive: true, force: true })
  fs.mkdirSync(path.join(PAGES, '.vitepress'), { recursive: true })
  const pages = { ...TOP }
  for (const name of fs.readdirSync(path.join(ROOT, 'docs'))) pages[`docs/${name}`] = name
  for (const [source, page] of Object.entries(pages)) {
    if (!page.endsWith('.md')) fs.copyFileSync(path.join(ROOT, source), path.join(PAGES, page))
    else fs.writeFileSync(path.join(PAGES, page), withLinks(source, pages))
  }
  makeReference()
  fs.writeFileSync(path.join(PAGES, '.vitepress', 'config.mjs'), `export default ${JSON.stringify(configuration(pages), null, 2)}\n`)
  run('vitepress', ['build', PAGES])
}

/** A document with links that lead to pages of the site, or to the repository where it has none. */
function withLinks(source, pages) {
  const text = fs.readFileSync(path.join(ROOT, source), 'utf8')
  return text.replace(/\]\(([^)\s]+)\)/g, (all, target) => {
    if (/^(?:[a-z]+:|#)/.test(target)) return all
    const [file, anchor] = target.split('#')
    const named = path.posix.normalize(path.posix.join(path.posix.dirname(source), file))
    const page = named === 'index.d.ts' ? 'reference/index.md' : pages[named]
    const where = page ? `./${page}` : `${REPOSITORY}/${named}`
    return `](${where}${anchor ? `#${anchor}` : ''})`
  })
}

/** The reference: a page for each class, interface and type. */
function makeReference() {
  run('typedoc', [
    '--plugin',
    path.join(TOOLS, 'typedoc-plugin-markdown', 'dist', 'index.js'),
    '--tsconfig',
    path.join(ROOT, 'tsconfig.json'),
    '--out',
    path.join(PAGES, 'reference'),
    '--entryFileName',
    'index',
    '--readme',
    'none',
    '--name',
    'Reference',
    '--hideBreadcrumbs',
    'true',
    '--disableSources',
    'true',
    '--skipErrorChecking',
    'true',
    ...TYPINGS.map(file => path.join(ROOT, file))
  ])
}

function configuration(pages) {
  const titles = new Map(
    Object.entries(pages)
      .filter(([, page]) => page.endsWith('.md'))
      .map(([source, page]) => [page.replace('.md', ''), title(source)])
  )
  return {
    title: 'medialoom',
    description: require('../package.json').description,
    outDir: SITE,
    cacheDir: path.join(ROOT, 'target', 'docs-cache'),
    // What is on the reader's own machine.
    ignoreDeadLinks: 'localhostLinks',
    themeConfig: {
      search: { provider: 'local' },
      nav: [
        { text: 'Reference', link: '/reference/index' },
        { text: 'Source', link: 'https://github.com/medialoom/medialoom' }
      ],
      sidebar: Object.entries(SIDEBAR).map(([text, names]) => ({
        text,
        items: names.map(name => ({ text: titles.get(name), link: `/${name}` }))
      }))
    }
  }
}

function title(source) {
  return /^# (.*)$/m.exec(fs.readFileSync(path.join(ROOT, source), 'utf8'))[1]
}

function run(name, args) {
  const program = path.join(TOOLS, '.bin', name)
  const { status, error } = spawnSync(program, args, {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32'
  })
  if (error) throw error
  if (status !== 0) throw new Error(`${name} failed`)
}

module.exports = { makeSite, SIDEBAR, TOP }

if (require.main === module) {
  try {
    makeSite()
    console.log(`The site is in ${path.relative(process.cwd(), SITE)}`)
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
