//! Tables with two lines of headers, some of which span several columns.

use std::fmt::Write as _;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// Upper header, and how many columns to the right it spans besides its own.
    pub(super) above: (String, usize),
    /// Lower header.
    pub(super) below: String,
    /// Characters.
    pub(super) width: usize,
}

impl Column {
    /// With a lower header alone.
    pub(super) fn low(below: &str, width: usize) -> Self {
        Self { above: (String::new(), 0), below: below.to_owned(), width }
    }

    /// With two headers, the upper one over `span` more columns.
    pub(super) fn both(above: &str, below: &str, span: usize, width: usize) -> Self {
        Self { above: (above.to_owned(), span), ..Self::low(below, width) }
    }
}

/// The two headers and the line below them.
pub(super) fn headers(columns: &[Column]) -> String {
    let mut above = Vec::new();
    let mut at = 0;
    while let Some(column) = columns.get(at) {
        above.push(format!("{:>width$}", column.above.0, width = column.width));
        at += column.above.1 + 1;
    }
    let below: Vec<String> =
        columns.iter().map(|column| format!("{:>width$}", column.below, width = column.width)).collect();
    let dots: Vec<String> = columns.iter().map(|column| ".".repeat(column.width)).collect();
    format!("# {}\n# {}\n# {}\n#\n", above.join("  "), below.join("  "), dots.join("  "))
}

/// A row: what belongs to the right stands there already, what is shorter is filled up, but for the last.
pub(super) fn row(columns: &[Column], cells: &[String], out: &mut String) {
    for (index, cell) in cells.iter().enumerate() {
        let width = columns.get(index).filter(|_| index + 1 < cells.len()).map_or(0, |column| column.width);
        // Writing to a string does not fail.
        let _ = write!(out, "  {cell:<width$}");
    }
    out.push('\n');
}

/// `text` amid dashes, `width` characters in all.
pub(super) fn amid_dashes(text: &str, width: usize) -> String {
    let before = (width / 2).saturating_sub(text.len() / 2).saturating_sub(1);
    let after = width.saturating_sub(before + text.len() + 2);
    format!("{} {text} {}", "-".repeat(before), "-".repeat(after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_span_columns() {
        let columns = [Column::low("Num", 5), Column::both("-- two --", "A", 1, 4), Column::low("B", 3)];
        assert_eq!(headers(&columns), "#        -- two --\n#   Num     A    B\n# .....  ....  ...\n#\n");
        let mut text = String::new();
        row(&columns, &["    1".to_owned(), "x".to_owned(), "y".to_owned()], &mut text);
        assert_eq!(text, "      1  x     y\n");
        assert_eq!(amid_dashes("Cacheline", 32), "----------- Cacheline ----------");
        assert_eq!(amid_dashes("Data address", 32), "--------- Data address ---------");
    }
}
