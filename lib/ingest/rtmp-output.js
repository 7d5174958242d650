'use strict'

const { MediaOutput } = require('./media-output.js')

/** Pushes tracks to a server by RTMP. */
class RtmpOutput extends MediaOutput {}

module.exports = { RtmpOutput }
