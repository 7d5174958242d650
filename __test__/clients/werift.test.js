'use strict'

const { clientSuite } = require('../support/clients/suite.js')

// werift answers an m-line that becomes inactive with port 0 and stops its receiver for good.
clientSuite('werift', { numbered: true, resumes: false })
