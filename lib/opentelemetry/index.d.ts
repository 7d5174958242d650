/**
 * An endpoint's figures for OpenTelemetry, on a meter of the application's own provider.
 *
 * ```js
 * const provider = new MeterProvider({ readers: [new PeriodicExportingMetricReader({ exporter })] })
 * const observation = observe(provider.getMeter('medialoom'), { endpoint, rooms })
 * ```
 *
 * The engine is asked when a reader collects, and not in between. `@opentelemetry/api` (1.3 or later) is an optional peer
 * dependency, for its types alone.
 */

import type { Attributes, Meter } from '@opentelemetry/api'
import type { Endpoint } from '../../index.js'
import type { Rooms } from '../rooms/index.js'

export interface ObserveOptions {
  endpoint: Endpoint
  /** For the figures of rooms. Default: none. */
  rooms?: Rooms
  /**
   * How many of the largest rooms have figures of their own; the others stand together under `(others)`, because
   * clients choose names, and each is a series. Default 100; 0 for none.
   */
  largestRooms?: number
  /** On everything that is observed, such as the name of the endpoint where there are several. Default: none. */
  attributes?: Attributes
}

export interface Observation {
  /** Observes nothing any more. A closed endpoint has no figures, but the instruments of its meter stay. */
  stop(): void
}

/**
 * Registers observable instruments, which docs/observability.md lists.
 * @throws {TypeError} when an argument is none
 */
export function observe(meter: Meter, options: ObserveOptions): Observation
