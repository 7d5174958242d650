use medialoom::codec::multiplex::{
    Multiplexed, classify, stun_is_request, stun_is_response, stun_local_ufrag,
};

pub fn run(packet: &[u8]) {
    let stun = classify(packet) == Multiplexed::Stun;
    let request = stun_is_request(packet);
    let response = stun_is_response(packet);
    assert!(stun || !(request || response));
    assert!(!(request && response));
    if let Some(ufrag) = stun_local_ufrag(packet) {
        assert!(request && !ufrag.contains(':') && ufrag.len() < packet.len());
    }
}
