//! Machine code and source lines of what a recording mentions, from the files of this host.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use perfuse_analyze::resolve::{Code, Instruction};
use perfuse_analyze::session::{Dso, DsoId, DsoKind};
use perfuse_symbol::{CodeFile, DsoSpec, HostFiles, SymbolOptions, insn};

/// Most files that are kept open, and most source files that are kept.
const MOST: usize = 256;
/// A source file above this is not read.
const LONGEST_SOURCE: u64 = 16 << 20;

/// What was read before.
#[derive(Default)]
pub(crate) struct CodeFiles {
    files: BTreeMap<DsoId, Option<CodeFile<File>>>,
    sources: BTreeMap<String, Option<String>>,
}

impl CodeFiles {
    /// Code of a file. That of the kernel is not read: only its running image would be sure to be the right one.
    pub(crate) fn code(
        &mut self,
        id: DsoId,
        dso: &Dso,
        address: u64,
        most: usize,
        options: &SymbolOptions,
    ) -> Option<Code> {
        if !matches!(dso.kind, DsoKind::File | DsoKind::Vdso) {
            return None;
        }
        if self.files.len() >= MOST && !self.files.contains_key(&id) {
            self.files.clear();
        }
        let file = self.files.entry(id).or_insert_with(|| {
            let spec = DsoSpec {
                path: &dso.path,
                build_id: dso.build_id.as_deref(),
                kind: dso.kind,
                pid: dso.pid,
                ..DsoSpec::default()
            };
            CodeFile::open(&HostFiles(PathBuf::from("/")), &spec, options)
        });
        let file = file.as_mut()?;
        Some(Code { bytes: file.read(address, most), wide: file.is_wide() })
    }

    /// A line of a source file.
    pub(crate) fn line(&mut self, path: &str, line: u32) -> Option<String> {
        if self.sources.len() >= MOST && !self.sources.contains_key(path) {
            self.sources.clear();
        }
        let text = self.sources.entry(path.to_owned()).or_insert_with(|| {
            let about = std::fs::metadata(path).ok().filter(|about| about.is_file() && about.len() <= LONGEST_SOURCE);
            about.and_then(|_| std::fs::read(path).ok()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        });
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        text.as_ref()?.lines().nth(index).map(str::to_owned)
    }
}

/// The instruction with which code begins, on a machine of x86.
pub(crate) fn instruction(bytes: &[u8], wide: bool) -> Option<Instruction> {
    insn::x86(bytes, wide).map(|found| Instruction { length: found.length, branch: found.branch })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_sources_count_from_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.c").to_string_lossy().into_owned();
        std::fs::write(&path, "int a;\nint b;\n").unwrap();
        let mut files = CodeFiles::default();
        let mut line = |number| files.line(&path, number);
        assert_eq!((line(1).as_deref(), line(2).as_deref()), (Some("int a;"), Some("int b;")));
        assert_eq!((line(0), line(3)), (None, None));
        assert_eq!(files.line("/nonexistent", 1), None);
    }
}
