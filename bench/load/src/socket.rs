//! A UDP socket that receives runs of datagrams, several in one call (GRO, recvmmsg), and has the kernel note when
//! they came, so that latency does not contain how busy this process is.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;

use crate::clock;

/// What GRO may hand over at once.
const RUN: usize = 65_536;
/// Runs that one call takes.
const BATCH: usize = 8;
/// Bytes for the control messages of a run: a timestamp and a segment size.
const CONTROL: usize = 128;

const KERNEL_BUFFER: libc::c_int = 4 << 20;

pub struct Socket {
    inner: UdpSocket,
    pub local: SocketAddr,
}

/// A run of datagrams of one sender, all of `segment` bytes but the last.
#[derive(Clone, Copy)]
pub struct Run {
    length: usize,
    pub segment: usize,
    pub source: SocketAddr,
    /// Of the kernel, in nanoseconds of [`clock::wall_nanoseconds`].
    pub arrived: u64,
}

/// What sockets read into.
pub struct ReceiveBuffers {
    bytes: Vec<u8>,
    control: Vec<u64>,
    runs: Vec<Run>,
}

impl ReceiveBuffers {
    pub fn new() -> ReceiveBuffers {
        ReceiveBuffers {
            bytes: vec![0; BATCH * RUN],
            control: vec![0; BATCH * CONTROL / size_of::<u64>()],
            runs: Vec::with_capacity(BATCH),
        }
    }

    /// A run that was received, and its bytes.
    pub fn run(&mut self, number: usize) -> (Run, &mut [u8]) {
        let run = self.runs[number];
        (run, &mut self.bytes[number * RUN..][..run.length])
    }
}

impl Socket {
    pub fn bind(address: Ipv4Addr) -> io::Result<Socket> {
        let inner = UdpSocket::bind((address, 0))?;
        inner.set_nonblocking(true)?;
        let socket = Socket { local: inner.local_addr()?, inner };
        // The system may cap the buffers, which is fine.
        let _ = socket.set(libc::SOL_SOCKET, libc::SO_RCVBUF, KERNEL_BUFFER);
        let _ = socket.set(libc::SOL_SOCKET, libc::SO_SNDBUF, KERNEL_BUFFER);
        socket.set(libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
        socket.set(libc::SOL_UDP, libc::UDP_GRO, 1)?;
        Ok(socket)
    }

    pub fn descriptor(&self) -> i32 {
        self.inner.as_raw_fd()
    }

    pub fn send(&self, bytes: &[u8], destination: SocketAddr) {
        // A full buffer loses the datagram, as a network would; the figures show it.
        let _ = self.inner.send_to(bytes, destination);
    }

    /// Receives what one call gives; says how many runs that were.
    pub fn receive(&self, buffers: &mut ReceiveBuffers) -> usize {
        // SAFETY: all-zero is a valid value of these C structures.
        let (mut sources, mut vectors, mut messages): (
            [libc::sockaddr_in; BATCH],
            [libc::iovec; BATCH],
            [libc::mmsghdr; BATCH],
        ) = unsafe { std::mem::zeroed() };
        for (number, message) in messages.iter_mut().enumerate() {
            vectors[number].iov_base = buffers.bytes[number * RUN..].as_mut_ptr().cast();
            vectors[number].iov_len = RUN;
            let control = &mut buffers.control[number * CONTROL / size_of::<u64>()..];
            let header = &mut message.msg_hdr;
            header.msg_name = (&raw mut sources[number]).cast();
            header.msg_namelen = size_of::<libc::sockaddr_in>() as u32;
            header.msg_iov = &raw mut vectors[number];
            header.msg_iovlen = 1;
            header.msg_control = control.as_mut_ptr().cast();
            header.msg_controllen = CONTROL as _;
        }
        let (descriptor, flags) = (self.descriptor(), libc::MSG_DONTWAIT);
        // SAFETY: every pointer in `messages` is to memory that lives through the call and has the
        // length given beside it; no two messages share any.
        let count = unsafe {
            let messages = messages.as_mut_ptr();
            libc::recvmmsg(descriptor, messages, BATCH as u32, flags as _, std::ptr::null_mut())
        };
        buffers.runs.clear();
        // Errors other than "nothing waits" are those of earlier sends (ICMP): equally nothing.
        for number in 0..usize::try_from(count).unwrap_or(0) {
            buffers.runs.push(read_run(&messages[number], &sources[number]));
        }
        buffers.runs.len()
    }

    fn set(&self, level: i32, option: i32, value: libc::c_int) -> io::Result<()> {
        // SAFETY: `value` lives through the call and is as long as is said.
        let result = unsafe {
            libc::setsockopt(
                self.descriptor(),
                level,
                option,
                (&raw const value).cast(),
                size_of_val(&value) as u32,
            )
        };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

fn read_run(message: &libc::mmsghdr, source: &libc::sockaddr_in) -> Run {
    let length = message.msg_len as usize;
    let address = Ipv4Addr::from(u32::from_be(source.sin_addr.s_addr));
    let source = SocketAddrV4::new(address, u16::from_be(source.sin_port)).into();
    let mut run = Run { length, segment: length, source, arrived: 0 };
    // SAFETY: the kernel filled the control buffer, which still lives, with well-formed messages;
    // each is read as the type that its level and type say, unaligned.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&message.msg_hdr);
        while !header.is_null() {
            let data = libc::CMSG_DATA(header);
            match ((*header).cmsg_level, (*header).cmsg_type) {
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    run.segment = data.cast::<libc::c_int>().read_unaligned() as usize;
                }
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    run.arrived =
                        clock::nanoseconds(&data.cast::<libc::timespec>().read_unaligned());
                }
                _ => {}
            }
            header = libc::CMSG_NXTHDR(&message.msg_hdr, header);
        }
    }
    run
}

/// Sends `slab` as datagrams of `segment` bytes in one call (GSO).
pub fn send_segmented(
    socket: &UdpSocket,
    slab: &[u8],
    segment: usize,
    destination: SocketAddr,
) -> io::Result<()> {
    let SocketAddr::V4(destination) = destination else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let mut control = [0_u64; 4];
    let mut vector = libc::iovec { iov_base: slab.as_ptr().cast_mut().cast(), iov_len: slab.len() };
    // SAFETY: all-zero is a valid value of these C structures.
    let (mut name, mut message): (libc::sockaddr_in, libc::msghdr) = unsafe { std::mem::zeroed() };
    name.sin_family = libc::AF_INET as _;
    name.sin_addr.s_addr = u32::from(*destination.ip()).to_be();
    name.sin_port = destination.port().to_be();
    message.msg_name = (&raw mut name).cast();
    message.msg_namelen = size_of_val(&name) as u32;
    message.msg_iov = &mut vector;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: the control buffer has room for one message with a u16, the only one written; every
    // other pointer in `message` is to a live local.
    let sent = unsafe {
        message.msg_controllen = libc::CMSG_SPACE(2) as _;
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_UDP;
        (*header).cmsg_type = libc::UDP_SEGMENT;
        (*header).cmsg_len = libc::CMSG_LEN(2) as _;
        libc::CMSG_DATA(header).cast::<u16>().write_unaligned(segment as u16);
        libc::sendmsg(socket.as_raw_fd(), &message, 0)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
