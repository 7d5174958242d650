'use strict'

const { AuthError } = require('./auth-error.js')
const { KeyRing } = require('./key-ring.js')
const { createToken, verifyToken } = require('./token.js')
const { tokenAuthorizer } = require('./token-authorizer.js')
const { signWebhook, verifyWebhook } = require('./webhook.js')

exports.AuthError = AuthError
exports.KeyRing = KeyRing
exports.createToken = createToken
exports.verifyToken = verifyToken
exports.tokenAuthorizer = tokenAuthorizer
exports.signWebhook = signWebhook
exports.verifyWebhook = verifyWebhook
