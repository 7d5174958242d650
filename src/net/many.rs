//! Runs for many peers by one system call: `sendmmsg` of Linux, for which quinn-udp has no word.

use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;

use super::run::Run;

/// Most that one call takes. What it is told by is on the stack.
pub(super) const AT_ONCE: usize = 16;

/// Room for what says how long a segment is, and where from it is sent.
const CONTROL: usize = 64;

/// An address as the kernel reads it.
#[derive(Clone, Copy)]
#[repr(C)]
union Name {
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control {
    bytes: [u8; CONTROL],
}

/// Sends runs that lie in `slab`, [`AT_ONCE`] at most, from one socket. Gives how many of them the
/// kernel took: whatever stops it after the first is told of by the next call.
///
/// # Errors
/// What the kernel says of the first.
pub(super) fn send(socket: &impl AsRawFd, runs: &[Run], slab: &[u8]) -> io::Result<usize> {
    let mut names = [MaybeUninit::<Name>::uninit(); AT_ONCE];
    let mut controls = [MaybeUninit::<Control>::uninit(); AT_ONCE];
    let mut contents = [MaybeUninit::<libc::iovec>::uninit(); AT_ONCE];
    let mut messages = [MaybeUninit::<libc::mmsghdr>::uninit(); AT_ONCE];
    let places = names.iter_mut().zip(&mut controls).zip(&mut contents).zip(&mut messages);
    let mut count = 0;
    for (run, (((name, control), content), message)) in runs.iter().zip(places) {
        let Some(bytes) = slab.get(run.start..run.end) else { break };
        let (name_length, name) = write_name(run.destination, name);
        let control = control.write(Control { bytes: [0; CONTROL] });
        let mut used = 0;
        if run.segments > 1 {
            let segment = run.segment as u16;
            used = control.add(used, libc::SOL_UDP, libc::UDP_SEGMENT, segment);
        }
        used = match run.departure.source {
            Some(IpAddr::V4(source)) => {
                let info = libc::in_pktinfo {
                    ipi_ifindex: 0,
                    ipi_spec_dst: libc::in_addr { s_addr: u32::from(source).to_be() },
                    ipi_addr: libc::in_addr { s_addr: 0 },
                };
                control.add(used, libc::IPPROTO_IP, libc::IP_PKTINFO, info)
            }
            Some(IpAddr::V6(source)) => {
                let ipi6_addr = libc::in6_addr { s6_addr: source.octets() };
                let info = libc::in6_pktinfo { ipi6_ifindex: 0, ipi6_addr };
                control.add(used, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, info)
            }
            None => used,
        };
        let content = content.write(libc::iovec {
            iov_base: bytes.as_ptr().cast_mut().cast(),
            iov_len: bytes.len(),
        });
        // SAFETY: a header of zeros is one that names nothing; it has padding on some systems.
        let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
        header.msg_hdr.msg_name = std::ptr::from_mut(name).cast();
        header.msg_hdr.msg_namelen = name_length;
        header.msg_hdr.msg_iov = content;
        header.msg_hdr.msg_iovlen = 1;
        if used > 0 {
            header.msg_hdr.msg_control = control.bytes.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = used as _;
        }
        message.write(header);
        count += 1;
    }
    // SAFETY: the first `count` headers are written, and all they point at outlives the call, which
    // only reads it.
    let sent =
        unsafe { libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr().cast(), count, 0) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Writes an address to where the kernel will read it, and gives its length.
fn write_name(address: SocketAddr, place: &mut MaybeUninit<Name>) -> (libc::socklen_t, &mut Name) {
    let (name, length) = match address {
        SocketAddr::V4(address) => {
            let v4 = libc::sockaddr_in {
                sin_family: libc::AF_INET as _,
                sin_port: address.port().to_be(),
                sin_addr: libc::in_addr { s_addr: u32::from(*address.ip()).to_be() },
                sin_zero: [0; 8],
            };
            (Name { v4 }, size_of::<libc::sockaddr_in>())
        }
        SocketAddr::V6(address) => {
            let v6 = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as _,
                sin6_port: address.port().to_be(),
                sin6_flowinfo: address.flowinfo(),
                sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                sin6_scope_id: address.scope_id(),
            };
            (Name { v6 }, size_of::<libc::sockaddr_in6>())
        }
    };
    (length as _, place.write(name))
}

impl Control {
    /// Adds a control message behind the `used` bytes there are, and gives how many there are then
    /// (cmsg(3)).
    fn add<T: Copy>(&mut self, used: usize, level: i32, kind: i32, value: T) -> usize {
        let size = size_of::<T>() as u32;
        // SAFETY: these calculate with lengths and touch no memory.
        let (ahead, length, space) =
            unsafe { (libc::CMSG_LEN(0), libc::CMSG_LEN(size), libc::CMSG_SPACE(size)) };
        let (ahead, space) = (ahead as usize, space as usize);
        assert!(used + space <= CONTROL, "two control messages fit");
        // SAFETY: a header of zeros is one; it has padding on some systems.
        let mut header: libc::cmsghdr = unsafe { std::mem::zeroed() };
        header.cmsg_len = length as _;
        header.cmsg_level = level;
        header.cmsg_type = kind;
        let place = self.bytes[used..].as_mut_ptr();
        // SAFETY: `space` bytes are there from `place` on, of which the header takes fewer than
        // `ahead` and the value the rest. Neither has to be aligned.
        unsafe {
            place.cast::<libc::cmsghdr>().write_unaligned(header);
            place.add(ahead).cast::<T>().write_unaligned(value);
        }
        used + space
    }
}
