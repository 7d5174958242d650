'use strict'

const { whepEndpoint } = require('../http/whep.js')
const { whipEndpoint } = require('../http/whip.js')
const { sessionRouter } = require('./session-router.js')

/** @param {import('./index.js').SessionRouterOptions} options */
exports.whipRouter = options => sessionRouter(whipEndpoint(options), options.baseUrl !== undefined)

/** @param {import('./index.js').SessionRouterOptions} options */
exports.whepRouter = options => sessionRouter(whepEndpoint(options), options.baseUrl !== undefined)
