/**
 * An `EventTarget` whose events are `CustomEvent`s with a detail, and a shorter way to listen to them.
 * index.d.ts has which events there are, and the type of each detail.
 */
export class Emitter extends EventTarget {
  /**
   * @param {string} type
   * @param {(detail: any) => void} listener
   * @returns {() => void} ends listening
   */
  on(type, listener) {
    const handler = (/** @type {Event} */ event) => listener(/** @type {CustomEvent} */ (event).detail)
    this.addEventListener(type, handler)
    return () => this.removeEventListener(type, handler)
  }

  /** @param {string} type @param {unknown} [detail] */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}
