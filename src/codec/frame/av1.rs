//! AV1 in RTP (the AV1 RTP payload format of AOMedia): OBUs, several in one packet and one in
//! several.

use super::{MAX_PAYLOAD, Malformed, Parts};
use crate::codec::av1::{self, Elements};

/// AV1 6.2.2; not to be sent (AV1 RTP 5), like temporal delimiters.
const TILE_LIST: u8 = 8;
/// In an OBU header (AV1 5.3.2).
const HAS_EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;
/// In an aggregation header (AV1 RTP 4.4): the first element continues one of the packet before,
/// the last one goes on in the next, and a coded video sequence begins.
const Z: u8 = 0x80;
const Y: u8 = 0x40;
const N: u8 = 0x08;
/// Most elements that W can count; of more, each has a length.
const MAX_COUNTED: usize = 3;
/// A length of an element that fits a packet takes two bytes at most.
const LENGTH: usize = 2;
/// A fragment smaller than this is left to the next packet.
const MIN_FRAGMENT: usize = 32;

fn is_left_out(kind: u8) -> bool {
    [av1::TEMPORAL_DELIMITER, TILE_LIST].contains(&kind)
}

/// Appends the OBUs of a payload (AV1 RTP 4), the first and the last perhaps in part.
pub(super) fn depacketize(parts: &mut Parts, payload: &[u8]) -> Result<(), Malformed> {
    let (&header, body) = payload.split_first().ok_or(Malformed)?;
    if (header & Z != 0) != parts.fragment_open {
        return Err(Malformed);
    }
    let mut elements = Elements::new(header, body);
    for element in elements.by_ref() {
        if parts.fragment_open {
            parts.fragment_open = false;
        } else {
            close_obu(parts)?;
            parts.obu = parts.data.len();
        }
        parts.data.extend_from_slice(element);
    }
    if !elements.rest().is_empty() {
        return Err(Malformed);
    }
    parts.fragment_open = header & Y != 0;
    if parts.fragment_open { Ok(()) } else { close_obu(parts) }
}

/// Gives the last OBU a size, which it has no need of in RTP (AV1 5.2). Temporal delimiters and
/// tile lists are to be ignored.
fn close_obu(parts: &mut Parts) -> Result<(), Malformed> {
    let Some(&header) = parts.data.get(parts.obu) else { return Ok(()) };
    let body = parts.obu + 1 + usize::from(header & HAS_EXTENSION != 0);
    let len = parts.data.len().checked_sub(body).ok_or(Malformed)?;
    if is_left_out(header >> 3 & 0x0f) {
        parts.data.truncate(parts.obu);
    } else if header & HAS_SIZE == 0 {
        parts.data[parts.obu] |= HAS_SIZE;
        let (size, used) = av1::size(len);
        parts.data.splice(body..body, size[..used].iter().copied());
    } else {
        let (size, used) = av1::leb128(&parts.data[body..]).ok_or(Malformed)?;
        if size + used != len {
            return Err(Malformed);
        }
    }
    parts.obu = parts.data.len();
    Ok(())
}

/// One OBU as it is sent: without a size.
struct Obu<'a> {
    header: [u8; 2],
    header_len: usize,
    body: &'a [u8],
}

impl<'a> Obu<'a> {
    /// Temporal and spatial layer.
    fn layers(&self) -> Option<u8> {
        (self.header_len == 2).then_some(self.header[1])
    }

    fn len(&self) -> usize {
        self.header_len + self.body.len()
    }

    /// So many bytes from `at` on.
    fn cut(&self, at: usize, len: usize) -> Vec<u8> {
        let bytes = self.header[..self.header_len].iter().chain(self.body);
        bytes.skip(at).take(len).copied().collect()
    }
}

/// The OBUs of a temporal unit that are sent, of a stream in which all have sizes.
fn obus(mut data: &[u8]) -> Result<Vec<Obu<'_>>, Malformed> {
    let mut obus = Vec::new();
    while !data.is_empty() {
        let first = data[0];
        let (obu, rest) = av1::split_obu(data).ok_or(Malformed)?;
        if !is_left_out(obu.kind) {
            let extended = first & HAS_EXTENSION != 0;
            let extension = if extended { data.get(1).copied().unwrap_or(0) } else { 0 };
            let header = [first & !HAS_SIZE, extension];
            obus.push(Obu { header, header_len: 1 + usize::from(extended), body: obu.body });
        }
        data = rest;
    }
    Ok(obus)
}

/// A packet on its way: its elements, and what they take with a length each.
#[derive(Default)]
struct Packet {
    elements: Vec<Vec<u8>>,
    size: usize,
    layers: Option<u8>,
    continues: bool,
}

impl Packet {
    /// Bytes that another element may have.
    fn room(&self) -> usize {
        (MAX_PAYLOAD - 1).saturating_sub(self.size + LENGTH)
    }

    fn push(&mut self, element: Vec<u8>) {
        self.size += LENGTH + element.len();
        self.elements.push(element);
    }

    /// Aggregation header and elements (AV1 RTP 4.3, 4.4).
    fn finish(&mut self, goes_on: bool, begins: bool) -> (u8, Vec<u8>) {
        let elements = std::mem::take(&mut self.elements);
        let counted = elements.len() <= MAX_COUNTED;
        let mut header = if self.continues { Z } else { 0 } | if goes_on { Y } else { 0 };
        header |= if begins { N } else { 0 };
        header |= if counted { (elements.len() as u8) << 4 } else { 0 };
        let mut body = Vec::with_capacity(self.size);
        for (index, element) in elements.iter().enumerate() {
            if !counted || index + 1 < elements.len() {
                let (length, used) = av1::size(element.len());
                body.extend_from_slice(&length[..used]);
            }
            body.extend_from_slice(element);
        }
        *self = Self { continues: goes_on, ..Self::default() };
        (header, body)
    }
}

/// Hands the payloads of a temporal unit to `emit`. OBUs of different layers are in packets of
/// their own (AV1 RTP 5).
pub(super) fn packetize(
    data: &[u8],
    keyframe: bool,
    emit: &mut impl FnMut(&[u8], &[u8], bool),
) -> Result<(), Malformed> {
    let obus = obus(data)?;
    let mut packet = Packet::default();
    // N is for the first packet only.
    let mut begins = keyframe;
    let mut flush = |packet: &mut Packet, goes_on, last| {
        let (header, body) = packet.finish(goes_on, std::mem::take(&mut begins));
        emit(&[header], &body, last);
    };
    for obu in &obus {
        let other_layer =
            packet.layers.is_some() && obu.layers().is_some_and(|l| packet.layers != Some(l));
        let no_room = packet.room() < obu.len().min(MIN_FRAGMENT);
        if !packet.elements.is_empty() && (other_layer || no_room) {
            flush(&mut packet, false, false);
        }
        let mut at = 0;
        while at < obu.len() {
            let len = packet.room().min(obu.len() - at);
            packet.push(obu.cut(at, len));
            packet.layers = packet.layers.or(obu.layers());
            at += len;
            if at < obu.len() {
                flush(&mut packet, true, false);
            }
        }
    }
    if !packet.elements.is_empty() {
        flush(&mut packet, false, true);
    }
    Ok(())
}
