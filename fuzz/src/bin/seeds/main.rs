//! Writes what fuzzing begins with: a few small inputs of each protocol into `seeds/`, which is part
//! of the repository, and good streams and files for the mixers into `corpus/`.

#[cfg(feature = "mcu")]
mod mixers;
mod payloads;
mod peers;
mod protocols;
mod pushing;

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    payloads::write()?;
    protocols::write()?;
    peers::write()?;
    pushing::write()?;
    #[cfg(feature = "mcu")]
    mixers::write()?;
    Ok(())
}

/// Keeps a seed of a target in the repository.
fn keep(target: &str, name: &str, data: &[u8]) -> std::io::Result<()> {
    save("seeds", target, name, data)
}

fn save(folder: &str, target: &str, name: &str, data: &[u8]) -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), data)
}
