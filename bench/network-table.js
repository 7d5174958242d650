'use strict'

const { markdown } = require('./table.js')

const kilobits = value => (value === null ? '' : (value / 1000).toFixed(0))
const percent = value => (Number.isFinite(value) ? `${(value * 100).toFixed(0)} %` : '')
const seconds = value => (value === null ? 'never' : (value / 1000).toFixed(2))
const milliseconds = value => value.toFixed(0)

/** What is measured, and what is asked of it where the scenario asks anything. */
function withGoal(result, name, text, goalText) {
  const goal = result.goals.find(each => each.name === name)
  if (!goal) return text
  return `${text} (${goalText(goal.goal)})${goal.met ? '' : ' !'}`
}

function name({ scenario, viewer, viewers }) {
  return viewers > 1 ? `${scenario} ${viewer + 1}` : scenario
}

/** The slowest of the steps of a run. */
function steps(times) {
  if (times.length === 0) return ''
  return times.includes(null) ? 'never' : seconds(Math.max(...times))
}

const total = numbers => numbers.reduce((sum, number) => sum + number, 0)
const longest = result => Math.max(0, ...result.freezesMs)

const TABLES = [
  [
    ['scenario', name],
    ['link kbit/s', result => kilobits(result.capacity)],
    ['best fit', result => kilobits(result.ideal)],
    ['shown', result => kilobits(result.shown)],
    ['of best fit', result => withGoal(result, 'utilisation', percent(result.utilisation), goal => `>= ${percent(goal)}`)],
    ['pictures/s', result => result.picturesPerSecond.toFixed(1)],
    ['height', result => result.height.toFixed(0)],
    ['first picture s', result => seconds(result.firstPictureMs)],
    ['best', result => seconds(result.bestPictureMs)],
    ['down s', result => withGoal(result, 'stepDown', steps(result.stepDownMs), goal => `<= ${goal}`)],
    ['up s', result => withGoal(result, 'stepUp', steps(result.stepUpMs), goal => `<= ${goal}`)]
  ],
  [
    ['scenario', name],
    ['freezes', result => String(result.freezesMs.length)],
    ['longest ms', result => withGoal(result, 'longestFreeze', milliseconds(longest(result)), goal => `<= ${goal * 1000}`)],
    ['all ms', result => milliseconds(total(result.freezesMs))],
    ['lost', result => String(result.lost)],
    ['recovered', result => (result.lost > 0 ? percent(result.recovered / result.lost) : '')],
    ['queue ms', result => milliseconds(result.queueMeanMs)],
    ['p95', result => milliseconds(result.queueP95Ms)],
    ['keyframes asked', result => String(result.keyframesRequested)],
    ['wrong', result => withGoal(result, 'wrongPictures', String(result.wrongPictures + result.unreadablePackets), String)]
  ]
]

/** A line for each viewer, in two tables. A figure that misses its goal is marked with `!`. */
function networkTable(results) {
  const viewers = results.map(({ scenario }) => results.filter(other => other.scenario === scenario).length)
  const rows = results.map((result, index) => ({ ...result, viewers: viewers[index] }))
  return TABLES.map(columns => markdown(columns, rows)).join('\n\n')
}

/** The runs that miss a goal, a line each. */
function failures(results) {
  const missed = results.flatMap(result =>
    result.goals
      .filter(goal => !goal.met)
      .map(goal => {
        const measured = goal.measured === null ? 'never' : goal.measured.toFixed(2)
        return `${result.scenario} --seed ${result.seed}, viewer ${result.viewer + 1}: ${goal.name} ${measured}, goal ${goal.goal}`
      })
  )
  const runs = new Set(results.map(({ scenario, seed }) => `${scenario} ${seed}`)).size
  return [`${runs} runs, ${missed.length} goals missed`, ...missed].join('\n')
}

module.exports = { failures, networkTable }
