'use strict'

/** dBov from which on it makes a sound, and milliseconds of silence that are a pause between words. */
const AUDIBLE = -60
const PAUSE_MS = 500

/**
 * Whether a track that is made here makes a sound. Of peers' tracks a detector tells; of others there are
 * levels alone.
 *
 * @param {import('../../index.js').SourceTrack} track
 * @param {(sounds: boolean) => void} listener
 * @returns {() => void} listens no more
 */
function whileAudible(track, listener) {
  /** Until it counts as silent. @type {NodeJS.Timeout | null} */
  let quiet = null
  const fall = () => {
    quiet = null
    listener(false)
  }
  /** @param {{ level: number }} heard in dBov */
  const onLevel = ({ level }) => {
    if (level < AUDIBLE) return
    if (quiet) return void quiet.refresh()
    quiet = setTimeout(fall, PAUSE_MS)
    quiet.unref()
    listener(true)
  }
  // The kinds of tracks have the event alike.
  const events = /** @type {import('node:events').EventEmitter} */ (track)
  events.on('audiolevel', onLevel)
  return () => {
    if (quiet) clearTimeout(quiet)
    quiet = null
    if (!track.closed) events.off('audiolevel', onLevel)
  }
}

exports.whileAudible = whileAudible
