//! The names that perf gives to the events of probes.

use super::argument::is_c_name;

/// The largest number behind a name that is taken already (`MAX_EVENT_INDEX` of perf).
pub const MAX_INDEX: u32 = 1024;

/// Most bytes of a name of a group or event, with the zero byte behind it (`MAX_EVENT_NAME_LEN` of the kernel).
const MAX_NAME: usize = 64;

/// Why an event got no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// The name exists already, and another was not asked for.
    Exists(String),
    /// So do all with a number behind it.
    All(String),
    /// The kernel does not take such a name.
    Invalid(String),
}

/// Whether the kernel takes it as the name of a group or event.
pub fn is_event_name(name: &str) -> bool {
    is_c_name(name) && name.len() < MAX_NAME
}

/// The group of the probes of a file: `probe_libc` for `/usr/lib/libc.so.6`.
pub fn group_of_file(path: &str) -> String {
    let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    let end = file.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(file.len());
    let mut group = format!("probe_{}", &file[..end]);
    // ASCII up to here.
    group.truncate(MAX_NAME - 1);
    group
}

/// The name of an event on the function `base`, that no other event of the group has: the function without what the
/// compiler or linker put behind a dot or an at sign, `__return` for a return, and a number where `suffix` allows one.
pub fn event_name(base: &str, ret: bool, suffix: bool, exists: &dyn Fn(&str) -> bool) -> Result<String, Taken> {
    let base = base.strip_prefix('.').unwrap_or(base);
    let end = base.find(['.', '@']).filter(|at| *at > 0).unwrap_or(base.len());
    let base = &base[..end];
    let plain = format!("{base}{}", if ret { "__return" } else { "" });
    if !is_event_name(&plain) {
        return Err(Taken::Invalid(plain));
    }
    if !exists(&plain) {
        return Ok(plain);
    }
    if !suffix {
        return Err(Taken::Exists(plain));
    }
    // perf counts on the bare name: what was `f__return` becomes `f_1`.
    let numbered = (1..MAX_INDEX).map(|index| format!("{base}_{index}")).find(|name| !exists(name));
    match numbered {
        Some(name) if is_event_name(&name) => Ok(name),
        Some(name) => Err(Taken::Invalid(name)),
        None => Err(Taken::All(plain)),
    }
}
