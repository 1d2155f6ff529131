//! `~/.debug/PATH/BUILDID/probes`: the probes of a cached file, as perf writes them down (`tools/perf/util/probe-file.c`).
//!
//! A line with `#` (a probe that somebody defined) or `%` (one that the program carries) begins each: its event, `=`, and
//! what was asked for. The lines below it are those for `uprobe_events` of tracefs.

use crate::parse::{FromBytes, ParseError, text};

/// One probe of a cached file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CachedProbe {
    /// Whether the program itself carries it (SDT).
    pub sdt: bool,
    /// Group of its event: `sdt_node`.
    pub group: String,
    /// Its event: `http__server__request`.
    pub name: String,
    /// What was asked for when it was defined.
    pub asked: String,
    /// Definitions for tracefs, one for each place.
    pub definitions: Vec<String>,
}

/// All probes of a file, in the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProbeCache(pub Vec<CachedProbe>);

impl FromBytes for ProbeCache {
    /// Lines that are neither are left out, as are definitions before the first probe.
    fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut probes: Vec<CachedProbe> = Vec::new();
        for line in bytes.split(|&byte| byte == b'\n').map(text) {
            if let Some(head) = line.strip_prefix(['#', '%']) {
                let (event, asked) = head.split_once('=').unwrap_or((head, ""));
                let (group, name) = event.split_once(':').unwrap_or(("", event));
                probes.push(CachedProbe {
                    sdt: line.starts_with('%'),
                    group: group.to_owned(),
                    name: name.to_owned(),
                    asked: asked.to_owned(),
                    definitions: Vec::new(),
                });
            } else if let Some(probe) = probes.last_mut()
                && line.starts_with(['p', 'r'])
            {
                probe.definitions.push(line);
            }
        }
        Ok(Self(probes))
    }
}

impl ProbeCache {
    /// The text of the file.
    pub fn to_text(&self) -> String {
        use std::fmt::Write as _;
        let mut text = String::new();
        for probe in &self.0 {
            let mark = if probe.sdt { '%' } else { '#' };
            // Writing to a string does not fail.
            let _ = writeln!(text, "{mark}{}:{}={}", probe.group, probe.name, probe.asked);
            for definition in &probe.definitions {
                let _ = writeln!(text, "{definition}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "%sdt_libstdcxx:catch=catch\n\
        p:sdt_libstdcxx/catch /usr/lib/libstdc++.so.6:0xa7f05 arg1=%dx:u64 arg2=-80(%bx):u64\n\
        #probe_libc:malloc=malloc size=%di\n\
        p:probe_libc/malloc /usr/lib/libc.so.6:0x9a0 size=%di\n\
        p:probe_libc/malloc /usr/lib/libc.so.6:0x9b0 size=%di\n";

    #[test]
    fn the_text_is_that_of_perf() {
        let cache = ProbeCache::from_bytes(TEXT.as_bytes()).unwrap();
        assert_eq!(cache.to_text(), TEXT);
        assert!(cache.0[0].sdt && !cache.0[1].sdt);
        assert_eq!((cache.0[0].group.as_str(), cache.0[0].name.as_str()), ("sdt_libstdcxx", "catch"));
        assert_eq!((cache.0[1].asked.as_str(), cache.0[1].definitions.len()), ("malloc size=%di", 2));
    }

    #[test]
    fn odd_lines_are_left_out() {
        let cache = ProbeCache::from_bytes(b"p:before/all x:0\n\nnonsense\n%\n#a\nq\n").unwrap();
        assert_eq!(cache.0.len(), 2);
        assert!(cache.0.iter().all(|probe| probe.definitions.is_empty()));
    }
}
