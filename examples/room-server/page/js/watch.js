import Hls from '/player/hls.min.mjs'
import { byId } from './view/element.js'

/** Milliseconds until it is tried again. */
const AGAIN = 3000
/** Milliseconds between two looks at how far behind the picture is. */
const LOOK = 1000

const [, folder = '/', room = ''] = /^(.*\/)(?:r|hls)\/([^/]+)(?:\/watch)?\/?$/.exec(location.pathname) ?? []
const server = new URL(folder, location.href)
const token = new URLSearchParams(location.hash.slice(1)).get('token')
const screen = /** @type {HTMLVideoElement} */ (byId('screen'))
const sound = byId('sound')

byId('title').textContent = decodeURIComponent(room)
document.title = `${decodeURIComponent(room)} · medialoom`

/** @type {Hls | null} */
let player = null

screen.addEventListener('playing', () => {
  say('Live')
  sound.hidden = !screen.muted
})
screen.addEventListener('waiting', () => say('Waiting for the picture'))
screen.addEventListener('volumechange', () => (sound.hidden = !screen.muted))
sound.onclick = () => (screen.muted = false)
setInterval(() => {
  const latency = player?.latency ?? 0
  byId('behind').textContent = latency > 0 && !screen.paused ? `${latency.toFixed(1)} s behind` : ''
}, LOOK)
void watch()

async function watch() {
  try {
    const response = await fetch(new URL(`api/rooms/${room}/hls`, server), {
      headers: token ? { Authorization: `Bearer ${token}` } : {}
    })
    const answer = await response.json()
    if (!response.ok) throw new Error(answer.detail ?? answer.title)
    play(new URL(answer.url, server).href)
  } catch (error) {
    again(/** @type {Error} */ (error).message)
  }
}

/** @param {string} url */
function play(url) {
  if (!Hls.isSupported()) {
    // Safari on telephones plays it by itself.
    screen.src = url
    return
  }
  const made = new Hls({ lowLatencyMode: true, backBufferLength: 30, maxLiveSyncPlaybackRate: 1.1, enableWorker: false })
  player = made
  // For tests.
  Object.assign(globalThis, { player })
  made.on(Hls.Events.ERROR, (_event, { fatal, type, details }) => {
    if (!fatal) return
    if (type === Hls.ErrorTypes.MEDIA_ERROR) return made.recoverMediaError()
    made.destroy()
    player = null
    again(details === 'manifestLoadError' ? 'nobody is in the room' : 'the stream ended')
  })
  made.loadSource(url)
  made.attachMedia(screen)
  void screen.play().catch(() => say('Press play'))
}

/** @param {string} why */
function again(why) {
  say(`Nothing to watch just now: ${why}`)
  setTimeout(() => void watch(), AGAIN)
}

/** @param {string} text */
function say(text) {
  byId('state').textContent = text
}
