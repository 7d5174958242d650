//! What the engine is made of.

use crate::srtp;

/// Names and versions of the engine and of the libraries in C that are linked into it, as the
/// libraries themselves say.
pub fn versions() -> Vec<(&'static str, String)> {
    #[cfg(feature = "mcu")]
    let mixing = crate::mcu::library_versions();
    #[cfg(not(feature = "mcu"))]
    let mixing = Vec::new();
    let always =
        [("medialoom", env!("CARGO_PKG_VERSION").to_owned()), ("awslc", srtp::library_version())];
    always.into_iter().chain(mixing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_begins_with_two_numbers() {
        for (name, version) in versions() {
            let mut parts = version.split(['.', '-']);
            let numbers = [parts.next(), parts.next()].map(|part| part?.parse::<u32>().ok());
            assert!(numbers.iter().all(Option::is_some), "{name} {version}");
        }
    }
}
