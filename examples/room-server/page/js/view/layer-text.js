import { bitrate } from './bitrate.js'

/**
 * @typedef {import('/client/index.js').Forwarded} Forwarded
 * @typedef {import('/client/index.js').EncodingChoice} EncodingChoice
 */

/** Size, frame rate and bitrate of a layer, as far as they are known. @param {Forwarded['layer']} layer */
export function layerText(layer) {
  if (!layer) return 'No picture is sent'
  const size = layer.width && layer.height ? `${layer.width}×${layer.height}` : ''
  const rate = layer.frameRate ? `@${Math.round(layer.frameRate)}` : ''
  const parts = [[size, rate].filter(Boolean).join(' '), layer.bitrate > 0 ? bitrate(layer.bitrate) : '']
  return parts.filter(Boolean).join(' · ') || 'Not measured yet'
}

/**
 * Why it is this layer.
 * @param {Forwarded} forwarded
 * @param {EncodingChoice | undefined} choice
 */
export function reasonText({ layer, reason }, choice) {
  const chosen = choice !== undefined && choice.selected !== 'auto'
  switch (reason) {
    case 'best':
      return chosen ? 'As you chose' : 'The best there is'
    case 'preferences':
      return chosen ? 'As you chose' : 'More would not show in a tile of this size'
    case 'bandwidth':
      return layer ? 'Your link carries no more' : 'Paused: no room on your link'
    case 'load':
      return 'The server has no time for more'
    case 'muted':
      return 'Paused: the tile is not on show'
    case 'unavailable':
      return layer ? 'Nothing better comes from the sender now' : 'Nothing comes from the sender now'
  }
}
