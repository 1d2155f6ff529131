//! Statements of SQL without their values: what a session does may be shown, the data that it does it with may not.
//!
//! The lexical rules are those that `PostgreSQL` (chapter 4.1 of its manual) and `MySQL` (chapter 11.1) have in common; where
//! they differ, the dialect decides; and where settings of the server decide, what may be a value is left out with all that
//! follows.

/// Whose rules hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Text in double quotes is a name; in `E''` a backslash hides what follows.
    PostgreSql,
    /// Text in double quotes is a value, and text in backticks a name.
    MySql,
}

/// The statement with `?` for every literal, without comments, with single blanks, and with at most so many characters.
pub fn without_values(statement: &str, dialect: Dialect, most: usize) -> String {
    let mut out = String::new();
    let mut rest = statement;
    let mut kept = 0;
    while let Some(character) = rest.chars().next() {
        let (piece, after) = token(rest, character, dialect);
        rest = after;
        let piece = match piece {
            Piece::Blank if out.is_empty() || out.ends_with(' ') => continue,
            Piece::Blank => " ",
            // `IN (1, 2, 3)` is the same whatever its length.
            Piece::Value if out.ends_with("?, ") || out.ends_with("?,") => {
                out.truncate(out.trim_end_matches([' ', ',']).len());
                kept = out.chars().count();
                continue;
            }
            Piece::Value => "?",
            Piece::Text(text) => text,
        };
        kept += piece.chars().count();
        out.push_str(piece);
        if kept > most {
            let mut short: String = out.chars().take(most.saturating_sub(1)).collect();
            short.push('…');
            return short;
        }
    }
    out.truncate(out.trim_end().len());
    out
}

enum Piece<'t> {
    /// White space or a comment.
    Blank,
    /// A literal.
    Value,
    /// Anything else, as it stands.
    Text(&'t str),
}

/// The first token of a text that begins with a character, and what follows it. Never takes nothing.
fn token(text: &str, first: char, dialect: Dialect) -> (Piece<'_>, &str) {
    let mysql = dialect == Dialect::MySql;
    let cut = |at: usize| text.split_at(at.min(text.len()));
    if first.is_whitespace() {
        return (Piece::Blank, text.trim_start());
    }
    // In `MySQL`, `5--3` is a difference.
    let dashes =
        text.strip_prefix("--").is_some_and(|rest| !mysql || !rest.starts_with(|next: char| !next.is_whitespace()));
    if dashes || first == '#' && mysql {
        return (Piece::Blank, cut(text.find('\n').unwrap_or(text.len())).1);
    }
    if text.starts_with("/*") {
        return (Piece::Blank, comment(text));
    }
    match first {
        '\'' => (Piece::Value, quoted(&text[1..], '\'', false)),
        '"' if mysql => (Piece::Value, quoted(&text[1..], '"', false)),
        '"' | '`' if first == '"' || mysql => {
            let after = text[1..].find(first).map_or(text.len(), |at| at + 2);
            let (name, after) = cut(after);
            (Piece::Text(name), after)
        }
        '$' => dollar(text),
        '0'..='9' => (Piece::Value, number(text)),
        '.' if text[1..].starts_with(|next: char| next.is_ascii_digit()) => (Piece::Value, number(&text[1..])),
        _ if word_begins(first) => {
            let end = text.find(|character: char| !word_goes_on(character)).unwrap_or(text.len());
            let (word, after) = cut(end);
            // E'..', B'..', X'..', N'..', U&'..' and _utf8'..' are values with a prefix.
            let prefixed = matches!(word, "E" | "e" | "B" | "b" | "X" | "x" | "N" | "n") || word.starts_with('_');
            match after.strip_prefix('\'') {
                Some(inside) if prefixed => (Piece::Value, quoted(inside, '\'', !mysql && matches!(word, "E" | "e"))),
                _ => (Piece::Text(word), after),
            }
        }
        _ => {
            let (one, after) = cut(first.len_utf8());
            (Piece::Text(one), after)
        }
    }
}

fn word_begins(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

fn word_goes_on(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '$'
}

/// What follows a comment, which may have others within.
fn comment(text: &str) -> &str {
    let (mut depth, mut rest) = (0_usize, text);
    while let Some(at) = rest.find(['/', '*']) {
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("/*") {
            (depth, rest) = (depth + 1, after);
        } else if let Some(after) = rest.strip_prefix("*/") {
            (depth, rest) = (depth.saturating_sub(1), after);
            if depth == 0 {
                return rest;
            }
        } else {
            rest = &rest[1..];
        }
    }
    ""
}

/// What follows text in quotes; a doubled quote is the quote itself. Whether a backslash hides a quote depends on settings
/// unless the text `escapes` for sure: then nobody can tell where the value ends, and nothing that follows is shown.
fn quoted(inside: &str, quote: char, escapes: bool) -> &str {
    let mut characters = inside.char_indices();
    while let Some((at, character)) = characters.next() {
        if character == '\\' {
            match characters.next() {
                Some((_, next)) if next == quote && !escapes => return "",
                _ => {}
            }
        } else if character == quote {
            let after = &inside[at + quote.len_utf8()..];
            if !after.starts_with(quote) {
                return after;
            }
            characters.next();
        }
    }
    ""
}

/// `$tag$ .. $tag$` is a value, `$1` a parameter.
fn dollar(text: &str) -> (Piece<'_>, &str) {
    let inside = &text[1..];
    let end = inside.find(|character: char| !(character.is_alphanumeric() || character == '_')).unwrap_or(inside.len());
    let tag = &inside[..end];
    if inside[end..].starts_with('$') && !tag.starts_with(|first: char| first.is_ascii_digit()) {
        let delimiter = &text[..end + 2];
        let body = &text[end + 2..];
        return (Piece::Value, body.find(delimiter).map_or("", |at| &body[at + delimiter.len()..]));
    }
    let (parameter, after) = text.split_at(1 + end);
    (Piece::Text(parameter), after)
}

/// What follows a number: digits, hexadecimal digits, a point and an exponent.
fn number(text: &str) -> &str {
    let mut before = ' ';
    let end = text.find(|character: char| {
        let sign = matches!(character, '+' | '-') && matches!(before, 'e' | 'E');
        before = character;
        !(character.is_ascii_alphanumeric() || character == '.' || character == '_' || sign)
    });
    &text[end.unwrap_or(text.len())..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(statement: &str) -> String {
        without_values(statement, Dialect::PostgreSql, 200)
    }

    #[test]
    fn values_are_left_out_and_names_stay() {
        for (statement, wanted) in [
            ("SELECT * FROM t1 WHERE id=42 AND n = 'O''Brien'", "SELECT * FROM t1 WHERE id=? AND n = ?"),
            ("select  1.5e-3,\n\t.5, 0xFF", "select ?"),
            ("SELECT 1 -- secret 5\n + 2", "SELECT ? + ?"),
            ("/* a /* b */ 'c' */ UPDATE \"t 1\" SET a=$1", "UPDATE \"t 1\" SET a=$1"),
            ("SELECT E'a\\'b', b'1', $tag$ it's $1 $tag$, $$x$$", "SELECT ?"),
            ("INSERT INTO t VALUES (1, 'a'), (2, 'b')", "INSERT INTO t VALUES (?), (?)"),
            ("SELECT 'never ends", "SELECT ?"),
            ("SELECT 사용자 FROM 표 WHERE 이름='김'", "SELECT 사용자 FROM 표 WHERE 이름=?"),
            ("  ;  ", ";"),
            ("", ""),
        ] {
            assert_eq!(plain(statement), wanted, "{statement}");
        }
        let mysql = |statement| without_values(statement, Dialect::MySql, 200);
        assert_eq!(mysql("SELECT \"secret\" # 5\n, a"), "SELECT ? , a");
        assert_eq!(mysql("SELECT `a b`, 5--3 -- 'x\n, 'y'"), "SELECT `a b`, ?--? , ?");
    }

    #[test]
    fn where_a_value_may_end_at_two_places_nothing_more_is_shown() {
        for statement in [r"SELECT 'a\', 'secret'", r"SELECT 'a\' 'secret' FROM t", r"SELECT 'a\\\', 'secret'"] {
            let (postgresql, mysql) = (plain(statement), without_values(statement, Dialect::MySql, 200));
            assert_eq!((postgresql.as_str(), mysql.as_str()), ("SELECT ?", "SELECT ?"), "{statement}");
        }
        assert_eq!(plain(r"SELECT 'a\\', b"), "SELECT ?, b");
        assert_eq!(plain(r"SELECT E'a\'secret', b"), "SELECT ?, b");
        assert_eq!(plain("SELECT 'a` ', b, ` 'secret' `"), "SELECT ?, b, ` ? `");
    }

    #[test]
    fn long_ones_are_cut_between_characters() {
        let cut = without_values(&"가나다 ".repeat(100), Dialect::PostgreSql, 10);
        assert_eq!(cut.chars().count(), 10);
        assert!(cut.ends_with('…'), "{cut}");
    }
}
