/// <reference lib="dom" />
/**
 * `medialoom/client` as React hooks. `react` (18 or later) is the application's own.
 *
 * A hook renders its component anew when what it gives changed. Participants and streams are the same
 * objects all the time: in an effect depend on what is read of them.
 */

import type {
  ChatLine,
  EncodingChoice,
  JoinOptions,
  Layer,
  LayerReason,
  LocalMedia,
  Participant,
  ParticipantStream,
  RecordingMark,
  Room,
  RoomMessage,
  RoomState,
  Token,
} from '../index.js'

/**
 * In the room while the component is there. It is left, and entered anew, when the address changes or a
 * token that is a string; options count at the time of entering.
 *
 * @param url a room's link; `null` to be in none
 */
export function useRoom(
  url: string | URL | null,
  token?: Token,
  options?: JoinOptions,
): {
  /** From the first effect on, before it was entered: see its `state`. */
  room: Room | null
  /** `null` without a room. */
  state: RoomState | null
  /** A `RoomError`, when it was not entered. */
  error: Error | null
}

/** Everyone in joining order, oneself included. */
export function useParticipants(room: Room | null): Participant[]

/** Who waits to be let in, for room admins. */
export function useLobby(room: Room | null): readonly { id: string; name: string }[]

/** While the room is being recorded, since when and by whom; else `null`. */
export function useRecording(room: Room | null): RecordingMark | null

/** Who raises a hand, the longest first. */
export function useHands(room: Room | null): readonly { id: string; name: string; since: number }[]

/** Microphone, camera and screen, for the option `media`; those that are given, or new ones. */
export function useLocalMedia(media?: LocalMedia): LocalMedia

/** The last lines, 200 unless told otherwise; one's own are not among them. */
export function useChat(room: Room | null, options?: { most?: number }): { lines: ChatLine[]; send: (text: string) => boolean }

/** The last messages of a topic, or of all; 200 unless told otherwise. */
export function useMessages(
  room: Room | null,
  topic?: string,
  options?: { most?: number },
): { messages: RoomMessage[]; send: (data: string, to?: string[]) => boolean }

/** What the server sends of a stream, and why. */
export function useLayer(
  room: Room | null,
  stream: ParticipantStream | null | undefined,
): { layer: Layer | null; reason: LayerReason | null; encodings: EncodingChoice | null } | null

/** How loud a track is, ten times a second: 0 to 1. */
export function useAudioLevel(track: MediaStreamTrack | null | undefined): number

/** A `ref` for a `<video>` or `<audio>` that plays this. */
export function useMediaElement(media: MediaStream | null | undefined): (element: HTMLMediaElement | null) => void
