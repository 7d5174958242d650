//! Sessions and shards on fake time over a seeded network. Nothing here sleeps or opens a socket, so
//! that all of it is one program, which is built and linked once.

#[path = "../simulation/mod.rs"]
mod simulation;
#[path = "../support/mod.rs"]
mod support;

mod active_speakers;
mod allocations;
mod bad_networks;
mod best_picture;
mod certificates;
mod codecs;
mod containment;
mod cpu_budget;
mod data_channels;
mod dtls_loss;
mod excess;
mod first_seconds;
mod forwarding;
mod header_extensions;
mod intruders;
mod keyframe_requests;
mod negotiation;
mod newcomers;
mod overload;
mod overtaking;
mod packet_dump;
mod recording;
mod roaming;
mod sending;
mod shared_flows;
mod sound;
mod statistics;
mod thread_death;
mod vanishing_peers;
mod waking;
