//! Folded stacks, the text that the `stackcollapse` programs of the `FlameGraph` collection write and everybody reads:
//!
//! ```text
//!   comm;main;work 123          outermost frame first, then a blank and the weight
//!   comm;entry_SYSCALL_64_[k];read_[k] 7.5
//! ```
//!
//! The marks at the end of names are those of `stackcollapse-perf.pl --all`: `_[k]` kernel, `_[i]` inlined, `_[j]`
//! just-in-time compiled. A name in brackets, such as `[libc.so.6]`, is a module of which no function is known.

use crate::flame::UNKNOWN;
use crate::profile::{Frame, FrameKind, Profile, ProfileEvent, ProfileSample, ProfileThread, WeightUnit};

/// Why a text is not made of folded stacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected `frame;frame WEIGHT`, found `{found}`")]
pub struct FoldedError {
    /// Line, from 1.
    pub line: usize,
    /// The beginning of it.
    pub found: String,
}

/// Letters of a bad line that its error shows.
const SHOWN: usize = 60;

/// Frames of a stack that are kept at most; perf itself records at most 1024 (`kernel.perf_event_max_stack` is 127
/// unless raised). More are no stack but another kind of file.
const DEEPEST: usize = 65_536;

/// Reads folded stacks. Blank lines and comments (`#`) say nothing. A weight may have a fraction, which is rounded. All
/// samples are of one event, `name`, and of one thread without a name: which of the frames stand for threads, the format
/// does not tell.
pub fn parse(bytes: &[u8], name: &str, unit: WeightUnit) -> Result<Profile, FoldedError> {
    let mut profile = Profile::default();
    profile.events.push(ProfileEvent { name: name.to_owned(), unit });
    let thread = profile.add_thread(&ProfileThread { pid: 0, tid: 0, comm: String::new() });
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let bad = || FoldedError { line: index + 1, found: beginning(line) };
        let blank = line.iter().rposition(|byte| matches!(byte, b' ' | b'\t')).ok_or_else(bad)?;
        let (stack, weight) = line.split_at(blank);
        let weight = parse_weight(weight).ok_or_else(bad)?;
        let stack = String::from_utf8_lossy(stack.trim_ascii_end());
        if stack.bytes().filter(|byte| *byte == b';').count() >= DEEPEST {
            return Err(bad());
        }
        let mut node = None;
        for name in stack.split(';') {
            let frame = frame(&mut profile, name.trim());
            let frame = profile.add_frame(frame);
            node = Some(profile.add_node(node, frame));
        }
        profile.samples.push(ProfileSample { event: 0, thread, node, time: 0, cpu: None, weight });
    }
    Ok(profile)
}

/// `123`, or `123.5`, which is 124.
fn parse_weight(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text.trim_ascii()).ok()?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if !digits(whole) || !digits(fraction) || fraction.is_empty() {
        return None;
    }
    whole.parse::<u64>().ok()?.checked_add(u64::from(fraction.as_bytes() >= b"5"))
}

fn beginning(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line.get(..SHOWN * 4).unwrap_or(line)).into_owned();
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

fn frame(profile: &mut Profile, name: &str) -> Frame {
    let marks = [("_[k]", FrameKind::Kernel, false), ("_[j]", FrameKind::Jit, false), ("_[i]", FrameKind::User, true)];
    let marked = marks.into_iter().find_map(|(mark, kind, inlined)| Some((name.strip_suffix(mark)?, kind, inlined)));
    let (name, kind, inlined) = marked.unwrap_or((name, FrameKind::User, false));
    let no_function = name == "unknown" || (name.starts_with('[') && name.ends_with(']'));
    let (name, module, kind) = match kind {
        FrameKind::User if no_function && (name == UNKNOWN || name == "unknown") => (UNKNOWN, "", FrameKind::Unknown),
        FrameKind::User if no_function => (UNKNOWN, name, FrameKind::Unknown),
        kind => (name, "", kind),
    };
    let (function, module) = (profile.add_text(name), profile.add_text(module));
    Frame { function, module, source: None, kind, inlined, address: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flame::{FlameGraph, Options};

    fn read(text: &str) -> Result<Profile, FoldedError> {
        parse(text.as_bytes(), "samples", WeightUnit::Count)
    }

    #[test]
    fn stacks_and_marks_are_read() {
        let text = "# made by hand\n\na b;main;read_[k];copy_[i] 3\na b;main;[libc.so.6];x_[j] 4.5\r\na b;unknown 1\n";
        let profile = read(text).unwrap();
        let of = |index: usize| -> Vec<(String, FrameKind, bool)> {
            let frames = profile.stack(profile.samples[index].node);
            frames.map(|frame| (profile.text(frame.function).to_owned(), frame.kind, frame.inlined)).collect()
        };
        let user = |name: &str| (name.to_owned(), FrameKind::User, false);
        let first = [("copy".to_owned(), FrameKind::User, true), ("read".to_owned(), FrameKind::Kernel, false)];
        assert_eq!(of(0), [&first[..], &[user("main"), user("a b")]].concat());
        assert_eq!(of(1)[0], ("x".to_owned(), FrameKind::Jit, false));
        assert_eq!(of(1)[1], (UNKNOWN.to_owned(), FrameKind::Unknown, false));
        assert_eq!(of(2)[0], (UNKNOWN.to_owned(), FrameKind::Unknown, false));
        assert_eq!(profile.samples.iter().map(|sample| sample.weight).collect::<Vec<_>>(), [3, 5, 1]);
        let graph = FlameGraph::build(&profile, 0, Options::default());
        assert_eq!(graph.total(), 9);
        assert!(graph.labels.iter().any(|label| label.name == "[libc.so.6]"));
    }

    #[test]
    fn what_is_no_stack_is_named_with_its_line() {
        for bad in ["main", "main x", "main -3", "main 1.", "main 1e5", "main 99999999999999999999", "{\"a\": 1}"] {
            let error = read(&format!("main 1\n{bad}\n")).unwrap_err();
            assert_eq!((error.line, error.found.as_str()), (2, bad));
        }
        assert!(read(&format!("{} 1", "a;".repeat(DEEPEST))).is_err());
        let long = read(&"é".repeat(500)).unwrap_err();
        assert_eq!(long.found.chars().count(), SHOWN + 1);
        assert!(read("").unwrap().samples.is_empty());
        assert!(parse(b"\xff\xfe;x 1", "samples", WeightUnit::Count).is_ok());
    }

    /// What the fuzz target does with any input, for texts that are nearly right.
    #[test]
    fn texts_that_are_nearly_right_lose_no_weight() {
        let parts = [
            "main",
            ";",
            ";",
            " ",
            "7",
            "_[k]",
            "_[i]",
            "[x]",
            "[unknown]",
            "\n",
            "#",
            ".5",
            "\t",
            "18446744073709551615",
        ];
        let mut state = 7_u64;
        let mut taken = 0;
        for _ in 0..3000 {
            let mut text = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let part = usize::try_from(state >> 33).unwrap() % parts.len();
                text.push_str(parts[part]);
            }
            let Ok(profile) = read(&text) else { continue };
            taken += 1;
            let graph = FlameGraph::build(&profile, 0, Options::default());
            let sum: u64 = profile.samples.iter().map(|sample| sample.weight).fold(0, u64::saturating_add);
            assert_eq!(graph.total(), sum, "{text:?}");
            assert_eq!(graph.stacks().map(|(_, weight)| weight).fold(0, u64::saturating_add), sum, "{text:?}");
        }
        assert!(taken > 50, "{taken}");
    }
}
