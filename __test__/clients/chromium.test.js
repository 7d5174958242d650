'use strict'

const { browserSuite } = require('../support/clients/browser/suite.js')
const { chromium } = require('../support/clients/browser/launch.js')

browserSuite(chromium)
