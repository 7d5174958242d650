import { reason } from './device-words.js'
import { byId, create } from './element.js'
import { notice } from './notices.js'

/** @typedef {HTMLSelectElement} Select */

/**
 * Lets the user choose microphone, camera and speaker.
 *
 * @param {import('/client/index.js').LocalMedia} media
 * @param {(deviceId: string) => void} onSpeaker
 */
export async function chooseDevices(media, onSpeaker) {
  const dialog = /** @type {HTMLDialogElement} */ (byId('devices'))
  const { microphones, cameras, speakers } = await media.devices()
  fill(byId('microphone-select'), microphones, media.deviceOf('audio'), id => media.useDevice('audio', id))
  fill(byId('camera-select'), cameras, media.deviceOf('video'), id => media.useDevice('video', id))
  // Not every browser lets a page choose where sound goes.
  byId('speaker-label').hidden = !('setSinkId' in HTMLMediaElement.prototype)
  fill(byId('speaker-select'), speakers, undefined, async id => onSpeaker(id))
  dialog.showModal()
}

/**
 * @param {HTMLElement} element
 * @param {MediaDeviceInfo[]} devices
 * @param {string | undefined} current
 * @param {(deviceId: string) => Promise<void>} onChoice
 */
function fill(element, devices, current, onChoice) {
  const select = /** @type {Select} */ (element)
  select.replaceChildren(
    ...devices.map((device, index) => {
      const option = create('option', { value: device.deviceId, text: device.label || `Device ${index + 1}` })
      option.selected = device.deviceId === current
      return option
    })
  )
  if (devices.length === 0) select.append(create('option', { text: 'None found' }))
  select.disabled = devices.length === 0
  select.onchange = async () => {
    try {
      await onChoice(select.value)
    } catch (error) {
      notice(`The device cannot be used: ${reason(error)}`, true)
    }
  }
}
