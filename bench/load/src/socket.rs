//! A UDP socket that receives runs of datagrams in one call (GRO) and has the kernel note when
//! they came, so that latency does not contain how busy this process is.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;

use crate::clock;

/// What GRO may hand over at once.
pub const RECEIVE_BUFFER: usize = 65_536;

const KERNEL_BUFFER: libc::c_int = 4 << 20;

pub struct Socket {
    inner: UdpSocket,
    pub local: SocketAddr,
}

/// A run of datagrams of one sender, all of `segment` bytes but the last.
pub struct Run {
    pub length: usize,
    pub segment: usize,
    pub source: SocketAddr,
    /// Of the kernel, in nanoseconds of [`clock::wall_nanoseconds`].
    pub arrived: u64,
}

impl Socket {
    pub fn bind() -> io::Result<Socket> {
        let inner = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
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

    /// The next run, `None` when nothing waits.
    pub fn receive(&self, buffer: &mut [u8]) -> Option<Run> {
        // SAFETY: all-zero is a valid value of these C structures.
        let mut source: libc::sockaddr_in = unsafe { std::mem::zeroed() };
        let mut control = [0_u64; 32];
        let mut vector =
            libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
        // SAFETY: as above.
        let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
        message.msg_name = (&raw mut source).cast();
        message.msg_namelen = size_of_val(&source) as u32;
        message.msg_iov = &mut vector;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of_val(&control);
        // SAFETY: every pointer in `message` is to a live local of the length given beside it.
        let length = unsafe { libc::recvmsg(self.descriptor(), &mut message, 0) };
        // Errors other than "nothing waits" are those of earlier sends (ICMP): equally nothing.
        let length = usize::try_from(length).ok()?;

        let mut run = Run {
            length,
            segment: length,
            source: SocketAddrV4::new(
                u32::from_be(source.sin_addr.s_addr).into(),
                u16::from_be(source.sin_port),
            )
            .into(),
            arrived: 0,
        };
        // SAFETY: the kernel filled the control buffer with well-formed messages; each is read as
        // the type that its level and type say, unaligned.
        unsafe {
            let mut header = libc::CMSG_FIRSTHDR(&message);
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
                header = libc::CMSG_NXTHDR(&message, header);
            }
        }
        Some(run)
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

/// Sends `slab` as datagrams of `segment` bytes in one call (GSO).
pub fn send_segmented(socket: &UdpSocket, slab: &[u8], segment: usize) -> io::Result<()> {
    let mut control = [0_u64; 4];
    let mut vector = libc::iovec { iov_base: slab.as_ptr().cast_mut().cast(), iov_len: slab.len() };
    // SAFETY: all-zero is a valid value of this C structure.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &mut vector;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: the control buffer has room for one message with a u16, the only one written; every
    // other pointer in `message` is to a live local.
    let sent = unsafe {
        message.msg_controllen = libc::CMSG_SPACE(2) as usize;
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_UDP;
        (*header).cmsg_type = libc::UDP_SEGMENT;
        (*header).cmsg_len = libc::CMSG_LEN(2) as usize;
        libc::CMSG_DATA(header).cast::<u16>().write_unaligned(segment as u16);
        libc::sendmsg(socket.as_raw_fd(), &message, 0)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
