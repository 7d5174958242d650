//! What the engine is made of.

use crate::srtp;

/// Names and versions of the engine and of the libraries in C that are linked into it, as the
/// libraries themselves say.
pub fn versions() -> Vec<(&'static str, String)> {
    let mut versions = vec![
        ("medialoom", env!("CARGO_PKG_VERSION").to_owned()),
        ("awslc", srtp::library_version()),
    ];
    #[cfg(feature = "mcu")]
    versions.extend(crate::mcu::library_versions());
    versions
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
