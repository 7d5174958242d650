//! Standard input and output: JSON lines from and to the process that started this one.

use std::io::{self, Write};
use std::os::fd::AsRawFd;

use serde::Serialize;
use serde::de::DeserializeOwned;

#[derive(Default)]
pub struct Parent {
    incoming: Vec<u8>,
    closed: bool,
}

impl Parent {
    pub fn descriptor(&self) -> i32 {
        io::stdin().as_raw_fd()
    }

    pub fn closed(&self) -> bool {
        self.closed
    }

    /// The complete lines there are; waits when there is nothing to read.
    pub fn read<T: DeserializeOwned>(&mut self) -> io::Result<Vec<T>> {
        let mut buffer = vec![0_u8; 1 << 16];
        // SAFETY: the buffer is as long as is said. Not `io::stdin()`, whose own buffer would hide
        // lines from epoll.
        let count =
            unsafe { libc::read(self.descriptor(), buffer.as_mut_ptr().cast(), buffer.len()) };
        let Ok(count) = usize::try_from(count) else { return Err(io::Error::last_os_error()) };
        self.closed = count == 0;
        self.incoming.extend_from_slice(&buffer[..count]);
        let Some(end) = self.incoming.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(Vec::new());
        };
        let lines: Vec<u8> = self.incoming.drain(..=end).collect();
        lines
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).map_err(io::Error::other))
            .collect()
    }

    /// The first line.
    pub fn first<T: DeserializeOwned>(&mut self) -> io::Result<T> {
        loop {
            if let Some(first) = self.read()?.into_iter().next() {
                return Ok(first);
            }
            if self.closed {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    pub fn report(&mut self, report: &impl Serialize) {
        let mut output = io::stdout().lock();
        // A parent that went away is noticed by its end of our standard input.
        let _ = serde_json::to_writer(&mut output, report);
        let _ = output.write_all(b"\n");
        let _ = output.flush();
    }
}
