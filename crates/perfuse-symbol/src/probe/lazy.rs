//! Lines of a source file that match a pattern: `;sum = *`.

use std::collections::BTreeSet;

use perfuse_format::event::glob;

/// The numbers of the lines that match, counted from 1. White space counts in neither.
pub(super) fn lines(pattern: &str, text: &[u8]) -> BTreeSet<u32> {
    let bare = |text: &str| text.chars().filter(|letter| !letter.is_ascii_whitespace()).collect::<String>();
    let pattern = bare(pattern);
    let lines = text.split(|byte| *byte == b'\n');
    let matching = lines.zip(1..).filter(|(line, _)| glob::matches(&pattern, &bare(&String::from_utf8_lossy(line))));
    matching.map(|(_, number)| number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_does_not_count() {
        let text = b"int a;\n\tsum  +=  a;\n\tsum = 3;\nreturn sum;\n";
        assert_eq!(lines("sum*", text).into_iter().collect::<Vec<_>>(), [2, 3]);
        assert_eq!(lines("sum=*", text).into_iter().collect::<Vec<_>>(), [3]);
        assert!(lines("nothing*", text).is_empty());
    }
}
