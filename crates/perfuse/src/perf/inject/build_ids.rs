//! The builds of the files that a recording is about.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use perfuse_analyze::session::{Dso, DsoId, DsoKind, Session};
use perfuse_collect::Root;
use perfuse_collect::perf::record::{build_id, host};
use perfuse_format::perfdata::features::{BuildId, Features};
use perfuse_format::perfdata::{CpuMode, Mmap, PerfData, Sample};

/// `PERF_RECORD_MISC_KERNEL` and `_USER`.
const KERNEL: u16 = 1;
const USER: u16 = 2;
/// `PERF_RECORD_MISC_BUILD_ID_SIZE`.
const SIZED: u16 = 1 << 15;
/// `PERF_CONTEXT_MAX`: numbers of a call chain from here on tell where the next ones are.
const CONTEXT_MAX: u64 = (-4095_i64).cast_unsigned();
/// `PERF_CONTEXT_KERNEL` and `PERF_CONTEXT_USER`.
const CONTEXT_KERNEL: u64 = (-128_i64).cast_unsigned();
const CONTEXT_USER: u64 = (-512_i64).cast_unsigned();
/// The running kernel.
const RELEASE: &str = "/proc/sys/kernel/osrelease";

/// Of which files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Of none.
    None,
    /// Of those in which samples or their callers lie.
    Hit,
    /// Of all that were mapped.
    Mapped,
}

/// Finds the build id of each file once.
pub(super) struct BuildIds {
    root: Root,
    which: Which,
    known: BTreeMap<String, Vec<u8>>,
    /// Whether the recording is of the running kernel: of another one nothing is here.
    same_kernel: bool,
    done: BTreeSet<DsoId>,
    /// Found and not written yet.
    pub(super) fresh: Vec<BuildId>,
    /// Those that the recording told, then those that were found.
    pub(super) found: Vec<BuildId>,
}

impl BuildIds {
    /// For a recording; `known` are build ids by path, which win.
    pub(super) fn new(data: &PerfData<'_>, which: Which, known: BTreeMap<String, Vec<u8>>) -> Self {
        let root = Root::default();
        let features: &Features = &data.features;
        let release = std::fs::read_to_string(root.join(RELEASE)).unwrap_or_default();
        Self {
            same_kernel: features.os_release.as_deref().is_none_or(|recorded| recorded == release.trim()),
            root,
            which,
            known,
            done: BTreeSet::new(),
            fresh: Vec::new(),
            found: features.build_ids.clone(),
        }
    }

    /// Takes note of a sample: of where it was taken, and of all its callers.
    pub(super) fn sample(&mut self, session: &Session, sample: &Sample<'_>) {
        if self.which != Which::Hit {
            return;
        }
        let mut mode = CpuMode::of(sample.misc);
        self.hit(session, sample.pid, mode, sample.ip);
        for number in sample.callchain.iter() {
            match number {
                CONTEXT_KERNEL => mode = CpuMode::Kernel,
                CONTEXT_USER => mode = CpuMode::User,
                CONTEXT_MAX.. => mode = CpuMode::Unknown,
                ip => self.hit(session, sample.pid, mode, ip),
            }
        }
    }

    /// Takes note of a mapping.
    pub(super) fn mapping(&mut self, session: &Session, mmap: &Mmap<'_>) {
        if self.which == Which::Mapped {
            self.hit(session, mmap.pid, mmap.mode, mmap.start);
        }
    }

    fn hit(&mut self, session: &Session, pid: i32, mode: CpuMode, ip: u64) {
        let Some(id) = session.locate(pid, mode, ip).dso else { return };
        if !self.done.insert(id) {
            return;
        }
        let Some(dso) = session.dso_of(id) else { return };
        let misc = SIZED | if mode == CpuMode::Kernel { KERNEL } else { USER };
        if let Some(bytes) = self.of(dso) {
            // -1 stands for the host, as opposed to a guest.
            let build_id = BuildId { pid: -1, misc, id: bytes, path: dso.path.clone() };
            if !self.found.iter().any(|known| known.path == build_id.path) {
                self.found.push(build_id.clone());
            }
            self.fresh.push(build_id);
        }
    }

    fn of(&self, dso: &Dso) -> Option<Vec<u8>> {
        if let Some(id) = self.known.get(&dso.path).or(dso.build_id.as_ref()) {
            return Some(id.clone());
        }
        match dso.kind {
            DsoKind::Kernel if self.same_kernel => host::kernel_build_id(&self.root, None),
            DsoKind::Module if self.same_kernel => host::kernel_build_id(&self.root, Some(&module(&dso.path))),
            DsoKind::Vdso if self.same_kernel => build_id::of_vdso(),
            DsoKind::File if is_file(&dso.path) => build_id::of_file(&self.place(dso)),
            _ => None,
        }
    }

    /// The file, as the process sees it if it is nowhere else.
    fn place(&self, dso: &Dso) -> PathBuf {
        let own = self.root.join(&dso.path);
        if own.exists() {
            return own;
        }
        let seen = self.root.join(&format!("/proc/{}/root{}", dso.pid, dso.path));
        if seen.exists() { seen } else { own }
    }
}

/// Whether a mapping's name is that of a file with code: neither of memory nor of a device.
fn is_file(path: &str) -> bool {
    path.starts_with('/') && !["//", "/dev/", "/anon_hugepage", "/SYSV"].iter().any(|start| path.starts_with(start))
}

/// The name of a module: of `[nf_tables]`, and of `/lib/modules/6.1/kernel/net/nf-tables.ko.xz`.
fn module(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path).trim_matches(['[', ']']);
    name.split(".ko").next().unwrap_or(name).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_modules_and_files_are_told_apart_from_others() {
        assert_eq!(module("[nf_tables]"), "nf_tables");
        assert_eq!(module("/lib/modules/6.1/kernel/net/nf-tables.ko.xz"), "nf_tables");
        assert!(is_file("/usr/bin/perf") && !is_file("//anon") && !is_file("/dev/zero") && !is_file("[heap]"));
    }
}
