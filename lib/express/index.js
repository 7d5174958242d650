'use strict'

const { whipRouter } = require('./whip.js')
const { whepRouter } = require('./whep.js')

exports.whipRouter = whipRouter
exports.whepRouter = whepRouter
