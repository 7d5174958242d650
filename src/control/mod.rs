//! The words that JavaScript's side and the media threads share: commands one way, events and
//! statistics the other, and the names of things. Knows nothing of how any of it is done.

pub mod canvas;
pub mod command;
pub mod conduit;
pub mod error;
pub mod event;
pub mod flow;
pub mod hls;
pub mod http;
pub mod ids;
pub mod ingest;
pub mod json;
pub mod layers;
pub mod mailbox;
pub mod mixer;
pub mod options;
pub mod player;
pub mod recorder;
pub mod recording;
pub mod rtp;
pub mod rtsp;
pub mod snapshot;
pub mod speakers;
pub mod stats;
