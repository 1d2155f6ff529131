//! Where the kernel's code and its modules are.

use std::io::Read as _;

use perfuse_format::parse::{fields, hex, lines, unsigned};
use perfuse_format::perfdata::record::kind;

use super::emit::Emitter;
use crate::root::Root;

/// `PERF_RECORD_MISC_KERNEL`.
const MISC_KERNEL: u16 = 1;

/// A loaded module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// Its name, with `_`.
    pub name: String,
    /// Where its code begins.
    pub start: u64,
    /// Bytes.
    pub size: u64,
    /// Its file, or its name in brackets where there is none.
    pub path: String,
}

/// The kernel's text and its modules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kernel {
    /// The symbol that tells where the text begins (`_text` or `_stext`), with its address.
    pub start: Option<(&'static str, u64)>,
    /// One past the text.
    pub end: u64,
    /// Modules in the order of their addresses.
    pub modules: Vec<Module>,
    /// Whether the addresses are hidden (`kernel.kptr_restrict`, `kernel.perf_event_paranoid`).
    pub hidden: bool,
}

impl Kernel {
    /// Reads as little as possible: all symbols are five megabytes, which the kernel writes out anew for every reader, but
    /// the first ones tell the start, and on x86 the end stands in `/proc/iomem`.
    pub fn read(root: &Root) -> Self {
        let mut kernel = Self::default();
        kernel.text(root);
        if !kernel.hidden {
            kernel.modules = modules(root);
        }
        kernel
    }

    fn text(&mut self, root: &Root) {
        let Ok(mut file) = std::fs::File::open(root.join("/proc/kallsyms")) else { return };
        let resources = std::fs::read(root.join("/proc/iomem")).unwrap_or_default();
        let length = if cfg!(target_arch = "x86_64") { kernel_code(&resources) } else { None };
        let mut scan = Scan::default();
        let mut buffer = vec![0; 64 * 1024];
        let mut kept = 0;
        while let Ok(read @ 1..) = file.read(&mut buffer[kept..]) {
            let filled = kept + read;
            let whole = buffer[..filled].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            scan.lines(&buffer[..whole]);
            if scan.is_done(length.is_some()) {
                break;
            }
            buffer.copy_within(whole..filled, 0);
            kept = filled - whole;
            if kept == buffer.len() {
                break;
            }
        }
        self.hidden = scan.hidden;
        self.start = scan.text.map(|at| ("_text", at)).or(scan.stext.map(|at| ("_stext", at)));
        self.end = match (self.start, length) {
            (Some((_, start)), Some(length)) => start.saturating_add(length),
            _ => scan.etext.unwrap_or(0),
        };
    }

    /// The MMAP records that perf writes for them.
    pub fn emit(&self, out: &mut Emitter) {
        if let Some((symbol, start)) = self.start.filter(|_| !self.hidden) {
            mmap(out, start, self.end.saturating_sub(start), start, format!("[kernel.kallsyms]{symbol}").as_bytes());
        }
        for module in &self.modules {
            mmap(out, module.start, module.size, 0, module.path.as_bytes());
        }
    }
}

fn mmap(out: &mut Emitter, start: u64, length: u64, offset: u64, path: &[u8]) {
    out.begin(kind::MMAP, MISC_KERNEL);
    out.i32(-1);
    out.i32(0);
    out.u64(start);
    out.u64(length);
    out.u64(offset);
    out.text(path);
    out.end();
}

/// What has been found in `/proc/kallsyms`.
#[derive(Debug, Default)]
struct Scan {
    text: Option<u64>,
    stext: Option<u64>,
    etext: Option<u64>,
    hidden: bool,
}

impl Scan {
    fn lines(&mut self, text: &[u8]) {
        for line in text.split(|&byte| byte == b'\n') {
            let mut parts = line.splitn(3, |&byte| byte == b' ');
            let (Some(address), _, Some(name)) = (parts.next(), parts.next(), parts.next()) else { continue };
            let place = match name {
                b"_text" => &mut self.text,
                b"_stext" => &mut self.stext,
                b"_etext" => &mut self.etext,
                _ => continue,
            };
            let address = hex(address).filter(|address| *address != 0);
            self.hidden |= address.is_none();
            *place = address;
        }
    }

    fn is_done(&self, end_is_known: bool) -> bool {
        self.hidden || self.text.is_some() && (end_is_known || self.etext.is_some())
    }
}

/// Bytes of `Kernel code` in `/proc/iomem`, which on x86 is the range from `_text` to `_etext`; without privilege all
/// addresses there are 0.
fn kernel_code(resources: &[u8]) -> Option<u64> {
    lines(resources).find_map(|(_, line)| {
        let range = line.strip_suffix(b" : Kernel code")?.trim_ascii_start();
        let dash = range.iter().position(|&byte| byte == b'-')?;
        let (first, last) = (hex(&range[..dash])?, hex(&range[dash + 1..])?);
        (last > first).then(|| last - first + 1)
    })
}

/// `/proc/modules` (proc(5)), with the files from `modules.dep`.
fn modules(root: &Root) -> Vec<Module> {
    let text = std::fs::read(root.join("/proc/modules")).unwrap_or_default();
    let release = std::fs::read_to_string(root.join("/proc/sys/kernel/osrelease")).unwrap_or_default();
    let directory = format!("/lib/modules/{}", release.trim());
    let files = if text.is_empty() { Vec::new() } else { module_files(root, &directory) };
    let mut modules: Vec<Module> = lines(&text).filter_map(|(_, line)| module(line, &files)).collect();
    modules.sort_by_key(|module| module.start);
    modules
}

fn module(line: &[u8], files: &[(String, String)]) -> Option<Module> {
    let mut parts = fields(line);
    let name = String::from_utf8_lossy(parts.next()?).into_owned();
    let size = unsigned(parts.next()?)?;
    let start = hex(parts.nth(3)?.strip_prefix(b"0x")?).filter(|start| *start != 0)?;
    let file = files.binary_search_by(|file| file.0.cmp(&name)).ok().map(|at| files[at].1.clone());
    let path = file.unwrap_or_else(|| format!("[{name}]"));
    Some(Module { name, start, size, path })
}

/// Name and file of every module that is installed, sorted.
fn module_files(root: &Root, directory: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(root.join(&format!("{directory}/modules.dep"))).unwrap_or_default();
    let mut files: Vec<(String, String)> = text
        .lines()
        .filter_map(|line| {
            let path = line.split(':').next()?;
            let file = path.rsplit('/').next()?;
            let name = file.split(".ko").next()?.replace('-', "_");
            Some((name, format!("{directory}/{path}")))
        })
        .collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        directory
    }

    #[test]
    fn modules_have_their_files() {
        let directory = root(&[
            ("proc/kallsyms", "ffffffff81000000 T _stext\nffffffff81000000 T _text\nffffffff82000000 T _etext\n"),
            (
                "proc/modules",
                "b_c 16384 1 - Live 0xffffffffc0200000 (OE)\na 8192 0 - Live 0xffffffffc0100000\nz 1 0 - Loading 0x0\n",
            ),
            ("proc/sys/kernel/osrelease", "6.1.0\n"),
            ("lib/modules/6.1.0/modules.dep", "kernel/fs/b-c.ko.xz: kernel/fs/x.ko.xz\nkernel/fs/x.ko.xz:\n"),
        ]);
        let kernel = Kernel::read(&Root::at(directory.path()));
        assert_eq!((kernel.start, kernel.end), (Some(("_text", 0xffff_ffff_8100_0000)), 0xffff_ffff_8200_0000));
        let paths: Vec<&str> = kernel.modules.iter().map(|module| module.path.as_str()).collect();
        assert_eq!(paths, ["[a]", "/lib/modules/6.1.0/kernel/fs/b-c.ko.xz"]);
        let mut out = Emitter::new(0);
        kernel.emit(&mut out);
        assert!(out.bytes.windows(23).any(|window| window == b"[kernel.kallsyms]_text\0"));
    }

    #[test]
    fn hidden_addresses_are_no_addresses() {
        let directory = root(&[("proc/kallsyms", "0000000000000000 T _stext\n0000000000000000 T _text\n")]);
        let kernel = Kernel::read(&Root::at(directory.path()));
        assert!(kernel.hidden && kernel.start.is_none());
        let mut out = Emitter::new(0);
        kernel.emit(&mut out);
        assert!(out.bytes.is_empty());
    }

    #[test]
    fn the_short_way_and_the_long_way_agree() {
        let live = Kernel::read(&Root::default());
        let Some((_, start)) = live.start else {
            perfuse_testkit::skip!("addresses of the kernel are hidden");
        };
        let text = std::fs::read("/proc/kallsyms").unwrap();
        let mut scan = Scan::default();
        scan.lines(&text);
        assert_eq!((Some(start), Some(live.end)), (scan.text, scan.etext));
    }
}
