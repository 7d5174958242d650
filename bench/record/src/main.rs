//! `npm run bench:record`: prints a line of JSON for each figure. On fake time, so what is measured is
//! CPU and not waiting; the files are real ones.

mod allocations;
mod disk;
mod inlet;
mod memory;
mod recording;

use std::path::PathBuf;

use medialoom::control::recorder::RecordingFormat;
use serde_json::json;

/// Recordings at once.
const RECORDINGS: usize = 100;
/// Seconds of each.
const SECONDS: u32 = 30;

fn main() {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    for (name, format) in [("WebM", RecordingFormat::Webm), ("MP4", RecordingFormat::Mp4)] {
        let measured = recording::measure(&folder, format, RECORDINGS, SECONDS);
        print(&json!({
            "kind": "recordings",
            "name": name,
            "recordingsPerCore": measured.per_core,
            "memoryBytes": measured.memory,
            "closeMs": measured.close_ms,
        }));
        // The memory of one does not grow with its length.
        let long = recording::measure(&folder, format, 4, 1_200);
        print(&json!({
            "kind": "recordings",
            "name": format!("{name}, 20 minutes"),
            "recordingsPerCore": long.per_core,
            "memoryBytes": long.memory,
            "closeMs": long.close_ms,
        }));
    }
    let (nanoseconds, allocations) = inlet::measure();
    print(&json!({
        "kind": "packets",
        "name": "a packet to a recorder, on the media thread",
        "nanoseconds": nanoseconds,
        "allocations": allocations,
    }));
}

fn print(value: &serde_json::Value) {
    println!("{value}");
}
