/* global document */
'use strict'

/**
 * Makes the table of docs/recording.md: which program plays which codec in which container, finished and as `kill -9` leaves it.
 * What is not installed has no column. Takes some minutes.
 *
 *   node tools/players.js [FOLDER]     the recordings stay in the folder, if one is named
 */

const { once } = require('node:events')
const fs = require('node:fs')
const http = require('node:http')
const os = require('node:os')
const path = require('node:path')
const { Endpoint } = require('..')
const { PROGRAMS, SECONDS, hasPicture, recordAll } = require('../__test__/support/player-table.js')
const { chromium, firefox } = require('../__test__/support/clients/browser/launch.js')

const TYPES = { '.webm': 'video/webm', '.mkv': 'video/x-matroska', '.mp4': 'video/mp4', '.ogg': 'audio/ogg', '.wav': 'audio/wav' }

/** In a page: plays a file fast, and gives what went wrong. */
function play({ url, seconds, picture }) {
  return new Promise(resolve => {
    const video = document.createElement('video')
    const end = error =>
      resolve(error ?? (video.currentTime < seconds ? 'it ended early' : picture && !video.videoWidth ? 'sound only' : null))
    video.muted = true
    video.playbackRate = 4
    video.onended = () => end(null)
    video.onerror = () => end(video.error.message || `error ${video.error.code}`)
    setTimeout(() => end('it did not end'), 10_000)
    video.src = url
    video.play().catch(() => {})
  })
}

/** Serves a folder with ranges, as players ask for them. */
async function serve(folder) {
  const server = http.createServer((request, response) => {
    const file = path.join(folder, path.basename(request.url))
    if (!fs.existsSync(file) || request.url === '/') return response.setHeader('content-type', 'text/html').end('<!doctype html>')
    const bytes = fs.readFileSync(file)
    const [, from = '0', to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? []
    const end = to ? Number(to) : bytes.length - 1
    const range = `bytes ${from}-${end}/${bytes.length}`
    response.writeHead(206, { 'content-type': TYPES[path.extname(file)], 'accept-ranges': 'bytes', 'content-range': range })
    return response.end(bytes.subarray(Number(from), end + 1))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

/** A browser as a program that plays. */
async function browserProgram(browser, origin) {
  const started = await browser.launch()
  const page = await started.open(`${origin}/`)
  return {
    name: browser.name,
    takes: () => true,
    play: (_, name) => page.evaluate(play, { url: `${origin}/${name}`, seconds: SECONDS * 0.8, picture: hasPicture(name) }),
    close: () => started.close()
  }
}

/** What a program makes of the finished file and of the one of a crash. */
async function verdict(program, folder, name) {
  if (!program.takes(name)) return ''
  const killed = name.replace('.', '-killed.')
  const results = []
  for (const file of [name, killed]) results.push(await program.play(path.join(folder, file), file))
  const [finished, left] = results
  if (finished === left) return finished ?? 'yes'
  return `${finished ?? 'yes'}; killed: ${left ?? 'yes'}`
}

async function main(kept) {
  const folder = kept ?? fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-table-'))
  fs.mkdirSync(folder, { recursive: true })
  const endpoint = await Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
  const names = (await recordAll(endpoint, folder)).filter(name => !name.includes('-killed'))
  await endpoint.close()
  const server = await serve(folder)
  const origin = `http://127.0.0.1:${server.address().port}`
  const programs = PROGRAMS.filter(program => !program.missing)
  for (const browser of [chromium, firefox]) if (!browser.missing) programs.push(await browserProgram(browser, origin))
  const row = cells => console.log(`| ${cells.join(' | ')} |`)
  row(['', ...programs.map(program => program.name)])
  row(['', ...programs].map(() => '---'))
  for (const name of names) {
    const cells = []
    for (const program of programs) cells.push(await verdict(program, folder, name))
    row([name.replace('.', ' in .').replace('sound in ', ''), ...cells])
  }
  for (const program of programs) await program.close?.()
  server.close()
  if (!kept) fs.rmSync(folder, { recursive: true, force: true })
}

main(process.argv[2])
