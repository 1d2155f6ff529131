//! A recording that is only made to be drawn.

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use perfuse_render::Texts;

use crate::perf;

/// The file, in a directory of its own that nobody else can enter; removed with the value.
pub(crate) struct Recording {
    directory: PathBuf,
    file: String,
}

impl Recording {
    /// Runs `record` with these options and this command. `None` if nothing was recorded: `record` has said why.
    ///
    /// A picture of stacks needs stacks, and one of the time off the CPUs needs the switches of all of them: what is not
    /// among the options is added.
    pub(crate) fn make(
        options: &[OsString],
        command: &[OsString],
        off_cpu: bool,
        texts: &Texts,
    ) -> anyhow::Result<Option<Self>> {
        let directory = std::env::temp_dir().join(format!("perfuse-flamegraph-{}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&directory).with_context(|| directory.display().to_string())?;
        let file = directory.join("perf.data");
        let recording = Self { file: file.to_string_lossy().into_owned(), directory };
        let mut line = ["perfuse", "--lang", texts.lang().id(), "record", "-o"].map(OsString::from).to_vec();
        line.push(file.clone().into());
        line.extend(added(options, off_cpu).into_iter().map(OsString::from));
        line.extend(options.iter().cloned());
        if !command.is_empty() {
            line.push("--".into());
            line.extend(command.iter().cloned());
        }
        // Its status is that of the command, which may fail and be recorded all the same.
        perf::run(&line, texts);
        Ok(is_whole(&file).then_some(recording))
    }

    /// Its path.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // What cannot be removed stays in the directory for temporary files, as after a crash.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Whether a recording was ended: its header has the size of the records then (8 bytes at 48).
fn is_whole(file: &Path) -> bool {
    let mut header = [0; 56];
    let read = fs::File::open(file).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && header[48..].iter().any(|byte| *byte != 0)
}

/// Options that are needed and not there.
fn added(options: &[OsString], off_cpu: bool) -> Vec<&'static str> {
    let short = |letter: char| {
        let has = |word: &OsString| {
            let word = word.to_string_lossy();
            // Letters that stand together: `-ag`. A value may follow the last, as in `-F99`.
            let letters = word.strip_prefix('-').filter(|rest| !rest.starts_with('-'));
            letters
                .is_some_and(|letters| letters.chars().take_while(char::is_ascii_alphabetic).any(|one| one == letter))
        };
        options.iter().any(has)
    };
    let long = |name: &str| options.iter().any(|word| word.to_string_lossy().starts_with(name));
    let mut added = Vec::new();
    if !short('g') && !long("--call-graph") {
        added.push("-g");
    }
    if off_cpu && !short('e') && !long("--event") {
        added.extend(["-e", "sched:sched_switch"]);
        if !short('a') && !long("--all-cpus") {
            added.push("-a");
        }
    }
    added
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_and_switches_are_added_where_they_are_missing() {
        let of = |line: &str, off_cpu| {
            let options: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
            added(&options, off_cpu).join(" ")
        };
        assert_eq!(of("-F 99 -a", false), "-g");
        assert_eq!(of("-F99 -ag", false), "");
        assert_eq!(of("-a --call-graph=dwarf", false), "");
        assert_eq!(of("", true), "-g -e sched:sched_switch -a");
        assert_eq!(of("-a", true), "-g -e sched:sched_switch");
        assert_eq!(of("-e context-switches --switch-events -g", true), "");
    }
}
