#!/usr/bin/env node
import { parseArgs } from 'node:util'

/** Flags, the variables that they stand for, and what is said of them. */
const FLAGS = /** @type {const} */ ([
  ['port', 'PORT', 'PORT', 'of HTTP and WebSockets; default 3000'],
  ['host', 'HOST', 'ADDRESS', 'to listen on; default: all'],
  ['public-url', 'PUBLIC_URL', 'URL', 'where clients reach it, behind a proxy'],
  ['cert', 'TLS_CERT', 'FILE', 'certificate in PEM: HTTPS'],
  ['key', 'TLS_KEY', 'FILE', 'its private key'],
  [
    'secret',
    'MEDIALOOM_SECRET',
    'TEXT',
    'key of tokens, 32 bytes or more; default: one for this run. Others on this machine see flags, but no variables'
  ],
  ['ip', 'MEDIALOOM_IP', 'ADDRESS', 'of media; default: every address of this machine'],
  ['announced-ip', 'MEDIALOOM_ANNOUNCED_IP', 'ADDRESS', 'where clients reach it, behind a NAT'],
  ['media-port', 'MEDIALOOM_PORT', 'PORT', 'of media, UDP and TCP; default: any free one'],
  ['recordings', 'RECORDINGS', 'DIRECTORY', 'lets rooms be recorded into it'],
  ['rtmp', 'RTMP_PORT', 'PORT', 'takes encoders by RTMP, commonly on 1935'],
  ['rtmps', 'RTMPS_PORT', 'PORT', 'the same encrypted, with the certificate'],
  ['srt', 'SRT_PORT', 'PORT', 'takes encoders by SRT, UDP, commonly on 9000']
])

const USAGE = `medialoom serve: rooms in the browser, with WHIP, WHEP, RTMP, SRT and RTSP.

${FLAGS.map(([flag, variable, value, about]) => `  ${`--${flag} ${value}`.padEnd(26)}${variable.padEnd(26)}${about}`).join('\n')}
  ${'--private-inputs'.padEnd(26)}${'INPUT_PRIVATE_ADDRESSES=1'.padEnd(26)}cameras at private addresses are asked by RTSP and SRT too
  ${'--open'.padEnd(26)}${'MEDIALOOM_OPEN=1'.padEnd(26)}everybody may do everything: for trying out

Flags win over variables of the environment, of which there are more: docs/signaling.md.
`

/** @param {string[]} args @returns {Record<string, string>} */
function environmentOf(args) {
  const options = Object.fromEntries(FLAGS.map(([flag]) => [flag, /** @type {const} */ ({ type: 'string' })]))
  const { values: parsed } = parseArgs({
    args,
    options: { ...options, open: { type: 'boolean' }, 'private-inputs': { type: 'boolean' }, help: { type: 'boolean', short: 'h' } }
  })
  const values = /** @type {Record<string, string | boolean | undefined>} */ (parsed)
  if (values.help) {
    console.log(USAGE)
    process.exit(0)
  }
  const given = FLAGS.flatMap(([flag, variable]) => (typeof values[flag] === 'string' ? [[variable, values[flag]]] : []))
  return {
    ...Object.fromEntries(given),
    ...(values.open && { MEDIALOOM_OPEN: '1' }),
    ...(values['private-inputs'] && { INPUT_PRIVATE_ADDRESSES: '1' })
  }
}

try {
  Object.assign(process.env, environmentOf(process.argv.slice(2)))
} catch (error) {
  console.error(`${/** @type {Error} */ (error).message}\n\n${USAGE}`)
  process.exit(2)
}
await import('./server.js')
