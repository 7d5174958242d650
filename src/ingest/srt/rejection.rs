//! Why a handshake is refused, as the other end is told (3.2.1, table 7; the access control guidelines
//! of SRT for those above 1,000).

use std::fmt;

/// Handshake types from here on are refusals.
const BASE: u32 = 1_000;

/// A code as it is in a handshake.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Rejection(u16);

impl Rejection {
    pub const UNKNOWN: Self = Self(1_000);
    pub const PEER: Self = Self(1_002);
    /// There is no room for one more.
    pub const BACKLOG: Self = Self(1_005);
    pub const CLOSED: Self = Self(1_007);
    pub const VERSION: Self = Self(1_008);
    /// It sends a stream of bytes, or files.
    pub const MESSAGE_MODE: Self = Self(1_012);
    pub const BAD_SECRET: Self = Self(1_010);
    /// One of both encrypts, and the other does not.
    pub const UNSECURE: Self = Self(1_011);
    pub const BAD_REQUEST: Self = Self(1_400);
    pub const FORBIDDEN: Self = Self(1_403);
    pub const NOT_FOUND: Self = Self(1_404);
    pub const BAD_MODE: Self = Self(1_405);

    /// Of a code from 1,000 to 3,999.
    pub fn new(code: u16) -> Option<Self> {
        (1_000..4_000).contains(&code).then_some(Self(code))
    }

    /// Of a handshake type, if it is a refusal.
    pub(super) fn of(kind: u32) -> Option<Self> {
        u16::try_from(kind).ok().filter(|_| kind >= BASE).and_then(Self::new)
    }

    pub fn code(self) -> u16 {
        self.0
    }

    fn meaning(self) -> &'static str {
        match self.0 {
            1_001 => "a system function failed",
            1_002 => "by its own decision",
            1_003 => "it has no resources",
            1_004 => "what it was sent is wrong",
            1_005 => "it has too many that wait",
            1_006 => "by a fault of its own",
            1_007 => "it closes",
            1_008 => "the versions do not go together",
            1_009 => "by its handshake cookie",
            1_010 => "the passphrase is wrong",
            1_011 => "one end has a passphrase, and the other has none",
            1_012 => "one end sends messages, and the other a stream",
            1_013 => "the ways of congestion control differ",
            1_014 => "the packet filters differ",
            1_015 => "groups are not taken",
            1_016 => "it took too long",
            1_400 => "the stream id is not understood",
            1_401 => "not authenticated",
            1_402 => "over its limits",
            1_403 => "not allowed",
            1_404 => "nothing of that name",
            1_405 => "not in this direction",
            1_406 => "not like this",
            1_409 => "it is taken already",
            1_415 => "the media is not supported",
            1_423 => "it is locked",
            1_500 => "by a fault",
            1_501 => "not implemented",
            1_503 => "not now",
            1_507 => "no room",
            _ => "by a code that is not known",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.meaning(), self.0)
    }
}
