//! A file that a recorder may have begun. What it is made of is never longer than it.

use medialoom::container::Step;
use medialoom::container::webm::repair;

/// An index takes more bytes than the blocks it tells of, but not many times.
const MOST_PER_BYTE: usize = 16;
/// Of sizes, seek head and duration.
const HEADERS: usize = 1_024;

pub fn run(data: &[u8]) {
    let Ok(repaired) = repair(data, data.len() as u64) else { return };
    assert!(repaired.len <= data.len() as u64);
    let mut written = 0;
    for step in &repaired.steps {
        match step {
            Step::Append(bytes) => written += bytes.len(),
            Step::Overwrite { at, bytes } => {
                assert!(at + bytes.len() as u64 <= repaired.len + written as u64);
                written += bytes.len();
            }
        }
    }
    assert!(written <= HEADERS + data.len() * MOST_PER_BYTE, "{written} for {}", data.len());
}
