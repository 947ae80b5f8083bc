//! Text from servers, made fit for a terminal.

/// Replaces what could steer a terminal or reorder a line (C0, DEL, C1, bidirectional controls, line separators) by
/// spaces, and cuts after `max_chars` characters. RFC 6749 section 10.14: received values are untrusted.
#[must_use]
pub fn printable(text: &str, max_chars: usize) -> String {
    let mut out: String = text.chars().take(max_chars).map(|c| if steers(c) { ' ' } else { c }).collect();
    if text.chars().nth(max_chars).is_some() {
        out.push('…');
    }
    out
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_steers_a_terminal_passes() {
        assert_eq!(printable("a\u{1b}[31mb\r\nc\u{202e}d\u{9b}e", 80), "a [31mb  c d e");
        assert_eq!(printable("wörter", 80), "wörter");
        assert_eq!(printable("abcdef", 3), "abc…");
        assert_eq!(printable("abc", 3), "abc");
    }
}
