'use strict'

/**
 * Names of what the classes use of each other and users never see. Symbols, so that none of it
 * shows on the objects users hold.
 */
module.exports = {
  /** Given to constructors, to tell this package's calls from a user's `new`. */
  kConstruct: Symbol('construct'),
  /** `object[kHandle](event)`: an event of the engine that concerns the object. */
  kHandle: Symbol('handle'),
  /** `object[kChildren]()`: what closes together with the object. */
  kChildren: Symbol('children'),
  /** `object[kMarkClosed]()`: from now on every call is refused. */
  kMarkClosed: Symbol('markClosed'),
  /** `object[kForget](reason, marked)`: nobody above may know the closed object any more. */
  kForget: Symbol('forget'),
  /** `object[kAnnounceClosed](reason)`: tells the listeners. */
  kAnnounceClosed: Symbol('announceClosed'),
  /** `parent[kAdd](child)`, `parent[kRemove](child, reason, marked)`. */
  kAdd: Symbol('add'),
  kRemove: Symbol('remove'),
  /** The {@link import('../native/dispatcher.js').Dispatcher} of an endpoint and all below it. */
  kDispatcher: Symbol('dispatcher'),
  /** `outgoingTrack[kSwitch](track)`, `outgoingTrack[kDetach]()`: for its transponder. */
  kSwitch: Symbol('switch'),
  kDetach: Symbol('detach'),
  /** `transponder[kSource](track)`: it takes another track now. */
  kSource: Symbol('source'),
  /** `track[kListenLevels](native, wanted)`, `input[kListenLevels](native, track, wanted)`: has the engine tell of levels, or not. */
  kListenLevels: Symbol('listenLevels'),
  /** `track[kWatch](detector)`, `track[kUnwatch](detector)`: it tells the detector when it closes. */
  kWatch: Symbol('watch'),
  kUnwatch: Symbol('unwatch'),
  /** `detector[kLeave](track)`: a track it watches closed. */
  kLeave: Symbol('leave'),
  /** `reader[kWrap](item)`: what the engine gave as users get it; `writer[kUnwrap](conduit, chunk)`. */
  kWrap: Symbol('wrap'),
  kUnwrap: Symbol('unwrap'),
  /** `channel[kForwarded](by)`: a channel sends on what arrives on this one, or stopped to. */
  kForwarded: Symbol('forwarded')
}
