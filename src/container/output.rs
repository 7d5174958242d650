//! What has to be done to a file, in order.

/// One write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// At the end.
    Append(Vec<u8>),
    /// Over bytes that are there.
    Overwrite {
        /// Offset of the first.
        at: u64,
        /// As many as are replaced.
        bytes: Vec<u8>,
    },
    /// Reads all of the file again and makes it seekable; see [`mp4::finish`](super::mp4::finish).
    Index,
}

impl Step {
    /// Bytes that it writes, as far as it holds them.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Append(bytes) | Self::Overwrite { bytes, .. } => bytes.len(),
            Self::Index => 0,
        }
    }
}

/// Bytes of a box that say its size and name.
const BOX_HEAD: usize = 8;

/// Collects what is written, so that few writes are made of it. Their order is the order in which it
/// was said: whoever does the steps in turn leaves a file that makes sense after each.
#[derive(Default, Debug)]
pub struct Output {
    /// Bytes that were handed out, or stand in `steps`.
    before: u64,
    pending: Vec<u8>,
    steps: Vec<Step>,
}

impl Output {
    /// For a file that has so many bytes.
    pub fn after(len: u64) -> Self {
        Self { before: len, ..Self::default() }
    }

    /// Where the file ends when all steps are done.
    pub fn end(&self) -> u64 {
        self.before + self.pending.len() as u64
    }

    /// Bytes that wait to be taken.
    pub fn waiting(&self) -> usize {
        self.steps.iter().map(Step::bytes).sum::<usize>() + self.pending.len()
    }

    /// Adds bytes at the end.
    pub fn append(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// Adds boxes of MP4 so that they are there as one or not at all: until the rest is written, the
    /// first eight bytes are zeros, which readers take for a box that goes on to the end of the file.
    pub fn seal(&mut self, boxes: &[u8]) {
        let Some((head, rest)) = boxes.split_first_chunk::<BOX_HEAD>() else { return };
        self.close_append();
        let at = self.before;
        self.before = at + boxes.len() as u64;
        self.steps.push(Step::Append([&[0; BOX_HEAD], rest].concat()));
        self.steps.push(Step::Overwrite { at, bytes: head.to_vec() });
    }

    /// Has the file made seekable when all before is done.
    pub fn index(&mut self) {
        self.close_append();
        self.steps.push(Step::Index);
    }

    /// Replaces bytes that were appended.
    pub fn overwrite(&mut self, at: u64, bytes: &[u8]) {
        if let Some(at) = at.checked_sub(self.before).and_then(|at| usize::try_from(at).ok())
            && let Some(old) = self.pending.get_mut(at..).and_then(|p| p.get_mut(..bytes.len()))
        {
            old.copy_from_slice(bytes);
            return;
        }
        self.close_append();
        self.steps.push(Step::Overwrite { at, bytes: bytes.to_vec() });
    }

    /// What is to be done since the last call.
    pub fn take(&mut self) -> Vec<Step> {
        self.close_append();
        std::mem::take(&mut self.steps)
    }

    fn close_append(&mut self) {
        if !self.pending.is_empty() {
            self.before = self.end();
            self.steps.push(Step::Append(std::mem::take(&mut self.pending)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::testing::apply;

    #[test]
    fn what_still_waits_is_overwritten_in_place() {
        let mut output = Output::default();
        output.append(&[1, 2, 3]);
        output.overwrite(1, &[9]);
        assert_eq!(output.take(), [Step::Append(vec![1, 9, 3])]);
    }

    #[test]
    fn boxes_that_are_sealed_say_what_they_are_last() {
        let mut output = Output::default();
        output.append(&[1]);
        output.seal(b"\0\0\0\x09free\x07");
        assert_eq!(output.end(), 10);
        let rest = Step::Append(vec![0, 0, 0, 0, 0, 0, 0, 0, 7]);
        let head = Step::Overwrite { at: 1, bytes: b"\0\0\0\x09free".to_vec() };
        assert_eq!(output.take(), [Step::Append(vec![1]), rest, head]);
    }

    #[test]
    fn what_was_taken_is_overwritten_behind_what_came_before() {
        let mut output = Output::default();
        output.append(&[1, 2, 3]);
        output.take();
        output.append(&[4]);
        output.overwrite(0, &[9]);
        output.append(&[5]);
        assert_eq!(output.end(), 5);
        let steps = output.take();
        let overwrite = Step::Overwrite { at: 0, bytes: vec![9] };
        assert_eq!(steps, [Step::Append(vec![4]), overwrite, Step::Append(vec![5])]);
        let mut file = vec![1, 2, 3];
        apply(&mut file, &steps);
        assert_eq!(file, [9, 2, 3, 4, 5]);
    }
}
