//! The first byte is the length of the pieces that the rest comes in: what an encoder sends behind its
//! handshake. Fails when the cuts between pieces change what comes out.

use medialoom::ingest::rtmp::{RtmpError, Server, ServerEvent};

fn events<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<ServerEvent>, Option<RtmpError>) {
    let mut server = Server::default();
    let handshake = [&[3][..], &[0; 2 * 1536]].concat();
    assert_eq!(server.receive(&mut handshake.as_slice()), Ok(None));
    let mut events = Vec::new();
    for mut piece in pieces {
        loop {
            match server.receive(&mut piece) {
                Ok(Some(event)) => {
                    if matches!(event, ServerEvent::Publish(_)) {
                        server.accept();
                    }
                    events.push(event);
                }
                Ok(None) => break,
                Err(error) => return (events, Some(error)),
            }
        }
        // Nothing is said without having been asked.
        assert!(server.take_output().len() <= 64 * 1024);
    }
    (events, None)
}

pub fn run(input: &[u8]) {
    let Some((&length, bytes)) = input.split_first() else { return };
    let (whole, error) = events(std::iter::once(bytes));
    let (pieces, late) = events(bytes.chunks(usize::from(length).max(1)));
    assert_eq!((pieces, late.is_some()), (whole, error.is_some()));
}
