'use strict'

/**
 * What an attack did to its neighbours, by three windows of them and of those whom nobody attacked.
 *
 * @typedef {object} Window
 * @property {number} share of the frames that there should have been, 0 to 1
 * @property {number} p50 milliseconds of latency
 * @property {number} p95
 * @property {number} waited time in which the media thread or the viewers could not run for others, as a share
 * @property {number} busy time that the media thread ran, as a share of that in which it could
 *
 * @typedef {{ before: Window, during: Window, after: Window }} Course
 * @typedef {{ attacked: Course, control: Course }} Seen
 */

/** The least share of the frames that the same run brings without the attack. */
const SHARE = 0.9
/** How many times the latency of the same run without the attack. */
const TIMES = 2
/** Milliseconds that two windows of an idle machine may differ by. */
const NOISE = 5
/**
 * The same where other processes had the cores: a media thread, or who measures, waits for a few of
 * their turns then.
 */
const NOISE_OF_OTHERS = 50
/** From this share of the time on they did. An idle machine lets nobody wait for a thousandth. */
const WAITING = 0.005
/** From here on what viewers see tells of the machine, and not of the attack. */
const STARVED = 0.25

/** What the neighbours suffered, or `null`. */
function harmOf({ attacked, control }) {
  if (attacked.before.share < SHARE) return `${percent(attacked.before.share)} of the frames before anything happened`
  for (const window of ['during', 'after']) {
    const { share, p50, p95, waited } = attacked[window]
    if (share < SHARE * attacked.before.share) return `${percent(share)} of the frames ${window}`
    const noise = waited > WAITING ? NOISE_OF_OTHERS : NOISE
    for (const [name, latency] of Object.entries({ p50, p95 })) {
      // A machine that is slow for all is slow for them too.
      const usual = Math.max(attacked.before[name], control[window][name])
      if (latency > Math.max(TIMES * usual, usual + noise)) return `a latency (${name}) of ${latency.toFixed(2)} ms ${window}`
    }
  }
  return null
}

/** Whether those whom nobody attacked lost frames or waited long for them, or others had the cores. */
function stalled({ attacked, control }) {
  const waited = ({ p95 }) => p95 > Math.max(NOISE, TIMES * control.before.p95)
  return (
    Object.values(attacked).some(({ waited }) => waited > STARVED) ||
    Object.values(control).some(({ share }) => share < (1 + SHARE) / 2) ||
    [control.during, control.after].some(waited)
  )
}

/** @returns {string} what the neighbours saw, window by window */
function describe({ attacked }) {
  const windows = Object.entries(attacked).map(
    ([name, { share, p50, p95, waited = 0, busy = 0 }]) =>
      `${name} ${(30 * share).toFixed(1)} of 30 frames, ${p50.toFixed(2)} ms (p95 ${p95.toFixed(2)}), ` +
      `waited ${percent(waited)}, thread ${percent(busy)}`
  )
  return windows.join('; ')
}

function percent(share) {
  return `${(share * 100).toFixed(0)} %`
}

module.exports = { describe, harmOf, percent, stalled }
