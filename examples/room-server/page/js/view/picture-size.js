/**
 * How much larger than its tile a picture may be. With encodings that double in size, one that is a
 * little too large looks better than one that is half as large.
 */
const ROOM = 1.5
/** More pixels per point than this nobody tells apart in moving pictures. */
const MAX_PIXEL_RATIO = 2
const LARGEST = 16_384

/**
 * The size of picture, in device pixels, that fills a box.
 *
 * @param {object} shown
 * @param {import('./layout.js').Box} shown.box
 * @param {number} shown.ratio width by height of the picture
 * @param {boolean} shown.cover whether the picture covers the box, or fits into it
 * @param {number} shown.pixelRatio
 */
export function pictureSize({ box, ratio, cover, pixelRatio }) {
  if (box.width < 1 || box.height < 1) return { width: 0, height: 0 }
  const byHeight = box.height * ratio
  const width = cover ? Math.max(box.width, byHeight) : Math.min(box.width, byHeight)
  const pixels = (/** @type {number} */ side) => Math.min(LARGEST, Math.ceil(side * Math.min(pixelRatio, MAX_PIXEL_RATIO) * ROOM))
  return { width: pixels(width), height: pixels(width / ratio) }
}
