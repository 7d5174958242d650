/** Milliseconds for a second tap, which is meant. */
const DOUBT_MS = 4000

/**
 * Has a button whose work cannot be taken back do it at the second tap.
 *
 * @param {HTMLButtonElement} button with its label and `onclick`
 * @param {{ label: string, title: string }} meant what it says after the first
 */
export function inDoubt(button, meant) {
  const { onclick, title } = button
  const label = button.getAttribute('aria-label') ?? title
  let sure = false
  let ends = 0
  const doubt = (/** @type {boolean} */ asked) => {
    sure = asked
    button.classList.toggle('sure', asked)
    button.setAttribute('aria-label', asked ? meant.label : label)
    button.title = asked ? meant.title : title
  }
  button.onclick = event => {
    // The second click of a double one is not meant.
    if (sure && event.detail > 1) return
    window.clearTimeout(ends)
    const run = sure
    doubt(!run)
    if (run) onclick?.call(button, event)
    else ends = window.setTimeout(() => doubt(false), DOUBT_MS)
  }
  return button
}
