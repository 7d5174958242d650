//! The lines of a description, whatever way it came.

/// The lines of a text with their ends, indents and blank lines taken off. Pages write
/// descriptions as template literals, forms double line ends, and editors begin with a byte order
/// mark; none of it can mean anything in SDP (RFC 8866 5).
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let text = text.trim_start_matches('\u{feff}');
    text.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_indents_and_blank_lines_say_nothing() {
        let text = "\u{feff}\r\n\n  v=0\r\r\n\ts=-\n\rt=0 0\ra=x \r\n\r\n";
        assert_eq!(lines(text).collect::<Vec<_>>(), ["v=0", "s=-", "t=0 0", "a=x"]);
    }
}
