//! Retransmissions (RFC 4588): which packet one is.

/// Splits the payload of a retransmission into the sequence number that the original had and what
/// it carried (RFC 4588 4). `None` for padding, which probes how much the link carries: it repeats
/// nothing.
pub(super) fn original(payload: &[u8]) -> Option<(u16, &[u8])> {
    let (sequence, payload) = payload.split_first_chunk()?;
    (!payload.is_empty()).then_some((u16::from_be_bytes(*sequence), payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_leads_the_payload() {
        assert_eq!(original(&[0x12, 0x34, 5, 6]), Some((0x1234, &[5, 6][..])));
    }

    #[test]
    fn padding_repeats_nothing() {
        assert_eq!(original(&[]), None);
        assert_eq!(original(&[0x12]), None);
        assert_eq!(original(&[0x12, 0x34]), None);
    }
}
