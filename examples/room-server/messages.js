import { z } from 'zod'

/**
 * The messages a client may send. docs/signaling.md says what they mean.
 *
 * @param {import('./limits.js').Limits} limits
 */
export function clientMessages(limits) {
  const sdp = z.string().min(1).max(limits.maxSdpLength)
  const counter = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
  const participantId = z.string().min(1).max(64)
  const streamId = z.string().min(1).max(256)
  const mode = z.enum(['sfu', 'mcu', 'broadcast', 'p2p'])
  const role = z.enum(['member', 'listener'])
  const source = z.enum(['mix', 'streams', 'speakers'])
  const permissions = z
    .object({
      canPublish: z.boolean(),
      canPublishSources: z
        .array(z.enum(['camera', 'microphone', 'screen']))
        .max(3)
        .nullable(),
      canSubscribe: z.boolean(),
      canPublishData: z.boolean(),
      roomAdmin: z.boolean(),
      roomRecord: z.boolean(),
      hidden: z.boolean()
    })
    .partial()
  const pixels = z.number().int().min(0).max(16384)
  const candidate = z
    .object({
      candidate: z.string().max(1024),
      sdpMid: z.string().max(256).nullish(),
      sdpMLineIndex: z.number().int().min(0).max(65535).nullish(),
      usernameFragment: z.string().max(256).nullish()
    })
    .nullable()

  return z.discriminatedUnion(
    'type',
    [
      z.object({
        type: z.literal('join'),
        room: z.string().max(1024),
        name: z.string().max(1024),
        mode: mode.optional(),
        role: role.optional(),
        source: source.optional(),
        session: z.string().max(64).optional(),
        token: z.string().max(8192).optional()
      }),
      z.object({ type: z.literal('offer'), connection: counter, id: counter, sdp }),
      z.object({ type: z.literal('answer'), connection: counter, id: counter, sdp }),
      z.object({ type: z.literal('candidate'), connection: counter, candidate }),
      z.object({ type: z.literal('reset') }),
      z.object({
        type: z.literal('signal'),
        epoch: counter,
        to: participantId,
        id: counter.optional(),
        description: z
          .object({ type: z.enum(['offer', 'answer', 'pranswer', 'rollback']), sdp: z.string().max(limits.maxSdpLength) })
          .optional(),
        candidate: candidate.optional()
      }),
      z.object({
        type: z.literal('media'),
        audio: z.boolean(),
        video: z.boolean(),
        encrypted: z.boolean().optional(),
        streams: z.array(z.object({ id: streamId, source: z.enum(['camera', 'screen']) })).max(8)
      }),
      z.object({ type: z.literal('select-encoding'), stream: streamId, encoding: z.string().min(1).max(64) }),
      z.object({
        type: z.literal('view'),
        streams: z
          .array(z.object({ id: streamId, width: pixels, height: pixels, priority: z.number().int().min(1).max(100).default(1) }))
          .max(limits.maxStreams)
      }),
      z.object({ type: z.literal('limit-downlink'), bitrate: z.number().int().min(limits.minDownlink).max(limits.maxDownlink).nullable() }),
      z.object({ type: z.literal('watch-figures'), streams: z.array(streamId).max(limits.maxStreams).nullable() }),
      z.object({ type: z.literal('set-mode'), mode }),
      z.object({ type: z.literal('set-role'), role }),
      z.object({ type: z.literal('set-source'), source: source.nullable() }),
      z.object({ type: z.literal('set-layout'), layout: z.enum(['grid', 'speaker', 'pip', 'sidebar']) }),
      z.object({
        type: z.literal('moderate'),
        action: z.enum(['mute', 'unmute', 'kick', 'ban', 'permit', 'admit', 'reject', 'lock', 'unlock', 'lobby']),
        participant: participantId.optional(),
        kind: z.enum(['audio', 'video', 'screen']).optional(),
        reason: z.string().max(256).optional(),
        permissions: permissions.optional(),
        on: z.boolean().optional()
      }),
      z.object({
        type: z.literal('record'),
        action: z.enum(['start', 'stop', 'mark']),
        what: z.enum(['tracks', 'mixed', 'both']).optional(),
        name: z.string().min(1).max(200).optional()
      }),
      z.object({ type: z.literal('hand'), raised: z.boolean() }),
      z.object({
        type: z.literal('message'),
        to: z.array(participantId).max(100).optional(),
        topic: z.string().max(64).optional(),
        data: z.string().max(16384)
      }),
      z.object({
        type: z.literal('metadata'),
        metadata: z.string().max(4096).optional(),
        attributes: z.record(z.string().min(1).max(64), z.string().max(512)).optional()
      }),
      z.object({ type: z.literal('ping') }),
      z.object({ type: z.literal('leave') })
    ],
    { error: 'there is no such type of message' }
  )
}

/** @typedef {z.infer<ReturnType<typeof clientMessages>>} ClientMessage */

/**
 * @template {ClientMessage['type']} T
 * @typedef {Extract<ClientMessage, { type: T }>} ClientMessageOf
 */
