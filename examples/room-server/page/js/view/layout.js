const GAP = 10
const RATIO = 16 / 9
/** How far a camera's tile may be from 16:9 to fill the stage better. */
const TALLEST = 3 / 4

/**
 * @typedef {{ left: number, top: number, width: number, height: number }} Box
 */

/**
 * The boxes for so many tiles, as large as they can be.
 *
 * @param {number} count
 * @param {Box} area
 * @returns {Box[]}
 */
export function grid(count, area) {
  if (count === 0) return []
  let best = { columns: 1, width: 0, height: 0, covered: 0 }
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns)
    const cellWidth = (area.width - GAP * (columns - 1)) / columns
    const cellHeight = (area.height - GAP * (rows - 1)) / rows
    if (cellWidth <= 0 || cellHeight <= 0) continue
    const width = Math.min(cellWidth, cellHeight * RATIO)
    const height = Math.min(cellHeight, width / (width < cellWidth ? RATIO : TALLEST))
    if (width * height > best.covered) best = { columns, width, height, covered: width * height }
  }
  const { columns, width, height } = best
  const rows = Math.ceil(count / columns)
  const top = area.top + (area.height - rows * height - (rows - 1) * GAP) / 2
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns)
    // The last row is centred when it is not full.
    const inRow = row === rows - 1 ? count - row * columns : columns
    const left = area.left + (area.width - inRow * width - (inRow - 1) * GAP) / 2
    return { left: left + (index % columns) * (width + GAP), top: top + row * (height + GAP), width, height }
  })
}

/**
 * The largest box of this shape, in the middle.
 *
 * @param {number} ratio width by height
 * @param {Box} area
 * @returns {Box}
 */
export function fitting(ratio, area) {
  const width = Math.min(area.width, area.height * ratio)
  const height = width / ratio
  return { left: area.left + (area.width - width) / 2, top: area.top + (area.height - height) / 2, width, height }
}

/**
 * Screens large, the cameras in a strip beside or below them.
 *
 * @param {number} screens
 * @param {number} cameras
 * @param {Box} area
 * @returns {{ screens: Box[], cameras: Box[] }}
 */
export function spotlight(screens, cameras, area) {
  if (screens === 0 || cameras === 0) return { screens: grid(screens, area), cameras: grid(cameras, area) }
  const wide = area.width > area.height * 1.1
  const strip = wide ? Math.min(Math.max(area.width * 0.2, 150), 280) : Math.min(Math.max(area.height * 0.3, 110), 240)
  const large = wide ? { ...area, width: area.width - strip - GAP } : { ...area, height: area.height - strip - GAP }
  const small = wide
    ? { left: area.left + large.width + GAP, top: area.top, width: strip, height: area.height }
    : { left: area.left, top: area.top + large.height + GAP, width: area.width, height: strip }
  return { screens: screens === 1 ? [large] : grid(screens, large), cameras: grid(cameras, small) }
}
