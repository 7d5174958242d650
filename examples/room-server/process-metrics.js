import { performance } from 'node:perf_hooks'
import { collectDefaultMetrics, Counter } from 'prom-client'

/** As seldom as a timer of Node's can be set: 24 days. */
const NEVER_MS = 2 ** 31 - 1

/** Made from a histogram that a timer fills, a hundred times a second unless told otherwise. */
const FROM_POLLING = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'].map(name => `nodejs_eventloop_lag_${name}_seconds`)

/**
 * The process's own figures: prom-client's, without those that wake the process to measure whether
 * it is awake, since that costs more than a whole call. How busy the event loop is comes from Node,
 * which counts it anyway.
 *
 * @param {Registry} registry
 */
export function addProcessMetrics(registry) {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: NEVER_MS })
  for (const name of FROM_POLLING) registry.removeSingleMetric(name)
  new Counter({
    name: 'nodejs_eventloop_active_seconds_total',
    help: 'Time in which the event loop had something to do; the rest it waited.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(performance.eventLoopUtilization().active / 1000)
    }
  })
}

/** @typedef {import('prom-client').Registry} Registry */
