'use strict'

const { browserSuite } = require('../support/clients/browser/suite.js')
const { firefox } = require('../support/clients/browser/launch.js')

browserSuite(firefox)
