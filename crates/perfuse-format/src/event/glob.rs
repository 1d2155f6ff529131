//! Matching of names against patterns with `*`, `?` and `[...]`, as perf's own matcher does.

/// Whether the whole `text` matches the pattern. `[a-c]` is a class, `[!a-c]` its opposite, a backslash takes the next
/// character as it is. The time is at most the product of the lengths.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut place) = (0, 0);
    // Where the last star stood and what it had eaten: on a mismatch it eats one byte more.
    let mut star: Option<(usize, usize)> = None;
    while place < text.len() {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            star = Some((at, place));
        } else if let Some(next) = one(pattern, at, text[place]) {
            at = next;
            place += 1;
        } else if let Some((after, eaten)) = star {
            at = after;
            place = eaten + 1;
            star = Some((after, eaten + 1));
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// Whether a name has a character that makes it a pattern.
pub fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// Where the pattern goes on when its element at `at` takes `byte`.
fn one(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    match pattern.get(at)? {
        b'?' => Some(at + 1),
        b'[' => class(pattern, at + 1, byte).or_else(|| (byte == b'[' && !closes(pattern, at)).then_some(at + 1)),
        b'\\' => (*pattern.get(at + 1)? == byte).then_some(at + 2),
        literal => (*literal == byte).then_some(at + 1),
    }
}

/// Whether a bracket follows that ends the class.
fn closes(pattern: &[u8], at: usize) -> bool {
    pattern.get(at + 2..).is_some_and(|rest| rest.contains(&b']'))
}

/// A class whose inside starts at `at`.
fn class(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    let negated = pattern.get(at) == Some(&b'!');
    let first = at + usize::from(negated);
    let mut place = first;
    let mut within = false;
    loop {
        let low = *pattern.get(place)?;
        if low == b']' && place > first {
            break;
        }
        let range = pattern.get(place + 1) == Some(&b'-') && pattern.get(place + 2).is_some_and(|high| *high != b']');
        let high = if range { *pattern.get(place + 2)? } else { low };
        within |= (low..=high).contains(&byte);
        place += if range { 3 } else { 1 };
    }
    (within != negated).then_some(place + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        let yes = [
            ("*", ""),
            ("sched_sw*", "sched_switch"),
            ("sys_enter_accept*", "sys_enter_accept4"),
            ("*_e?it", "x_exit"),
            ("a*b*c", "a__b__b_c"),
            ("[a-c]x", "bx"),
            ("[!a-c]x", "dx"),
            ("\\*", "*"),
            ("[]]", "]"),
            ("[", "["),
        ];
        for (pattern, text) in yes {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a", ""), ("a*b", "abc"), ("[a-c]", "d"), ("?", ""), ("\\*", "x")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn hostile_patterns_end() {
        let (pattern, text) = ("*a".repeat(500), "a".repeat(2000) + "b");
        assert!(!matches(&pattern, &text));
    }
}
