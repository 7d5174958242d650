//! URLs of RTSP (RFC 2326 3.2), as far as a client takes them apart.

use std::fmt;

use super::error::RtspError;

/// Longest URL that is taken, in bytes.
const MAX_URL: usize = 2048;
/// RFC 7826 22.1.
const DEFAULT_PORT: u16 = 554;
/// In TLS (RFC 7826 22.1).
const DEFAULT_SECURE_PORT: u16 = 322;

/// Who to be towards a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Where something is. As text it has no credentials: requests never carry them in their URL.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url {
    /// `rtsps:`, RTSP in TLS (RFC 7826 19.2).
    pub secure: bool,
    /// A name or an address, without the brackets of IPv6.
    pub host: String,
    pub port: u16,
    /// With its slash, and the query.
    path: String,
}

impl Url {
    /// Reads a URL, and the credentials that stand in it.
    ///
    /// # Errors
    /// [`RtspError::Url`] for what is none of `rtsp:` or `rtsps:`, too long, or has characters that no URL has.
    pub fn parse(text: &str) -> Result<(Self, Option<Credentials>), RtspError> {
        Self::read(text).ok_or(RtspError::Url)
    }

    fn read(text: &str) -> Option<(Self, Option<Credentials>)> {
        // What is in it goes into the lines of requests.
        if text.len() > MAX_URL || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let (scheme, rest) = text.split_once("://")?;
        let secure = scheme.eq_ignore_ascii_case("rtsps");
        if !secure && !scheme.eq_ignore_ascii_case("rtsp") {
            return None;
        }
        let (rest, _) = rest.split_once('#').unwrap_or((rest, ""));
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        let (user, place) = match authority.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, authority),
        };
        let (host, port) = match place.strip_prefix('[') {
            Some(literal) => {
                let (host, port) = literal.split_once(']')?;
                (host, port.strip_prefix(':').or(port.is_empty().then_some(""))?)
            }
            None => place.split_once(':').unwrap_or((place, "")),
        };
        let port = if port.is_empty() { default_port(secure) } else { port.parse().ok()? };
        if host.is_empty() || port == 0 {
            return None;
        }
        let credentials = user.map(|user| {
            let (user, password) = user.split_once(':').unwrap_or((user, ""));
            Credentials { user: decoded(user), password: decoded(password) }
        });
        let path = if path.starts_with('?') { format!("/{path}") } else { path.to_owned() };
        Some((Self { secure, host: host.to_owned(), port, path }, credentials))
    }

    /// Whether both are at the same server, as well protected.
    pub fn is_beside(&self, other: &Self) -> bool {
        self.secure == other.secure
            && self.host.eq_ignore_ascii_case(&other.host)
            && self.port == other.port
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secure, host, port, path } = self;
        f.write_str(if *secure { "rtsps://" } else { "rtsp://" })?;
        if host.contains(':') { write!(f, "[{host}]") } else { f.write_str(host) }?;
        if *port != default_port(*secure) {
            write!(f, ":{port}")?;
        }
        f.write_str(path)
    }
}

fn default_port(secure: bool) -> u16 {
    if secure { DEFAULT_SECURE_PORT } else { DEFAULT_PORT }
}

/// Where a line of a description is controlled (RFC 2326 C.1.1). Servers that say `trackID=1` mean it
/// below the base, whatever the last part of that is.
pub(super) fn controlled(base: &str, control: &str) -> Option<String> {
    let whole = match control {
        "" | "*" => base.to_owned(),
        absolute if absolute.contains("://") => absolute.to_owned(),
        relative if base.ends_with('/') => format!("{base}{}", relative.trim_start_matches('/')),
        relative => format!("{base}/{}", relative.trim_start_matches('/')),
    };
    let fits = whole.len() <= MAX_URL && whole.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(whole)
}

/// Bytes that stand in a URL as `%41` (RFC 3986 2.1). What cannot be read stays as it is.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digit = |digit: u8| char::from(digit).to_digit(16);
        let byte = match (first, after) {
            (b'%', [high, low, ..]) => {
                digit(*high).zip(digit(*low)).map(|(h, l)| (h << 4 | l) as u8)
            }
            _ => None,
        };
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_its_text_has_no_credentials() {
        let (url, credentials) =
            Url::parse("rtsp://me%40home:w%3Aord@camera.local:8554/a/b?c=1#d").unwrap();
        assert_eq!((&*url.host, url.port), ("camera.local", 8554));
        assert_eq!(url.to_string(), "rtsp://camera.local:8554/a/b?c=1");
        let credentials = credentials.unwrap();
        assert_eq!((&*credentials.user, &*credentials.password), ("me@home", "w:ord"));
        assert!(!format!("{credentials:?}").contains("w:ord"));
        let (url, credentials) = Url::parse("RTSP://[2001:db8::1]").unwrap();
        assert_eq!((&*url.host, url.port, credentials), ("2001:db8::1", 554, None));
        assert_eq!(url.to_string(), "rtsp://[2001:db8::1]");
    }

    #[test]
    fn one_in_tls_has_a_port_of_its_own_and_is_another_server() {
        let read = |text| Url::parse(text).unwrap().0;
        let secure = read("rtsps://camera.local/a");
        assert_eq!((secure.secure, secure.port), (true, 322));
        assert_eq!(secure.to_string(), "rtsps://camera.local/a");
        assert_eq!(read("rtsps://camera.local:554/").to_string(), "rtsps://camera.local:554/");
        assert!(secure.is_beside(&read("RTSPS://Camera.local:322/b")));
        assert!(!secure.is_beside(&read("rtsp://camera.local:322/a")), "nothing protects it there");
    }

    #[test]
    fn what_is_no_url_of_rtsp_is_refused() {
        let long = format!("rtsp://a/{}", "b".repeat(MAX_URL));
        for text in [
            "",
            "http://a/",
            "rtsp://",
            "rtsp:///a",
            "rtsp://a:0/",
            "rtsp://a:x/",
            "rtsp://[::1",
            "rtsp://a/\r\nb",
            "rtsp://a/ b",
            &long,
        ] {
            assert_eq!(Url::parse(text), Err(RtspError::Url), "{text}");
        }
    }

    #[test]
    fn a_control_is_below_the_base_or_stands_for_itself() {
        let is = |base, control| controlled(base, control).unwrap();
        assert_eq!(is("rtsp://a/b", "*"), "rtsp://a/b");
        assert_eq!(is("rtsp://a/b", "trackID=1"), "rtsp://a/b/trackID=1");
        assert_eq!(is("rtsp://a/b/", "trackID=1"), "rtsp://a/b/trackID=1");
        assert_eq!(is("rtsp://a/b/", "/c"), "rtsp://a/b/c");
        assert_eq!(is("rtsp://a/b", "rtsp://a/c/1"), "rtsp://a/c/1");
        assert_eq!(controlled("rtsp://a/b", "x y"), None);
    }
}
