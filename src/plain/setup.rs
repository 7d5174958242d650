//! What a transport of plain RTP was told, in the engine's own types.

use super::error::PlainError;
use crate::codec::Kind;
use crate::codec::names::Rid;
use crate::control::rtp::{
    MAX_RTP_ALLOWED, MAX_RTP_MEDIA, MAX_RTP_PORTS, MAX_RTP_SOURCES, RtpKey, RtpMedia, RtpOptions,
    RtpPort,
};
use crate::sdp::Declared;
use crate::srtp::{KeyingMaterial, Profile};

/// What a transport is made of, with everything in it that can be wrong looked at.
#[derive(Debug)]
pub struct Setup {
    pub(super) media: Vec<Media>,
}

/// One line, and what it takes.
#[derive(Debug)]
pub(super) struct Media {
    pub(super) kind: Kind,
    pub(super) declared: Declared,
    pub(super) rids: Vec<Rid>,
    pub(super) keys: Vec<Keys>,
}

/// Of one port.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) send: Option<KeyingMaterial>,
    pub(super) receive: Option<KeyingMaterial>,
}

impl Setup {
    /// Looks at everything that was given.
    ///
    /// # Errors
    /// The first thing that cannot be.
    pub fn new(options: &RtpOptions) -> Result<Self, PlainError> {
        if options.media.is_empty() || options.media.len() > MAX_RTP_MEDIA {
            return Err(PlainError::Media);
        }
        let lines = options.media.iter().enumerate();
        let media = lines.map(|(place, media)| Media::new(place, media));
        Ok(Self { media: media.collect::<Result<_, _>>()? })
    }
}

impl Media {
    fn new(place: usize, given: &RtpMedia) -> Result<Self, PlainError> {
        if given.ports.is_empty() || given.ports.len() > MAX_RTP_PORTS {
            return Err(PlainError::Ports { media: place });
        }
        let kind = Kind::from(given.kind);
        let list = given.formats.iter();
        let list = list.map(|format| (format.payload_type, &*format.encoding, &*format.parameters));
        let declared = Declared::new(kind, list)
            .map_err(|wrong| PlainError::Format { media: place, format: wrong.index })?;
        if declared.formats.is_empty() {
            return Err(PlainError::NoFormat { media: place });
        }
        let mut rids: Vec<Rid> = Vec::new();
        let mut keys = Vec::with_capacity(given.ports.len());
        for (port, RtpPort { rid, allowed, sources, send_key, receive_key, .. }) in
            given.ports.iter().enumerate()
        {
            if allowed.len() > MAX_RTP_ALLOWED || sources.len() > MAX_RTP_SOURCES {
                return Err(PlainError::Allowed { media: place, port });
            }
            if given.ports.len() > 1 {
                // They are told apart by their ports whatever they are called.
                let rid = rid.as_deref().map_or_else(|| Rid::from(&*port.to_string()), Rid::from);
                if rids.contains(&rid) {
                    return Err(PlainError::Rid { media: place, port });
                }
                rids.push(rid);
            }
            let read = |key: &RtpKey| material(key).ok_or(PlainError::Key { media: place, port });
            keys.push(Keys {
                send: send_key.as_ref().map(read).transpose()?,
                receive: receive_key.as_ref().map(read).transpose()?,
            });
        }
        Ok(Self { kind, declared, rids, keys })
    }
}

/// The suites of RFC 4568 6.2, RFC 6188 4 and RFC 7714 14.2.
fn suite(name: &str) -> Option<Profile> {
    Some(match name {
        "AES_CM_128_HMAC_SHA1_80" => Profile::Aes128CmSha1_80,
        "AES_CM_128_HMAC_SHA1_32" => Profile::Aes128CmSha1_32,
        "AES_256_CM_HMAC_SHA1_80" => Profile::Aes256CmSha1_80,
        "AES_256_CM_HMAC_SHA1_32" => Profile::Aes256CmSha1_32,
        "AEAD_AES_128_GCM" => Profile::AeadAes128Gcm,
        "AEAD_AES_256_GCM" => Profile::AeadAes256Gcm,
        _ => return None,
    })
}

fn material(key: &RtpKey) -> Option<KeyingMaterial> {
    let pairs = key.key.as_bytes().chunks(2);
    let digit = |digit: &u8| char::from(*digit).to_digit(16);
    let bytes = pairs.map(|pair| match pair {
        [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
        _ => None,
    });
    KeyingMaterial::of_one_side(suite(&key.suite)?, &bytes.collect::<Option<Vec<u8>>>()?)
}
