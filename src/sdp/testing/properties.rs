//! What holds for every offer, tried on many made by chance.

use rand::rngs::SmallRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};

use super::super::description::Direction;
use super::super::lines::lines;
use super::super::{answer, outcome, parse};
use super::{LITE, Lines, agree, capabilities, sections, text, value};

const DIRECTIONS: [Direction; 4] =
    [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];

fn offer(random: &mut SmallRng) -> Lines {
    let count = random.random_range(1..8);
    let mids: Vec<String> = (0..count).map(|n| format!("{n}-{}", "x".repeat(n * 9))).collect();
    let named: Vec<&str> =
        mids.iter().map(String::as_str).filter(|_| random.random_ratio(9, 10)).collect();
    let mut lines = Lines::head(if random.random_ratio(4, 5) { &named } else { &[] });
    for mid in &mids {
        let mid = if random.random_ratio(9, 10) { mid } else { "" };
        let direction = *DIRECTIONS.choose(random).unwrap();
        let mut section = match random.random_range(0..5) {
            0 => Lines::audio(mid, direction),
            1 => Lines::application(mid),
            2 => Lines::media("text", "98", mid, direction),
            _ => Lines::video(mid, direction),
        };
        if random.random_ratio(1, 6) {
            section = section.replaced(" 9 ", " 0 ");
        }
        if random.random_ratio(1, 6) {
            section = section.replaced("VP8", "Theora");
        }
        if random.random_ratio(1, 6) {
            section = section.replaced("UDP/TLS/RTP/SAVPF", "RTP/SAVP");
        }
        if random.random_ratio(1, 4) {
            section = section.replaced("96", "111").with(&["a=rtpmap:0 x/1", "a=fmtp:111 apt=0"]);
        }
        if random.random_ratio(1, 4) {
            section = section.with(&["a=rid:h send", "a=rid:l send", "a=simulcast:send ~h;l"]);
        }
        lines = lines.then(section);
    }
    lines
}

#[test]
fn answers_have_the_lines_names_and_numbers_of_their_offers() {
    let mut random = SmallRng::seed_from_u64(1);
    let mut accepted = 0;
    for _ in 0..400 {
        let offer = offer(&mut random).sdp();
        let Ok(agreement) = agree(&offer) else { continue };
        accepted += 1;
        let text = text(&agreement);
        let (asked, given) = (sections(&offer), sections(&text));
        assert_eq!(asked.len(), given.len(), "{offer}\n{text}");
        for (asked, given) in asked.iter().zip(&given) {
            assert_eq!(value(asked, "a=mid:"), value(given, "a=mid:"), "{asked}\n{given}");
            let words = |section: &str| -> Vec<String> {
                section.lines().next().unwrap().split(' ').map(str::to_owned).collect()
            };
            let (asked, given) = (words(asked), words(given));
            assert_eq!((&asked[0], &asked[2]), (&given[0], &given[2]));
            assert!(given[3..].iter().all(|pt| asked[3..].contains(pt)), "{asked:?} {given:?}");
        }
        parse(&text).unwrap();
    }
    assert!(accepted > 200, "{accepted}");
}

#[test]
fn the_same_offer_again_changes_nothing() {
    let mut random = SmallRng::seed_from_u64(2);
    for _ in 0..200 {
        let offer = offer(&mut random).sdp();
        let Ok(first) = agree(&offer) else { continue };
        let again = answer(&parse(&offer).unwrap(), &first.lines, &capabilities(), LITE).unwrap();
        assert_eq!(first, again, "{offer}");
    }
}

#[test]
fn the_same_answer_again_changes_nothing() {
    let capabilities = capabilities();
    let mut draft = super::super::Draft::new(&capabilities, &[]);
    let offer = [
        draft.media(crate::codec::Kind::Audio, "0".into()),
        draft.media(crate::codec::Kind::Video, "1".into()),
        draft.application("2".into()),
    ];
    let mut random = SmallRng::seed_from_u64(3);
    for _ in 0..100 {
        let direction = *DIRECTIONS.choose(&mut random).unwrap();
        let answer = Lines::head(&["0", "1", "2"])
            .then(Lines::audio("0", direction))
            .then(Lines::video("1", direction))
            .then(Lines::application("2"))
            .replaced("actpass", "active")
            .sdp();
        let answer = parse(&answer).unwrap();
        let first = outcome(&offer, &answer, &capabilities, LITE).unwrap();
        let draft = super::super::Draft::new(&capabilities, &first.lines);
        let renewed: Vec<_> = first.lines.iter().map(|line| draft.renewed(line)).collect();
        let again = outcome(&renewed, &answer, &capabilities, LITE).unwrap();
        assert_eq!(first, again);
    }
}

#[test]
fn text_that_was_tampered_with_is_taken_or_blamed_on_a_line_that_is_there() {
    let mut random = SmallRng::seed_from_u64(4);
    let letters = b"=:;,~ \r\n0a9-*/\xff\xc3";
    for _ in 0..3000 {
        let mut bytes = offer(&mut random).sdp().into_bytes();
        for _ in 0..random.random_range(1..12) {
            let at = random.random_range(0..bytes.len());
            match random.random_range(0..4) {
                0 => bytes[at] = *letters.choose(&mut random).unwrap(),
                1 => {
                    bytes.remove(at);
                }
                2 => bytes.insert(at, *letters.choose(&mut random).unwrap()),
                _ => {
                    let end = (at + random.random_range(0..80)).min(bytes.len());
                    let copy = bytes[at..end].to_vec();
                    let to = random.random_range(0..bytes.len());
                    bytes.splice(to..to, copy);
                }
            }
        }
        let sdp = String::from_utf8_lossy(&bytes);
        match agree(&sdp) {
            Ok(agreement) => {
                parse(&text(&agreement)).unwrap();
            }
            Err(error) => {
                if let Some(blamed) = error.line() {
                    assert!(lines(&sdp).any(|line| line.starts_with(blamed)), "{blamed:?}\n{sdp}");
                }
            }
        }
    }
}
