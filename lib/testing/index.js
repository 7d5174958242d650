'use strict'

const { TestClient } = require('./test-client.js')
const { TestClients } = require('./test-clients.js')

exports.TestClient = TestClient
exports.TestClients = TestClients
