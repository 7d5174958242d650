//! Media threads over real loopback sockets, driving a shard that echoes.

mod echo;

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use echo::{BURN, PATIENCE, command, options, peer, receive, start, wait_until};
use medialoom::control::error::ErrorCode;
use medialoom::control::flow::{Flow, Protocol};
use medialoom::control::ids::{Ids, ShardIndex, TransportId};
use medialoom::control::options::Announced;

#[test]
fn a_datagram_is_answered_from_the_address_it_was_sent_to() {
    for ip in ["127.0.0.1", "::1"] {
        let (host, seen) = start(&options(ip, 1));
        let peer = peer(&host, 0, ip);
        peer.send(b"echo").unwrap();
        assert_eq!(receive(&peer), b"echo");
        let expected = Flow {
            protocol: Protocol::Udp,
            local: peer.peer_addr().unwrap(),
            remote: peer.local_addr().unwrap(),
        };
        assert_eq!(*seen.flows.lock().unwrap(), [expected]);
    }
}

#[test]
fn a_wildcard_socket_answers_from_whatever_address_the_peer_used() {
    let (host, seen) = start(&options("0.0.0.0", 1));
    // A connected socket takes answers from this one address only.
    let peer = peer(&host, 0, "127.0.0.1");
    peer.connect(SocketAddr::new("127.0.0.77".parse().unwrap(), peer.peer_addr().unwrap().port()))
        .unwrap();
    peer.send(b"echo").unwrap();
    assert_eq!(receive(&peer), b"echo");
    let flow = seen.flows.lock().unwrap()[0];
    assert_eq!(flow.local, peer.peer_addr().unwrap());
}

#[test]
fn the_announced_address_stands_for_the_one_bound() {
    let mut options = options("127.0.0.1", 1);
    let ip = "203.0.113.5".parse().unwrap();
    options.listen[0].announced = vec![Announced { ip, port: None }];
    let (host, seen) = start(&options);
    let peer = peer(&host, 0, "127.0.0.1");
    peer.send(b"echo").unwrap();
    assert_eq!(receive(&peer), b"echo");
    let flow = seen.flows.lock().unwrap()[0];
    assert_eq!(flow.local.ip(), ip);
    let candidates = &seen.candidates.lock().unwrap()[0].0;
    assert_eq!(candidates[..], [(Protocol::Udp, flow.local), (Protocol::Tcp, flow.local)]);
}

#[test]
fn a_burst_arrives_as_the_datagrams_it_was_made_of() {
    let (host, seen) = start(&options("127.0.0.1", 1));
    let peer = peer(&host, 0, "127.0.0.1");
    peer.send(b"burst").unwrap();
    let lengths = [(); 5].map(|()| receive(&peer).len());
    assert_eq!(lengths, [1_000, 1_000, 1_000, 300, 1_200]);
    let counters = &seen.counters.lock().unwrap()[0];
    assert_eq!(counters.packets_received.get(), 1);
    // Counted once the kernel has taken the burst, which the peer may see first.
    wait_until("the count", || counters.packets_sent.get() == 5);
    assert_eq!(counters.bytes_sent.get(), 4_500);
    assert_eq!(counters.discarded_on_send.get(), 0);
    // One where the kernel takes several messages by a call, one for each datagram where it has no segmentation either.
    wait_until("the calls", || (1..=5).contains(&counters.send_calls.get()));
    assert!(counters.receive_calls.get() > 0);
    assert!(counters.wait_calls.get() > 0);
}

#[test]
fn shards_reach_each_other_both_ways_however_many_there_are() {
    for threads in [1, 2, 3] {
        let (host, seen) = start(&options("127.0.0.1", threads));
        for shard in 0..threads {
            let peer = peer(&host, shard, "127.0.0.1");
            for _ in 0..20 {
                peer.send(b"across").unwrap();
                assert_eq!(receive(&peer), b"across");
            }
        }
        if threads > 1 {
            // On a busy machine the other thread may not get to sleep between two packets.
            let counters = &seen.counters.lock().unwrap()[0];
            let peer = peer(&host, 0, "127.0.0.1");
            wait_until("the wake-ups of others", || {
                peer.send(b"across").unwrap();
                receive(&peer) == b"across" && counters.wakeups.get() > 0
            });
        }
    }
}

#[test]
fn a_timer_fires_when_nothing_else_happens_and_only_then() {
    let (host, seen) = start(&options("127.0.0.1", 1));
    let peer = peer(&host, 0, "127.0.0.1");
    let asked = Instant::now();
    peer.send(b"later").unwrap();
    assert_eq!(receive(&peer), b"later");
    assert!(asked.elapsed() >= Duration::from_millis(19));
    assert_eq!(seen.timeouts.load(Ordering::SeqCst), 1);
}

#[test]
fn a_shard_hears_how_busy_its_thread_is_and_of_long_turns_at_once() {
    let (host, seen) = start(&options("127.0.0.1", 1));
    let peer = peer(&host, 0, "127.0.0.1");
    peer.send(b"burn").unwrap();
    let longest = || seen.loads.lock().unwrap().iter().map(|load| load.longest).max();
    wait_until("a long turn", || longest().is_some_and(|longest| longest >= BURN));
    // It rests, which it is told when it has a turn again.
    std::thread::sleep(Duration::from_secs(1));
    peer.send(b"echo").unwrap();
    assert_eq!(receive(&peer), b"echo");
    let busy = || seen.loads.lock().unwrap().last().map(|load| load.busy);
    wait_until("rest", || busy().is_some_and(|busy| busy < 0.5));
    // And works without a break.
    wait_until("work", || {
        (0..8).for_each(|_| assert!(peer.send(b"burn").is_ok()));
        busy().is_some_and(|busy| busy > 0.6)
    });
}

#[test]
fn a_flood_that_nobody_wants_holds_up_neither_timers_nor_others() {
    let (host, seen) = start(&options("127.0.0.1", 1));
    let flooder = peer(&host, 0, "127.0.0.1");
    let stop = Arc::<AtomicUsize>::default();
    let flood = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            while stop.load(Ordering::Relaxed) == 0 {
                let _ = flooder.send(&[0x80; 1_200]);
            }
        }
    });
    let peer = peer(&host, 0, "127.0.0.1");
    peer.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    for request in [b"later".as_slice(), b"echo"] {
        // The flood may push a request out of the socket's buffer, so ask again.
        let start = Instant::now();
        let mut buffer = [0; 100];
        loop {
            peer.send(request).unwrap();
            if peer.recv(&mut buffer).is_ok_and(|length| &buffer[..length] == request) {
                break;
            }
            assert!(start.elapsed() < PATIENCE, "no answer");
        }
    }
    stop.store(1, Ordering::Relaxed);
    flood.join().unwrap();
    assert!(seen.counters.lock().unwrap()[0].packets_received.get() > 100);
}

#[test]
fn a_thread_that_cannot_keep_up_refuses_commands_and_loses_none_it_took() {
    let (host, seen) = start(&options("127.0.0.1", 2));
    peer(&host, 1, "127.0.0.1").send(b"stall").unwrap();
    wait_until("the thread to stall", || seen.stalled.load(Ordering::SeqCst));
    let id = TransportId::new(&Ids::default(), ShardIndex(1));
    for _ in 0..65_536 {
        host.send(id.shard(), command(id)).unwrap();
    }
    assert_eq!(host.send(id.shard(), command(id)).unwrap_err().code, ErrorCode::QueueFull);
    seen.stalled.store(false, Ordering::SeqCst);
    wait_until("the commands", || seen.commands.load(Ordering::SeqCst) == 65_536);
    host.send(id.shard(), command(id)).unwrap();
    let nobody = host.send(ShardIndex(2), command(id)).unwrap_err();
    assert_eq!(nobody.code, ErrorCode::Internal);
}

#[test]
fn a_command_comes_before_a_datagram_that_came_after_it() {
    let (host, seen) = start(&options("127.0.0.1", 1));
    let peer = peer(&host, 0, "127.0.0.1");
    let stalled = || wait_until("the thread to stall", || seen.stalled.load(Ordering::SeqCst));
    peer.send(b"stall twice").unwrap();
    stalled();
    // Makes the thread read the socket in the turn in which it stalls again.
    peer.send(b"filler").unwrap();
    seen.stalled.store(false, Ordering::SeqCst);
    stalled();
    // The thread has taken its commands of this turn, and not read its datagrams.
    host.send(ShardIndex(0), command(TransportId::new(&Ids::default(), ShardIndex(0)))).unwrap();
    peer.send(b"mark").unwrap();
    seen.stalled.store(false, Ordering::SeqCst);
    wait_until("both", || seen.order.lock().unwrap().len() == 2);
    assert_eq!(*seen.order.lock().unwrap(), ["command", "mark"]);
}

#[test]
fn shutdown_says_goodbye_after_the_last_command_and_frees_the_port() {
    let (host, seen) = start(&options("127.0.0.1", 2));
    let peer = peer(&host, 0, "127.0.0.1");
    peer.send(b"echo").unwrap();
    assert_eq!(receive(&peer), b"echo");
    let id = TransportId::new(&Ids::default(), ShardIndex(0));
    for _ in 0..1_000 {
        host.send(id.shard(), command(id)).unwrap();
    }
    host.shutdown();
    host.shutdown();
    assert_eq!(seen.commands.load(Ordering::SeqCst), 1_000);
    assert_eq!(seen.shutdowns.load(Ordering::SeqCst), 2);
    assert_eq!(receive(&peer), b"goodbye");
    assert_eq!(host.send(id.shard(), command(id)).unwrap_err().code, ErrorCode::Closed);
    for address in host.addresses() {
        UdpSocket::bind((address.ip, address.port)).expect("the port is free again");
    }
}

#[test]
fn a_shard_may_say_something_before_anything_comes() {
    let (_host, seen) = start(&options("127.0.0.1", 1));
    wait_until("its first words", || seen.flushes.load(Ordering::SeqCst) == 1);
}

#[test]
fn after_a_panic_a_new_thread_has_the_port_and_what_waited_and_the_other_goes_on() {
    let (host, seen) = start(&options("127.0.0.1", 2));
    let unlucky = peer(&host, 0, "127.0.0.1");
    let neighbour = peer(&host, 1, "127.0.0.1");
    let id = TransportId::new(&Ids::default(), ShardIndex(0));
    unlucky.send(b"stall").unwrap();
    wait_until("the thread to stall", || seen.stalled.load(Ordering::SeqCst));
    // Wait in the socket and in the queue of commands; the first of each is taken before the end.
    unlucky.send(b"panic").unwrap();
    unlucky.send(b"echo").unwrap();
    let before = Instant::now();
    seen.stalled.store(false, Ordering::SeqCst);
    wait_until("the end", || seen.deaths.load(Ordering::SeqCst) == 1);
    host.send(id.shard(), command(id)).unwrap();
    // The batch that had the panic in it may have had the request as well.
    unlucky.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let mut buffer = [0; 100];
    while unlucky.recv(&mut buffer).is_err() {
        assert!(before.elapsed() < PATIENCE, "no answer");
        unlucky.send(b"echo").unwrap();
    }
    wait_until("the command", || seen.commands.load(Ordering::SeqCst) == 1);

    // Threads start in any order, the second one perhaps when the first is dead.
    neighbour.send(b"echo").unwrap();
    assert_eq!(receive(&neighbour), b"echo");
    let starts: Vec<_> = seen.starts.lock().unwrap().clone();
    let again: Vec<_> =
        starts.iter().filter_map(|(shard, after)| Some((*shard, (*after)?))).collect();
    let &[(ShardIndex(0), ended)] = &again[..] else { panic!("{starts:?}") };
    assert_eq!((starts.len(), ended.shard), (3, ShardIndex(0)));
    host.shutdown();
    assert_eq!(seen.shutdowns.load(Ordering::SeqCst), 2);
}

#[test]
fn shards_reach_each_other_by_the_same_rings_after_either_died() {
    let (host, seen) = start(&options("127.0.0.1", 2));
    let peers = [0, 1].map(|shard| peer(&host, shard, "127.0.0.1"));
    for (died, unlucky) in peers.iter().enumerate() {
        unlucky.send(b"panic").unwrap();
        wait_until("the end", || seen.deaths.load(Ordering::SeqCst) == died + 1);
        for peer in &peers {
            for _ in 0..300 {
                peer.send(b"across").unwrap();
                assert_eq!(receive(peer), b"across");
            }
        }
    }
}

#[test]
fn a_thread_that_dies_again_and_again_waits_and_closes_at_once_meanwhile() {
    let (host, seen) = start(&options("127.0.0.1", 1));
    let peer = peer(&host, 0, "127.0.0.1");
    let mut quickest = PATIENCE;
    for death in 1..=5 {
        let asked = Instant::now();
        peer.send(b"panic").unwrap();
        wait_until("the end", || seen.deaths.load(Ordering::SeqCst) == death);
        wait_until("the next", || seen.starts.lock().unwrap().len() == death + 1);
        peer.send(b"echo").unwrap();
        assert_eq!(receive(&peer), b"echo");
        quickest = quickest.min(asked.elapsed());
    }
    assert!(quickest < Duration::from_millis(100), "{quickest:?}");
    println!("a new thread answered after {quickest:?}");
    let last = Instant::now();
    peer.send(b"panic").unwrap();
    wait_until("the last end", || seen.deaths.load(Ordering::SeqCst) == 6);
    peer.send(b"echo").unwrap();
    assert_eq!(receive(&peer), b"echo", "what came meanwhile waited in the socket");
    assert!(last.elapsed() >= Duration::from_secs(1));

    peer.send(b"panic").unwrap();
    wait_until("one more end", || seen.deaths.load(Ordering::SeqCst) == 7);
    let asked = Instant::now();
    host.shutdown();
    assert!(asked.elapsed() < Duration::from_millis(900), "nobody waits for the pause");
    assert_eq!(seen.shutdowns.load(Ordering::SeqCst), 0);
}
