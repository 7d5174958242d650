//! RTP that nothing protects (RFC 3551): a payload is where a sealed one would be, without a tag.

use super::Payload;

/// `body` is as long as the payload.
pub(super) fn seal_rtp(body: &mut [u8], payload: &Payload<'_>) -> Option<()> {
    let (prefix, rest) = body.split_at_mut_checked(payload.prefix.len())?;
    let (rest, padding) = rest.split_at_mut_checked(payload.rest.len())?;
    prefix.copy_from_slice(payload.prefix);
    rest.copy_from_slice(payload.rest);
    if let Some((count, zeros)) = padding.split_last_mut() {
        zeros.fill(0);
        *count = payload.padding;
    }
    Some(())
}
