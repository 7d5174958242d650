/**
 * Files that are played into rooms, each by somebody who is in the room for as long as that takes.
 */
export class Playbacks {
  #endpoint
  /** @type {Map<import('medialoom/rooms').Room, { participant: import('medialoom/rooms').Participant, player: import('medialoom').Player }>} */
  #playing = new Map()

  /** @param {import('medialoom').Endpoint} endpoint */
  constructor(endpoint) {
    this.#endpoint = endpoint
  }

  /**
   * @param {import('medialoom/rooms').Room} room
   * @param {string} file
   * @param {{ title: string, loop: boolean }} options
   */
  async start(room, file, { title, loop }) {
    const player = await this.#endpoint.createPlayer(file, { loop })
    this.stop(room)
    let participant
    try {
      participant = room.join({
        name: `Recording: ${title}`.slice(0, room.limits.maxNameLength),
        role: 'publisher',
        permissions: { canSubscribe: false, roomAdmin: true }
      })
    } catch (error) {
      void player.close()
      throw error
    }
    this.#playing.set(room, { participant, player })
    // Played to its end, failed, taken out by a host, or alone: all of them end it.
    const over = () => this.#end(room, player)
    player.on('ended', over)
    player.on('error', over)
    participant.once('left', over)
    const left = () => room.participants.every(each => each === participant || each.input !== null) && over()
    room.on('left', left)
    participant.once('left', () => room.off('left', left))
    participant.offer({ audio: player.audio, video: player.video })
    // Begun when everybody has its tracks.
    player.play()
  }

  /** @param {import('medialoom/rooms').Room} room @returns {boolean} whether something was played there */
  stop(room) {
    const playing = this.#playing.get(room)
    if (!playing) return false
    this.#end(room, playing.player)
    return true
  }

  /** @param {import('medialoom/rooms').Room} room @param {import('medialoom').Player} player */
  #end(room, player) {
    const playing = this.#playing.get(room)
    if (!playing || playing.player !== player) return
    this.#playing.delete(room)
    playing.participant.leave('ended')
    void player.close()
  }
}
