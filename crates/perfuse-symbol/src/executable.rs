//! A program or library as a probe sees it: every name of every function, where it is in the file, and the tracepoints
//! that it carries.

use std::io::Cursor;

use perfuse_format::probe::SdtNote;

use crate::build_id;
use crate::dso::{Attempt, DsoSpec, Outcome, Reason, SymbolOptions};
use crate::elf::{Elf, ElfError, Headers, PT_LOAD};
use crate::files::{Files, Source};
use crate::table::{STT_FUNC, STT_GNU_IFUNC, Table};
use crate::{find, load, sdt};

/// A symbol of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSymbol {
    /// Its name, as the options want it shown.
    pub name: String,
    /// Its name as the file states it.
    pub raw: String,
    /// Where it begins in the file, in bytes.
    pub offset: u64,
    /// Its length in bytes; 0 where the file does not tell.
    pub size: u64,
    /// Whether it is a function whose entry is that place.
    pub function: bool,
    /// Whether it is a function that runs once, to pick the function that is called by this name (`STT_GNU_IFUNC`).
    pub indirect: bool,
}

/// A file with code.
#[derive(Debug)]
pub struct Executable {
    headers: Headers,
    /// Every symbol, those with the same place too, in the order of their places.
    symbols: Vec<FileSymbol>,
    notes: Vec<SdtNote>,
    build_id: Option<Vec<u8>>,
    reason: Option<Reason>,
    attempts: Vec<Attempt>,
    source: Option<String>,
}

impl Executable {
    /// Reads the file at `spec.path`, and its symbols from wherever they are: the file itself, a separate debug file by
    /// build id or link, the small table of a stripped file.
    pub fn open<F: Files>(files: &F, spec: &DsoSpec<'_>, options: &SymbolOptions) -> Result<Self, ElfError> {
        let own = format!("{}{}", options.symfs.as_deref().unwrap_or("").trim_end_matches('/'), spec.path);
        let mut elf = Elf::open(Source::File(files.open(&own)?))?;
        let found = find::user(files, spec, options);
        let build_id = build_id::of(&mut elf)?;
        let notes = sdt::notes(&mut elf)?;
        let demangle = options.demangle_of(spec.kind);
        let mut all = Table::default();
        let separate = found.symbols_path.as_ref().filter(|path| **path != own);
        if let Some(mut symbols) = separate.and_then(|path| Elf::open(Source::File(files.open(path).ok()?)).ok()) {
            load::every(&mut all, &mut symbols, Some(&elf.headers), false)?;
        }
        // The full table has all that the dynamic one has, and tells the versions apart (`memcpy@@GLIBC_2.14`).
        let dynamic = all.is_empty();
        load::every(&mut all, &mut elf, None, dynamic)?;
        let packed = elf.data_of(".gnu_debugdata").unwrap_or_default();
        if !packed.is_empty()
            && let Ok(bytes) = crate::compressed::xz(&packed)
            && let Ok(mut inner) = Elf::open(Source::<F::File>::Bytes(Cursor::new(bytes)))
        {
            load::every(&mut all, &mut inner, Some(&elf.headers), false)?;
        }
        all.order();
        let mut symbols: Vec<FileSymbol> = (0..all.len())
            .filter_map(|index| {
                let entry = all.entry(index)?;
                let raw = String::from_utf8_lossy(all.raw_name(index)).into_owned();
                let name = demangle.name(&raw).into_owned();
                let indirect = entry.kind == STT_GNU_IFUNC;
                let function = indirect || entry.kind == STT_FUNC || is_code(&elf, entry.start);
                Some(FileSymbol { name, raw, offset: entry.start, size: entry.end - entry.start, function, indirect })
            })
            .collect();
        // The same symbol stands in both tables of a file.
        symbols.dedup_by(|one, before| one.offset == before.offset && one.raw == before.raw);
        Ok(Self {
            headers: elf.headers,
            symbols,
            notes,
            build_id,
            reason: found.reason,
            attempts: found.attempts,
            source: found.symbols_path.or(found.runtime_path),
        })
    }

    /// Every symbol, in the order of their places.
    pub fn symbols(&self) -> &[FileSymbol] {
        &self.symbols
    }

    /// The functions of a name, each place once: as the file states it or as it is shown. Of several versions of a function,
    /// the name alone means the one that new programs get (`NAME@@VERSION`).
    pub fn functions(&self, name: &str) -> Vec<&FileSymbol> {
        let is_default = |raw: &str| raw.strip_prefix(name).is_some_and(|version| version.starts_with("@@"));
        self.functions_by(|symbol| symbol.raw == name || symbol.name == name || is_default(&symbol.raw))
    }

    /// The functions that `wanted` takes, each place once.
    pub fn functions_by(&self, wanted: impl Fn(&FileSymbol) -> bool) -> Vec<&FileSymbol> {
        let mut found: Vec<&FileSymbol> =
            self.symbols.iter().filter(|symbol| symbol.function && wanted(symbol)).collect();
        found.dedup_by_key(|symbol| symbol.offset);
        found
    }

    /// The function that holds an offset of the file: the first name of the last one that begins there or before.
    pub fn holding(&self, offset: u64) -> Option<&FileSymbol> {
        let end = self.symbols.partition_point(|symbol| symbol.offset <= offset);
        let before = self.symbols.get(..end)?;
        let holds =
            |symbol: &&FileSymbol| symbol.function && (symbol.offset == offset || offset - symbol.offset < symbol.size);
        let last = before.iter().rev().take(64).find(holds)?;
        before.iter().rev().take(64).rfind(|symbol| symbol.offset == last.offset && symbol.function)
    }

    /// The tracepoints that it carries.
    pub fn tracepoints(&self) -> &[SdtNote] {
        &self.notes
    }

    /// The offset in the file of an address that the file states for itself.
    pub fn offset_of(&self, address: u64) -> Option<u64> {
        self.headers.offset_of(address)
    }

    /// The address that the file states for a byte of it.
    pub fn address_of(&self, offset: u64) -> Option<u64> {
        let mut loaded = self.headers.segments.iter().filter(|segment| segment.kind == PT_LOAD);
        let segment =
            loaded.find(|segment| offset.checked_sub(segment.offset).is_some_and(|into| into < segment.file_size))?;
        segment.address.checked_add(offset - segment.offset)
    }

    /// Where the counter of a tracepoint is in the file; `None` without one.
    pub fn counter_of(&self, semaphore: u64) -> Option<u64> {
        sdt::counter_of(&self.headers, semaphore)
    }

    /// `e_machine` of its header.
    pub fn machine(&self) -> u16 {
        self.headers.machine
    }

    /// Its build id.
    pub fn build_id(&self) -> Option<&[u8]> {
        self.build_id.as_deref()
    }

    /// Why it has no symbols, or not all.
    pub fn reason(&self) -> Option<&Reason> {
        self.reason.as_ref()
    }

    /// The files that were looked at.
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// The file whose symbols these are.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// Whether a separate file gave the symbols.
    pub fn has_debug_file(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.outcome == Outcome::Symbols)
    }
}

/// The value of a symbol as a file states it; `None` if the file or the symbol is not there.
pub fn symbol_value<F: Files>(files: &F, path: &str, name: &str) -> Option<u64> {
    load::value_of(&mut Elf::open(files.open(path).ok()?).ok()?, name)
}

/// Whether a byte of the file is code: labels of assembler do not say it of themselves.
fn is_code(headers: &Headers, offset: u64) -> bool {
    const EXECUTABLE: u64 = 1 << 2;
    headers.sections.iter().any(|section| {
        section.flags & EXECUTABLE != 0
            && offset.checked_sub(section.offset).is_some_and(|into| into < section.size)
            && section.name.contains("text")
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::HostFiles;

    #[test]
    fn functions_of_this_program_are_found_by_name_and_place() {
        let path = std::env::current_exe().unwrap().to_string_lossy().into_owned();
        let files = HostFiles(PathBuf::from("/"));
        let spec = DsoSpec { path: &path, pid: -1, ..DsoSpec::default() };
        let program = Executable::open(&files, &spec, &SymbolOptions::default()).unwrap();
        let main = program.functions("main");
        assert_eq!(main.len(), 1);
        let main = main[0];
        assert!(main.size > 0);
        assert_eq!(program.holding(main.offset + main.size - 1).map(|symbol| symbol.raw.as_str()), Some("main"));
        let address = program.address_of(main.offset).unwrap();
        assert_eq!(program.offset_of(address), Some(main.offset));
        assert!(program.functions("no_such_function_anywhere").is_empty());
        assert!(
            program.functions_by(|symbol| symbol.raw.starts_with("_R") || symbol.raw.starts_with("_ZN")).len() > 10
        );
        assert!(program.tracepoints().is_empty());
        assert_eq!(program.counter_of(0), None);
        assert_eq!(symbol_value(&files, &path, "main"), program.address_of(main.offset));
        assert_eq!(symbol_value(&files, &path, "no_such_symbol"), None);
    }

    #[test]
    fn what_is_no_program_is_an_error() {
        let files = HostFiles(PathBuf::from("/"));
        let open = |path: &str| {
            let spec = DsoSpec { path, pid: -1, ..DsoSpec::default() };
            Executable::open(&files, &spec, &SymbolOptions::default()).map(|_| ())
        };
        assert!(matches!(open("/etc/passwd"), Err(ElfError::NotElf)));
        assert!(matches!(open("/no/such/file"), Err(ElfError::Io(_))));
    }
}
