'use strict'

/**
 * Lets a native module do a little of everything that is linked into it, in the Node that runs this: keys
 * and a description, and with mixing a sound and a picture that are encoded into a file. Needs nothing
 * but Node, so that it runs wherever the module does; ends with the line `started`.
 *
 *   node __test__/package/start-module.js prebuilt/medialoom.linux-x64-musl.node
 */

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { once } = require('node:events')
const { platformName } = require('../../lib/native/platform.js')

const ROOT = path.join(__dirname, '..', '..')

async function main(module) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'medialoom-start-'))
  try {
    for (const name of ['index.js', 'lib', 'package.json']) fs.cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true })
    fs.copyFileSync(module, path.join(folder, `medialoom.${platformName()}.node`))
    const medialoom = require(folder)
    console.log(platformName(), process.version, JSON.stringify(medialoom.versions))

    const endpoint = await medialoom.Endpoint.create({ listen: [{ ip: '127.0.0.1' }], threads: 1 })
    endpoint.ref()
    const transport = endpoint.createTransport()
    transport.createOutgoingStream({ audio: 1, video: 1 })
    assert.match(await transport.createOffer(), /^a=fingerprint:sha-256 /m)
    if (medialoom.versions.libvpx) await mix(endpoint, path.join(folder, 'mixed.webm'))
    await endpoint.close()
    console.log('started')
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

/** Half a second of a tone and of a canvas, into a file. */
async function mix(endpoint, file) {
  const mixer = await endpoint.createMixer({ audio: true, video: { width: 320, height: 180, frameRate: 10 } })
  mixer.addPort({ label: 'Ada' }).setTone({ frequency: 440 })
  const recorder = await endpoint.createRecorder(file)
  recorder.record(mixer.audio)
  recorder.record(mixer.video)
  while (recorder.info.duration < 0.5) await once(recorder, 'progress')
  await recorder.close()
  const content = fs.readFileSync(file, 'latin1')
  for (const codec of ['A_OPUS', 'V_VP8']) assert.ok(content.includes(codec), codec)
}

main(path.resolve(process.argv[2])).catch(error => {
  console.error(error)
  process.exitCode = 1
})
