//! `perf buildid-cache`: the files that are kept by build id.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use perfuse_analyze::Msg;
use perfuse_symbol::{build_id_of, build_id_text};

use super::cache::{Cache, Entry, Kept};
use super::options::{Opt, Parsed, UsageError, long_optional, long_value, switch, value};
use super::recorded::Input;
use super::{Command, FAILED};
use crate::console::{self, Console};

/// `perf buildid-cache`.
pub(crate) const COMMAND: Command =
    Command { name: "buildid-cache", usage: &["[<options>]"], options: OPTIONS, runs: false, run };

const OPTIONS: &[Opt] = &[
    value('a', "add", "file list"),
    switch('f', "force"),
    value('k', "kcore", "file"),
    switch('l', "list"),
    value('M', "missing", "file"),
    value('p', "purge", "file list"),
    switch('P', "purge-all"),
    value('r', "remove", "file list"),
    value('u', "update", "file list"),
    switch('v', "verbose"),
    long_optional("debuginfod", "urls"),
    long_value("target-ns", "n"),
];

/// What is done with each file of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Add,
    Remove,
    Purge,
    Update,
}

impl Deed {
    /// In the order in which perf does them.
    const ALL: [(&'static str, Self); 4] =
        [("add", Self::Add), ("remove", Self::Remove), ("purge", Self::Purge), ("update", Self::Update)];

    /// The message about what could not be done.
    fn failed(self) -> &'static str {
        match self {
            Self::Add => "cache-cannot-add",
            Self::Remove => "cache-cannot-remove",
            Self::Purge => "cache-cannot-purge",
            Self::Update => "cache-cannot-update",
        }
    }
}

fn run(parsed: &Parsed, console: &Console) -> anyhow::Result<u8> {
    let wrong = |id: &str| UsageError(Msg::new(id));
    if let Some(word) = parsed.rest.first() {
        return Err(UsageError(Msg::new("cache-word").with("word", word.to_string_lossy().into_owned())).into());
    }
    for option in ["list", "purge-all"] {
        if parsed.on(option) && parsed.given.iter().any(|given| is_deed(&given.id) && given.id != option) {
            return Err(UsageError(Msg::new("cache-exclusive").with("option", format!("--{option}"))).into());
        }
    }
    if !parsed.given.iter().any(|given| is_deed(&given.id)) {
        return Err(wrong("cache-nothing").into());
    }
    let Some(cache) = Cache::of_user() else {
        console.complain(&console.texts.word("cache-no-home"));
        return Ok(FAILED);
    };
    if parsed.on("debuginfod") {
        console.note(&Msg::new("cache-debuginfod"));
    }
    if parsed.on("list") {
        let lines = cache.entries().iter().fold(String::new(), |mut text, Entry { id, path }| {
            let _ = writeln!(text, "{id} {path}");
            text
        });
        console::print(&lines)?;
        return Ok(0);
    }
    if parsed.on("purge-all") {
        return Ok(purge_all(&cache, parsed.on("verbose"), console));
    }
    let work = Work { cache, root: namespace(parsed)?, verbose: parsed.on("verbose"), console };
    for (option, deed) in Deed::ALL {
        for path in parsed.text(option).unwrap_or_default().split(',').filter(|path| !path.is_empty()) {
            work.one(deed, path);
        }
    }
    if let Some(file) = parsed.text("missing") {
        missing(&work.cache, &file, console)?;
    }
    if let Some(file) = parsed.text("kcore") {
        console.complain(&console.texts.text(&Msg::new("cache-kcore").with("path", file)));
        return Ok(FAILED);
    }
    Ok(0)
}

/// Whether an option asks for something to be done.
fn is_deed(id: &str) -> bool {
    matches!(id, "add" | "remove" | "purge" | "update" | "missing" | "kcore" | "list" | "purge-all")
}

/// Where the files of `--target-ns` are: as that process sees them.
fn namespace(parsed: &Parsed) -> anyhow::Result<PathBuf> {
    let Some(pid) = parsed.number::<u32>("target-ns")? else { return Ok(PathBuf::from("/")) };
    let root = PathBuf::from(format!("/proc/{pid}/root"));
    match std::fs::read_dir(&root) {
        Ok(_) => Ok(root),
        Err(error) => Err(anyhow::anyhow!("--target-ns {pid}: {}: {error}", root.display())),
    }
}

fn purge_all(cache: &Cache, verbose: bool, console: &Console) -> u8 {
    for entry in cache.entries() {
        if let Err(error) = cache.remove(&entry.id) {
            let failed = Msg::new("cache-cannot-purge").with("path", format!("{} {}", entry.id, entry.path));
            console.complain(&console.texts.text(&failed.with("error", error.to_string())));
            return FAILED;
        }
    }
    if verbose {
        console::say("Purged all: Ok\n");
    }
    0
}

/// Files of a recording that are not kept.
fn missing(cache: &Cache, file: &str, console: &Console) -> anyhow::Result<()> {
    let input = Input::open(Some(file))?;
    let data = input.recording(false, console)?;
    let missing = super::buildid_list::known(&data).into_iter().filter(|(id, _)| !id.is_empty() && !cache.has(id));
    let lines = missing.fold(String::new(), |mut text, (id, path)| {
        let _ = writeln!(text, "{id} {path}");
        text
    });
    console::print(&lines)
}

struct Work<'a> {
    cache: Cache,
    /// What `/` is to the files.
    root: PathBuf,
    verbose: bool,
    console: &'a Console<'a>,
}

impl Work<'_> {
    /// One file. What fails is said, and the others go on, as in perf.
    fn one(&self, deed: Deed, path: &str) {
        let done = if deed == Deed::Purge { self.purge(path) } else { self.by_id(deed, path) };
        match done {
            Ok(lines) if self.verbose => console::say(&lines),
            Ok(_) => {}
            Err(error) => {
                let words = Msg::new(deed.failed()).with("path", path).with("error", self.console.texts.text(&error));
                self.console.complain(&self.console.texts.text(&words));
            }
        }
    }

    fn by_id(&self, deed: Deed, path: &str) -> Result<String, Msg> {
        let text = |error: &dyn std::fmt::Display| Msg::new("cache-error").with("error", error.to_string());
        // Links are followed as the process sees them only where it has the same root.
        let (file, kept_as) = if self.root == Path::new("/") {
            let real = std::fs::canonicalize(path).map_err(|error| text(&error))?;
            (real.clone(), real.display().to_string())
        } else {
            (self.root.join(path.trim_start_matches('/')), path.to_owned())
        };
        if !file.is_file() {
            let id = if file.exists() { "cache-no-file" } else { "cache-not-there" };
            return Err(Msg::new(id));
        }
        let opened = std::fs::File::open(&file).map_err(|error| text(&error))?;
        let id = build_id_of(opened).map_err(|error| text(&error))?.ok_or_else(|| Msg::new("cache-no-build-id"))?;
        let id = build_id_text(&id);
        let add = || self.cache.add(&file, &kept_as, &id, Kept::Elf);
        let not_kept = || Msg::new("cache-not-kept").with("id", id.as_str());
        let (name, done) = match deed {
            Deed::Remove if !self.cache.has(&id) => return Err(not_kept()),
            Deed::Remove | Deed::Purge => ("Removing", self.cache.remove(&id)),
            Deed::Update => {
                let removed = if self.cache.has(&id) { self.cache.remove(&id) } else { Ok(()) };
                ("Updating", removed.and_then(|()| add()))
            }
            Deed::Add => ("Adding", add()),
        };
        done.map_err(|error| text(&error))?;
        Ok(format!("{name} {id} {path}: Ok\n"))
    }

    /// Forgets all builds of a path, which may be gone.
    fn purge(&self, path: &str) -> Result<String, Msg> {
        let real = std::fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
        let builds = self.cache.builds(&real);
        if builds.is_empty() {
            return Err(Msg::new("cache-none-kept"));
        }
        let mut lines = String::new();
        for id in builds {
            let removed = self.cache.remove(&id);
            removed.map_err(|error| Msg::new("cache-error").with("error", error.to_string()))?;
            let _ = writeln!(lines, "Removing {id} {path}: Ok");
        }
        let _ = writeln!(lines, "Purging {path}: Ok");
        Ok(lines)
    }
}
