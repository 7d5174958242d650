'use strict'

const { DirectoryStorage } = require('./directory-storage.js')
const { expireRecordings, listRecordings, readIndex, removeRecording } = require('./recordings.js')

exports.DirectoryStorage = DirectoryStorage
exports.expireRecordings = expireRecordings
exports.listRecordings = listRecordings
exports.readIndex = readIndex
exports.removeRecording = removeRecording
