//! The formats of the tracepoints that were recorded, as they stand in the header of a recording.
//!
//! ```text
//! 17 08 44 "tracing" "0.6\0"  endian u8  long u8  page u32
//! "header_page\0"  u64 size, file      "header_event\0"  u64 size, file
//! u32 count of ftrace's own formats:   u64 size, file …
//! u32 count of systems:  name\0  u32 count:  u64 size, file …
//! u32 0 (symbols of the kernel, no longer stored)
//! u32 size, printk_formats             u64 size, saved_cmdlines
//! ```
//!
//! Source: `tools/perf/util/trace-event-info.c`.

use std::path::{Path, PathBuf};

use crate::root::Root;

/// Where tracefs may be mounted.
const PLACES: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// The directory of tracefs, where it can be read.
pub fn directory(root: &Root) -> Option<PathBuf> {
    PLACES.iter().map(|place| root.join(place)).find(|path| path.join("events").is_dir())
}

/// A format that tracefs does not have: system, name, content.
pub type OwnFormat = (String, String, Vec<u8>);

/// The formats of these tracepoints (system and name), and of those that bring their own. A file that cannot be read is
/// named.
pub fn data(
    directory: &Path,
    tracepoints: &[(String, String)],
    own_formats: &[OwnFormat],
) -> Result<Vec<u8>, (PathBuf, std::io::Error)> {
    let read = |path: PathBuf| std::fs::read(&path).map_err(|error| (path, error));
    let events = directory.join("events");
    let mut bytes = b"\x17\x08\x44tracing0.6\0".to_vec();
    bytes.push(u8::from(cfg!(target_endian = "big")));
    bytes.push(u8::try_from(size_of::<usize>()).unwrap_or(8));
    bytes.extend(u32::try_from(rustix::param::page_size()).unwrap_or(4096).to_ne_bytes());
    for name in ["header_page", "header_event"] {
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        with_size(&mut bytes, &read(events.join(name))?);
    }
    let mut wanted: Vec<(&str, &str)> = tracepoints.iter().map(|(system, name)| (&**system, &**name)).collect();
    wanted.extend(own_formats.iter().map(|(system, name, _)| (&**system, &**name)));
    wanted.sort_unstable();
    wanted.dedup();
    let formats = |bytes: &mut Vec<u8>, of: &[(&str, &str)]| {
        bytes.extend(u32::try_from(of.len()).unwrap_or(0).to_ne_bytes());
        for (system, name) in of {
            match own_formats.iter().find(|own| own.0 == *system && own.1 == *name) {
                Some((.., format)) => with_size(bytes, format),
                None => with_size(bytes, &read(events.join(system).join(name).join("format"))?),
            }
        }
        Ok(())
    };
    let (own, others): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|(system, _)| *system == "ftrace");
    formats(&mut bytes, &own)?;
    let systems: Vec<&[(&str, &str)]> = others.chunk_by(|one, other| one.0 == other.0).collect();
    bytes.extend(u32::try_from(systems.len()).unwrap_or(0).to_ne_bytes());
    for system in systems {
        bytes.extend_from_slice(system[0].0.as_bytes());
        bytes.push(0);
        formats(&mut bytes, system)?;
    }
    bytes.extend(0_u32.to_ne_bytes());
    // Neither is needed to read the events, so that neither has to be there.
    let printk = std::fs::read(directory.join("printk_formats")).unwrap_or_default();
    bytes.extend(u32::try_from(printk.len()).unwrap_or(0).to_ne_bytes());
    bytes.extend(printk);
    with_size(&mut bytes, &std::fs::read(directory.join("saved_cmdlines")).unwrap_or_default());
    Ok(bytes)
}

fn with_size(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.extend((content.len() as u64).to_ne_bytes());
    bytes.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use perfuse_format::perfdata::TracingData;

    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let temporary = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = temporary.path().join("sys/kernel/tracing").join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("events/header_page", "page");
        put("events/header_event", "event");
        put("events/sched/a/format", "name: a");
        put("events/sched/b/format", "name: b");
        put("events/block/c/format", "name: c");
        put("events/ftrace/f/format", "name: f");
        let directory = directory(&Root::at(temporary.path())).unwrap();
        let wanted = ["sched:b", "block:c", "sched:a", "ftrace:f", "sched:a"].map(|name| {
            let (system, name) = name.split_once(':').unwrap();
            (system.to_owned(), name.to_owned())
        });
        let own = [("probe".to_owned(), "own".to_owned(), b"name: own".to_vec())];
        let bytes = data(&directory, &wanted, &own).unwrap();
        let (parsed, damage) = TracingData::parse(&bytes);
        assert_eq!(damage, None);
        let formats: Vec<(&str, &[u8])> = parsed.formats().collect();
        for (system, format) in
            [("block", "name: c"), ("sched", "name: a"), ("sched", "name: b"), ("probe", "name: own")]
        {
            assert!(formats.contains(&(system, format.as_bytes())), "{formats:?}");
        }
        let missing = [("sched".to_owned(), "none".to_owned())];
        assert!(data(&directory, &missing, &[]).unwrap_err().0.ends_with("sched/none/format"));
    }
}
