'use strict'

const { Rooms } = require('./rooms.js')
const { Agent } = require('./agent.js')
const { Room } = require('./room.js')
const { Participant } = require('./participant.js')
const { Publication } = require('./publication.js')
const { Guest } = require('./guest.js')
const { recoverRecordings } = require('./recording/recover.js')
const { RoomRecording } = require('./recording/room-recording.js')
const { RoomError } = require('./room-error.js')
const { roomOwner } = require('./room-owner.js')

exports.Rooms = Rooms
exports.Agent = Agent
exports.Room = Room
exports.Participant = Participant
exports.Publication = Publication
exports.Guest = Guest
exports.recoverRecordings = recoverRecordings
exports.RoomRecording = RoomRecording
exports.RoomError = RoomError
exports.roomOwner = roomOwner
