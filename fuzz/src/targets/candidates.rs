//! Candidates line by line, and the whole as a fragment (RFC 8839, RFC 8840).

use medialoom::sdp::candidate::{self, Candidate};
use medialoom::sdp::{MAX_CANDIDATES, fragment_of, parse_fragment};

pub fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    for line in text.lines() {
        let Ok(Candidate::Usable(read)) = candidate::parse(line) else { continue };
        let again = candidate::parse(&read.to_string());
        assert_eq!(again, Ok(Candidate::Usable(read)), "what is written reads the same");
    }
    let Ok(fragment) = parse_fragment(text) else { return };
    assert!(fragment.candidates.len() <= MAX_CANDIDATES);
    fragment_of(text);
}
