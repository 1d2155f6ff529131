//! `/proc/mdstat`: the state of software RAID arrays (md(4)).

use crate::parse::{FromBytes, ParseError, fields, fraction, lines, text, unsigned};

/// One array.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Array {
    /// Name, such as `md0`.
    pub name: String,
    /// `active`, `inactive`, ... as printed.
    pub state: String,
    /// `raid1`, `raid5`, ...; empty for an inactive array.
    pub level: String,
    /// Member devices by name, without role numbers.
    pub members: Vec<String>,
    /// Members that are marked as failed, `(F)`.
    pub failed: Vec<String>,
    /// Members that the array should have; `None` for levels without redundancy.
    pub wanted: Option<u64>,
    /// Members that work.
    pub working: Option<u64>,
    /// What goes on, such as `recovery` or `resync`, and how far it is (0..1).
    pub progress: Option<(String, f64)>,
}

impl Array {
    /// Members that are missing or failed.
    pub fn missing(&self) -> u64 {
        let absent = match (self.wanted, self.working) {
            (Some(wanted), Some(working)) => wanted.saturating_sub(working),
            _ => 0,
        };
        absent.max(self.failed.len() as u64)
    }
}

/// All arrays.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MdStat(pub Vec<Array>);

impl FromBytes for MdStat {
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut arrays: Vec<Array> = Vec::new();
        let mut seen_header = false;
        for (_, line) in lines(bytes) {
            if line.starts_with(b"Personalities") || line.starts_with(b"unused devices") {
                seen_header = true;
                continue;
            }
            let indented = line.first().is_some_and(u8::is_ascii_whitespace);
            let words: Vec<&[u8]> = fields(line).collect();
            match (indented, words.as_slice()) {
                (false, [name, b":", rest @ ..]) => arrays.push(array(name, rest)),
                (true, words) => {
                    if let Some(array) = arrays.last_mut() {
                        array_detail(array, words);
                    }
                }
                _ => {}
            }
        }
        if seen_header || !arrays.is_empty() {
            Ok(Self(arrays))
        } else {
            Err(ParseError::new(1, "`Personalities` or an array", bytes))
        }
    }
}

/// `md0 : active (auto-read-only) raid1 sdb1[1](F) sda1[0]`.
fn array(name: &[u8], words: &[&[u8]]) -> Array {
    let mut array = Array { name: text(name), ..Array::default() };
    for word in words {
        match word.iter().position(|&byte| byte == b'[') {
            Some(bracket) => {
                let member = text(&word[..bracket]);
                if word.ends_with(b"(F)") {
                    array.failed.push(member.clone());
                }
                array.members.push(member);
            }
            None if word.starts_with(b"(") => {}
            None if array.state.is_empty() => array.state = text(word),
            None if array.level.is_empty() => array.level = text(word),
            None => {}
        }
    }
    array
}

/// `104320 blocks [2/1] [_U]` and `[==>....]  recovery = 12.6% (37043392/292945152) finish=127.5min`.
fn array_detail(array: &mut Array, words: &[&[u8]]) {
    for pair in words.windows(3) {
        let [what, b"=", percent] = pair else { continue };
        if let Some(percent) = percent.strip_suffix(b"%").and_then(fraction) {
            array.progress = Some((text(what), (percent / 100.0).clamp(0.0, 1.0)));
        }
    }
    let counts = words.iter().find_map(|word| {
        let inner = word.strip_prefix(b"[")?.strip_suffix(b"]")?;
        let slash = inner.iter().position(|&byte| byte == b'/')?;
        Some((unsigned(&inner[..slash])?, unsigned(&inner[slash + 1..])?))
    });
    if let (Some((wanted, working)), None) = (counts, array.wanted) {
        array.wanted = Some(wanted);
        array.working = Some(working);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEGRADED: &[u8] = b"Personalities : [raid1] [raid6] [raid5] [raid4] \n\
md1 : active raid1 sdb2[1](F) sda2[0]\n      136448 blocks [2/1] [U_]\n\n\
md2 : active (auto-read-only) raid5 sdl1[0] sdk1[8] sdj1[7]\n      1318680576 blocks level 5, 1024k chunk, algorithm 2 [3/2] [UU_]\n      \
[==>..................]  recovery = 12.6% (37043392/292945152) finish=127.5min speed=33440K/sec\n\n\
md3 : inactive sdc1[0](S)\n      1048576 blocks\n\nunused devices: <none>\n";

    #[test]
    fn degraded_arrays_are_seen() {
        let arrays = MdStat::from_bytes(DEGRADED).unwrap().0;
        assert_eq!(arrays.len(), 3);
        assert_eq!((arrays[0].level.as_str(), arrays[0].missing()), ("raid1", 1));
        assert_eq!(arrays[0].failed, ["sdb2"]);
        assert_eq!((arrays[1].level.as_str(), arrays[1].missing()), ("raid5", 1));
        assert_eq!(arrays[1].members, ["sdl1", "sdk1", "sdj1"]);
        assert_eq!(arrays[1].progress.as_ref().map(|(what, _)| what.as_str()), Some("recovery"));
        assert!((arrays[1].progress.as_ref().unwrap().1 - 0.126).abs() < 1e-9);
        assert_eq!((arrays[2].state.as_str(), arrays[2].missing(), arrays[2].wanted), ("inactive", 0, None));
    }

    #[test]
    fn no_array_is_fine_and_other_text_is_not() {
        assert!(MdStat::from_bytes(b"Personalities : \nunused devices: <none>\n").unwrap().0.is_empty());
        assert!(MdStat::from_bytes(b"").is_err());
        assert!(MdStat::from_bytes(b"hello\n").is_err());
        assert!(MdStat::from_bytes(b"md0 :\n [/] [9/x] = %\n").is_ok());
    }
}
