//! What can be wrong with what a mixer of pictures is asked for.

use std::fmt;

use crate::codec::Codec;

/// A request that a mixer of pictures refuses; nothing of it was done.
#[derive(Clone, PartialEq, Debug)]
pub enum VideoError {
    /// There is no such port.
    NoSuchPort,
    /// The port is there already.
    PortExists,
    /// The tap is there already.
    TapExists,
    /// Nothing came of the port that could be shown.
    NoPicture,
    /// There are as many as there may be.
    TooMany {
        /// What of, in the plural.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// A label is longer than so many bytes.
    LabelTooLong(usize),
    /// A tile or an overlay, as named, lies outside the canvas.
    Outside(&'static str),
    /// An overlay's text is too long or of no size.
    OverlayText,
    /// A tile's radius is not 0 to 0.5.
    Radius(f32),
    /// A border's width is not 0 to 0.5.
    BorderWidth,
    /// Pictures a second out of range.
    FrameRate {
        /// What was asked for.
        asked: f32,
        /// The range.
        range: &'static str,
    },
    /// A frame divisor is not 1 to 60.
    FrameDivisor(u8),
    /// Bits a second out of range.
    Bitrate(u32),
    /// The canvas or an output class has a size that cannot be made.
    Size {
        /// In pixels.
        width: u16,
        /// In pixels.
        height: u16,
        /// What a size has to be.
        rule: &'static str,
    },
    /// A written frame has no or too large a size.
    FrameSize {
        /// In pixels.
        width: u16,
        /// In pixels.
        height: u16,
    },
    /// A written frame has not as many bytes as its size needs.
    FrameLength {
        /// Bytes that are there.
        given: usize,
        /// Bytes that it needs.
        expected: usize,
    },
    /// A snapshot's width cannot be made.
    SnapshotWidth(u16),
    /// Not a TrueType or OpenType font.
    NotAFont,
    /// A picture cannot be read, scaled or written.
    Image(ImageError),
    /// An encoder cannot be had.
    Encoder(EncoderError),
}

impl fmt::Display for VideoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchPort => f.write_str("no such port"),
            Self::PortExists => f.write_str("the port is there already"),
            Self::TapExists => f.write_str("the tap is there already"),
            Self::NoPicture => f.write_str("the port has no picture"),
            Self::TooMany { what, limit } => write!(f, "more than {limit} {what}"),
            Self::LabelTooLong(bytes) => write!(f, "a label of more than {bytes} bytes"),
            Self::Outside(what) => write!(f, "{what} lies outside the canvas"),
            Self::OverlayText => f.write_str("an overlay's text is too long or of no size"),
            Self::Radius(radius) => write!(f, "a radius of {radius} is not 0 to 0.5"),
            Self::BorderWidth => f.write_str("a border's width is not 0 to 0.5"),
            Self::FrameRate { asked, range } => {
                write!(f, "{asked} pictures per second are not {range}")
            }
            Self::FrameDivisor(divisor) => {
                write!(f, "a frame divisor of {divisor} is not 1 to 60")
            }
            Self::Bitrate(bitrate) => write!(f, "{bitrate} bits per second are out of range"),
            Self::Size { width, height, rule } => write!(f, "{width}x{height} is not {rule}"),
            Self::FrameSize { width, height } => write!(f, "a frame of {width}x{height}"),
            Self::FrameLength { given, expected } => {
                write!(f, "{given} bytes of a frame, not {expected}")
            }
            Self::SnapshotWidth(width) => write!(f, "a snapshot of a width of {width}"),
            Self::NotAFont => f.write_str("not a TrueType or OpenType font"),
            Self::Image(error) => error.fmt(f),
            Self::Encoder(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for VideoError {}

impl From<ImageError> for VideoError {
    fn from(error: ImageError) -> Self {
        Self::Image(error)
    }
}

impl From<EncoderError> for VideoError {
    fn from(error: EncoderError) -> Self {
        Self::Encoder(error)
    }
}

/// What can be wrong with a picture as a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ImageError {
    /// The file is longer than so many bytes.
    TooLong(usize),
    /// The picture has more pixels than a canvas could show.
    TooLarge {
        /// In pixels.
        width: usize,
        /// In pixels.
        height: usize,
    },
    /// What it says of itself is not so.
    Damaged(&'static str),
    /// Not a file of its kind.
    Format {
        /// JPEG, PNG, or either.
        expected: &'static str,
        /// What the reader says.
        reason: String,
    },
    /// Scaling, conversion of colours or writing failed; what of it says so.
    Conversion(String),
}

impl ImageError {
    /// For errors of libraries on the way from one picture to another.
    pub(super) fn conversion(error: impl fmt::Display) -> Self {
        Self::Conversion(error.to_string())
    }
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(bytes) => write!(f, "a picture file of more than {bytes} bytes"),
            Self::TooLarge { width, height } => {
                write!(f, "a picture of {width}x{height} is too large")
            }
            Self::Damaged(how) => f.write_str(how),
            Self::Format { expected, reason } => write!(f, "not a {expected} file: {reason}"),
            Self::Conversion(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for ImageError {}

/// What can be wrong with an encoder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EncoderError {
    /// Nothing here encodes the codec.
    Unsupported(Codec),
    /// The picture is not of the encoder's size.
    Size,
    /// The library refused.
    Library {
        /// Its name.
        name: &'static str,
        /// What it said, or of what.
        reason: String,
    },
}

impl fmt::Display for EncoderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(codec) => write!(f, "{codec} cannot be encoded"),
            Self::Size => f.write_str("a picture of another size"),
            Self::Library { name, reason } => write!(f, "{name}: {reason}"),
        }
    }
}

impl std::error::Error for EncoderError {}
