//! The binding: the only code that names napi. Options become commands, events become plain
//! objects, errors get codes. JavaScript is called for one thing only, a doorbell; it then drains
//! the mailbox. Replies travel with the events, so that their order is kept.

// napi exports nothing from a test build, so nobody calls the exported functions there.
#![cfg_attr(test, allow(dead_code))]

mod batch;
mod channel;
#[cfg(feature = "mcu")]
mod conduit;
mod convert;
mod doorbell;
mod endpoint;
mod environment;
mod error;
mod event;
#[cfg(feature = "fault-injection")]
mod fault;
mod hls;
mod ingest;
mod logger;
#[cfg(feature = "mcu")]
mod mixer;
mod options;
mod player;
mod recorder;
mod rtp_transport;
mod rtsp;
mod running;
mod speakers;
mod track;
mod transport;
mod versions;
