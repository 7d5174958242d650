//! Any bytes as a packet: fields, extensions in both forms, padding.

use medialoom::receiving::RtpHeader;

pub fn run(input: &[u8]) {
    let Some(header) = RtpHeader::parse(input) else { return };
    assert!(header.length <= input.len());
    let mut bytes = 0;
    for element in header.elements() {
        assert!(element.id != 0);
        bytes += 1 + element.value.len();
    }
    assert!(bytes <= header.length, "nothing is read that is not there");
    if let Some(payload) = header.payload(&input[header.length..]) {
        assert!(payload.len() <= input.len() - header.length);
    }
}
