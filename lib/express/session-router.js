'use strict'

const express = require('express')
const { Problem } = require('../http/problem.js')
const { forwardedPrefix } = require('./forwarded-prefix.js')

/**
 * A router of an endpoint that takes sessions by HTTP.
 *
 * @param {import('../http/session-endpoint.js').SessionEndpoint<import('express').Request>} endpoint
 * @param {boolean} hasBaseUrl whether the endpoint knows where clients reach it, whatever a proxy says
 * @returns {import('express').Router}
 */
function sessionRouter(endpoint, hasBaseUrl) {
  const router = express.Router()
  router.all(['/:room', '/:room/:session'], (request, response, next) => {
    endpoint.handle(toHttpRequest(request, response)).then(answer => send(response, answer), next)
  })
  router.use((_request, _response, next) => next(new Problem(404, 'there is nothing here')))
  router.use(onError)
  return router

  /** @type {import('express').ErrorRequestHandler} */
  function onError(error, request, response, next) {
    if (response.headersSent) return next(error)
    const { status, headers, body } = endpoint.refuse(error)
    send(response, {
      status,
      headers: { ...endpoint.headersFor(headerOf(request, 'Origin')), ...headers },
      ...(body !== undefined && { body })
    })
  }

  /**
   * @param {import('express').Request} request
   * @param {import('express').Response} response
   * @returns {import('../http/request.js').HttpRequest<import('express').Request>}
   */
  function toHttpRequest(request, response) {
    const { room, session } = request.params
    return {
      method: request.method,
      room: String(room),
      session: session === undefined ? null : String(session),
      header: name => headerOf(request, name),
      query: new URLSearchParams(/\?.*/s.exec(request.originalUrl)?.[0] ?? ''),
      text: type => readBody(request, response, type),
      prefix: `${hasBaseUrl ? '' : forwardedPrefix(request)}${request.baseUrl}`,
      original: request
    }
  }

  /**
   * By Express's own parser, which leaves a body alone that another one has read before.
   *
   * @param {import('express').Request} request
   * @param {import('express').Response} response
   * @param {string} type
   * @returns {Promise<unknown>}
   */
  function readBody(request, response, type) {
    const parse = express.text({ type, limit: endpoint.maxBodySize, defaultCharset: 'utf-8' })
    return new Promise((resolve, reject) => parse(request, response, error => (error ? reject(error) : resolve(request.body))))
  }
}

/**
 * @param {import('express').Response} response
 * @param {import('../http/request.js').HttpResponse} answer
 */
function send(response, { status, headers, body }) {
  const { Vary, ...others } = headers
  if (Vary !== undefined) response.appendHeader('Vary', Vary)
  response.statusCode = status
  for (const [name, value] of Object.entries(others)) response.setHeader(name, value)
  // Not by send(), which adds an ETag of the body: in WHIP that header names the ICE session (RFC 9725 4.3.1).
  response.end(body)
}

/**
 * Without Express's own methods: the router works under a server of Node's as well, where there are none.
 * @param {import('express').Request} request
 * @param {string} name
 */
function headerOf({ headers }, name) {
  const value = headers[name.toLowerCase()]
  return Array.isArray(value) ? value.join(', ') : value
}

exports.sessionRouter = sessionRouter
