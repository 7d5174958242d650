/** Why a room could not be entered, refused something, or came to an end. index.d.ts has the codes. */
export class RoomError extends Error {
  name = 'RoomError'

  /**
   * @param {string} code
   * @param {string} message
   * @param {{ request?: string, field?: string }} [details] which message to the server it answers
   */
  constructor(code, message, { request, field } = {}) {
    super(message)
    this.code = code
    this.request = request
    this.field = field
  }
}
