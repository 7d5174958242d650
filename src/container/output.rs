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
}

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
        let steps = self.steps.iter().map(|step| match step {
            Step::Append(bytes) | Step::Overwrite { bytes, .. } => bytes.len(),
        });
        steps.sum::<usize>() + self.pending.len()
    }

    /// Adds bytes at the end.
    pub fn append(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
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

/// A file in memory.
#[cfg(test)]
pub fn apply(file: &mut Vec<u8>, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Append(bytes) => file.extend_from_slice(bytes),
            Step::Overwrite { at, bytes } => {
                let at = *at as usize;
                file[at..at + bytes.len()].copy_from_slice(bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_still_waits_is_overwritten_in_place() {
        let mut output = Output::default();
        output.append(&[1, 2, 3]);
        output.overwrite(1, &[9]);
        assert_eq!(output.take(), [Step::Append(vec![1, 9, 3])]);
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
