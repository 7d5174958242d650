'use strict'

/**
 * What a session endpoint has to know of a request, and what it answers with, whatever web server
 * they come by.
 *
 * @template Original
 * @typedef {object} HttpRequest
 * @property {string} method
 * @property {string} room
 * @property {string | null} session `null`: it is for the endpoint itself
 * @property {(name: string) => string | undefined} header
 * @property {URLSearchParams} query
 * @property {(type: string) => Promise<unknown>} text the body, of a type that was checked
 * @property {string} prefix of the path, before the room
 * @property {Original} original for `authorize`
 */

/**
 * @typedef {object} HttpResponse
 * @property {number} status
 * @property {Record<string, string>} headers
 * @property {string} [body]
 */

const { Problem } = require('./problem.js')

/** RFC 6750 2.1. @param {string | undefined} authorization */
function bearerToken(authorization) {
  const [, token = null] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? []
  return token
}

/**
 * A parameter of the query that may be there once.
 * @param {URLSearchParams} query
 * @param {string} name
 */
function queryOf(query, name) {
  const values = query.getAll(name)
  if (values.length > 1) throw new Problem(400, `${name} must be given once`)
  return values[0]
}

/**
 * @param {string | undefined} given
 * @param {string} type
 * @param {string} hint the header that names the right type (RFC 9110 15.5.16)
 */
function checkContentType(given, type, hint) {
  if ((given ?? '').split(';')[0].trim().toLowerCase() === type) return
  throw new Problem(415, `the body must be ${type}`, { headers: { [hint]: type } })
}

/**
 * Whether a client takes a type (RFC 9110 12.5.1). The most specific range that fits decides.
 * @param {string | undefined} accept
 * @param {string} type
 */
function accepts(accept, type) {
  if (accept === undefined || accept.trim() === '') return true
  const ranges = new Map(
    accept.split(',').map(range => {
      const [name, ...parameters] = range.split(';').map(part => part.trim().toLowerCase())
      const weight = parameters.find(parameter => parameter.startsWith('q='))
      return [name, weight === undefined ? 1 : Number(weight.slice(2))]
    })
  )
  const weight = ranges.get(type) ?? ranges.get(`${type.split('/')[0]}/*`) ?? ranges.get('*/*') ?? 0
  return weight > 0
}

exports.accepts = accepts
exports.bearerToken = bearerToken
exports.checkContentType = checkContentType
exports.queryOf = queryOf
