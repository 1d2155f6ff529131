//! Korean particles. Their form depends on how the word before them sounds at its end: with a final consonant
//! (batchim) `이`, `은`, `을`, `과`, without one `가`, `는`, `를`, `와`.

/// How a word ends, read aloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// In a vowel.
    Open,
    /// In a final consonant other than ㄹ.
    Closed,
    /// In ㄹ: as open for 으로/로, as closed for the others.
    Rieul,
    /// Cannot be told.
    Unknown,
}

/// The particle of `pair` (`이/가`, `은/는`, `을/를`, `과/와`, `으로/로`, `이라/라`, `아/야`: the form after a final consonant
/// first) that fits after `text`. Where the sound cannot be told, both forms, as in `이(가)`.
pub fn josa(text: &str, pair: &str) -> String {
    let Some((closed, open)) = pair.split_once('/') else {
        return pair.to_owned();
    };
    let rieul = if closed == "으로" { open } else { closed };
    match end(text) {
        End::Open => open.to_owned(),
        End::Closed => closed.to_owned(),
        End::Rieul => rieul.to_owned(),
        // `(으)로`, `(이)라` where the second form is the end of the first, else `이(가)`.
        End::Unknown => match closed.strip_suffix(open) {
            Some(extra) => format!("({extra}){open}"),
            None => format!("{closed}({open})"),
        },
    }
}

fn end(text: &str) -> End {
    let text = without_closing(text);
    let Some(last) = text.chars().next_back() else {
        return End::Unknown;
    };
    match last {
        '가'..='힣' => match (u32::from(last) - u32::from('가')) % 28 {
            0 => End::Open,
            8 => End::Rieul,
            _ => End::Closed,
        },
        '0'..='9' => number(text),
        // 퍼센트, 루트
        '%' | '/' => End::Open,
        letter if letter.is_ascii_alphabetic() => latin(text),
        'µ' | '℃' => End::Open,
        _ => End::Unknown,
    }
}

/// The text without the marks that nobody reads at its end: quotes, brackets, and what is written between brackets
/// (`nginx (1234)` takes the particle of `nginx`).
fn without_closing(text: &str) -> &str {
    let mut text = text;
    loop {
        let before = text;
        text = text.trim_end();
        for (open, close) in [('(', ')'), ('[', ']'), ('<', '>')] {
            if let Some(inner) = text.strip_suffix(close) {
                text = match inner.rfind(open) {
                    Some(at) if !inner[..at].trim().is_empty() => &inner[..at],
                    _ => inner,
                };
            }
        }
        text = text
            .trim_end_matches(['"', '\'', '`', '’', '”', '」', '』', '»', '.', ',', ':', ';', '!', '?', '*', '_', '-']);
        if text.len() > 1 {
            text = text.strip_suffix('/').unwrap_or(text);
        }
        if text == before {
            return text;
        }
    }
}

/// Digits are read in Sino-Korean: 영/십/백/천/만, 일, 이, 삼, 사, 오, 육, 칠, 팔, 구.
fn number(text: &str) -> End {
    match text.chars().next_back() {
        Some('1' | '7' | '8') => End::Rieul,
        Some('2' | '4' | '5' | '9') => End::Open,
        _ => End::Closed,
    }
}

/// Units that are read as words, not by their letters: 초, 밀리초, 바이트 ... are all open; the others stand here.
const UNITS: [(&str, End); 3] = [("min", End::Closed), ("h", End::Closed), ("d", End::Rieul)];

fn latin(text: &str) -> End {
    let (before, token) = text.rsplit_once(char::is_whitespace).unwrap_or(("", text));
    let figure = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '<');
    let after_number = before.split_whitespace().next_back().is_some_and(|word| word.chars().all(figure));
    let stuck = token.trim_start_matches(figure);
    if after_number || stuck.len() < token.len() && stuck.chars().all(|c| c.is_ascii_alphabetic() || c == '/') {
        return UNITS.iter().find(|(unit, _)| *unit == stuck).map_or(End::Open, |(_, end)| *end);
    }
    let word = token.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or(token);
    let is_word = word.len() >= 3
        && word.chars().skip(1).all(|c| c.is_ascii_lowercase())
        && word.contains(['a', 'e', 'i', 'o', 'u', 'y']);
    if is_word { spoken(word) } else { spelled(word) }
}

/// Letter by letter: 엘, 엠, 엔, 알 are closed, all others open.
fn spelled(word: &str) -> End {
    match word.chars().next_back().map(|c| c.to_ascii_lowercase()) {
        Some('l' | 'r') => End::Rieul,
        Some('m' | 'n') => End::Closed,
        _ => End::Open,
    }
}

/// As English words are transcribed: `kernel` 커널, `file` 파일, `time` 타임, `ping` 핑, `server` 서버, `socket` 소켓, `disk` 디스크.
fn spoken(word: &str) -> End {
    let lower = word.to_ascii_lowercase();
    let bytes = lower.as_bytes();
    let at = |back: usize| bytes.len().checked_sub(back).and_then(|index| bytes.get(index)).copied().unwrap_or(b' ');
    let vowel = |byte: u8| matches!(byte, b'a' | b'e' | b'i' | b'o' | b'u' | b'y');
    let short_vowel = vowel(at(2)) && !vowel(at(3));
    match at(1) {
        b'l' => End::Rieul,
        b'm' | b'n' => End::Closed,
        b'g' if at(2) == b'n' => End::Closed,
        b'k' if at(2) == b'c' || at(2) == b'o' && at(3) == b'o' => End::Closed,
        b'p' | b't' if short_vowel => End::Closed,
        b'e' if at(2) == b'l' => End::Rieul,
        b'e' if matches!(at(2), b'm' | b'n') && vowel(at(3)) => End::Closed,
        _ => End::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sound_decides() {
        for (text, subject) in [
            ("병목", "병목이"),
            ("대기", "대기가"),
            ("cpu7", "cpu7이"),
            ("cpu2", "cpu2가"),
            ("cpu10", "cpu10이"),
            ("3.5 MB", "3.5 MB가"),
            ("97%", "97%가"),
            ("0.42 s/s", "0.42 s/s가"),
            ("3.4 ms", "3.4 ms가"),
            ("5 min", "5 min이"),
            ("vda", "vda가"),
            ("sdl", "sdl이"),
            ("eth0", "eth0이"),
            ("lo", "lo가"),
            ("/var/log/", "/var/log/가"),
            ("/", "/가"),
            ("kernel", "kernel이"),
            ("file", "file이"),
            ("server", "server가"),
            ("nginx", "nginx가"),
            ("python", "python이"),
            ("docker.socket", "docker.socket이"),
            ("web.service", "web.service가"),
            ("disk", "disk가"),
            ("block", "block이"),
            ("nginx (1234)", "nginx (1234)가"),
            ("python(12)", "python(12)이"),
            ("‘병목’", "‘병목’이"),
            ("(7)", "(7)이"),
            ("OOM", "OOM이"),
            ("TCP", "TCP가"),
            ("1.3 k/s", "1.3 k/s가"),
            ("45 °C", "45 °C가"),
            ("5분", "5분이"),
            ("nvme0n1", "nvme0n1이"),
            ("7", "7이"),
        ] {
            assert_eq!(format!("{text}{}", josa(text, "이/가")), subject);
        }
    }

    #[test]
    fn rieul_takes_the_short_form_of_the_instrumental() {
        for (text, expected) in [
            ("칠", "로"),
            ("7", "로"),
            ("6", "으로"),
            ("kernel", "로"),
            ("병목", "으로"),
            ("디스크", "로"),
            ("2 d", "로"),
            ("XFS", "로"),
        ] {
            assert_eq!(josa(text, "으로/로"), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_told_gets_both_forms() {
        assert_eq!(josa("", "이/가"), "이(가)");
        assert_eq!(josa("日本", "은/는"), "은(는)");
        assert_eq!(josa("日本", "으로/로"), "(으)로");
        assert_eq!(josa("日本", "이라/라"), "(이)라");
        assert_eq!(josa("병목", "nothing"), "nothing");
    }

    #[test]
    fn every_pair_has_its_two_forms() {
        for (pair, closed, open) in [
            ("이/가", "이", "가"),
            ("은/는", "은", "는"),
            ("을/를", "을", "를"),
            ("과/와", "과", "와"),
            ("으로/로", "으로", "로"),
            ("이라/라", "이라", "라"),
            ("아/야", "아", "야"),
        ] {
            assert_eq!((josa("목", pair), josa("소", pair)), (closed.to_owned(), open.to_owned()));
        }
    }
}
