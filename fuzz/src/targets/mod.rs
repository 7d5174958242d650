//! What each target does with an input. A test of the engine runs them as well, on stable Rust, with
//! the inputs in `seeds/`.

pub mod amf;
pub mod announcements;
pub mod av1;
pub mod candidates;
pub mod configuration;
pub mod dependency_descriptor;
pub mod descriptions;
pub mod dtls;
pub mod flv;
pub mod frame_decoder;
pub mod frames;
pub mod h264;
pub mod h265;
pub mod media_file;
pub mod multiplex;
pub mod negotiation;
#[cfg(feature = "mcu")]
pub mod picture_file;
pub mod plain_rtp;
pub mod receiving;
pub mod red;
pub mod repair;
pub mod rtcp;
pub mod rtmp;
pub mod rtp_header;
pub mod rtsp;
pub mod sctp;
pub mod session;
#[cfg(feature = "mcu")]
pub mod sound_file;
pub mod srt;
pub mod srtcp;
pub mod steps;
pub mod stun;
pub mod transponder;
pub mod transport_stream;
pub mod two_sessions;
pub mod vp8;
pub mod vp9;
mod world;

#[cfg(feature = "mcu")]
use medialoom::codec::Codec;

#[cfg(feature = "mcu")]
use crate::{pictures, sound};

/// A target and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All of them; those that need decoders where there are some.
pub const TARGETS: &[Target] = &[
    ("amf", amf::run),
    ("announcements", announcements::run),
    ("av1", av1::run),
    ("candidates", candidates::run),
    ("configuration", configuration::run),
    ("dependency_descriptor", dependency_descriptor::run),
    ("descriptions", descriptions::run),
    ("dtls", dtls::run),
    ("flv", flv::run),
    ("frame_decoder", frame_decoder::run),
    ("frames", frames::run),
    ("h264", h264::run),
    ("h265", h265::run),
    ("mjr", media_file::run),
    ("mkv", media_file::run),
    ("mp4", media_file::run),
    #[cfg(feature = "mcu")]
    ("mix_av1", |data| pictures::play(Codec::Av1, data)),
    #[cfg(feature = "mcu")]
    ("mix_h264", |data| pictures::play(Codec::H264, data)),
    #[cfg(feature = "mcu")]
    ("mix_sound", sound::play),
    #[cfg(feature = "mcu")]
    ("mix_vp8", |data| pictures::play(Codec::Vp8, data)),
    #[cfg(feature = "mcu")]
    ("mix_vp9", |data| pictures::play(Codec::Vp9, data)),
    ("multiplex", multiplex::run),
    ("negotiation", negotiation::run),
    ("ogg", media_file::run),
    #[cfg(feature = "mcu")]
    ("picture_file", picture_file::run),
    ("plain_rtp", plain_rtp::run),
    ("receiving", receiving::run),
    ("red", red::run),
    ("repair", repair::run),
    ("rtcp", rtcp::run),
    ("rtmp", rtmp::run),
    ("rtp_header", rtp_header::run),
    ("rtsp", rtsp::run),
    ("sctp", sctp::run),
    ("session", session::run),
    #[cfg(feature = "mcu")]
    ("sound_file", sound_file::run),
    ("srt", srt::run),
    ("srtcp", srtcp::run),
    ("stun", stun::run),
    ("transponder", transponder::run),
    ("transport_stream", transport_stream::run),
    ("two_sessions", two_sessions::run),
    ("vp8", vp8::run),
    ("vp9", vp9::run),
    ("wav", media_file::run),
];
