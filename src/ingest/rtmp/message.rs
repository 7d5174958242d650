//! Messages, which chunks carry (RTMP 5.4, 6 and 7.1).

/// Message type ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Protocol control (5.4).
    SetChunkSize,
    Abort,
    Acknowledgement,
    WindowAcknowledgementSize,
    SetPeerBandwidth,
    /// Events of streams, and pings (7.1.7).
    UserControl,
    /// FLV tags without their headers.
    Audio,
    Video,
    /// A command, and data such as onMetaData, in AMF 0; those in AMF 3 begin with a byte of 0 and
    /// hold AMF 0 all the same.
    Command,
    CommandAmf3,
    Data,
    DataAmf3,
    /// Several FLV tags with their headers.
    Aggregate,
    /// Shared objects, and what nobody knows.
    Other(u8),
}

impl Kind {
    const IDS: [(u8, Kind); 13] = [
        (1, Kind::SetChunkSize),
        (2, Kind::Abort),
        (3, Kind::Acknowledgement),
        (4, Kind::UserControl),
        (5, Kind::WindowAcknowledgementSize),
        (6, Kind::SetPeerBandwidth),
        (8, Kind::Audio),
        (9, Kind::Video),
        (15, Kind::DataAmf3),
        (17, Kind::CommandAmf3),
        (18, Kind::Data),
        (20, Kind::Command),
        (22, Kind::Aggregate),
    ];

    /// Of a message type id.
    pub fn from_id(id: u8) -> Self {
        Self::IDS.into_iter().find(|(known, _)| *known == id).map_or(Self::Other(id), |(_, k)| k)
    }

    /// The message type id.
    pub fn id(self) -> u8 {
        match self {
            Self::Other(id) => id,
            kind => Self::IDS.into_iter().find(|(_, known)| *known == kind).map_or(0, |(id, _)| id),
        }
    }
}

/// A whole message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// The message stream; 0 is the connection.
    pub stream: u32,
    /// Milliseconds, which wrap.
    pub timestamp: u32,
    /// What it holds.
    pub payload: Vec<u8>,
}
