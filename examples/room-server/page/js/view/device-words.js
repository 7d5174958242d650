/** Why a device cannot be used. @param {unknown} error */
export function reason(error) {
  const { name, message } = /** @type {Error} */ (error)
  switch (name) {
    case 'NotAllowedError':
      return 'not allowed'
    case 'NotFoundError':
      return 'none found'
    case 'NotReadableError':
      return 'in use by another program'
    default:
      return message || 'not available'
  }
}

/**
 * What of camera and microphone is missing, and what one can do without.
 * @param {{ audio: Error | null, video: Error | null }} missing
 * @returns {string | null} null when nothing is
 */
export function missingDevices({ audio, video }) {
  if (audio?.name === 'NotSupportedError') {
    return 'The browser gives camera and microphone to pages on https or localhost only. You can still join, watch and chat.'
  }
  if (audio && video) return `No camera and no microphone (${reason(video)}). You can still join, watch and chat.`
  if (video) return `No camera (${reason(video)}). The others will hear you.`
  return audio && `No microphone (${reason(audio)}). The others will see you.`
}
