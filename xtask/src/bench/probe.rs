//! `probe` on the debug information of a whole kernel.

use std::path::PathBuf;

use anyhow::Result;

use super::recordings::{self, Side};
use super::{Row, Settings};

/// What is asked of the kernel: the options and the place, and what of it is worth a figure.
const QUESTIONS: [(&str, &[&str]); 4] = [
    ("-V tcp_sendmsg", &["-V", "tcp_sendmsg"]),
    ("-V kfree, a name in most units", &["-V", "kfree"]),
    ("-D 'vfs_read file->f_mode count'", &["-D", "vfs_read file->f_mode count"]),
    ("-L tcp_sendmsg", &["-L", "tcp_sendmsg"]),
];

/// An image with debug information: that of `PERFUSE_VMLINUX`, the one in the directory of the benchmarks, or one that is
/// installed.
fn image() -> Result<Option<PathBuf>> {
    let named = std::env::var_os("PERFUSE_VMLINUX").map(PathBuf::from);
    let own = recordings::directory()?.join("vmlinux");
    let installed = std::fs::read_dir("/usr/lib/debug/boot").into_iter().flatten().flatten().map(|entry| entry.path());
    Ok(named.into_iter().chain([own]).chain(installed).find(|path| path.is_file()))
}

/// CPU time and peak memory of finding places, variables and lines.
pub(super) fn probe(settings: &Settings) -> Result<Vec<Row>> {
    let target = "at most 0.33";
    let Some(image) = image()? else {
        return Ok(vec![Row {
            what: "SKIPPED: no kernel image with debug information".to_owned(),
            ours: "-".to_owned(),
            peer: "unpack linux-image-cloud-amd64-dbg and name its vmlinux in PERFUSE_VMLINUX".to_owned(),
            ratio: None,
            target,
        }]);
    };
    let mib = std::fs::metadata(&image)?.len() / recordings::MIB;
    let image = image.to_string_lossy();
    // The lines of the kernel's sources do not matter, but that there are some does.
    let sources = recordings::directory()?.join("probe-sources");
    std::fs::create_dir_all(&sources)?;
    std::fs::write(sources.join("tcp.c"), "\n".repeat(5000))?;
    let sources = sources.to_string_lossy();
    let (ours, perf) = (recordings::link(settings)?, recordings::perf()?);
    let mut rows = Vec::new();
    for (name, question) in QUESTIONS {
        let line = [&["probe", "-k", &image, "-s", &sources][..], question].concat();
        let sides = [Side::new(&ours, &line), Side::new(&perf, &line)];
        let [own, theirs] = recordings::by_turns(settings, &sides)?[..] else { continue };
        let what = format!("probe {name}, image of {mib} MiB");
        rows.extend(recordings::rows(&what, "", own, ("perf", theirs), [target, "at most 1"]));
    }
    Ok(rows)
}
