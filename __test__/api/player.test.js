'use strict'

/** Players: files of other programs as a peer gets them, what time does, and what is no file. */

const assert = require('node:assert/strict')
const { spawnSync } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')
const { describe, test } = require('node:test')
const { PlayedTrack, Player } = require('../..')
const { until, within } = require('../support/events.js')
const { connected, loopbackEndpoint, negotiate } = require('../support/loopback.js')
const {
  AAC,
  AV1,
  H264,
  H265,
  OPUS,
  PICTURE,
  VP8,
  VP9,
  folder,
  hasFfmpeg,
  hasMkvmerge,
  makeFile,
  merge
} = require('../support/media-files.js')

/** A second of a tone, 16 bits at 48 kHz. */
function wav(seconds = 1) {
  const samples = 48_000 * seconds
  const file = Buffer.alloc(44 + 2 * samples)
  file.write('RIFF', 0)
  file.writeUInt32LE(36 + 2 * samples, 4)
  file.write('WAVEfmt ', 8)
  file.writeUInt32LE(16, 16)
  file.writeUInt16LE(1, 20)
  file.writeUInt16LE(1, 22)
  file.writeUInt32LE(48_000, 24)
  file.writeUInt32LE(96_000, 28)
  file.writeUInt16LE(2, 32)
  file.writeUInt16LE(16, 34)
  file.write('data', 36)
  file.writeUInt32LE(2 * samples, 40)
  for (let i = 0; i < samples; i++) file.writeInt16LE(Math.round(8000 * Math.sin((i * 880 * Math.PI) / 48_000)), 44 + 2 * i)
  return file
}

/** What a player plays, as another endpoint gets it from a peer, in a file. */
async function watched(t, player, file) {
  const server = await loopbackEndpoint(t)
  const client = player.endpoint.createTransport({ iceLite: false })
  const played = [player.audio, player.video].filter(Boolean)
  const stream = client.createOutgoingStream({ audio: player.audio ? 1 : 0, video: player.video ? 1 : 0 })
  if (player.audio) stream.audio[0].attachTo(player.audio)
  if (player.video) stream.video[0].attachTo(player.video)
  const transport = server.createTransport()
  const tracks = []
  const all = new Promise(resolve => {
    transport.on('track', track => {
      tracks.push(track)
      if (tracks.length === played.length) resolve()
    })
  })
  await negotiate(client, transport)
  await within(20_000, Promise.all([connected(client), connected(transport), all]), 'the peer')
  const recorder = await server.createRecorder(file)
  const lines = tracks.map(track => recorder.record(track))
  return { recorder, lines, transport, client, tracks }
}

/** Packets of each codec in a file that ffmpeg decodes without a complaint. */
function decoded(file) {
  const check = spawnSync('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-'], { encoding: 'utf8' })
  assert.equal(check.status, 0, check.stderr)
  const entries = 'stream=codec_name,nb_read_packets,width,height:format=duration'
  const { stdout } = spawnSync('ffprobe', ['-v', 'error', '-count_packets', '-show_entries', entries, '-of', 'json', file])
  const { streams, format } = JSON.parse(stdout)
  return {
    duration: Number(format.duration),
    packets: Object.fromEntries(streams.map(s => [s.codec_name, Number(s.nb_read_packets)])),
    size: streams.filter(s => s.width).map(s => [s.width, s.height])[0]
  }
}

/** How loud the middle of a file is, in dB. */
function loudness(file) {
  const { stderr } = spawnSync('ffmpeg', ['-ss', '0.5', '-t', '1', '-i', file, '-vn', '-af', 'volumedetect', '-f', 'null', '-'], {
    encoding: 'utf8'
  })
  return Number(/mean_volume: (-?[\d.]+) dB/.exec(stderr)?.[1])
}

describe('files of other programs come to a peer as they are', { skip: !hasFfmpeg && 'ffmpeg is not installed' }, () => {
  const seconds = 2
  const pictures = PICTURE.rate * seconds
  const fragments = ['-movflags', '+frag_keyframe+empty_moov+default_base_moof']
  const files = {
    'vp8-opus.webm': { video: VP8, audio: OPUS, codecs: ['opus', 'vp8'] },
    'vp9-opus.webm': { video: VP9, audio: OPUS, codecs: ['opus', 'vp9'] },
    'h264-aac.mkv': { video: H264, audio: AAC, codecs: ['opus', 'h264'] },
    'h264-aac.mp4': { video: H264, audio: AAC, codecs: ['opus', 'h264'] },
    'h264-opus.mp4': { video: H264, audio: OPUS, more: ['-movflags', '+faststart'], codecs: ['opus', 'h264'] },
    'fragments.mp4': { video: H264, audio: OPUS, more: fragments, codecs: ['opus', 'h264'] },
    'av1-opus.mp4': { video: AV1, audio: OPUS, codecs: ['opus', 'av1'] },
    'h265.mkv': { video: H265, codecs: ['h265'] },
    'sound.ogg': { audio: OPUS, codecs: ['opus'] },
    'sound.wav': { audio: [], codecs: ['opus'] },
    'telephone.wav': { audio: ['-ar', '8000', '-c:a', 'pcm_alaw'], codecs: ['pcma'] }
  }
  if (hasMkvmerge) files['laced.mkv'] = { from: 'vp8-opus.webm', codecs: ['opus', 'vp8'] }

  test('all at once', async t => {
    const where = folder(t)
    const endpoint = await loopbackEndpoint(t)
    const names = Object.keys(files)
    for (const name of names) {
      const { from, ...options } = files[name]
      if (from) merge(where, name, path.join(where, from))
      else makeFile(where, name, { ...options, seconds })
    }
    const sessions = await Promise.all(
      names.map(async name => {
        const player = await endpoint.createPlayer(path.join(where, name))
        const codecs = [player.audio, player.video].flatMap(track => track?.codecs ?? [])
        assert.deepEqual(codecs, files[name].codecs, name)
        // Fragments that were written as they came say nothing of it.
        const length = name === 'fragments.mp4' ? (assert.equal(player.duration, null), seconds) : player.duration
        assert.ok(Math.abs(length - seconds) < 0.1, `${name}: ${length} s`)
        const copy = path.join(where, `${name}.copy.mkv`)
        return { name, player, copy, ...(await watched(t, player, copy)) }
      })
    )
    // Recorders are behind their first keyframe request by then.
    await sleep(200)
    await Promise.all(
      sessions.map(async ({ name, player }) => {
        const ended = once(player, 'ended')
        player.play()
        await within(20_000, ended, `the end of ${name}`)
        const { audio, video } = await player.getStats()
        assert.ok(
          [audio, video].every(track => track === null || track.framesDropped === 0),
          name
        )
        if (video) assert.equal(video.frames, pictures, name)
        if (audio) assert.ok(Math.abs(audio.frames - 50 * seconds) <= 3, `${name}: ${audio.frames}`)
      })
    )
    await sleep(300)
    for (const { name, recorder, copy, player } of sessions) {
      const { framesDropped } = await recorder.close()
      assert.equal(framesDropped, 0, name)
      const { packets, size } = decoded(copy)
      const video = ['vp8', 'vp9', 'h264', 'av1', 'hevc'].find(codec => codec in packets)
      if (player.video) {
        // The recorder is told of a stream by its first packets, and begins with the keyframe behind them.
        const enough = packets[video] >= pictures / 2 && packets[video] <= pictures
        assert.ok(enough, `${name}: ${JSON.stringify(packets)}`)
        assert.deepEqual(size, [PICTURE.width, PICTURE.height], name)
      }
      if (!player.audio) continue
      const sound = packets.opus ?? packets.pcm_alaw
      assert.ok(sound >= 25 * seconds && sound <= 50 * seconds + 2, `${name}: ${JSON.stringify(packets)}`)
      // A sine of ffmpeg has an eighth of full scale.
      const level = loudness(copy)
      assert.ok(level > -24 && level < -18, `${name}: ${level} dB`)
    }
  })

  test('sound and pictures of a file stay in step', async t => {
    const where = folder(t)
    const endpoint = await loopbackEndpoint(t)
    const player = await endpoint.createPlayer(makeFile(where, 'step.mp4', { video: H264, audio: AAC, seconds: 2 }))
    const copy = path.join(where, 'copy.mkv')
    const { recorder } = await watched(t, player, copy)
    await sleep(200)
    player.play()
    await within(20_000, once(player, 'ended'), 'the end')
    await sleep(300)
    await recorder.close()
    const first = stream => {
      const args = ['-v', 'error', '-select_streams', stream, '-show_entries', 'packet=pts_time', '-of', 'csv=p=0']
      const { stdout } = spawnSync('ffprobe', [...args, copy], { encoding: 'utf8' })
      return stdout.trim().split('\n').map(Number)
    }
    const [pictures, sound] = [first('v:0'), first('a:0')]
    const ends = [pictures.at(-1) + 0.04, sound.at(-1) + 0.02]
    assert.ok(Math.abs(ends[0] - ends[1]) <= 0.06, `they end ${ends}`)
  })

  test('pictures with B-frames are refused with what to do about it', async t => {
    const where = folder(t)
    const endpoint = await loopbackEndpoint(t)
    for (const name of ['b.mp4', 'b.mkv']) {
      const video = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-b_strategy', '0']
      const file = makeFile(where, name, { video })
      const refused = { code: 'ERR_CODEC_MISMATCH', message: /B-frames.*-bf 0.*bFrames: 'mix'/ }
      await assert.rejects(endpoint.createPlayer(file), refused, name)
    }
    const h265 = makeFile(where, 'b.h265.mkv', { video: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error'] })
    const refused = { code: 'ERR_CODEC_MISMATCH', message: /h265 pictures have B-frames.*-bf 0\)$/ }
    await assert.rejects(endpoint.createPlayer(h265, { bFrames: 'mix' }), refused)
    await assert.rejects(endpoint.createPlayer(h265, { bFrames: 'yes' }), { code: 'ERR_INVALID_ARG', field: 'options.bFrames' })
  })

  test('pictures with B-frames are played into a mixer, in the order in which they are shown, where that is asked for', async t => {
    const where = folder(t)
    const endpoint = await loopbackEndpoint(t)
    // As x264 does it by itself. The picture gets brighter and brighter.
    const video = ['-vf', "geq=lum='16+N*4':cb=128:cr=128", '-c:v', 'libx264', '-bf', '3', '-b_strategy', '0']
    const player = await endpoint.createPlayer(makeFile(where, 'b.mp4', { video, audio: AAC }), { bFrames: 'mix' })
    assert.equal(player.video.reordered, true)
    assert.equal(player.audio.reordered, false)
    const recorder = await endpoint.createRecorder(path.join(where, 'b.mkv'))
    assert.throws(() => recorder.record(player.video), { code: 'ERR_B_FRAMES' })
    const mixer = await endpoint.createMixer({
      audio: true,
      video: { width: PICTURE.width, height: PICTURE.height, frameRate: PICTURE.rate }
    })
    const port = mixer.addPort()
    port.attachTo(player.video)
    port.attachTo(player.audio)
    const reader = port.createFrameReader({ format: 'rgba', frameRate: PICTURE.rate })
    const seen = []
    reader.on('data', ({ data, width, height }) => seen.push(data[((height >> 1) * width + (width >> 1)) * 4]))
    const ended = once(player, 'ended')
    player.play()
    await within(30_000, ended, 'the end of the file')
    const shown = seen.filter((light, index) => light > 30 && light !== seen[index - 1])
    assert.ok(shown.length > 5, `${seen}`)
    // Decoders and colours round.
    const back = shown.filter((light, index) => light < shown[index - 1] - 2)
    assert.deepEqual(back, [], `each is as bright as the one before, or brighter: ${seen}`)
  })

  test('a codec that cannot be played is named, and may be left out', async t => {
    const where = folder(t)
    const endpoint = await loopbackEndpoint(t)
    const refused = async (name, options, message) => {
      const file = makeFile(where, name, options)
      await assert.rejects(endpoint.createPlayer(file), { code: 'ERR_CODEC_MISMATCH', message }, name)
      return file
    }
    await refused('vorbis.ogg', { audio: ['-c:a', 'libvorbis'] }, /Vorbis/)
    await refused('mpeg4.mp4', { video: ['-c:v', 'mpeg4'] }, /mp4v/)
    const file = await refused('mp3.mkv', { video: VP8, audio: ['-c:a', 'libmp3lame'] }, /A_MPEG\/L3/)
    const player = await endpoint.createPlayer(file, { audio: false })
    assert.deepEqual([player.audio, player.video.codecs], [null, ['vp8']])
  })

  test('a file that was cut off plays to the cut', async t => {
    const where = folder(t)
    const endpoint = await loopbackEndpoint(t)
    const whole = fs.readFileSync(makeFile(where, 'whole.webm', { video: VP8, audio: OPUS }))
    const player = await endpoint.createPlayer(whole.subarray(0, whole.length / 2))
    player.play()
    await within(10_000, once(player, 'ended'), 'the end')
    const { video } = await player.getStats()
    assert.ok(video.frames > pictures / 4 && video.frames < (pictures * 3) / 4, `${video.frames} frames`)
  })
})

test('a player stands still, plays, stops and jumps', async t => {
  const endpoint = await loopbackEndpoint(t)
  const player = await endpoint.createPlayer(wav(3), { appData: 5 })
  assert.ok(player instanceof Player && player.audio instanceof PlayedTrack)
  assert.deepEqual(endpoint.players, [player])
  assert.deepEqual([player.appData, player.video, player.audio.player, player.audio.kind], [5, null, player, 'audio'])
  assert.deepEqual([player.position, player.duration, player.paused, player.ended, player.length], [0, 3, true, false, 1])
  await sleep(100)
  assert.equal(player.position, 0)
  player.play()
  assert.equal(player.paused, false)
  await until(() => player.position > 0.2, 'it plays')
  player.pause()
  // It stands where the engine says, behind what was on its way.
  const { position: stood, playing: goesOn } = await player.getStats()
  await sleep(100)
  assert.deepEqual([goesOn, player.position], [false, stood])
  assert.equal(await player.seek(2.5), 2.5)
  assert.equal(player.position, 2.5)
  const ended = once(player, 'ended')
  player.play()
  await within(5_000, ended, 'the end')
  assert.deepEqual([player.paused, player.ended], [true, true])
  assert.ok(Math.abs(player.position - 3) < 0.05, `${player.position}`)
  const { audio, playing } = await player.getStats()
  assert.equal(playing, false)
  assert.ok(audio.frames > 30, JSON.stringify(audio))
  player.play()
  assert.equal(player.ended, false)
  await until(() => player.position > 0 && player.position < 1, 'it begins anew')
  const closed = once(player, 'closed')
  await player.close()
  assert.deepEqual(await closed, ['closed'])
  assert.ok(player.audio.closed)
  assert.deepEqual(endpoint.players, [])
  await player.close()
  assert.throws(() => player.play(), { code: 'ERR_CLOSED' })
  await assert.rejects(player.seek(0), { code: 'ERR_CLOSED' })
})

test('files follow each other, loop, and more are added', async t => {
  const endpoint = await loopbackEndpoint(t)
  const player = await endpoint.createPlayer([wav(0.3), wav(0.3)], { loop: true })
  const events = []
  player.on('item', item => events.push(['item', item]))
  player.on('loop', item => events.push(['loop', item]))
  player.on('ended', () => events.push(['ended']))
  player.play()
  await until(() => events.length >= 3, 'it went around')
  assert.deepEqual(events.slice(0, 3), [
    ['item', 1],
    ['loop', 0],
    ['item', 1]
  ])
  assert.equal(player.loop, true)
  player.loop = false
  assert.equal(player.add(wav(0.3)), player)
  assert.equal(player.length, 3)
  await until(() => player.ended, 'the end')
  assert.deepEqual(events.slice(-2), [['item', 2], ['ended']])
  assert.equal(player.item, 2)
})

test('overtaken jumps land where the last one does', async t => {
  const endpoint = await loopbackEndpoint(t)
  const player = await endpoint.createPlayer([wav(3), wav(3)])
  const landed = await Promise.all([player.seek(1), player.seek(2), player.seek(0.5, 1)])
  assert.deepEqual([landed.at(-1), player.item], [0.5, 1])
  assert.ok(
    landed.every(position => typeof position === 'number'),
    `${landed}`
  )
})

test('what is no file is refused with where it stops being one', async t => {
  const endpoint = await loopbackEndpoint(t)
  const where = folder(t)
  const refused = (file, code, message) => assert.rejects(endpoint.createPlayer(file), { code, message })
  await refused(Buffer.alloc(100), 'ERR_FORMAT', /at byte 0 there is no WebM/)
  await refused(Buffer.from('hello'), 'ERR_FORMAT', /at byte 0/)
  await refused(wav().subarray(0, 40), 'ERR_FORMAT', /at byte 36/)
  await refused(path.join(where, 'none.webm'), 'ERR_IO', /cannot be opened/)
  await refused(where, 'ERR_IO', /no regular file/)
  await refused('', 'ERR_INVALID_ARG', /file/)
  await refused([], 'ERR_INVALID_ARG', /at least one/)
  await refused([wav(), 7], 'ERR_INVALID_ARG', /file\[1\]/)
  for (const options of [{ lop: true }, { from: -1 }, { audio: false, video: false }, { loop: 1 }]) {
    await assert.rejects(endpoint.createPlayer(wav(), options), { code: 'ERR_INVALID_ARG' })
  }
  assert.deepEqual(endpoint.players, [])
})

test('a later file that is none is told of by its place and passed over', async t => {
  const endpoint = await loopbackEndpoint(t)
  const player = await endpoint.createPlayer([wav(0.2), Buffer.alloc(50), wav(0.2)])
  const errors = []
  player.on('error', error => errors.push([error.code, error.field]))
  player.play()
  await until(() => player.ended, 'the end')
  assert.deepEqual(errors, [['ERR_FORMAT', 'file[1]']])
  assert.equal(player.item, 2)
})

test('its tracks go into a mixer and a recorder as others do, and close with the endpoint', async t => {
  const endpoint = await loopbackEndpoint(t)
  const player = await endpoint.createPlayer(wav(2), { loop: true })
  const mixer = await endpoint.createMixer({ audio: true })
  mixer.addPort().attachTo(player.audio)
  const recorder = await endpoint.createRecorder(path.join(folder(t), 'tape.mka'))
  const line = recorder.record(player.audio)
  let loudest = -127
  mixer.audio.on('audiolevel', ({ level }) => {
    loudest = Math.max(loudest, level)
  })
  player.play()
  await until(() => loudest > -30, 'it is heard in the mix')
  await until(() => line.format?.codec === 'opus', 'it is recorded')
  const { duration } = await recorder.close()
  assert.ok(duration > 0.1, `${duration} s`)
  const closed = once(player, 'closed')
  await endpoint.close()
  assert.deepEqual(await closed, ['parent'])
})
