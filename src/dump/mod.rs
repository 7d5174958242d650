//! Packet dumps for debugging: decrypted RTP and RTCP in a file that Wireshark reads. Written by
//! a thread of its own, so that a slow disk costs packets in the file and nothing else.

mod encapsulation;
mod pcapng;

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::SystemTime;

/// Bytes that wait for the disk; what comes on top is dropped. Some seconds of video.
const MAX_QUEUED: usize = 8 * 1024 * 1024;
/// What a waiting packet takes besides its bytes.
const PACKET_OVERHEAD: usize = 256;

/// A pcapng file of decrypted packets. RTP and RTCP show in Wireshark with
/// `Analyze > Decode As > RTP` on the UDP port, or `tshark -d udp.port==<port>,rtp`; flows over
/// TCP show as UDP too.
///
/// Dropping it writes what waits in the background; [`close`](Self::close) waits for that.
pub struct PacketDump {
    queue: Sender<Packet>,
    shared: Arc<Shared>,
    writer: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    queued: AtomicUsize,
    dropped: AtomicU64,
    failed: AtomicBool,
    error: Mutex<Option<io::Error>>,
}

struct Packet {
    incoming: bool,
    local: SocketAddr,
    remote: SocketAddr,
    time: SystemTime,
    bytes: Vec<u8>,
}

impl PacketDump {
    /// Creates the file, readable by its owner only, or empties the one that is there.
    ///
    /// # Errors
    /// When the file cannot be created or no thread can be started.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Self::write_to(options.open(path)?)
    }

    fn write_to(sink: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::<Shared>::default();
        let (queue, packets) = mpsc::channel();
        let writer = std::thread::Builder::new().name("medialoom-dump".into()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                if let Err(error) = write_all(BufWriter::new(sink), &packets, &shared) {
                    *shared.error.lock().unwrap_or_else(|e| e.into_inner()) = Some(error);
                    shared.failed.store(true, Ordering::Release);
                }
            }
        })?;
        Ok(Self { queue, shared, writer })
    }

    /// As [`PacketDump::packet`], at the time that it is now.
    pub fn packet_now(&self, incoming: bool, local: SocketAddr, remote: SocketAddr, bytes: &[u8]) {
        self.packet(incoming, local, remote, SystemTime::now(), bytes);
    }

    /// Adds one packet that came from (`incoming`) or went to `remote`. Never blocks: the packet
    /// is dropped and counted when the disk is too slow, or when writing failed.
    pub fn packet(
        &self,
        incoming: bool,
        local: SocketAddr,
        remote: SocketAddr,
        time: SystemTime,
        bytes: &[u8],
    ) {
        let size = bytes.len() + PACKET_OVERHEAD;
        let room = MAX_QUEUED.checked_sub(size);
        let fits = room.is_some_and(|room| self.shared.queued.load(Ordering::Relaxed) <= room);
        if !fits || self.shared.failed.load(Ordering::Acquire) {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.shared.queued.fetch_add(size, Ordering::Relaxed);
        let packet = Packet { incoming, local, remote, time, bytes: bytes.to_vec() };
        if self.queue.send(packet).is_err() {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Packets that are not in the file.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Why writing stopped, such as a full disk. Told once.
    pub fn take_error(&self) -> Option<io::Error> {
        if !self.shared.failed.load(Ordering::Acquire) {
            return None;
        }
        self.shared.error.lock().unwrap_or_else(|e| e.into_inner()).take()
    }

    /// Waits until everything is written. Blocks on the disk.
    ///
    /// # Errors
    /// The write error, unless [`take_error`](Self::take_error) told it already.
    pub fn close(self) -> io::Result<()> {
        let Self { queue, shared, writer } = self;
        drop(queue);
        let _ = writer.join();
        let error = shared.error.lock().unwrap_or_else(|e| e.into_inner()).take();
        error.map_or(Ok(()), Err)
    }
}

fn write_all(mut sink: impl Write, packets: &Receiver<Packet>, shared: &Shared) -> io::Result<()> {
    sink.write_all(&pcapng::file_header())?;
    sink.flush()?;
    let mut frame = Vec::new();
    let mut block = Vec::new();
    while let Ok(first) = packets.recv() {
        for packet in std::iter::once(first).chain(packets.try_iter()) {
            let Packet { incoming, local, remote, time, bytes } = packet;
            shared.queued.fetch_sub(bytes.len() + PACKET_OVERHEAD, Ordering::Relaxed);
            let (source, destination) = if incoming { (remote, local) } else { (local, remote) };
            frame.clear();
            if encapsulation::udp(source, destination, &bytes, &mut frame) {
                block.clear();
                pcapng::packet(incoming, time, &frame, &mut block);
                sink.write_all(&block)?;
            } else {
                shared.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        // The file is whole whenever there is nothing to write.
        sink.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn addresses() -> (SocketAddr, SocketAddr) {
        ("192.0.2.1:5000".parse().unwrap(), "192.0.2.2:6000".parse().unwrap())
    }

    fn add(dump: &PacketDump, bytes: &[u8]) {
        let (local, remote) = addresses();
        dump.packet(true, local, remote, SystemTime::UNIX_EPOCH, bytes);
    }

    struct Disk(Arc<Mutex<Vec<u8>>>);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct FullDisk;

    impl Write for FullDisk {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_slow_disk_loses_packets_and_holds_up_nobody() {
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let dump = PacketDump::write_to(Disk(Arc::clone(&written))).unwrap();
        let stalled = written.lock().unwrap();
        let packets = 2 * MAX_QUEUED / 1_000;
        for _ in 0..packets {
            add(&dump, &[0x80; 1_000]);
        }
        let dropped = dump.dropped();
        assert!(dropped > 0);
        drop(stalled);
        dump.close().unwrap();
        let kept = packets - dropped as usize;
        assert!(kept > 1_000);
        let written = written.lock().unwrap();
        let payload = written.iter().filter(|byte| **byte == 0x80).count();
        assert!(payload >= kept * 1_000, "what was not dropped is in the file");
    }

    #[test]
    fn a_full_disk_is_told_once_and_ends_the_dump() {
        let dump = PacketDump::write_to(FullDisk).unwrap();
        let mut error = None;
        for _ in 0..1_000 {
            error = dump.take_error();
            if error.is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(error.unwrap().kind(), io::ErrorKind::StorageFull);
        assert!(dump.take_error().is_none());
        add(&dump, b"late");
        assert_eq!(dump.dropped(), 1);
        dump.close().unwrap();
    }

    #[test]
    fn a_path_that_cannot_be_created_is_an_error_at_once() {
        assert!(PacketDump::create("no/such/directory/dump.pcapng").is_err());
    }
}
