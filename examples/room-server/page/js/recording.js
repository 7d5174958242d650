import { RecordingsApi } from './recordings-api.js'
import { byId, create, icon } from './view/element.js'
import { PlayedFiles } from './view/played-files.js'
import { dateText, sizeText, timeText } from './view/time-text.js'

/** @typedef {import('./recordings-api.js').RecordingDetails} RecordingDetails */

const [, folder = '/', room = '', name = ''] = /^(.*\/)r\/([^/]+)\/recordings\/([^/]+)\/?$/.exec(location.pathname) ?? []
const token = new URLSearchParams(location.hash.slice(1)).get('token')
const api = new RecordingsApi({ server: new URL(folder, location.href).href, token }, decodeURIComponent(room))

const SOURCES = {
  camera: 'camera and microphone',
  microphone: 'microphone',
  screen: 'screen',
  'screen-audio': 'sound of the screen',
  mix: 'everyone in one film'
}
const STATES = { recording: 'is still being recorded', storing: 'is being stored', interrupted: 'was interrupted', finished: '' }

try {
  show(await api.get(decodeURIComponent(name)))
} catch (error) {
  const trouble = byId('trouble')
  trouble.hidden = false
  trouble.textContent = `The recording cannot be shown: ${/** @type {Error} */ (error).message}.`
}

/** @param {RecordingDetails} recording */
function show(recording) {
  const { startedAt, startedBy, duration, bytes, files, marks, state } = recording
  document.title = `${decodeURIComponent(room)}, ${dateText(startedAt)} · medialoom`
  byId('title').textContent = decodeURIComponent(room)
  byId('about').textContent = [
    dateText(startedAt),
    timeText(duration),
    sizeText(bytes),
    startedBy ? `recorded by ${startedBy}` : '',
    STATES[state]
  ]
    .filter(Boolean)
    .join(' · ')
  showFiles(recording)
  const film = files.filter(({ source }) => source === 'mix')
  const people = files.filter(({ source }) => source !== 'mix')
  const player = new PlayedFiles({ api, duration, marks })
  player.play(film.length > 0 ? film : people)
  // For tests.
  Object.assign(globalThis, { player })
  showMarks(marks, at => player.seek(at))
  const views = byId('views')
  views.hidden = film.length === 0 || people.length === 0
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (views.querySelectorAll('button'))) {
    button.onclick = () => {
      for (const other of views.querySelectorAll('button')) other.setAttribute('aria-checked', String(other === button))
      player.play(button.dataset.view === 'film' ? film : people)
    }
  }
}

/** @param {RecordingDetails} recording */
function showFiles({ files }) {
  byId('files').hidden = files.length === 0
  byId('files-list').replaceChildren(
    ...files.map(file => {
      const codecs = [...new Set(file.tracks.map(({ codec }) => codec.toUpperCase()))].join(' and ')
      const about = [timeText(file.duration), sizeText(file.bytes), codecs].filter(Boolean).join(' · ')
      const label = `Download ${file.file}`
      const link = create(
        'a',
        { class: 'quiet', href: api.urlOf(file, true), download: file.file, 'aria-label': label, title: label },
        icon('download')
      )
      return create(
        'li',
        {},
        create('span', { text: `${file.name}: ${SOURCES[file.source] ?? file.source}` }, create('small', { text: about })),
        link
      )
    })
  )
}

/** @param {{ at: number, name: string }[]} marks @param {(at: number) => void} seek */
function showMarks(marks, seek) {
  byId('marks').hidden = marks.length === 0
  byId('marks-list').replaceChildren(
    ...marks.map(({ at, name: text }) => {
      const button = create('button', { type: 'button' }, create('time', { text: timeText(at) }), create('span', { text }))
      button.onclick = () => seek(at)
      return create('li', {}, button)
    })
  )
}
