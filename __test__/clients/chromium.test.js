'use strict'

const { browserSuite, withBrowser } = require('../support/clients/browser/suite.js')
const { chromium } = require('../support/clients/browser/launch.js')

browserSuite(chromium, withBrowser(chromium))
