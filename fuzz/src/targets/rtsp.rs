//! The first byte is the length of the pieces that the rest comes in: what a server of RTSP says. Fails when the cuts
//! between pieces change what comes out, or more is said than was asked.

use std::time::{Duration, Instant};

use medialoom::ingest::rtsp::{
    AacFormat, AccessUnits, Client, Description, Event, Lower, RtspError, Url, Wanted,
};

fn events<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<String>, Option<RtspError>) {
    let now = Instant::now();
    let Ok((url, credentials)) = Url::parse("rtsp://me:word@camera/live") else {
        return (Vec::new(), None);
    };
    let mut client = Client::new(now, url, credentials, [7; 8], Duration::from_secs(10));
    let mut events = Vec::new();
    for piece in pieces {
        client.feed(piece);
        loop {
            match client.next(now) {
                Ok(None) => break,
                Ok(Some(Event::Described(description))) => {
                    events.push(format!("{description:?}"));
                    let media = 0..description.media.len().min(2);
                    let wanted = media
                        .map(|media| Wanted { media, lower: Lower::Interleaved(2 * media as u8) });
                    client.set_up(now, wanted.collect());
                }
                Ok(Some(event)) => events.push(format!("{event:?}")),
                Err(error) => return (events, Some(error)),
            }
        }
        client.handle_timeout(now).expect("no time passed");
    }
    // A request for each answer, and an answer for each request.
    let bytes = client.take_output();
    assert!(bytes.windows(2).filter(|window| window == b"\r\n").count() < 1 << 20);
    (events, None)
}

pub fn run(input: &[u8]) {
    let Some((&length, bytes)) = input.split_first() else { return };
    let (whole, error) = events(std::iter::once(bytes));
    let (pieces, late) = events(bytes.chunks(usize::from(length).max(1)));
    assert_eq!((pieces, late.is_some()), (whole, error.is_some()));
    describe(bytes);
}

/// The same bytes as a description, and as AAC of what it describes.
fn describe(bytes: &[u8]) {
    let Some(description) = Description::parse(&String::from_utf8_lossy(bytes)) else { return };
    for format in description.media.iter().flat_map(|media| &media.formats) {
        let Ok(aac) = AacFormat::read(format) else { continue };
        let mut units = AccessUnits::default();
        for payload in bytes.chunks(64) {
            let mut frames = 0;
            units.receive(&aac, 0, payload, |_, frame| frames += frame.len());
            assert!(frames <= 8191, "no more than a frame that was in pieces, or what is there");
        }
    }
}
