'use strict'

const check = require('../object/check.js')

const MAX_SIDE = 4096
const MAX_PIXELS = 3840 * 2160
/** Alternatives of a track that the engine tells apart. */
const MAX_CLASSES = 8
const LAYOUTS = ['grid', 'speaker', 'pip', 'sidebar']
const MAX_TILES = 100
const MAX_OVERLAYS = 32
const OVERLAY = ['x', 'y', 'width', 'height', 'z', 'text', 'size', 'color', 'background', 'align', 'picture']
const MAX_TEXT = 500
const MAX_LABEL = 200

function between(value, field, min, max) {
  if (typeof value !== 'number' || !(value >= min && value <= max)) {
    throw check.invalid(field, `a number from ${min} to ${max}`, value)
  }
  return value
}

function even(value, field) {
  check.integer(value, field, 16, MAX_SIDE)
  if (value % 2 !== 0) throw check.invalid(field, 'an even number', value)
  return value
}

function text(value, field, longest) {
  if (typeof value !== 'string' || value.length > longest) {
    throw check.invalid(field, `a string of at most ${longest} characters`, value)
  }
  return value
}

/** `#rrggbb` as a number. */
function color(value, field) {
  if (typeof value !== 'string' || !/^#[0-9a-f]{6}$/i.test(value)) throw check.invalid(field, "a colour like '#1e2a38'", value)
  return Number.parseInt(value.slice(1), 16)
}

function mixerOptions(given) {
  const options = check.options(given, 'options', ['audio', 'video', 'appData'])
  const half = (value, field, read) => {
    if (value === undefined || value === false) return null
    return read(value === true ? undefined : value, field)
  }
  const audio = half(options.audio, 'options.audio', audioOptions)
  const video = half(options.video, 'options.video', videoOptions)
  if (!audio && !video) throw check.invalid('options', 'audio or video, or both', given)
  return { audio, video }
}

function audioOptions(given, field) {
  const options = check.options(given, field, ['speakers', 'stereo', 'bitrate', 'fec', 'dtx'])
  const optional = (checkIt, name, fallback, ...rest) => check.optional(checkIt, options[name], fallback, `${field}.${name}`, ...rest)
  const stereo = optional(check.boolean, 'stereo', false)
  return {
    speakers: optional(check.integer, 'speakers', 4, 1, 16),
    stereo,
    bitrate: optional(check.integer, 'bitrate', stereo ? 64_000 : 32_000, 6_000, 510_000),
    fec: optional(check.boolean, 'fec', true),
    dtx: optional(check.boolean, 'dtx', false)
  }
}

function videoOptions(given, field) {
  const known = ['width', 'height', 'frameRate', 'codecs', 'bitrate', 'rungs', 'background', 'layout']
  const options = check.options(given, field, known)
  const optional = (checkIt, name, fallback, ...rest) => check.optional(checkIt, options[name], fallback, `${field}.${name}`, ...rest)
  const width = optional(even, 'width', 1280)
  const height = optional(even, 'height', 720)
  if (width * height > MAX_PIXELS) throw check.invalid(`${field}.width`, `at most ${MAX_PIXELS} pixels in all`, width * height)
  const frameRate = optional(check.integer, 'frameRate', 25, 1, 60)
  const codecs = optional(check.array, 'codecs', ['vp8', 'h264'])
  codecs.forEach((codec, index) => check.oneOf(codec, `${field}.codecs[${index}]`, ['vp8', 'vp9', 'h264']))
  if (codecs.length === 0 || new Set(codecs).size !== codecs.length) {
    throw check.invalid(`${field}.codecs`, 'at least one codec, each once', codecs)
  }
  const rungs = optional(check.integer, 'rungs', 1, 1, 3)
  if (rungs * codecs.length > MAX_CLASSES) {
    throw check.invalid(`${field}.rungs`, `at most ${MAX_CLASSES} sizes of all codecs together`, rungs * codecs.length)
  }
  return {
    width,
    height,
    frameRate,
    codecs,
    // A tenth of a bit for a pixel.
    bitrate: optional(
      check.integer,
      'bitrate',
      Math.max(Math.round(width * height * Math.sqrt(frameRate / 25) * 1.6), 100_000),
      30_000,
      50_000_000
    ),
    rungs,
    background: optional(color, 'background', 0x14181d),
    layout: layout(options.layout ?? 'grid', `${field}.layout`)
  }
}

const PORT = {
  label: '',
  gain: 1,
  position: 0,
  autoGain: false,
  noiseSuppression: false,
  muted: false,
  visible: true,
  screen: false
}

/** `before` is what is not said. */
function portOptions(given, before = PORT, field = 'options') {
  const options = check.options(given, field, [...Object.keys(PORT), 'appData'])
  const optional = (checkIt, name, ...rest) => check.optional(checkIt, options[name], before[name], `${field}.${name}`, ...rest)
  return {
    label: optional(text, 'label', MAX_LABEL),
    gain: optional(between, 'gain', 0, 8),
    position: optional(between, 'position', -1, 1),
    autoGain: optional(check.boolean, 'autoGain'),
    noiseSuppression: optional(check.boolean, 'noiseSuppression'),
    muted: optional(check.boolean, 'muted'),
    visible: optional(check.boolean, 'visible'),
    screen: optional(check.boolean, 'screen')
  }
}

/** `portOf` gives the id of a port of this mixer, or throws. */
function layout(given, field = 'layout', portOf = refusePort) {
  if (typeof given === 'string') return check.oneOf(given, field, LAYOUTS)
  if (given === undefined) throw check.invalid(field, `${LAYOUTS.map(name => `'${name}'`).join(', ')} or tiles`, given)
  const { tiles } = check.options(given, field, ['tiles'])
  check.array(tiles, `${field}.tiles`)
  if (tiles.length > MAX_TILES) throw check.invalid(`${field}.tiles`, `at most ${MAX_TILES} tiles`, tiles.length)
  return { tiles: tiles.map((tile, index) => checkTile(tile, `${field}.tiles[${index}]`, portOf)) }
}

/** What a layout is called, one of one's own as well. */
function layoutName(checked) {
  return typeof checked === 'string' ? checked : 'tiles'
}

function place(options, field) {
  const side = (name, min) => between(options[name], `${field}.${name}`, min, 1)
  const checked = { x: side('x', 0), y: side('y', 0), width: side('width', 0.001), height: side('height', 0.001) }
  const inside = (at, size) => checked[at] + checked[size] <= 1.000001
  if (!inside('x', 'width') || !inside('y', 'height')) throw check.invalid(field, 'a place on the canvas', checked)
  return checked
}

function checkTile(given, field, portOf) {
  if (given === undefined) throw check.invalid(field, 'an object', given)
  const known = ['x', 'y', 'width', 'height', 'z', 'fit', 'border', 'borderColor', 'radius', 'show']
  const options = check.options(given, field, known)
  const optional = (checkIt, name, fallback, ...rest) => check.optional(checkIt, options[name], fallback, `${field}.${name}`, ...rest)
  const show = options.show ?? 'any'
  const source = show === 'any' || show === 'speaker' ? show : { port: portOf(show, `${field}.show`) }
  const border = { width: optional(between, 'border', 0, 0, 0.5), colour: optional(color, 'borderColor', 0xffffff) }
  return {
    rect: place(options, field),
    z: optional(check.integer, 'z', 0, -1000, 1000),
    fit: optional(check.oneOf, 'fit', 'cover', ['cover', 'contain']),
    border: border.width > 0 ? border : null,
    radius: optional(between, 'radius', 0, 0, 0.5),
    source
  }
}

function refusePort(value, field) {
  throw check.invalid(field, "'any' or 'speaker'", value)
}

/** What crosses, and the pictures beside it. */
function overlays(given) {
  check.array(given, 'overlays')
  if (given.length > MAX_OVERLAYS) throw check.invalid('overlays', `at most ${MAX_OVERLAYS}`, given.length)
  const pictures = []
  const checked = given.map((overlay, index) => {
    const field = `overlays[${index}]`
    if (overlay === undefined) throw check.invalid(field, 'an object', overlay)
    const options = check.options(overlay, field, OVERLAY)
    const { picture } = options
    if ((options.text === undefined) === (picture === undefined)) {
      throw check.invalid(field, 'either text or picture', overlay)
    }
    if (picture !== undefined) pictures.push(file(picture, `${field}.picture`))
    const rect = place(options, field)
    const z = check.optional(check.integer, options.z, 0, `${field}.z`, -1000, 1000)
    const words = {
      text: options.text === undefined ? '' : text(options.text, `${field}.text`, MAX_TEXT),
      size: check.optional(between, options.size, 0.05, `${field}.size`, 0.005, 1),
      colour: check.optional(color, options.color, 0xffffff, `${field}.color`),
      background: check.optional(color, options.background, null, `${field}.background`),
      align: check.optional(check.oneOf, options.align, 'left', `${field}.align`, ['left', 'center', 'right'])
    }
    return { rect, z, content: picture === undefined ? { text: words } : { picture: pictures.length - 1 } }
  })
  return { checked, pictures }
}

/** The bytes of a file. */
function file(value, field, largest = 16 * 1024 * 1024) {
  if (!(value instanceof Uint8Array)) throw check.invalid(field, 'a Buffer or a Uint8Array', value)
  if (value.length === 0 || value.length > largest) throw check.invalid(field, `1 to ${largest} bytes`, value.length)
  return value
}

function snapshotOptions(given) {
  const options = check.options(given, 'options', ['format', 'width', 'quality'])
  const format = check.optional(check.oneOf, options.format, 'jpeg', 'options.format', ['jpeg', 'png'])
  return {
    png: format === 'png',
    width: check.optional(check.integer, options.width, null, 'options.width', 16, MAX_SIDE),
    quality: check.optional(check.integer, options.quality, 80, 'options.quality', 1, 100)
  }
}

const RATES = [8_000, 16_000, 24_000, 48_000]

/** Milliseconds of sound that wait for a reader, or of a writer. */
const READ_AHEAD = 1000

function pcmFormat(given, more = []) {
  const options = check.options(given, 'options', ['sampleRate', 'channels', 'frameDuration', 'bufferDuration', ...more])
  const optional = (checkIt, name, fallback, ...rest) => check.optional(checkIt, options[name], fallback, `options.${name}`, ...rest)
  return {
    format: {
      sampleRate: optional(check.oneOf, 'sampleRate', 48_000, RATES),
      channels: optional(check.oneOf, 'channels', 1, [1, 2]),
      frameDuration: optional(check.oneOf, 'frameDuration', 20, [10, 20])
    },
    capacity: optional(check.integer, 'bufferDuration', READ_AHEAD, 20, 10_000)
  }
}

function frameFormat(given) {
  const options = check.options(given, 'options', ['format', 'width', 'height', 'frameRate', 'steady', 'raw', 'bufferLength'])
  const optional = (checkIt, name, fallback, ...rest) => check.optional(checkIt, options[name], fallback, `options.${name}`, ...rest)
  const [width, height] = [optional(even, 'width', null), optional(even, 'height', null)]
  if ((width === null) !== (height === null)) throw check.invalid('options', 'width and height, or neither', given)
  const format = optional(check.oneOf, 'format', 'i420', ['i420', 'rgba'])
  return {
    name: format,
    raw: optional(check.boolean, 'raw', false),
    format: {
      rgba: format === 'rgba',
      size: width === null ? null : [width, height],
      frameRate: optional(check.integer, 'frameRate', 25, 1, 60),
      steady: optional(check.boolean, 'steady', false)
    },
    capacity: optional(check.integer, 'bufferLength', 3, 1, 60)
  }
}

function tone(given) {
  if (given === null) return null
  const options = check.options(given, 'tone', ['frequency', 'second', 'level'])
  const frequency = (value, field) => between(value, field, 20, 20_000)
  return {
    frequency: frequency(options.frequency, 'tone.frequency'),
    second: check.optional(frequency, options.second, null, 'tone.second'),
    level: check.optional(between, options.level, -20, 'tone.level', -127, 0)
  }
}

module.exports = {
  color,
  file,
  frameFormat,
  layout,
  layoutName,
  mixerOptions,
  overlays,
  pcmFormat,
  portOptions,
  snapshotOptions,
  tone
}
