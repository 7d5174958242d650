'use strict'

const { clientSuite } = require('../support/clients/suite.js')

// libdatachannel closes a track for good when its m-line becomes inactive.
clientSuite('node-datachannel', { numbered: true, resumes: false })
