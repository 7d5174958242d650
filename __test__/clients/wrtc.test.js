'use strict'

const { clientSuite } = require('../support/clients/suite.js')

clientSuite('wrtc', { numbered: false, resumes: true })
