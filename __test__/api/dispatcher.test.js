'use strict'

/** The order in which events and replies reach JavaScript, with an engine that only tells. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Dispatcher } = require('../../lib/native/dispatcher.js')
const { kHandle } = require('../../lib/object/internal.js')

const ID = 64

/** A dispatcher of an engine whose events the test makes up. */
function dispatcher() {
  const dispatcher = new Dispatcher()
  const seen = []
  const waiting = []
  const requests = []
  dispatcher.start({
    drain: () => waiting.splice(0),
    ask: request => requests.push(request)
  })
  dispatcher.add(ID, { [kHandle]: event => seen.push(event.type) })
  return {
    dispatcher,
    seen,
    /** What the engine does: leaves events and rings. */
    tell(...events) {
      waiting.push(...events)
      dispatcher.drain()
    },
    ask: () => dispatcher.request('owner', (engine, request) => engine.ask(request)),
    lastRequest: () => requests.at(-1)
  }
}

const event = type => ({ type, id: ID })
const immediate = () => new Promise(resolve => setImmediate(resolve))

test('events come in their order, those of unknown objects are dropped', () => {
  const { seen, tell } = dispatcher()
  tell(event('one'), { type: 'stray', id: 1 }, event('two'))
  assert.deepEqual(seen, ['one', 'two'])
})

test('whoever awaits a reply runs before the events that follow it', async () => {
  const { seen, tell, ask, lastRequest } = dispatcher()
  const caller = (async () => {
    // More than one turn of the microtask queue, as in an application's own async functions.
    const value = await (async () => ask())()
    seen.push(value)
  })()
  tell(event('before'), { type: 'reply', request: lastRequest(), value: 'answer' }, event('after'))
  assert.deepEqual(seen, ['before'])
  await caller
  await immediate()
  assert.deepEqual(seen, ['before', 'answer', 'after'])
})

test('whoever awaits what arrives runs before the events that follow it', async () => {
  for (const arrival of ['incomingTrack', 'channelAnnounced']) {
    const { seen, tell } = dispatcher()
    tell(event(arrival), event('message'))
    assert.deepEqual(seen, [arrival])
    await immediate()
    assert.deepEqual(seen, [arrival, 'message'])
  }
})

test('events told in the meantime queue behind', async () => {
  const { seen, tell, ask, lastRequest } = dispatcher()
  const answer = ask()
  tell({ type: 'reply', request: lastRequest() }, event('one'))
  tell(event('two'))
  assert.deepEqual(seen, [])
  await answer
  await immediate()
  assert.deepEqual(seen, ['one', 'two'])
})

test('a reply that nobody waits for any more holds nothing up', async () => {
  const { dispatcher: closing, seen, tell, ask, lastRequest } = dispatcher()
  const answer = ask()
  closing.rejectRequests('owner')
  await assert.rejects(answer, { code: 'ERR_CLOSED' })
  tell({ type: 'reply', request: lastRequest(), value: 'late' }, event('after'))
  assert.deepEqual(seen, ['after'])
})

test('an error of the engine rejects with its code, field and line', async () => {
  const { tell, ask, lastRequest } = dispatcher()
  const answer = ask()
  const error = { code: 'ERR_SDP', message: 'no such thing', field: 'sdp', line: 'm=' }
  tell({ type: 'reply', request: lastRequest(), error })
  await assert.rejects(answer, { name: 'MediaLoomError', ...error })
})

test('when the engine refuses a call nothing waits', async () => {
  const { dispatcher: refused } = dispatcher()
  const refusal = refused.request('owner', () => {
    throw { code: 'ERR_CLOSED', message: 'the transport is closed' }
  })
  await assert.rejects(refusal, { name: 'MediaLoomError', code: 'ERR_CLOSED' })
})

test('closing waits while the queue of commands is full', async () => {
  const { dispatcher: full, seen } = dispatcher()
  let refusals = 2
  await new Promise(resolve => {
    full.insist(() => {
      if (refusals-- > 0) throw { code: 'ERR_QUEUE_FULL', message: 'try again later' }
      seen.push('posted')
      resolve()
    })
  })
  assert.deepEqual(seen, ['posted'])
  assert.equal(refusals, -1)
})

test('an engine that is gone need not be told to close anything', async () => {
  const { dispatcher: closed } = dispatcher()
  await new Promise(resolve => {
    closed.insist(() => {
      throw { code: 'ERR_CLOSED', message: 'the endpoint is closed' }
    }, resolve)
  })
})

test('what is to be done later waits for the caller and for events that are queued', async () => {
  const { dispatcher: later, seen, tell } = dispatcher()
  later.later(() => seen.push('later'))
  assert.deepEqual(seen, [])
  tell(event('told'))
  await immediate()
  assert.deepEqual(seen, ['later', 'told'])
})

test('what an engine that is gone did not answer is rejected', async () => {
  const { dispatcher: it, ask, tell, lastRequest } = dispatcher()
  const open = [ask(), ask()].map(request => request.catch(error => error.code))
  it.rejectAll()
  assert.deepEqual(await Promise.all(open), ['ERR_CLOSED', 'ERR_CLOSED'])
  tell({ type: 'reply', request: lastRequest(), value: 'late' })
})
