//! The first byte chooses the profile, the second the byte that is changed in what is sealed. The
//! rest is opened as it is, and sealed and opened.

use medialoom::srtp::{KeyingMaterial, Profile, RtcpOpener, Sealer};

pub fn run(input: &[u8]) {
    let &[profile, at, ref bytes @ ..] = input else { return };
    let profile = Profile::ALL[usize::from(profile) % Profile::ALL.len()];
    let exported = vec![7; 2 * (profile.key_len() + profile.salt_len())];
    let material = KeyingMaterial::new(profile, &exported).expect("of the profile's length");
    let mut sealer = Sealer::new(&material, true).expect("the keys are accepted");
    let mut opener = RtcpOpener::new(&material, false).expect("the keys are accepted");

    let mut plain = Vec::new();
    assert!(!opener.open(bytes, &mut plain) && plain.is_empty(), "nobody forges a tag");

    let mut packet = [bytes, &[0; 32]].concat();
    let Some(len) = sealer.seal_rtcp(&mut packet, bytes.len()) else {
        assert!(bytes.len() < 8);
        return;
    };
    packet.truncate(len);
    let mut changed = packet.clone();
    changed[usize::from(at) % len] ^= 1 << (at % 8);
    assert!(!opener.open(&changed, &mut plain) && plain.is_empty());
    let rtcp = bytes[0] >> 6 == 2;
    assert_eq!(opener.open(&packet, &mut plain), rtcp);
    if rtcp {
        assert_eq!(plain, bytes);
        assert!(!opener.open(&packet, &mut plain) && plain.is_empty(), "a packet opens once");
    }
}
