'use strict'

const native = require('./binding.js')
const check = require('../object/check.js')

const LEVELS = ['error', 'warn', 'info', 'debug', 'trace']

/** Takes a record; nobody takes them while it is null. */
let sink = null
/** Index of the least severe level let through. */
let threshold = -1

/** Sends the engine's log somewhere. */
function setLogger(logger, options) {
  const { level = 'warn' } = check.options(options, 'options', ['level'])
  check.oneOf(level, 'options.level', LEVELS)
  const next = logger === null ? null : toSink(logger)

  sink = next
  threshold = next === null ? -1 : LEVELS.indexOf(level)
  if (next === null) native.setLog('off')
  else native.setLog(level, drain)
}

function toSink(logger) {
  if (typeof logger === 'function') return logger
  const required = LEVELS.filter(level => level !== 'trace')
  if (typeof logger !== 'object' || !logger || !required.every(level => typeof logger[level] === 'function')) {
    throw check.invalid('logger', `a function, null or an object with the methods ${required.join(', ')}`, logger)
  }
  // console.trace prints a stack, which is not what a record is about.
  const hasTrace = typeof logger.trace === 'function' && logger !== console
  return record => {
    const method = record.level === 'trace' && !hasTrace ? 'debug' : record.level
    logger[method]({ target: record.target, ...record.fields }, record.message)
  }
}

function drain() {
  for (const record of native.drainLog()) deliver(record)
}

function deliver(record) {
  if (sink === null) return
  try {
    sink(record)
  } catch (error) {
    process.nextTick(() => {
      throw error
    })
  }
}

/** Logs something that JavaScript noticed. */
function write(level, target, message, fields) {
  if (LEVELS.indexOf(level) <= threshold) deliver({ level, target, message, fields, time: Date.now() })
}

module.exports = { setLogger, write }
