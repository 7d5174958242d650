'use strict'

const WIDTH = 640
const HEIGHT = 400
const MARGIN = { left: 60, right: 20, top: 40, bottom: 50 }
const COLOURS = ['#1f6feb', '#d1242f', '#1a7f37', '#9a6700']

/**
 * Lines over a logarithmic x axis, as an SVG document.
 * @param {{ title: string, x: string, y: string, lines: { name: string, points: [number, number][] }[] }} chart
 */
function plot({ title, x: xTitle, y: yTitle, lines }) {
  const points = lines.flatMap(line => line.points)
  const xs = [...new Set(points.map(([x]) => x))].sort((a, b) => a - b)
  const highest = Math.max(...points.map(([, y]) => y))
  const step = niceStep(highest)
  const top = Math.ceil(highest / step) * step

  const [low, high] = [Math.log(xs[0]), Math.log(xs.at(-1))]
  const inner = { width: WIDTH - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom }
  const toX = x => MARGIN.left + (high > low ? (Math.log(x) - low) / (high - low) : 0.5) * inner.width
  const toY = y => HEIGHT - MARGIN.bottom - (y / top) * inner.height

  const parts = [text(WIDTH / 2, 24, title, 'middle', 16)]
  for (let y = 0; y <= top + step / 2; y += step) {
    parts.push(`<path d="M${MARGIN.left} ${toY(y)}H${WIDTH - MARGIN.right}" stroke="#ddd"/>`)
    parts.push(text(MARGIN.left - 8, toY(y) + 4, String(Number(y.toPrecision(3))), 'end'))
  }
  for (const x of xs) parts.push(text(toX(x), HEIGHT - MARGIN.bottom + 18, String(x), 'middle'))
  parts.push(text(WIDTH / 2, HEIGHT - 12, xTitle, 'middle'))
  parts.push(`<g transform="rotate(-90 16 ${HEIGHT / 2})">${text(16, HEIGHT / 2, yTitle, 'middle')}</g>`)
  lines.forEach((line, index) => {
    const colour = COLOURS[index % COLOURS.length]
    const path = line.points.map(([x, y]) => `${toX(x).toFixed(1)},${toY(y).toFixed(1)}`)
    parts.push(`<polyline points="${path.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`)
    for (const point of path) {
      const [cx, cy] = point.split(',')
      parts.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`)
    }
    parts.push(`<g fill="${colour}">${text(WIDTH - MARGIN.right, MARGIN.top + 14 + 18 * index, line.name, 'end')}</g>`)
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...parts,
    '</svg>\n'
  ].join('\n')
}

function niceStep(highest) {
  const rough = highest / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * [1, 2, 5, 10].find(factor => factor * power >= rough)
}

function text(x, y, content, anchor, size = 12) {
  const escaped = content.replace(/&/g, '&amp;').replace(/</g, '&lt;')
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" font-size="${size}">${escaped}</text>`
}

module.exports = { plot }
