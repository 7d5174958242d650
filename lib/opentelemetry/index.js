'use strict'

const { observe } = require('./observe.js')

exports.observe = observe
