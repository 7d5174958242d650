//! SDP fragments: candidates and ICE restarts as WHIP and WHEP carry them (RFC 8840 9, RFC 9725
//! 4.3).

use super::attributes::credential;
use super::lines::lines;
use super::{MAX_CANDIDATES, MAX_SDP, SdpError};

/// What a fragment says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Fragment<'a> {
    pub ufrag: Option<&'a str>,
    pub pwd: Option<&'a str>,
    /// `candidate:...`, at most [`MAX_CANDIDATES`].
    pub candidates: Vec<&'a str>,
    /// `a=end-of-candidates` (RFC 8840 8.2).
    pub complete: bool,
}

/// Reads a fragment. Of credentials that stand in it twice, the first count.
///
/// # Errors
/// Where it is larger than a description may be, its credentials are none, or nothing in it is about
/// ICE.
pub fn parse_fragment(text: &str) -> Result<Fragment<'_>, SdpError> {
    if text.len() > MAX_SDP {
        return Err(SdpError::TooLarge);
    }
    let mut fragment = Fragment::default();
    for line in lines(text) {
        let Some(attribute) = line.strip_prefix("a=") else { continue };
        match attribute.split_once(':').unwrap_or((attribute, "")) {
            ("ice-ufrag", value) => {
                fragment.ufrag.get_or_insert(credential(line, value.trim())?);
            }
            ("ice-pwd", value) => {
                fragment.pwd.get_or_insert(credential(line, value.trim())?);
            }
            ("candidate", _) if fragment.candidates.len() < MAX_CANDIDATES => {
                fragment.candidates.push(attribute);
            }
            ("end-of-candidates", _) => fragment.complete = true,
            _ => {}
        }
    }
    if fragment.ufrag.is_none() && fragment.candidates.is_empty() && !fragment.complete {
        let reason = "a fragment has ICE credentials, candidates or the end of candidates";
        return Err(SdpError::whole(reason));
    }
    Ok(fragment)
}

/// The fragment that says what a description of ours says about ICE.
pub fn fragment_of(sdp: &str) -> String {
    let mut out = String::new();
    let mut credentials = [false; 2];
    let mut in_first_media = false;
    for line in sdp.lines() {
        if line.starts_with("m=") {
            if in_first_media {
                break;
            }
            in_first_media = true;
            out.push_str(line);
            out.push_str("\r\n");
        }
        let wanted = match line {
            "a=ice-lite" | "a=end-of-candidates" => true,
            _ if line.starts_with("a=ice-ufrag:") => !std::mem::replace(&mut credentials[0], true),
            _ if line.starts_with("a=ice-pwd:") => !std::mem::replace(&mut credentials[1], true),
            _ => line.starts_with("a=mid:") || line.starts_with("a=candidate:"),
        };
        if wanted {
            out.push_str(line);
            out.push_str("\r\n");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragments_carry_credentials_and_candidates() {
        let fragment = parse_fragment(
            "a=ice-ufrag:abcd\r\na=ice-pwd:secret\r\nm=audio 9 X 0\r\na=mid:0\r\n\
             a=candidate:1 1 UDP 1 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n",
        )
        .unwrap();
        assert_eq!((fragment.ufrag, fragment.pwd), (Some("abcd"), Some("secret")));
        assert_eq!(fragment.candidates, ["candidate:1 1 UDP 1 127.0.0.1 9 typ host"]);
        assert!(fragment.complete);
    }

    #[test]
    fn credentials_of_a_fragment_are_those_that_a_description_may_have() {
        let long = "x".repeat(257);
        for odd in ["", "with space", "bell\u{7}", &long] {
            for line in ["a=ice-ufrag", "a=ice-pwd"] {
                let text = format!("{line}:{odd}\r\na=end-of-candidates\r\n");
                assert!(parse_fragment(&text).is_err(), "{text}");
            }
        }
    }

    #[test]
    fn a_fragment_without_ice_is_none() {
        for text in ["", "nonsense", "m=audio 9 X 0\r\na=mid:0\r\n"] {
            assert!(parse_fragment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_fragment_of_a_description_is_what_it_says_of_ice() {
        let sdp = "v=0\r\na=ice-ufrag:a\r\na=ice-pwd:b\r\na=setup:active\r\nm=audio 9 X 0\r\n";
        assert_eq!(fragment_of(sdp), "a=ice-ufrag:a\r\na=ice-pwd:b\r\nm=audio 9 X 0\r\n");
    }
}
