//! What the same packets cost at least on this machine: sealed by AES-128-GCM and sent in one call a
//! burst and receiver (GSO) to sockets that are being read, and, once a source packet, received and
//! opened. No SDP, no state, no waiting: bursts follow each other.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::readiness::Readiness;
use crate::socket::{RECEIVE_BUFFER, Socket, send_segmented};

const RECEIVERS: usize = 16;
/// RTP's fixed header and the extensions a forwarder writes, in bytes.
const HEADER: usize = 28;
const TAG: usize = 16;
const TIME: Duration = Duration::from_millis(400);

#[derive(Deserialize)]
pub struct Shape {
    /// Packets that go to one receiver at once.
    pub burst: usize,
    /// Bytes of a payload.
    pub payload: usize,
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
        seal: sealing(shape, |_, _| Ok(()))?,
        seal_and_send: with_readers(|sockets| {
            sealing(shape, |round, slab| {
                let socket = &sockets[round % sockets.len()];
                let sent = if shape.burst == 1 {
                    socket.send(slab).map(|_| ())
                } else {
                    send_segmented(socket, slab, slab.len() / shape.burst)
                };
                // A full buffer is a lost packet, on the live path too.
                sent.or_else(|error| match error.kind() {
                    io::ErrorKind::WouldBlock => Ok(()),
                    _ => Err(error),
                })
            })
        })?,
        receive_and_open: receiving(shape)?,
    })
}

fn key() -> io::Result<LessSafeKey> {
    let unbound = UnboundKey::new(&AES_128_GCM, &[7; 16]).map_err(io::Error::other)?;
    Ok(LessSafeKey::new(unbound))
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

/// Nanoseconds a packet of sealing bursts and doing `then` with each.
fn sealing(shape: &Shape, mut then: impl FnMut(usize, &[u8]) -> io::Result<()>) -> io::Result<f64> {
    let key = key()?;
    let payload = vec![1; shape.payload];
    let mut slab = vec![0; (HEADER + shape.payload + TAG) * shape.burst];
    let (started, used) = (Instant::now(), clock::thread_time());
    let mut index = 0;
    let mut round = 0;
    while started.elapsed() < TIME {
        for _ in 0..RECEIVERS {
            for packet in slab.chunks_mut(HEADER + shape.payload + TAG) {
                seal(&key, index, &payload, packet)?;
                index += 1;
            }
            then(round, &slab)?;
            round += 1;
        }
    }
    Ok((clock::thread_time() - used).as_nanos() as f64 / index as f64)
}

/// Sockets that are connected to others, which another thread reads meanwhile.
fn with_readers<T>(action: impl FnOnce(&[UdpSocket]) -> io::Result<T>) -> io::Result<T> {
    let readers: Vec<Socket> = (0..RECEIVERS).map(|_| Socket::bind()).collect::<Result<_, _>>()?;
    let senders: Vec<UdpSocket> = readers.iter().map(connected_to).collect::<Result<_, _>>()?;
    let done = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&done);
    let thread = std::thread::spawn(move || read_until(&readers, &seen));
    let result = action(&senders);
    done.store(true, Ordering::Relaxed);
    thread.join().map_err(|_| io::Error::other("the reading thread panicked"))??;
    result
}

fn connected_to(reader: &Socket) -> io::Result<UdpSocket> {
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    sender.connect(reader.local)?;
    sender.set_nonblocking(true)?;
    Ok(sender)
}

fn read_until(readers: &[Socket], done: &AtomicBool) -> io::Result<()> {
    let mut readiness = Readiness::new()?;
    for (index, reader) in readers.iter().enumerate() {
        readiness.watch(reader.descriptor(), index as u64)?;
    }
    let (mut ready, mut buffer) = (Vec::new(), vec![0; RECEIVE_BUFFER]);
    while !done.load(Ordering::Relaxed) {
        readiness.wait(Duration::from_millis(10), &mut ready);
        for &index in &ready {
            while readers[index as usize].receive(&mut buffer).is_some() {}
        }
    }
    Ok(())
}

/// Nanoseconds a packet of receiving and opening what a browser sent, one datagram a call.
fn receiving(shape: &Shape) -> io::Result<f64> {
    let key = key()?;
    let reader = Socket::bind()?;
    let sender = connected_to(&reader)?;
    let payload = vec![1; shape.payload];
    let mut packet = vec![0; HEADER + shape.payload + TAG];
    seal(&key, 1, &payload, &mut packet)?;
    let mut buffer = vec![0; RECEIVE_BUFFER];
    let (started, mut used, mut count) = (Instant::now(), Duration::ZERO, 0_u64);
    while started.elapsed() < TIME {
        for _ in 0..shape.burst {
            sender.send(&packet)?;
        }
        let before = clock::thread_time();
        while let Some(run) = reader.receive(&mut buffer) {
            for datagram in buffer[..run.length].chunks_mut(run.segment.max(1)) {
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
