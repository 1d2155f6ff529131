//! What the fuzz targets share: the parsers of `perfuse_format::all`, by group.
#![forbid(unsafe_code)]

use std::sync::OnceLock;

use perfuse_format::all::{PARSERS, Parser};

/// Gives `data` to one parser of the group: the one that its first byte picks.
///
/// The group is the first part of the parser's name. A process fuzzes one group only.
pub fn group(name: &str, data: &[u8]) {
    static GROUP: OnceLock<Vec<Parser>> = OnceLock::new();
    let parsers = GROUP.get_or_init(|| {
        PARSERS.iter().filter(|(known, _)| known.split("::").next() == Some(name)).map(|(_, parser)| *parser).collect()
    });
    assert!(!parsers.is_empty(), "no parser in the group {name}");
    let Some((first, rest)) = data.split_first() else { return };
    parsers[usize::from(*first) % parsers.len()](rest);
}
