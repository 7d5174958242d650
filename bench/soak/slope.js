'use strict'

/** Quantile of the normal distribution below which 95 % lie. */
const CONFIDENCE = 1.645

/**
 * The slope of a series by Theil and Sen: the median of the slopes between any two points, which no
 * single outlier moves. `low` and `high` hold the true slope with 95 % on either side (Sen 1968, by
 * the variance of Kendall's tau); with fewer than three points nothing is known.
 *
 * @param {{ x: number, y: number }[]} points
 * @returns {{ slope: number, low: number, high: number }} in units of y for each unit of x
 */
function theilSen(points) {
  const slopes = []
  for (let right = 1; right < points.length; right++) {
    for (let left = 0; left < right; left++) {
      const distance = points[right].x - points[left].x
      if (distance > 0) slopes.push((points[right].y - points[left].y) / distance)
    }
  }
  if (points.length < 3 || slopes.length === 0) return { slope: 0, low: -Infinity, high: Infinity }
  slopes.sort((a, b) => a - b)
  const count = points.length
  const spread = CONFIDENCE * Math.sqrt((count * (count - 1) * (2 * count + 5)) / 18)
  const at = index => slopes[Math.min(slopes.length - 1, Math.max(0, index))]
  return {
    slope: (at(Math.floor((slopes.length - 1) / 2)) + at(Math.ceil((slopes.length - 1) / 2))) / 2,
    low: at(Math.floor((slopes.length - spread) / 2)),
    high: at(Math.ceil((slopes.length + spread) / 2))
  }
}

module.exports = { theilSen }
