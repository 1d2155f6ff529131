//! What a recording tells of a piece of code, and how its symbols are to be found.

use crate::demangle::Demangle;

/// What kind of code a mapping holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DsoKind {
    /// The kernel itself.
    Kernel,
    /// A kernel module.
    Module,
    /// A BPF program or trampoline.
    Bpf,
    /// A file.
    #[default]
    File,
    /// `[vdso]`, `[vsyscall]`.
    Vdso,
    /// No file: just-in-time compiled, heap, stack.
    Anonymous,
}

/// One piece of code as a recording tells of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DsoSpec<'a> {
    /// As recorded: a path, `[kernel.kallsyms]`, `[nf_tables]`, `[vdso]`, `//anon`, the name of a BPF program.
    pub path: &'a str,
    /// Build id, where the recording has it.
    pub build_id: Option<&'a [u8]>,
    /// What it is.
    pub kind: DsoKind,
    /// A process that mapped it: its view of the file system may differ, and its `/tmp/perf-PID.map` counts. -1 if none.
    pub pid: i32,
    /// Where it was mapped, first address and the one behind the last, if that is one place: BPF programs and modules.
    pub range: Option<(u64, u64)>,
    /// Of a kernel: a symbol and its address while recording. The mmap record of a kernel holds both: the name behind
    /// `[kernel.kallsyms]` (`_text`, `_stext`) and its file offset. Tells how far today's kernel was moved since.
    pub reference: Option<(&'a str, u64)>,
}

/// Where symbols are looked for, and how names are shown. The default looks only in the places of the system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SymbolOptions {
    /// The build-id cache of perf: `~/.debug`.
    pub build_id_cache: Option<String>,
    /// What debuginfod clients have fetched before: `~/.cache/debuginfod_client`. Nothing is fetched from here.
    pub debuginfod_cache: Option<String>,
    /// Directory under which all paths are looked up (`--symfs`).
    pub symfs: Option<String>,
    /// A kernel image with symbols (`-k`, `--vmlinux`). Its build id is not compared.
    pub vmlinux: Option<String>,
    /// A saved copy of `/proc/kallsyms` (`--kallsyms`).
    pub kallsyms: Option<String>,
    /// No kernel image is looked for, only kallsyms (`--ignore-vmlinux`).
    pub ignore_vmlinux: bool,
    /// Names of user code.
    pub demangle: Demangle,
    /// Whether names of the kernel are demangled, too (`--demangle-kernel`).
    pub demangle_kernel: bool,
}

impl SymbolOptions {
    /// With the caches below a home directory.
    #[must_use]
    pub fn with_home(mut self, home: &str) -> Self {
        let home = home.trim_end_matches('/');
        self.build_id_cache = Some(format!("{home}/.debug"));
        self.debuginfod_cache = Some(format!("{home}/.cache/debuginfod_client"));
        self
    }

    pub(crate) fn demangle_of(&self, kind: DsoKind) -> Demangle {
        let kernel = matches!(kind, DsoKind::Kernel | DsoKind::Module | DsoKind::Bpf);
        Demangle { on: self.demangle.on && (!kernel || self.demangle_kernel), ..self.demangle }
    }
}

/// Why code has no symbols, or not all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// No file was found at any place.
    NoFile,
    /// Files were found, but of other builds than the one that was recorded.
    BuildIdDiffers {
        /// The first of them.
        path: String,
        /// Its build id in hexadecimal; empty if it has none.
        found: String,
        /// The recorded one.
        recorded: String,
    },
    /// The file has only the symbols that other files may call (`strip`), or none at all.
    Stripped,
    /// The file is damaged, or may not be read.
    Unreadable {
        /// Which.
        path: String,
        /// What happened.
        error: String,
    },
    /// `/proc/kallsyms` shows no addresses: `kernel.kptr_restrict`, or not privileged.
    KernelHidden,
    /// The recording comes from another kernel, and no image or saved kallsyms of that one is here.
    OtherKernel,
    /// The module was loaded elsewhere when the recording was made (another boot), and its file was not found.
    ModuleMoved,
    /// Just-in-time compiled code without the map that its runtime should have written.
    NoJitMap {
        /// Where it was looked for.
        path: String,
    },
    /// The heap or a stack: not code.
    NotCode,
}

/// One file that was looked at for symbols.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which.
    pub path: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of looking at a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Its symbols are used.
    Symbols,
    /// It tells how the file lies in memory, but its symbols are not used.
    Runtime,
    /// It is not there.
    Missing,
    /// It is another build; its build id in hexadecimal, empty if it has none.
    OtherBuild(String),
    /// It has no symbols that are of use.
    NoSymbols,
    /// It is damaged, or may not be read.
    Unreadable(String),
}

/// Code that was not, or not fully, symbolized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path as recorded.
    pub path: String,
    /// Frames without a name, as the caller counted them.
    pub count: u64,
    /// Why.
    pub reason: Reason,
    /// Every file that was looked at, in order.
    pub attempts: Vec<Attempt>,
}
