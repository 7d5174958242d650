'use strict'

const { firefox } = require('../support/clients/browser/launch.js')
const { roomsSuite } = require('./rooms-suite.js')

roomsSuite(firefox)
