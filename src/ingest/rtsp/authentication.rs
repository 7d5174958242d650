//! How a client shows that it knows a password: Digest (RFC 7616, RFC 2069) and Basic (RFC 7617).

use aws_lc_rs::digest::{SHA256, digest};

use super::md5::md5;
use super::url::Credentials;

/// Longest challenge that is read.
const MAX_CHALLENGE: usize = 1024;
/// Parameters of one challenge.
const MAX_PARAMETERS: usize = 16;
/// Challenges of one answer.
pub(super) const MAX_CHALLENGES: usize = 8;

/// What a server asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Challenge {
    Basic,
    Digest {
        realm: String,
        nonce: String,
        opaque: Option<String>,
        hash: Hash,
        quality: bool,
        stale: bool,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Hash {
    Md5,
    Sha256,
}

impl Challenge {
    /// The strongest of what a server offers; `None` when nothing of it is known.
    pub(super) fn strongest<'a>(offers: impl Iterator<Item = &'a str>) -> Option<Self> {
        offers.take(MAX_CHALLENGES).filter_map(Self::parse).max_by_key(Self::strength)
    }

    fn strength(&self) -> u8 {
        match self {
            Self::Basic => 0,
            Self::Digest { hash: Hash::Md5, .. } => 1,
            Self::Digest { hash: Hash::Sha256, .. } => 2,
        }
    }

    fn parse(value: &str) -> Option<Self> {
        if value.len() > MAX_CHALLENGE {
            return None;
        }
        let (scheme, rest) = value.trim().split_once([' ', '\t']).unwrap_or((value.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let given = parameters(rest);
        let find = |name: &str| {
            given
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| &**value)
        };
        let hash = match find("algorithm") {
            None => Hash::Md5,
            Some(name) if name.eq_ignore_ascii_case("md5") => Hash::Md5,
            Some(name) if name.eq_ignore_ascii_case("sha-256") => Hash::Sha256,
            Some(_) => return None,
        };
        // Without it, as RFC 2069 has it; of what is offered only `auth` is made.
        let quality = match find("qop") {
            None => false,
            Some(list) => list
                .split(',')
                .any(|word| word.trim().eq_ignore_ascii_case("auth"))
                .then_some(true)?,
        };
        Some(Self::Digest {
            realm: find("realm")?.to_owned(),
            nonce: find("nonce")?.to_owned(),
            opaque: find("opaque").map(str::to_owned),
            hash,
            quality,
            stale: find("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    /// The password was right, and what it was mixed with too old (RFC 7616 3.3).
    pub(super) fn is_stale(&self) -> bool {
        matches!(self, Self::Digest { stale: true, .. })
    }

    /// The value of `Authorization`. `count` is how often the nonce was used, this time included.
    pub(super) fn answer(
        &self,
        Credentials { user, password }: &Credentials,
        method: &str,
        uri: &str,
        count: u32,
        client_nonce: &str,
    ) -> String {
        let Self::Digest { realm, nonce, opaque, hash, quality, .. } = self else {
            return format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));
        };
        let hex = |text: String| match hash {
            Hash::Md5 => hex(&md5(text.as_bytes())),
            Hash::Sha256 => hex(digest(&SHA256, text.as_bytes()).as_ref()),
        };
        let secret = hex(format!("{user}:{realm}:{password}"));
        let asked = hex(format!("{method}:{uri}"));
        let response = if *quality {
            hex(format!("{secret}:{nonce}:{count:08x}:{client_nonce}:auth:{asked}"))
        } else {
            hex(format!("{secret}:{nonce}:{asked}"))
        };
        let mut value = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", response=\"{response}\"",
            quoted(user),
            quoted(realm),
            quoted(nonce)
        );
        if let Some(opaque) = opaque {
            value.push_str(&format!(", opaque=\"{}\"", quoted(opaque)));
        }
        if *hash == Hash::Sha256 {
            value.push_str(", algorithm=SHA-256");
        }
        if *quality {
            value.push_str(&format!(", qop=auth, nc={count:08x}, cnonce=\"{client_nonce}\""));
        }
        value
    }
}

/// `name=value` and `name="value"`, commas between them (RFC 9110 11.2).
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while found.len() < MAX_PARAMETERS {
        let Some((name, after)) = rest.trim_start_matches([' ', '\t', ',']).split_once('=') else {
            break;
        };
        let after = after.trim_start();
        let value = match after.strip_prefix('"') {
            Some(text) => {
                let mut value = String::new();
                let mut letters = text.char_indices();
                let end = loop {
                    match letters.next() {
                        Some((at, '"')) => break at + 1,
                        Some((_, '\\')) => value.extend(letters.next().map(|(_, letter)| letter)),
                        Some((_, letter)) => value.push(letter),
                        None => break text.len(),
                    }
                };
                rest = text.get(end..).unwrap_or_default();
                value
            }
            None => {
                let (value, following) = after.split_once(',').unwrap_or((after, ""));
                rest = following;
                value.trim().to_owned()
            }
        };
        found.push((name.trim().to_owned(), value));
    }
    found
}

/// As it stands between quotes (RFC 9110 5.6.4). Line breaks would end the header.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len());
    for letter in text.chars().filter(|letter| !letter.is_control()) {
        if matches!(letter, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// RFC 4648 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group
            .iter()
            .enumerate()
            .fold(0u32, |word, (at, byte)| word | u32::from(*byte) << (16 - 8 * at));
        for place in 0..4usize {
            let letter = LETTERS[(word >> (18 - 6 * place) & 0x3f) as usize];
            text.push(if place <= group.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn me(user: &str, password: &str) -> Credentials {
        Credentials { user: user.to_owned(), password: password.to_owned() }
    }

    #[test]
    fn the_examples_of_rfc_7616_3_9_1_are_answered() {
        let both = [
            r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#,
            r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#,
        ];
        let expected = [
            "8ca523f5e9506fed4657c9700eebdbec",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ];
        let nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let mufasa = me("Mufasa", "Circle of Life");
        for (offer, response) in both.iter().zip(expected) {
            let challenge = Challenge::strongest([*offer].into_iter()).unwrap();
            let answer = challenge.answer(&mufasa, "GET", "/dir/index.html", 1, nonce);
            assert!(answer.contains(&format!("response=\"{response}\"")), "{answer}");
            assert!(answer.contains("nc=00000001"));
        }
        let strongest = Challenge::strongest(["Basic realm=\"a\"", both[0], both[1]].into_iter());
        assert!(matches!(strongest, Some(Challenge::Digest { hash: Hash::Sha256, .. })));
    }

    #[test]
    fn what_cameras_offer_without_a_quality_is_answered_as_rfc_2069_has_it() {
        let offer = r#"Digest realm="IP Camera(C2345)", nonce="8a1b", stale="FALSE""#;
        let challenge = Challenge::strongest([offer].into_iter()).unwrap();
        assert!(!challenge.is_stale());
        let answer =
            challenge.answer(&me("admin", "12345"), "DESCRIBE", "rtsp://192.0.2.1/1", 1, "x");
        let secret = hex(&md5(b"admin:IP Camera(C2345):12345"));
        let asked = hex(&md5(b"DESCRIBE:rtsp://192.0.2.1/1"));
        let response = hex(&md5(format!("{secret}:8a1b:{asked}").as_bytes()));
        assert!(answer.contains(&response) && !answer.contains("qop"));
    }

    #[test]
    fn basic_is_the_last_that_is_taken_and_others_are_not() {
        let challenge = Challenge::strongest(["Basic realm=\"a\""].into_iter()).unwrap();
        assert_eq!(
            challenge.answer(&me("Aladdin", "open sesame"), "", "", 1, ""),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        for unknown in [
            "Negotiate abc",
            "Digest realm=\"a\"",
            "Digest realm=\"a\", nonce=\"b\", qop=\"auth-int\"",
            "",
        ] {
            assert_eq!(Challenge::strongest([unknown].into_iter()), None, "{unknown}");
        }
    }

    #[test]
    fn a_realm_breaks_out_of_no_line_and_no_quotes() {
        let offer = "Digest realm=\"a\\\"b\\\\\", nonce=\"c\u{1}d\"";
        let challenge = Challenge::strongest([offer].into_iter()).unwrap();
        let answer = challenge.answer(&me("x\r\ny", "z"), "PLAY", "rtsp://a", 1, "n");
        assert!(answer.contains(r#"realm="a\"b\\""#) && answer.contains("nonce=\"cd\""));
        assert!(!answer.contains('\r') && !answer.contains('\n'));
    }
}
