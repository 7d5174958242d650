import { inDoubt } from './doubt.js'
import { create } from './element.js'

/**
 * @typedef {import('../admin-api.js').AdminApi} AdminApi
 * @typedef {import('../admin-api.js').RoomSummary} RoomSummary
 * @typedef {import('../admin-api.js').RoomDetails} RoomDetails
 * @typedef {(action: () => Promise<unknown>) => void} Act
 */

/**
 * A room, who is in it where that was asked for, and what an admin does about them.
 *
 * @param {RoomSummary | RoomDetails} room
 * @param {AdminApi} api
 * @param {{ act: Act, open: (room: string, on: boolean) => void }} page
 */
export function roomLine(room, api, { act, open }) {
  const { name, mode, createdAt, locked, lobby, waiting, recording } = room
  const people = Array.isArray(room.participants) ? room.participants : null
  const banned = 'banned' in room ? room.banned : []
  const count = people?.length ?? room.participants
  const about = [
    mode.toUpperCase(),
    `since ${new Date(createdAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })}`,
    count === 1 ? '1 person' : `${count} people`,
    waiting > 0 ? `${waiting} waiting` : '',
    recording ? 'being recorded' : ''
  ]
  const close = button(`${name} close`, 'Close the room', `Close the room ${name}`, () => act(() => api.close(name)))
  return create(
    'li',
    { 'aria-label': name },
    create('h2', { dir: 'auto', text: name }),
    create('p', { class: 'about', text: about.filter(Boolean).join(' · ') }),
    create(
      'div',
      { class: 'actions' },
      toggle(`${name} open`, 'People', `Who is in the room ${name}`, people !== null, on => open(name, on)),
      toggle(`${name} lock`, 'Lock', `Lock the room ${name}`, locked, on => act(() => api.change(name, { locked: on }))),
      toggle(`${name} lobby`, 'Lobby', `Lobby of the room ${name}`, lobby, on => act(() => api.change(name, { lobby: on }))),
      inDoubt(close, { label: `Close the room ${name} for good`, title: 'Once more, and everybody is out' })
    ),
    create('ol', { 'aria-label': 'People' }, ...(people ?? []).map(person => personLine(name, person, api, act))),
    ...(banned.length === 0
      ? []
      : [create('h3', { text: 'Banned' }), create('ol', {}, ...banned.map(key => bannedLine(name, key, api, act)))])
  )
}

/** @param {string} room @param {RoomDetails['participants'][number]} person @param {AdminApi} api @param {Act} act */
function personLine(room, { id, name, role, identity, moderated, state }, api, act) {
  const about = [role, identity ?? '', state ?? ''].filter(Boolean).join(' · ')
  const actions = create('div', { class: 'actions' })
  if (role === 'member' || role === 'publisher' || role === 'agent') {
    actions.append(
      toggle(`${id} audio`, 'Mute', `Mute ${name}`, moderated.audio, on => act(() => api.mute(room, id, { audio: on }))),
      toggle(`${id} video`, 'No camera', `Switch the camera of ${name} off`, moderated.video, on =>
        act(() => api.mute(room, id, { video: on }))
      )
    )
  }
  const ban = button(`${id} ban`, 'Ban', `Ban ${name}`, () => act(() => api.remove(room, id, true)))
  actions.append(
    button(`${id} kick`, 'Take out', `Take ${name} out of the room`, () => act(() => api.remove(room, id, false))),
    inDoubt(ban, { label: `Ban ${name} for good`, title: 'Once more, and they cannot come again' })
  )
  return create('li', {}, create('span', {}, create('bdi', { text: name }), create('small', { text: about })), actions)
}

/** @param {string} room @param {string} key @param {AdminApi} api @param {Act} act */
function bannedLine(room, key, api, act) {
  const back = button(`${key} unban`, 'Take back', `Take the ban of ${key} back`, () => act(() => api.unban(room, key)))
  return create('li', {}, create('span', { dir: 'auto', text: key }), create('div', { class: 'actions' }, back))
}

/** @param {string} of whom or what it is about @param {string} text @param {string} label @param {() => void} run */
function button(of, text, label, run) {
  const element = create('button', { type: 'button', 'aria-label': label, 'data-of': of, text })
  element.onclick = run
  return element
}

/** @param {string} of @param {string} text @param {string} label @param {boolean} on @param {(on: boolean) => void} change */
function toggle(of, text, label, on, change) {
  const element = button(of, text, label, () => change(!on))
  element.setAttribute('aria-pressed', String(on))
  return element
}
