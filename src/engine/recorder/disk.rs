//! What a recorder has of its disk. Waiting for that is someone else's.

use std::io;
use std::path::PathBuf;

use crate::container::Step;

/// Where the file is.
pub trait Disk: Send {
    /// Whether it takes so many bytes more now.
    fn has_room(&self, bytes: usize) -> bool;
    /// Bytes on their way.
    fn waiting(&self) -> usize;
    /// Does this to the file, after what was said before.
    fn write(&self, steps: Vec<Step>);
    /// Nothing more comes for this file: closes it, and begins another one.
    fn begin(&self, file: PathBuf);
    /// Nothing more comes: closes the file.
    fn finish(&self);
    /// What has become of it since the last call.
    fn poll(&self) -> Option<DiskNews>;
}

/// What is heard of a file.
#[derive(Debug)]
pub enum DiskNews {
    /// It was made.
    Opened,
    /// Everything is written, so many bytes in all files.
    Finished { bytes: u64 },
    /// Nothing more is written.
    Failed(io::Error),
}
