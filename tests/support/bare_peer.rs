//! A peer without a mind of its own: it has the keys of an association with a transport, and sends
//! what it is told, whatever that is. Nothing between it and its shard takes time.

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::digest;
use dimpl::{Config, Dtls, DtlsCertificate, Output, SrtpProfile, certificate};
use medialoom::codec::Kind;
use medialoom::control::command::TransportCommand;
use medialoom::control::ids::{OutgoingTrackId, SourceId, TransportId};
use medialoom::control::options::{DtlsVersions, TransportOptions};
use medialoom::srtp::{KeyingMaterial, Profile, Sealer};

use super::World;
use super::stun::Check;

/// Of its offer: sound, three encodings of pictures, pictures, and data channels.
pub const AUDIO_SSRC: u32 = 0x1111;
pub const VIDEO_SSRC: u32 = 0x3333;
pub const RTX_SSRC: u32 = 0x4444;
pub const UFRAG: &str = "peer";
pub const PASSWORD: &str = "thepasswordofthepeerisquitelong";

/// What all of them are made of, since it takes longer than a handshake.
static OWN: LazyLock<(Arc<Config>, DtlsCertificate)> = LazyLock::new(|| {
    let config = Config::builder().use_server_cookie(false).build().expect("it is valid");
    (Arc::new(config), certificate::generate_self_signed_certificate().expect("a certificate"))
});

/// Which way a datagram goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    ToShard,
    ToPeer,
}

/// Changes the plaintext of a record.
pub type Tamper = Box<dyn FnMut(&mut [u8])>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BareOptions {
    pub version: DtlsVersions,
    /// It is the DTLS client.
    pub active: bool,
    /// The transport checks connectivity itself.
    pub full_ice: bool,
}

impl Default for BareOptions {
    fn default() -> Self {
        Self { version: DtlsVersions::Dtls12, active: true, full_ice: false }
    }
}

pub struct BarePeer {
    pub address: SocketAddr,
    pub transport: TransportId,
    /// What the transport sends it.
    pub outgoing: Vec<OutgoingTrackId>,
    pub answer: String,
    dtls: Dtls,
    sealer: Option<Sealer>,
    pub connected: bool,
    pub failed: bool,
    /// The other side has ended the association.
    pub ended: bool,
    /// What came over the association: packets of SCTP.
    pub data: Vec<Vec<u8>>,
    /// STUN that came.
    pub stun: Vec<Vec<u8>>,
    /// SRTP and SRTCP that came.
    pub media: u64,
    /// Changes what it writes into records before they are sealed. Built by cargo-fuzz only.
    pub tamper: Option<Tamper>,
}

impl BarePeer {
    /// A peer that has offered, of a new transport on a shard. It is sent these tracks.
    pub fn new(
        world: &mut World,
        shard: usize,
        address: SocketAddr,
        options: BareOptions,
        tracks: &[(Kind, SourceId)],
    ) -> Self {
        let BareOptions { version, active, full_ice } = options;
        let transport = world.create_transport(
            shard,
            TransportOptions {
                dtls: version,
                ice_lite: !full_ice,
                red: true,
                ..TransportOptions::default()
            },
        );
        let mut outgoing = Vec::new();
        for (kind, source) in tracks {
            let id = world.add_outgoing(transport, *kind, "forwarded");
            world.command(transport, TransportCommand::Attach { id, source: *source });
            outgoing.push(id);
        }
        let answer = world.accept_offer(transport, &offer(active)).expect("it is a good offer");
        let (config, own) = (OWN.0.clone(), OWN.1.clone());
        let mut dtls = match version {
            DtlsVersions::Dtls12 => Dtls::new_12(config, own, world.now),
            DtlsVersions::Dtls13 => Dtls::new_13(config, own, world.now),
            DtlsVersions::Auto => Dtls::new_auto(config, own, world.now),
        };
        dtls.set_active(active);
        let _ = dtls.handle_timeout(world.now);
        if active {
            let _ = dtls.handle_packet(&[]);
        }
        world.network.recorded.insert(address, Vec::new());
        Self {
            address,
            transport,
            outgoing,
            answer,
            dtls,
            sealer: None,
            connected: false,
            failed: false,
            ended: false,
            data: Vec::new(),
            stun: Vec::new(),
            media: 0,
            tamper: None,
        }
    }

    /// As [`BarePeer::new`], through its handshake.
    pub fn connected(
        world: &mut World,
        shard: usize,
        address: SocketAddr,
        options: BareOptions,
        tracks: &[(Kind, SourceId)],
    ) -> Self {
        let mut peer = Self::new(world, shard, address, options, tracks);
        peer.check(world);
        while peer.exchange(world, |_, datagram| vec![datagram]) {}
        assert!(peer.connected, "the handshake is through");
        peer
    }

    /// The first value of an attribute of the transport's answer.
    fn value(&self, attribute: &str) -> &str {
        let line = self.answer.lines().find_map(|line| line.strip_prefix(attribute));
        line.unwrap_or_else(|| panic!("{attribute} in {}", self.answer))
    }

    /// The transport's user name fragment and password.
    pub fn credentials(&self) -> (&str, &str) {
        (self.value("a=ice-ufrag:"), self.value("a=ice-pwd:"))
    }

    /// SSRCs of what the transport sends.
    pub fn sent_ssrcs(&self) -> Vec<u32> {
        let lines = self.answer.lines().filter_map(|line| line.strip_prefix("a=ssrc:"));
        let mut ssrcs: Vec<u32> =
            lines.filter_map(|line| line.split(' ').next()?.parse().ok()).collect();
        ssrcs.dedup();
        ssrcs
    }

    /// Checks the transport's address and nominates it.
    pub fn check(&self, world: &mut World) {
        let (ufrag, password) = self.credentials();
        let check = Check::new([7; 12]).user_name(&format!("{ufrag}:{UFRAG}")).controlling();
        let check = check.finish(password);
        self.send(world, &check);
    }

    /// Any datagram from its address.
    pub fn send(&self, world: &mut World, datagram: &[u8]) {
        world.replay(self.transport.shard().index(), self.address, datagram);
    }

    /// Takes what came and answers it, through a wire that may change everything. Gives whether
    /// anything went either way.
    pub fn exchange(
        &mut self,
        world: &mut World,
        mut wire: impl FnMut(Way, Vec<u8>) -> Vec<Vec<u8>>,
    ) -> bool {
        let came = world.network.recorded.get_mut(&self.address).map(std::mem::take);
        let came = came.unwrap_or_default();
        let mut moved = !came.is_empty();
        self.failed |= self.talk(|dtls| dtls.handle_timeout(world.now).is_err());
        for datagram in came.into_iter().flat_map(|datagram| wire(Way::ToPeer, datagram)) {
            match datagram.first() {
                Some(0..=3) => self.stun.push(datagram),
                Some(20..=63) if !self.failed => {
                    self.failed |= self.talk(|dtls| dtls.handle_packet(&datagram).is_err());
                }
                Some(128..=191) => self.media += 1,
                _ => {}
            }
        }
        for datagram in self.take_datagrams() {
            moved = true;
            wire(Way::ToShard, datagram).iter().for_each(|datagram| self.send(world, datagram));
        }
        moved
    }

    fn talk<T>(&mut self, action: impl FnOnce(&mut Dtls) -> T) -> T {
        #[cfg(fuzzing)]
        dimpl::set_tamper(self.tamper.take());
        let value = action(&mut self.dtls);
        #[cfg(fuzzing)]
        {
            self.tamper = dimpl::set_tamper(None);
        }
        value
    }

    fn take_datagrams(&mut self) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => datagrams.push(packet.to_vec()),
                Output::Connected => self.connected = true,
                Output::CloseNotify => self.ended = true,
                Output::ApplicationData(data) => self.data.push(data.to_vec()),
                Output::KeyingMaterial(material, profile) => {
                    let profile = match profile {
                        SrtpProfile::AES128_CM_SHA1_80 => Profile::Aes128CmSha1_80,
                        SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
                        _ => Profile::AeadAes256Gcm,
                    };
                    let client = self.dtls.is_active();
                    self.sealer = KeyingMaterial::new(profile, material.as_ref())
                        .and_then(|material| Sealer::new(&material, client));
                }
                Output::Timeout(_) => return datagrams,
                _ => {}
            }
        }
    }

    /// Sends something over the association, such as a packet of SCTP.
    pub fn send_data(&mut self, world: &mut World, data: &[u8]) {
        if self.dtls.send_application_data(data).is_ok() {
            let datagrams = self.take_datagrams();
            datagrams.iter().for_each(|datagram| self.send(world, datagram));
        }
    }

    /// Seals and sends a packet whose header is finished: version, sequence number and SSRC have to
    /// be there, and what `index` ends with is the sequence number.
    pub fn send_rtp(&self, world: &mut World, header: &[u8], index: u64, payload: &[u8]) {
        if let Some(packet) = self.seal_rtp(header, index, payload) {
            self.send(world, &packet);
        }
    }

    pub fn seal_rtp(&self, header: &[u8], index: u64, payload: &[u8]) -> Option<Vec<u8>> {
        let ssrc = u32::from_be_bytes(header.get(8..12)?.try_into().ok()?);
        let mut packet = header.to_vec();
        // What is padding stands in the payload, if at all.
        let padding = header[0] & 0x20 != 0;
        packet.resize(header.len() + payload.len() + usize::from(padding) + 16, 0);
        let sealed = self.sealer.as_ref()?.seal_rtp(
            &mut packet,
            header.len(),
            ssrc,
            index,
            &[],
            payload,
            usize::from(padding),
        )?;
        packet.truncate(sealed);
        Some(packet)
    }

    /// Seals and sends a compound.
    pub fn send_rtcp(&mut self, world: &mut World, compound: &[u8]) {
        let Some(sealer) = &mut self.sealer else { return };
        let mut packet = [compound, &[0; 32]].concat();
        let Some(length) = sealer.seal_rtcp(&mut packet, compound.len()) else { return };
        self.send(world, &packet[..length]);
    }
}

/// Sound with RED and keys of a telephone; pictures in three encodings; pictures in one, with
/// announced SSRCs; data channels.
pub fn offer(active: bool) -> String {
    let digest = digest::digest(&digest::SHA256, &OWN.1.certificate);
    let digest: Vec<String> = digest.as_ref().iter().map(|b| format!("{b:02X}")).collect();
    let transport = format!(
        "c=IN IP4 0.0.0.0\r\na=ice-ufrag:{UFRAG}\r\na=ice-pwd:{PASSWORD}\r\n\
         a=fingerprint:sha-256 {}\r\na=setup:{}\r\n",
        digest.join(":"),
        if active { "active" } else { "passive" }
    );
    let media = format!(
        "{transport}a=sendrecv\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
         a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
         a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    );
    let pictures = format!(
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 45\r\n{media}\
         a=extmap:8 http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00\r\n\
         a=extmap:9 urn:3gpp:video-orientation\r\n\
         a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id\r\n\
         a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n\
         a=extmap:12 https://aomediacodec.github.io/av1-rtp-spec/\
         #dependency-descriptor-rtp-header-extension\r\n\
         a=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtcp-fb:96 nack pli\r\n\
         a=rtcp-fb:96 ccm fir\r\na=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 transport-cc\r\n\
         a=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:98 VP9/90000\r\n\
         a=rtpmap:45 AV1/90000\r\n"
    );
    format!(
        "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3\r\n\
         a=extmap-allow-mixed\r\n\
         m=audio 9 UDP/TLS/RTP/SAVPF 111 63 110\r\n{media}a=mid:0\r\n\
         a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=rtpmap:63 red/48000/2\r\n\
         a=fmtp:63 111/111\r\na=rtpmap:110 telephone-event/48000\r\n\
         a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
         a=msid:stream audio\r\na=ssrc:{AUDIO_SSRC} cname:peer\r\n\
         {pictures}a=mid:1\r\na=msid:stream simulcast\r\na=rid:q send\r\na=rid:h send\r\n\
         a=rid:f send\r\na=simulcast:send q;h;f\r\n\
         {pictures}a=mid:2\r\na=msid:stream video\r\na=ssrc-group:FID {VIDEO_SSRC} {RTX_SSRC}\r\n\
         a=ssrc:{VIDEO_SSRC} cname:peer\r\na=ssrc:{RTX_SSRC} cname:peer\r\n\
         m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n{transport}a=mid:3\r\n\
         a=sctp-port:5000\r\na=max-message-size:262144\r\n"
    )
}

/// Datagrams of both sides of a handshake in DTLS 1.2, in their order.
pub fn recorded_handshake() -> Vec<Vec<u8>> {
    let mut world = World::new(1, 1, super::network::Conditions::GOOD);
    let address = super::client_address(0);
    let mut peer = BarePeer::new(&mut world, 0, address, BareOptions::default(), &[]);
    peer.check(&mut world);
    let mut flights = Vec::new();
    while peer.exchange(&mut world, |_, datagram| {
        if matches!(datagram.first(), Some(20..=63)) {
            flights.push(datagram.clone());
        }
        vec![datagram]
    }) {}
    flights
}
