//! Files of sound and pictures, those that are small.

use medialoom::container::samples;

use super::keep;

/// libFuzzer changes small inputs best.
const MAX: usize = 4_000;

pub fn write() -> std::io::Result<()> {
    for (index, (target, file)) in samples::all().into_iter().enumerate() {
        // Of WAV some samples are enough; the room for tracks of a recording is of no interest.
        let file = if target == "wav" { &file[..1_000] } else { &file[..] };
        if file.len() <= MAX {
            keep(target, &format!("file-{index}"), file)?;
        }
    }
    Ok(())
}
