import { useCallback, useEffect, useReducer, useRef, useState } from 'react'
import { AudioLevel, LocalMedia, Room } from '../index.js'

const LEVEL_MS = 100

/** Renders anew at each of these events. @param {import('../index.js').Emitter<any> | null | undefined} emitter @param {string[]} types */
function useEvents(emitter, types) {
  const [, render] = useReducer((/** @type {number} */ count) => count + 1, 0)
  const names = types.join(' ')
  useEffect(() => {
    if (!emitter) return undefined
    const stops = names.split(' ').map(type => emitter.on(type, () => render()))
    // What happened between rendering and now.
    render()
    return () => stops.forEach(stop => stop())
  }, [emitter, names])
}

/**
 * @param {string | URL | null} url
 * @param {import('../index.js').Token} [token]
 * @param {import('../index.js').JoinOptions} [options]
 */
export function useRoom(url, token, options) {
  const [visit, setVisit] = useState(/** @type {{ room: Room | null, error: Error | null }} */ ({ room: null, error: null }))
  // What is asked for once it changes; options and a token that are only made anew are none.
  const latest = useRef({ token, options })
  latest.current = { token, options }
  const address = url === null ? null : String(url)
  const identity = typeof token === 'function' ? '' : token
  useEffect(() => {
    if (address === null) return undefined
    const room = new Room(address, latest.current.token, latest.current.options)
    let current = true
    setVisit({ room, error: null })
    room.join().catch(error => current && setVisit({ room, error }))
    return () => {
      current = false
      room.leave()
      setVisit({ room: null, error: null })
    }
  }, [address, identity])
  useEvents(visit.room, ['state', 'settings'])
  return { ...visit, state: visit.room?.state ?? null }
}

/** @param {Room | null} room */
export function useParticipants(room) {
  useEvents(room, ['participants', 'stream', 'speaking', 'state'])
  return room ? [...room.participants.values()] : []
}

/** @param {Room | null} room */
export function useLobby(room) {
  useEvents(room, ['lobby', 'settings'])
  return room?.waiting ?? []
}

/** @param {Room | null} room */
export function useRecording(room) {
  useEvents(room, ['recording', 'settings'])
  return room?.recording ?? null
}

/** @param {Room | null} room */
export function useHands(room) {
  useEvents(room, ['hand', 'participants'])
  return room?.hands ?? []
}

/** @param {import('../index.js').JoinOptions['media']} [given] */
export function useLocalMedia(given) {
  const [own] = useState(() => given ?? new LocalMedia())
  const media = given ?? own
  useEvents(media, ['change'])
  return media
}

/**
 * @param {Room | null} room
 * @param {'chat' | 'message'} type
 * @param {(item: any) => boolean} isWanted
 * @param {number} most
 */
function useHistory(room, type, isWanted, most) {
  const [items, setItems] = useState(/** @type {any[]} */ ([]))
  useEffect(() => {
    setItems([])
    return room?.on(type, item => isWanted(item) && setItems(before => [...before, item].slice(-most)))
  }, [room, type, isWanted, most])
  return items
}

/** @param {Room | null} room @param {{ most?: number }} [options] */
export function useChat(room, { most = 200 } = {}) {
  const lines = useHistory(room, 'chat', isAny, most)
  const send = useCallback((/** @type {string} */ text) => room?.sendChat(text) ?? false, [room])
  return { lines, send }
}

/** @param {Room | null} room @param {string} [topic] @param {{ most?: number }} [options] */
export function useMessages(room, topic, { most = 200 } = {}) {
  const isWanted = useCallback((/** @type {{ topic: string }} */ message) => topic === undefined || message.topic === topic, [topic])
  const messages = useHistory(room, 'message', isWanted, most)
  const send = useCallback(
    (/** @type {string} */ data, /** @type {string[] | undefined} */ to) => room?.sendMessage(data, { to, topic }) ?? false,
    [room, topic]
  )
  return { messages, send }
}

/** @param {Room | null} room @param {import('../index.js').ParticipantStream | null | undefined} stream */
export function useLayer(room, stream) {
  useEvents(room?.downlink, ['change'])
  return stream ? { layer: stream.layer, reason: stream.reason, encodings: stream.encodings } : null
}

/** @param {MediaStreamTrack | null | undefined} track */
export function useAudioLevel(track) {
  const [value, setValue] = useState(0)
  useEffect(() => {
    if (!track) return undefined
    const level = new AudioLevel(track)
    const timer = setInterval(() => setValue(level.value), LEVEL_MS)
    return () => {
      clearInterval(timer)
      level.close()
      setValue(0)
    }
  }, [track])
  return value
}

/** @param {MediaStream | null | undefined} media */
export function useMediaElement(media) {
  return useCallback(
    (/** @type {HTMLMediaElement | null} */ element) => {
      if (element && element.srcObject !== (media ?? null)) element.srcObject = media ?? null
    },
    [media]
  )
}

function isAny() {
  return true
}
