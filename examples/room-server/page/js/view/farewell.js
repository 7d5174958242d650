/**
 * What to tell somebody whose visit ended, and whether the door is worth another try.
 *
 * @param {{ code: string, message: string }} end
 * @returns {{ title: string, text: string, again: boolean }}
 */
export function farewellOf({ code, message }) {
  switch (code) {
    case 'kicked':
      return { title: 'You were taken out of the room', text: reasonOf(message), again: true }
    case 'banned':
      return { title: 'You cannot come into this room any more', text: reasonOf(message), again: false }
    case 'rejected':
      return { title: 'You were not let in', text: reasonOf(message), again: true }
    case 'replaced':
      return {
        title: 'You are in the room somewhere else',
        text: 'The same link was opened in another window, or on another device, and took this place.',
        again: true
      }
    case 'locked':
      return { title: 'The room is locked', text: 'Its host lets nobody new in at the moment.', again: true }
    case 'unauthorized':
    case 'forbidden':
      return { title: 'This link does not open the room', text: `Ask a host for a new one. The server says: ${message}`, again: false }
    default:
      return { title: 'That did not work', text: message, again: true }
  }
}

/** Ends that are worth more than a line at the form. */
export const WITH_FAREWELL = ['kicked', 'banned', 'rejected', 'replaced', 'locked', 'unauthorized', 'forbidden']

/** What a host said of it; the server's own words begin so and say what the title says. @param {string} message */
function reasonOf(message) {
  return /^you (?:were|was)\b/.test(message) ? '' : `“${message}”`
}
