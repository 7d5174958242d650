//! What becomes of files, in memory.

use super::Step;

/// Does all of it to a file.
pub fn apply(file: &mut Vec<u8>, steps: &[Step]) {
    let mut len = file.len() as u64;
    for step in steps {
        step.perform(file, &mut len).unwrap();
    }
}
