use medialoom::codec::Codec;
use medialoom::sdp::description::Setup;
use medialoom::sdp::{
    Capabilities, Draft, LocalSession, OpusParameters, Standing, answer, outcome, parse, write,
};

/// A description of a peer: answered, read back, and answered again.
pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(offer) = parse(text) else { return };
    let capabilities = Capabilities {
        codecs: Codec::ALL.to_vec(),
        red: true,
        opus: OpusParameters::default(),
        max_message_size: 65_536,
    };
    let standing = Standing { ice_lite: true, active: None };
    let Ok(agreement) = answer(&offer, &[], &capabilities, standing) else { return };
    assert_eq!(agreement.lines.len(), offer.media.len());
    let session = LocalSession {
        id: 1,
        version: 1,
        ice_lite: false,
        ufrag: "abcd".into(),
        pwd: "0123456789012345678901".into(),
        fingerprint: format!("sha-256 {}", vec!["AB"; 32].join(":")),
        setup: Setup::Passive,
        candidates: Vec::new(),
        ice_options: agreement.ice_options,
        extmap_allow_mixed: agreement.extmap_allow_mixed,
        group: !agreement.group.is_empty(),
        max_message_size: 65_536,
        max_bitrate: Some(1_000_000),
    };
    let lines: Vec<_> = agreement.lines.iter().map(|line| &line.local).collect();
    let answered = write(&session, &lines, &agreement.group);
    let read = parse(&answered).expect("what is written can be read");
    for (asked, given) in offer.media.iter().zip(&read.media) {
        assert_eq!((asked.mid(), asked.profile), (given.mid(), given.profile));
    }

    // The same lines offered again, and answered by what was just written.
    let draft = Draft::new(&capabilities, &agreement.lines);
    let renewed: Vec<_> = agreement.lines.iter().map(|line| draft.renewed(line)).collect();
    let _ = outcome(&renewed, &read, &capabilities, Standing::default());
    let again = answer(&offer, &agreement.lines, &capabilities, standing);
    assert_eq!(again.as_ref(), Ok(&agreement), "the same offer changes nothing");
}
