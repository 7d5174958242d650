'use strict'

const { chromium } = require('../support/clients/browser/launch.js')
const { roomsSuite } = require('./rooms-suite.js')

roomsSuite(chromium)
