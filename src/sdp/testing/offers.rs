//! Offers of this side, and what answers make of them.

use std::collections::HashMap;

use super::super::description::Direction;
use super::super::{Agreement, Draft, OfferedLine, outcome, parse, write};
use super::{LITE, Lines, agree, both, capabilities, session, usable};
use crate::codec::Kind;
use crate::codec::format::Format;

fn empty() -> Agreement {
    Agreement {
        lines: Vec::new(),
        transport: None,
        group: Vec::new(),
        extmap_allow_mixed: true,
        ice_options: "trickle",
    }
}

fn offer(kinds: &[Kind]) -> Vec<OfferedLine> {
    let capabilities = capabilities();
    let mut draft = Draft::new(&capabilities, &[]);
    let line =
        |(index, kind): (usize, &Kind)| draft.media(*kind, index.to_string().as_str().into());
    kinds.iter().enumerate().map(line).collect()
}

fn offered_text(offer: &[OfferedLine]) -> String {
    let lines: Vec<_> = offer.iter().map(|line| &line.local).collect();
    let group: Vec<usize> = (0..offer.len()).collect();
    write(&session(&empty()), &lines, &group).replace("a=ice-lite\r\n", "")
}

#[test]
fn an_offer_can_be_answered_by_the_same_rules() {
    let ours = offer(&[Kind::Audio, Kind::Video]);
    let theirs = agree(&offered_text(&ours)).unwrap();
    let answer = super::text(&theirs).replace("a=ice-lite\r\n", "").replace("passive", "active");
    let agreement = outcome(&ours, &parse(&answer).unwrap(), &capabilities(), LITE).unwrap();
    assert_eq!(usable(&agreement.lines), [true, true]);
    for (line, offered) in agreement.lines.iter().zip(&ours) {
        assert_eq!(line.receive.len(), offered.formats.len());
        assert_eq!(line.receive, line.send);
        assert_eq!(line.local.extensions, offered.local.extensions);
    }
}

#[test]
fn no_number_means_two_things_in_an_offer() {
    let peer = both().replaced("111", "98").replaced("96", "63").sdp();
    let agreement = agree(&peer).unwrap();
    let capabilities = capabilities();
    let mut draft = Draft::new(&capabilities, &agreement.lines);
    let mut offer: Vec<_> = agreement.lines.iter().map(|line| draft.renewed(line)).collect();
    offer.push(draft.media(Kind::Audio, "2".into()));
    offer.push(draft.media(Kind::Video, "3".into()));
    offer.push(draft.media(Kind::Video, "4".into()));
    let mut meanings: HashMap<u8, String> = HashMap::new();
    for line in &offer {
        for payload in line.local.payloads.iter() {
            let meaning = format!("{:?}", payload.name);
            assert_eq!(*meanings.entry(payload.pt).or_insert_with(|| meaning.clone()), meaning);
            assert!(!(64..96).contains(&payload.pt));
        }
    }
    let audio = &offer[2].formats;
    assert_eq!(audio[0].pt, 98, "a codec keeps the number it has");
    assert_eq!(offer[3].formats, offer[4].formats);
}

#[test]
fn an_answer_may_have_numbers_of_its_own() {
    let ours = offer(&[Kind::Video]);
    let answer = Lines::head(&["0"])
        .then(Lines::video("0", Direction::RecvOnly))
        .replaced("96", "120")
        .replaced("97", "121")
        .replaced("actpass", "active")
        .sdp();
    let agreement = outcome(&ours, &parse(&answer).unwrap(), &capabilities(), LITE).unwrap();
    let line = &agreement.lines[0];
    let numbers = |formats: &[Format]| formats.iter().map(|f| (f.pt, f.rtx)).collect::<Vec<_>>();
    assert_eq!(numbers(&line.send), [(120, Some(121))]);
    assert_eq!(numbers(&line.receive), [(96, Some(97))]);
    let pts: Vec<u8> = line.local.payloads.iter().map(|p| p.pt).collect();
    assert_eq!(pts, [96, 97]);
}

#[test]
fn an_answer_that_gives_one_number_to_two_codecs_is_taken() {
    let ours = offer(&[Kind::Audio, Kind::Video]);
    let answer = Lines::head(&["0", "1"])
        .then(Lines::audio("0", Direction::RecvOnly).replaced("111", "96"))
        .then(Lines::video("1", Direction::RecvOnly))
        .replaced("actpass", "active")
        .sdp();
    let agreement = outcome(&ours, &parse(&answer).unwrap(), &capabilities(), LITE).unwrap();
    assert_eq!(agreement.lines[0].send[0].pt, 96);
    assert_eq!(agreement.lines[0].receive[0].pt, 111);
}

#[test]
fn what_is_no_answer_to_the_offer_is_refused() {
    let ours = offer(&[Kind::Video]);
    let good = Lines::head(&["0"])
        .then(Lines::video("0", Direction::RecvOnly))
        .replaced("actpass", "active");
    let refused = |answer: Lines| {
        let text = answer.sdp();
        outcome(&ours, &parse(&text).unwrap(), &capabilities(), LITE)
            .map(|_| ())
            .map_err(|error| error.line().map(str::to_owned))
    };
    assert_eq!(refused(good.clone()), Ok(()));
    let renamed = good.clone().replaced("a=mid:0", "a=mid:7").replaced("BUNDLE 0", "BUNDLE 7");
    assert_eq!(refused(renamed), Err(Some("a=mid:7".into())));
    let unsure = good.clone().replaced("a=setup:active", "a=setup:actpass");
    assert_eq!(refused(unsure), Err(Some("a=setup:actpass".into())));
    assert!(refused(good.clone().without("a=rtcp-mux")).is_err());
    assert!(refused(good.clone().then(Lines::audio("1", Direction::RecvOnly))).is_err());
    assert!(refused(good.replaced("m=video", "m=audio")).is_err());
}

#[test]
fn a_refused_line_of_an_offer_stays_refused() {
    let ours = offer(&[Kind::Audio, Kind::Video]);
    let answer = Lines::head(&["0"])
        .then(Lines::audio("0", Direction::RecvOnly))
        .with(&["m=video 0 UDP/TLS/RTP/SAVPF 96"])
        .replaced("actpass", "active")
        .sdp();
    let agreement = outcome(&ours, &parse(&answer).unwrap(), &capabilities(), LITE).unwrap();
    assert_eq!(usable(&agreement.lines), [true, false]);
    assert_eq!(agreement.group, [0]);
}
