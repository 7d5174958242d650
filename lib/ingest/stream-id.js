'use strict'

/** How the ids of SRT's access control begin. */
const STANDARD = '#!::'
const MODES = ['publish', 'request', 'bidirectional']

/**
 * What a stream id says. Of SRT's access control, `#!::r=live/KEY,m=publish,u=Ada`: the resource, what is wanted of it and by whom;
 * any other id is the resource itself.
 */
function parseStreamId(streamId) {
  if (!streamId.startsWith(STANDARD)) return { resource: streamId, mode: 'publish', user: null }
  const fields = new Map()
  for (const field of streamId.slice(STANDARD.length).split(',')) {
    const at = field.indexOf('=')
    if (at > 0) fields.set(field.slice(0, at), field.slice(at + 1))
  }
  // Who says nothing of it is one that pulls, as the format has it; whoever calls a server of ours wants to push.
  const mode = fields.get('m') ?? 'publish'
  return { resource: fields.get('r') ?? '', mode: MODES.includes(mode) ? mode : null, user: fields.get('u') ?? null }
}

/** Application and key, as RTMP has them: everything up to the last part of the resource, and that. */
function split(resource) {
  const at = resource.lastIndexOf('/')
  return { app: resource.slice(0, Math.max(at, 0)), key: resource.slice(at + 1) }
}

module.exports = { parseStreamId, split }
