//! What the same packets cost at least on this machine: sealed with the cipher of the scenario and
//! sent in one call a burst and receiver (GSO, or `sendto` for a packet alone) from one socket to
//! others that are being read, and, once a source packet, received and opened. No SDP, no state, no
//! waiting: bursts follow each other.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::readiness::Readiness;
use crate::socket::{ReceiveBuffers, Socket, send_segmented};

const RECEIVERS: usize = 16;
/// RTP's fixed header and the extensions a forwarder writes, in bytes.
const HEADER: usize = 28;
const TAG: usize = 16;
const TIME: Duration = Duration::from_millis(400);
/// Packets on their way beyond which the sender lets the readers catch up. A full socket drops
/// packets, which costs less than delivering them.
const IN_FLIGHT: u64 = 1_000;

#[derive(Deserialize)]
pub struct Shape {
    /// Packets that go to one receiver at once.
    pub burst: usize,
    /// Bytes of a payload.
    pub payload: usize,
    /// Bits of the key of AES-GCM.
    pub key: u32,
}

/// Nanoseconds of CPU a packet.
#[derive(Serialize)]
pub struct Floor {
    pub seal: f64,
    pub seal_and_send: f64,
    pub receive_and_open: f64,
}

pub fn measure(shape: &Shape) -> io::Result<Floor> {
    Ok(Floor {
        seal: sealing(shape, |_, _| Ok(()), |_| {})?,
        seal_and_send: sending(shape)?,
        receive_and_open: receiving(shape)?,
    })
}

fn key(shape: &Shape, receiver: usize) -> io::Result<LessSafeKey> {
    let algorithm: &Algorithm = if shape.key == 256 { &AES_256_GCM } else { &AES_128_GCM };
    let bytes = [receiver as u8; 32];
    let key = UnboundKey::new(algorithm, &bytes[..shape.key as usize / 8]);
    Ok(LessSafeKey::new(key.map_err(io::Error::other)?))
}

fn nonce(index: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&index.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

fn seal(key: &LessSafeKey, index: u64, payload: &[u8], packet: &mut [u8]) -> io::Result<()> {
    let (header, sealed) = packet.split_at_mut(HEADER);
    header[0] = 0x90;
    header[4..12].copy_from_slice(&index.to_be_bytes());
    let (text, tag) = sealed.split_at_mut(payload.len());
    key.seal_out_of_place_scatter(nonce(index), Aad::from(&*header), payload, text, &[], tag)
        .map_err(io::Error::other)
}

/// Nanoseconds a packet of sealing bursts, one for each receiver in turn, and doing `then` with
/// each. What `between` the rounds takes does not count.
fn sealing(
    shape: &Shape,
    mut then: impl FnMut(usize, &[u8]) -> io::Result<()>,
    between: impl Fn(u64),
) -> io::Result<f64> {
    let keys: Vec<_> = (0..RECEIVERS).map(|i| key(shape, i)).collect::<Result<_, _>>()?;
    let payload = vec![1; shape.payload];
    let mut slab = vec![0; (HEADER + shape.payload + TAG) * shape.burst];
    let (started, mut used, mut index) = (Instant::now(), Duration::ZERO, 0);
    while started.elapsed() < TIME {
        let before = clock::thread_time();
        for (receiver, key) in keys.iter().enumerate() {
            for packet in slab.chunks_mut(HEADER + shape.payload + TAG) {
                seal(key, index, &payload, packet)?;
                index += 1;
            }
            then(receiver, &slab)?;
        }
        used += clock::thread_time() - before;
        between(index);
    }
    Ok(used.as_nanos() as f64 / index as f64)
}

/// Sealing, and sending to sockets that another thread reads meanwhile.
fn sending(shape: &Shape) -> io::Result<f64> {
    let readers: Vec<Socket> =
        (0..RECEIVERS).map(|_| Socket::bind(Ipv4Addr::LOCALHOST)).collect::<Result<_, _>>()?;
    let destinations: Vec<SocketAddr> = readers.iter().map(|reader| reader.local).collect();
    // One socket for all receivers, as a server has that listens at one port.
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    sender.set_nonblocking(true)?;
    let (done, read) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let thread = {
        let (done, read) = (Arc::clone(&done), Arc::clone(&read));
        std::thread::spawn(move || read_until(&readers, &done, &read))
    };
    let send = |receiver: usize, slab: &[u8]| {
        let destination = destinations[receiver];
        let sent = if shape.burst == 1 {
            sender.send_to(slab, destination).map(|_| ())
        } else {
            send_segmented(&sender, slab, slab.len() / shape.burst, destination)
        };
        // A full buffer is a lost packet, on the live path too.
        sent.or_else(|error| match error.kind() {
            io::ErrorKind::WouldBlock => Ok(()),
            _ => Err(error),
        })
    };
    let catch_up = |sent: u64| {
        // Bounded, since what was lost is never read.
        for _ in 0..20 {
            if sent.saturating_sub(read.load(Ordering::Relaxed)) < IN_FLIGHT {
                break;
            }
            std::thread::sleep(Duration::from_micros(50));
        }
    };
    let result = sealing(shape, send, catch_up);
    done.store(true, Ordering::Relaxed);
    thread.join().map_err(|_| io::Error::other("the reading thread panicked"))??;
    result
}

fn read_until(readers: &[Socket], done: &AtomicBool, read: &AtomicU64) -> io::Result<()> {
    let mut readiness = Readiness::new()?;
    for (index, reader) in readers.iter().enumerate() {
        readiness.watch(reader.descriptor(), index as u64)?;
    }
    let (mut ready, mut buffers) = (Vec::new(), ReceiveBuffers::new());
    while !done.load(Ordering::Relaxed) {
        // As the clients do: a reader that sleeps in the kernel would cost the sender a wake-up.
        std::thread::sleep(Duration::from_micros(50));
        readiness.wait(Duration::ZERO, &mut ready);
        for &index in &ready {
            for number in 0..readers[index as usize].receive(&mut buffers) {
                let (run, bytes) = buffers.run(number);
                read.fetch_add(bytes.len().div_ceil(run.segment) as u64, Ordering::Relaxed);
            }
        }
    }
    Ok(())
}

/// Nanoseconds a packet of receiving and opening what a browser sent: each packet of a burst in a
/// datagram of its own, as many as are there in one call.
fn receiving(shape: &Shape) -> io::Result<f64> {
    let key = key(shape, 0)?;
    let reader = Socket::bind(Ipv4Addr::LOCALHOST)?;
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let payload = vec![1; shape.payload];
    let mut packet = vec![0; HEADER + shape.payload + TAG];
    seal(&key, 1, &payload, &mut packet)?;
    let mut buffers = ReceiveBuffers::new();
    let (started, mut used, mut count) = (Instant::now(), Duration::ZERO, 0_u64);
    while started.elapsed() < TIME {
        for _ in 0..shape.burst {
            sender.send_to(&packet, reader.local)?;
        }
        let before = clock::thread_time();
        for number in 0..reader.receive(&mut buffers) {
            let (run, bytes) = buffers.run(number);
            for datagram in bytes.chunks_mut(run.segment.max(1)) {
                let (header, sealed) = datagram.split_at_mut(HEADER);
                key.open_in_place(nonce(1), Aad::from(&*header), sealed)
                    .map_err(io::Error::other)?;
                count += 1;
            }
        }
        used += clock::thread_time() - before;
    }
    Ok(used.as_nanos() as f64 / count.max(1) as f64)
}
