'use strict'

const { whepEndpoint } = require('../http/whep.js')
const { whipEndpoint } = require('../http/whip.js')
const { sessionHandler } = require('./session-handler.js')

/** @param {import('./index.js').SessionHandlerOptions} options */
exports.whipHandler = options => sessionHandler(whipEndpoint(options), options.path ?? '/whip')

/** @param {import('./index.js').SessionHandlerOptions} options */
exports.whepHandler = options => sessionHandler(whepEndpoint(options), options.path ?? '/whep')
