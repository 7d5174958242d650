//! The lines of a description, whatever way it came.

/// The lines of a text with their ends, indents and blank lines taken off. Pages write
/// descriptions as template literals, forms double line ends, editors begin with a byte order mark,
/// and programs in C send the end of their strings; none of it can mean anything in SDP (RFC 8866 5).
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim_start_matches('\u{feff}').trim_end_matches('\0');
    Lines(text).map(str::trim_ascii).filter(|line| !line.is_empty())
}

/// Splits at the bytes of line ends, which are no part of any other character.
struct Lines<'a>(&'a str);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let end = self.0.bytes().position(|byte| byte == b'\n' || byte == b'\r');
        let (line, rest) = match end {
            Some(end) => (self.0.get(..end)?, self.0.get(end + 1..)?),
            None => (self.0, ""),
        };
        self.0 = rest;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_indents_and_blank_lines_say_nothing() {
        let text = "\u{feff}\r\n\n  v=0\r\r\n\ts=-\n\rt=0 0\ra=x \r\n\r\n\0";
        assert_eq!(lines(text).collect::<Vec<_>>(), ["v=0", "s=-", "t=0 0", "a=x"]);
    }
}
