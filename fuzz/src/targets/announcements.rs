//! Descriptions that announce without asking for an answer, and formats one by one. What is read can be
//! taken: its formats are those that were announced.

use medialoom::codec::Kind;
use medialoom::sdp::{Declared, announced};

pub fn run(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Ok(lines) = announced(&text) else { return };
    for line in lines {
        let kind = if line.kind == "audio" { Kind::Audio } else { Kind::Video };
        let list = line.formats.iter().map(|f| (f.payload_type, &*f.encoding, &*f.parameters));
        let declared = Declared::new(kind, list).expect("what was announced means something");
        assert!(!declared.formats.is_empty());
    }
}
