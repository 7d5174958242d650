//! Ports of plain RTP: bound when a transport is made, handed to the thread that it lives on, and
//! shared where that was asked for.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::control::error::EngineError;
use crate::control::ids::ShardIndex;
use crate::control::rtp::{BoundPort, PortLease, RtpOptions, RtpPort};
use crate::net::ports::{self, PortPair};
use crate::net::sockets::NewPort;

/// Ports of an endpoint that several transports may have.
#[derive(Default)]
pub(super) struct RtpPorts(Mutex<HashMap<SocketAddr, Shared>>);

struct Shared {
    shard: ShardIndex,
    rtp: Weak<PortLease>,
    rtcp: Weak<PortLease>,
}

/// What a transport gets.
pub(super) struct Bound {
    pub(super) ports: Vec<BoundPort>,
    /// For its thread.
    pub(super) new: Vec<NewPort>,
}

impl RtpPorts {
    /// The thread that a transport has to live on, because others have one of its ports.
    pub(super) fn shard(&self, options: &RtpOptions) -> Option<ShardIndex> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, shared| shared.rtp.strong_count() > 0);
        let ports = options.media.iter().flat_map(|media| &media.ports);
        ports.filter_map(|port| known.get(&key(port))).map(|shared| shared.shard).next()
    }

    /// Binds the ports of a transport that lives on `shard`.
    ///
    /// # Errors
    /// `Listen`, with the port that cannot be had.
    pub(super) fn bind(
        &self,
        options: &RtpOptions,
        shard: ShardIndex,
    ) -> Result<Bound, EngineError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut own: HashMap<SocketAddr, BoundPort> = HashMap::new();
        let mut bound = Bound { ports: Vec::new(), new: Vec::new() };
        for (media, line) in options.media.iter().enumerate() {
            for (place, port) in line.ports.iter().enumerate() {
                let key = key(port);
                let named = port.port != 0;
                let shared = known.get(&key).filter(|_| named && port.shared);
                let shared = shared.filter(|shared| shared.shard == shard);
                let leases = shared.and_then(|s| Some((s.rtp.upgrade()?, s.rtcp.upgrade()?)));
                if let Some((rtp, rtcp)) = leases {
                    bound.ports.push(BoundPort { rtp, rtcp, shared: true });
                    continue;
                }
                // Sound and pictures on one port.
                if let Some(same) = own.get(&key).filter(|_| named) {
                    bound.ports.push(same.clone());
                    continue;
                }
                let PortPair { rtp, rtcp, local } = ports::bind(port, media, place)?;
                let lease = |socket, port: u16| {
                    let local = SocketAddr::new(local.ip(), port);
                    let lease = Arc::new(PortLease { local });
                    (NewPort { socket, lease: Arc::downgrade(&lease) }, lease)
                };
                let (new, rtp) = lease(rtp, local.port());
                bound.new.push(new);
                let rtcp = match rtcp {
                    None => Arc::clone(&rtp),
                    Some(socket) => {
                        let (new, rtcp) = lease(socket, local.port().saturating_add(1));
                        bound.new.push(new);
                        rtcp
                    }
                };
                if port.shared {
                    let (rtp, rtcp) = (Arc::downgrade(&rtp), Arc::downgrade(&rtcp));
                    known.insert(local, Shared { shard, rtp, rtcp });
                }
                let port = BoundPort { rtp, rtcp, shared: port.shared };
                own.insert(local, port.clone());
                bound.ports.push(port);
            }
        }
        Ok(bound)
    }
}

fn key(port: &RtpPort) -> SocketAddr {
    SocketAddr::new(port.address, port.port)
}
