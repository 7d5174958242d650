//! Handshakes (3.2.1) and what version 5 has behind them.

use std::net::{IpAddr, SocketAddr};

use super::packet::{self, HANDSHAKE};
use super::stream_id;
use super::{MAX_PAYLOAD, WINDOW};

pub(super) const INDUCTION: u32 = 1;
pub(super) const CONCLUSION: u32 = 0xffff_ffff;
/// What a listener says in the extension field of its induction, so that a caller knows version 5.
pub(super) const MAGIC: u16 = 0x4a17;
/// Flags of the extension field of a conclusion: what is behind it.
const HAS_REQUEST: u16 = 1;
const HAS_KEYS: u16 = 2;
const HAS_CONFIGURATION: u16 = 4;
/// Types of extensions.
const REQUEST: u16 = 1;
const RESPONSE: u16 = 2;
const KEY_REQUEST: u16 = 3;
const KEY_RESPONSE: u16 = 4;
const STREAM_ID: u16 = 5;
const CONGESTION: u16 = 6;
const FILTER: u16 = 7;
/// Extensions of one handshake that are looked at.
const MAX_EXTENSIONS: usize = 16;
const BODY: usize = 48;
/// As all implementations have it: what Ethernet carries.
const MTU: u32 = 1_500;
/// What is said of this end: 1.5.0, for those who look at versions.
const VERSION: u32 = 0x01_05_00;
/// Delivery by time both ways, encryption, what is too late left out, losses told again and again, and
/// retransmissions marked.
const FLAGS: u32 = 0x3f;
/// The peer takes messages as a stream of bytes: not live.
pub(super) const STREAM: u32 = 0x40;

/// The part that all handshakes have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Handshake {
    pub(super) version: u32,
    pub(super) encryption: u16,
    pub(super) extension: u16,
    pub(super) sequence: u32,
    pub(super) window: u32,
    pub(super) kind: u32,
    pub(super) socket: u32,
    pub(super) cookie: u32,
}

/// What one end can, and when what it gets is due (3.2.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Capabilities {
    pub(super) version: u32,
    pub(super) flags: u32,
    /// Milliseconds: what it wants as a receiver, and as a sender for who receives.
    pub(super) receives: u16,
    pub(super) sends: u16,
}

/// What is behind a conclusion.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Extensions<'a> {
    pub(super) capabilities: Option<Capabilities>,
    pub(super) keys: Option<&'a [u8]>,
    pub(super) stream_id: Option<String>,
    /// Its congestion control is none of live streams.
    pub(super) is_file: bool,
    pub(super) has_filter: bool,
}

impl Handshake {
    /// A handshake with what both ends always say.
    pub(super) fn new(kind: u32, socket: u32, sequence: u32) -> Self {
        Self {
            version: 5,
            encryption: 0,
            extension: 0,
            sequence,
            window: WINDOW,
            kind,
            socket,
            cookie: 0,
        }
    }

    /// Gives what is behind it, too.
    pub(super) fn parse(body: &[u8]) -> Option<(Self, &[u8])> {
        let (head, rest) = body.split_first_chunk::<BODY>()?;
        let word = |at: usize| head.get(4 * at..)?.first_chunk().copied().map(u32::from_be_bytes);
        let fields = word(1)?;
        let handshake = Self {
            version: word(0)?,
            encryption: (fields >> 16) as u16,
            extension: fields as u16,
            sequence: word(2)? & super::sequence::MASK,
            window: word(4)?,
            kind: word(5)?,
            socket: word(6)?,
            cookie: word(7)?,
        };
        Some((handshake, rest))
    }

    /// The datagram, to a socket of an address, without extensions.
    pub(super) fn write(&self, timestamp: u32, to: u32, address: SocketAddr) -> Vec<u8> {
        let mut out = Vec::with_capacity(packet::HEADER + BODY);
        packet::control(HANDSHAKE, 0, 0, timestamp, to, &mut out);
        let fields = u32::from(self.encryption) << 16 | u32::from(self.extension);
        let Self { version, sequence, window, kind, socket, cookie, .. } = *self;
        for word in [version, fields, sequence, MTU, window, kind, socket, cookie] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        out.extend_from_slice(&peer_address(address));
        out
    }
}

/// Words are turned around, as the first implementation had them.
fn peer_address(address: SocketAddr) -> [u8; 16] {
    let mut bytes = [0; 16];
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => bytes.as_chunks_mut::<4>().0[0] = ip.octets(),
        IpAddr::V6(ip) => bytes = ip.octets(),
    }
    for word in bytes.as_chunks_mut::<4>().0 {
        word.reverse();
    }
    bytes
}

impl Capabilities {
    /// Of this end.
    pub(super) fn new(receives: u16, sends: u16) -> Self {
        Self { version: VERSION, flags: FLAGS, receives, sends }
    }
}

/// Reads what is behind a conclusion, of a request or of an answer. `None` of what does not add up.
pub(super) fn extensions(bytes: &[u8], request: bool) -> Option<Extensions<'_>> {
    let (capabilities, keys) =
        if request { (REQUEST, KEY_REQUEST) } else { (RESPONSE, KEY_RESPONSE) };
    let mut found = Extensions::default();
    let mut rest = bytes;
    for _ in 0..MAX_EXTENSIONS {
        let Some((&[a, b, c, d], after)) = rest.split_first_chunk() else { break };
        let words = usize::from(u16::from_be_bytes([c, d]));
        let (body, after) = after.split_at_checked(4 * words)?;
        rest = after;
        match u16::from_be_bytes([a, b]) {
            kind if kind == capabilities => {
                let (&version, body) = body.split_first_chunk()?;
                let (&flags, body) = body.split_first_chunk()?;
                let &[a, b, c, d] = body.first_chunk()?;
                found.capabilities = Some(Capabilities {
                    version: u32::from_be_bytes(version),
                    flags: u32::from_be_bytes(flags),
                    receives: u16::from_be_bytes([a, b]),
                    sends: u16::from_be_bytes([c, d]),
                });
            }
            kind if kind == keys => found.keys = Some(body),
            STREAM_ID => found.stream_id = Some(stream_id::read(body)?),
            CONGESTION => found.is_file = stream_id::read(body)? != "live",
            FILTER => found.has_filter = true,
            _ => {}
        }
    }
    Some(found)
}

/// Appends what is behind a conclusion. Gives the extension field that goes with it.
pub(super) fn append(
    request: bool,
    capabilities: Capabilities,
    keys: Option<&[u8]>,
    stream_id: Option<&str>,
    out: &mut Vec<u8>,
) -> u16 {
    let mut field = HAS_REQUEST;
    let Capabilities { version, flags, receives, sends } = capabilities;
    let mut body = [version.to_be_bytes(), flags.to_be_bytes()].concat();
    body.extend_from_slice(&receives.to_be_bytes());
    body.extend_from_slice(&sends.to_be_bytes());
    extension(if request { REQUEST } else { RESPONSE }, &body, out);
    if let Some(keys) = keys {
        field |= HAS_KEYS;
        extension(if request { KEY_REQUEST } else { KEY_RESPONSE }, keys, out);
    }
    if let Some(id) = stream_id.filter(|id| !id.is_empty()) {
        field |= HAS_CONFIGURATION;
        extension(STREAM_ID, &stream_id::write(id), out);
    }
    field
}

fn extension(kind: u16, body: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&(body.len().div_ceil(4) as u16).to_be_bytes());
    out.extend_from_slice(body);
    debug_assert!(out.len() <= packet::HEADER + MAX_PAYLOAD);
}
