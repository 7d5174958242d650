import { address } from '../address.js'
import { InputsApi } from '../inputs-api.js'
import { byId, create } from './element.js'
import { notice } from './notices.js'

/** How often what comes is looked at while the dialog is open, in milliseconds. */
const LOOK_MS = 2000

/**
 * What OBS and ffmpeg have to be told to push into the room, and which cameras are fetched, for hosts, and what comes of it.
 * @param {import('/client/index.js').Room} call
 */
export function offerEncoders(call) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('encoder'))
  const name = /** @type {HTMLInputElement} */ (byId('encoder-name'))
  const api = new InputsApi(address, call.name)
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let looking

  byId('encoder-button').onclick = () => {
    byId('encoder-fields').hidden = true
    dialog.showModal()
    void look()
    looking = setInterval(() => void look(), LOOK_MS)
  }
  dialog.onclose = () => clearInterval(looking)
  byId('encoder-done').onclick = () => dialog.close()
  byId('encoder-form').onsubmit = event => {
    event.preventDefault()
    void makeKey()
  }
  byId('camera-add').onclick = () => void addCamera()
  for (const button of dialog.querySelectorAll('button[data-copy]')) {
    const { copy = '' } = /** @type {HTMLElement} */ (button).dataset
    const copyIt = () =>
      navigator.clipboard.writeText(byId(copy).textContent ?? '').then(
        () => notice('It is on the clipboard'),
        () => select(byId(copy))
      )
    button.addEventListener('click', () => void copyIt())
  }

  async function makeKey() {
    try {
      const { servers, srt = '', key, expiresAt } = await api.makeKey(name.value.trim() || 'Encoder')
      const [server = ''] = servers
      byId('encoder-rtmp').hidden = server === ''
      byId('encoder-server').textContent = server
      byId('encoder-key').textContent = key
      byId('encoder-ffmpeg').textContent = ffmpegTo('flv', `${server}/${key}`)
      byId('encoder-srt').hidden = srt === ''
      byId('encoder-srt-server').textContent = srt
      byId('encoder-srt-ffmpeg').textContent = ffmpegTo('mpegts', `'${srt}'`, '-pes_payload_size 0 ')
      byId('encoder-until').textContent =
        expiresAt === null ? '' : `Whoever has the key may push into this room, until ${new Date(expiresAt).toLocaleString()}.`
      byId('encoder-fields').hidden = false
    } catch (error) {
      notice(`There is no key: ${/** @type {Error} */ (error).message}`, true)
    }
  }

  async function addCamera() {
    const url = /** @type {HTMLInputElement} */ (byId('camera-url'))
    const button = /** @type {HTMLButtonElement} */ (byId('camera-add'))
    // It takes as long as the camera does.
    button.disabled = true
    byId('camera-error').textContent = ''
    try {
      await api.addCamera(url.value.trim(), name.value.trim() || 'Camera')
      url.value = ''
      await look()
    } catch (error) {
      byId('camera-error').textContent = `The camera is not shown: ${/** @type {Error} */ (error).message}`
    } finally {
      button.disabled = false
    }
  }

  async function look() {
    const list = byId('encoder-list')
    try {
      const { inputs } = await api.list()
      list.replaceChildren(...inputs.map(inputLine))
    } catch {
      list.replaceChildren()
    }
  }
}

/** @param {string} format @param {string} url @param {string} [options] */
function ffmpegTo(format, url, options = '') {
  return `ffmpeg -re -i talk.mp4 -c:v libx264 -bf 0 -g 60 -pix_fmt yuv420p -c:a aac ${options}-f ${format} ${url}`
}

/** @param {import('../inputs-api.js').Input} input */
function inputLine({ name, type, state, tracks, warnings }) {
  const where = state && state !== 'connected' ? [state] : []
  const about = [type.toUpperCase(), ...where, ...tracks.map(({ codec }) => codec ?? ''), ...warnings.map(({ message }) => message)].join(
    ', '
  )
  return create(
    'li',
    {},
    create('b', { text: name }),
    create('small', { text: about, ...(warnings.length > 0 && { class: 'encoder-warning' }) })
  )
}

/** Where the clipboard is out of reach. @param {HTMLElement} element */
function select(element) {
  getSelection()?.selectAllChildren(element)
}
