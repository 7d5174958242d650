//! ICE-TCP over real loopback connections, as a peer sees it.

mod echo;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use echo::{PATIENCE, options, start, wait_until};
use medialoom::control::flow::{Flow, Protocol};
use medialoom::host::MediaThreads;
use medialoom::net::MAX_FRAME;

fn connect(host: &MediaThreads) -> TcpStream {
    let listening = |protocol| {
        let address = host.addresses().iter().find(|address| address.protocol == protocol);
        address.map(|address| SocketAddr::new(address.ip, address.port)).unwrap()
    };
    assert_eq!(listening(Protocol::Tcp), listening(Protocol::Udp));
    let stream = TcpStream::connect(listening(Protocol::Tcp)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn frame(packet: &[u8]) -> Vec<u8> {
    [&(packet.len() as u16).to_be_bytes(), packet].concat()
}

fn read_frame(stream: &mut TcpStream) -> Vec<u8> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("a frame in time");
    let mut packet = vec![0; u16::from_be_bytes(length).into()];
    stream.read_exact(&mut packet).expect("the rest of the frame in time");
    packet
}

/// Whether the other side closed the connection, in whatever manner.
fn is_closed(stream: &mut TcpStream) -> bool {
    match stream.read(&mut [0; 1]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

#[test]
fn packets_are_framed_both_ways_however_the_stream_is_cut() {
    for ip in ["127.0.0.1", "::1"] {
        let (host, seen) = start(&options(ip, 1));
        let mut stream = connect(&host);
        for byte in frame(b"echo slowly") {
            stream.write_all(&[byte]).unwrap();
        }
        assert_eq!(read_frame(&mut stream), b"echo slowly");
        stream.write_all(&[frame(b"echo 1"), frame(b"burst"), frame(b"echo 2")].concat()).unwrap();
        let lengths = [(); 7].map(|()| read_frame(&mut stream).len());
        assert_eq!(lengths, [6, 1_000, 1_000, 1_000, 300, 1_200, 6]);
        let expected = Flow {
            protocol: Protocol::Tcp,
            local: stream.peer_addr().unwrap(),
            remote: stream.local_addr().unwrap(),
        };
        assert_eq!(*seen.flows.lock().unwrap(), [expected; 4]);
    }
}

#[test]
fn a_large_amount_in_one_go_arrives_whole() {
    let (host, _) = start(&options("127.0.0.1", 1));
    let mut stream = connect(&host);
    let packet: Vec<u8> = b"echo".iter().copied().chain((0..1_100).map(|n| n as u8)).collect();
    let mut writer = stream.try_clone().unwrap();
    let request = frame(&packet).repeat(300);
    let writing = std::thread::spawn(move || writer.write_all(&request));
    for _ in 0..300 {
        assert_eq!(read_frame(&mut stream), packet);
    }
    writing.join().unwrap().unwrap();
}

#[test]
fn a_flow_the_shard_ends_is_closed_after_its_last_packet() {
    let (host, seen) = start(&options("127.0.0.1", 1));
    let mut stream = connect(&host);
    stream.write_all(&frame(b"bye")).unwrap();
    assert_eq!(read_frame(&mut stream), b"bye");
    assert!(is_closed(&mut stream));
    assert!(seen.ended.lock().unwrap().is_empty(), "the shard knows already");
}

#[test]
fn the_shard_hears_of_a_connection_the_peer_ends() {
    let (host, seen) = start(&options("127.0.0.1", 1));
    let mut stream = connect(&host);
    stream.write_all(&frame(b"echo")).unwrap();
    assert_eq!(read_frame(&mut stream), b"echo");
    stream.shutdown(Shutdown::Both).unwrap();
    wait_until("the end of the flow", || !seen.ended.lock().unwrap().is_empty());
    assert_eq!(*seen.ended.lock().unwrap(), *seen.flows.lock().unwrap());
}

#[test]
fn a_stream_that_is_no_framing_is_closed_and_others_go_on() {
    let (host, seen) = start(&options("127.0.0.1", 1));
    let mut good = connect(&host);
    let mut bad = connect(&host);
    bad.write_all(&(MAX_FRAME as u16 + 1).to_be_bytes()).unwrap();
    assert!(is_closed(&mut bad));
    assert!(seen.ended.lock().unwrap().is_empty(), "the shard never heard of it");
    good.write_all(&frame(b"echo")).unwrap();
    assert_eq!(read_frame(&mut good), b"echo");
}

#[test]
fn a_peer_that_closes_right_after_its_packet_is_still_heard() {
    let (host, seen) = start(&options("127.0.0.1", 1));
    let mut stream = connect(&host);
    stream.write_all(&frame(b"echo")).unwrap();
    drop(stream);
    wait_until("the end of the flow", || !seen.ended.lock().unwrap().is_empty());
    assert_eq!(seen.flows.lock().unwrap().len(), 1);
}

#[test]
fn behind_an_address_full_of_strangers_the_newcomer_is_heard_and_the_oldest_goes() {
    let (host, _) = start(&options("127.0.0.1", 1));
    let mut silent: Vec<_> = (0..64).map(|_| connect(&host)).collect();
    let mut newcomer = connect(&host);
    newcomer.write_all(&frame(b"echo")).unwrap();
    assert_eq!(read_frame(&mut newcomer), b"echo");
    assert!(is_closed(&mut silent[0]));
    for late in &mut silent[1..] {
        late.write_all(&frame(b"echo")).unwrap();
        assert_eq!(read_frame(late), b"echo");
    }
}

#[test]
fn tcp_that_is_off_listens_nowhere() {
    let mut options = options("127.0.0.1", 1);
    options.tcp = false;
    let (host, _) = start(&options);
    assert!(host.addresses().iter().all(|address| address.protocol == Protocol::Udp));
    let address = SocketAddr::new(host.addresses()[0].ip, host.addresses()[0].port);
    assert!(TcpStream::connect(address).is_err());
}
