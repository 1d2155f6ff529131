//! Finding and reading the file with the symbols of a recorded one.

use std::io::{Cursor, ErrorKind, Read, Seek, SeekFrom};

use crate::build_id::{self, hex, is_same};
use crate::candidates;
use crate::dso::{Attempt, DsoKind, DsoSpec, Outcome, Reason, SymbolOptions};
use crate::elf::{Elf, ElfError};
use crate::files::{Files, Source, own_vdso};
use crate::load::{self, Space};
use crate::table::Table;

/// What was found for one piece of code.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) table: Table,
    /// Why there are no symbols, or why some are missing.
    pub(crate) reason: Option<Reason>,
    pub(crate) attempts: Vec<Attempt>,
    /// The file whose symbols these are; its line tables are those to read.
    pub(crate) symbols_path: Option<String>,
    /// The file that ran.
    pub(crate) runtime_path: Option<String>,
}

/// An ELF file that may be of use.
struct Candidate<F> {
    path: String,
    elf: Elf<Source<F>>,
}

/// Finds the symbols of a file or a vdso.
pub(crate) fn user<F: Files>(files: &F, spec: &DsoSpec<'_>, options: &SymbolOptions) -> Found {
    let mut found = Found::default();
    let own_path = format!("{}{}", options.symfs.as_deref().unwrap_or("").trim_end_matches('/'), spec.path);
    let mut own = match spec.kind {
        DsoKind::File | DsoKind::Module => {
            files.open(&own_path).ok().and_then(|file| Elf::open(Source::File(file)).ok())
        }
        _ => None,
    };
    let link = own.as_mut().and_then(candidates::debug_link);
    let recorded = spec.build_id.map(<[u8]>::to_vec);
    let expected = recorded.or_else(|| own.as_mut().and_then(|elf| build_id::of(elf).ok().flatten()));
    drop(own);
    let names = candidates::files(spec, expected.as_deref(), link.as_ref().map(|(name, _)| name.as_str()), options);
    let mut symbols: Option<Candidate<F::File>> = None;
    let mut runtime: Option<Candidate<F::File>> = None;
    for path in names {
        if symbols.is_some() && runtime.is_some() {
            break;
        }
        let crc = link.as_ref().filter(|(name, _)| expected.is_none() && path.ends_with(name) && path != own_path);
        match open(files, &path, expected.as_deref(), crc.map(|(_, crc)| *crc)) {
            Err(outcome) => found.attempts.push(Attempt { path, outcome }),
            Ok(elf) => {
                let (full, dynamic) = load::tables(&elf);
                let outcome = match (full && symbols.is_none(), dynamic && runtime.is_none()) {
                    (true, _) => Outcome::Symbols,
                    (false, true) => Outcome::Runtime,
                    (false, false) => Outcome::NoSymbols,
                };
                found.attempts.push(Attempt { path: path.clone(), outcome: outcome.clone() });
                let candidate = Candidate { path, elf };
                match outcome {
                    Outcome::Symbols => {
                        if dynamic && runtime.is_none() {
                            found.runtime_path = Some(candidate.path.clone());
                        }
                        symbols = Some(candidate);
                    }
                    Outcome::Runtime => runtime = Some(candidate),
                    _ => {}
                }
                if found.runtime_path.is_some() {
                    break;
                }
            }
        }
    }
    if spec.kind == DsoKind::Vdso && symbols.is_none() && runtime.is_none() {
        runtime = own_image(files, expected.as_deref(), &mut found.attempts);
    }
    let outcome = read(&mut found, symbols, runtime, options.demangle_of(spec.kind));
    if let Err((path, error)) = outcome {
        found.reason = Some(Reason::Unreadable { path, error: error.to_string() });
    } else if found.symbols_path.is_none() && found.runtime_path.is_none() {
        found.reason = Some(why_none(&found.attempts, expected.as_deref()));
    }
    found
}

/// Reads the symbols of what was chosen.
fn read<F: Read + Seek>(
    found: &mut Found,
    symbols: Option<Candidate<F>>,
    runtime: Option<Candidate<F>>,
    demangle: crate::demangle::Demangle,
) -> Result<(), (String, ElfError)> {
    if let Some(runtime) = &runtime {
        found.runtime_path = Some(runtime.path.clone());
    }
    match (symbols, runtime) {
        (Some(mut symbols), mut runtime) => {
            found.symbols_path = Some(symbols.path.clone());
            let running = runtime.as_mut().map(|runtime| &mut runtime.elf);
            found.table = load::symbols(&mut symbols.elf, running, Space::Offsets, demangle)
                .map_err(|error| (symbols.path, error))?;
        }
        (None, Some(mut runtime)) => {
            let failed = |error: ElfError| (runtime.path.clone(), error);
            let packed = runtime.elf.data_of(".gnu_debugdata").map_err(failed)?;
            let inner = if packed.is_empty() { Err(ElfError::NotElf) } else { crate::compressed::xz(&packed) };
            let inner = inner.and_then(|bytes| Elf::open(Source::<F>::Bytes(Cursor::new(bytes))));
            // The small symbol table of stripped files completes the dynamic one.
            found.table = match inner {
                Ok(mut inner) => load::with_dynamic(&mut inner, &mut runtime.elf, demangle),
                Err(_) => load::symbols(&mut runtime.elf, None, Space::Offsets, demangle),
            }
            .map_err(|error| (runtime.path.clone(), error))?;
            found.symbols_path = Some(runtime.path);
            found.reason = Some(Reason::Stripped);
        }
        (None, None) => {}
    }
    Ok(())
}

/// Opens a candidate, and sees that it is of the recorded build.
fn open<F: Files>(
    files: &F,
    path: &str,
    expected: Option<&[u8]>,
    crc: Option<u32>,
) -> Result<Elf<Source<F::File>>, Outcome> {
    let mut file = files.open(path).map_err(|error| match error.kind() {
        // A directory is one of the build-id cache.
        ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidInput | ErrorKind::IsADirectory => {
            Outcome::Missing
        }
        _ => Outcome::Unreadable(error.to_string()),
    })?;
    let unreadable = |error: std::io::Error| Outcome::Unreadable(error.to_string());
    if let Some(crc) = crc {
        let actual = crc_of(&mut file).map_err(unreadable)?;
        if actual != crc {
            return Err(Outcome::OtherBuild(String::new()));
        }
        file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    }
    let unreadable = |error: ElfError| Outcome::Unreadable(error.to_string());
    let mut elf = Elf::open(Source::File(file)).map_err(unreadable)?;
    if let Some(expected) = expected {
        let own = build_id::of(&mut elf).map_err(unreadable)?.unwrap_or_default();
        if !is_same(&own, expected) {
            return Err(Outcome::OtherBuild(hex(&own)));
        }
    }
    Ok(elf)
}

/// The file that ran: from the build-id cache, its path, or the process's own view of that path. If the recording does
/// not tell the build, the path is believed.
pub(crate) fn running_file<F: Files>(
    files: &F,
    spec: &DsoSpec<'_>,
    options: &SymbolOptions,
) -> Option<Elf<Source<F::File>>> {
    let found = candidates::running(spec, options);
    let usable = |path: &String| {
        open(files, path, spec.build_id, None)
            .ok()
            .filter(|elf| load::tables(elf).1 || elf.section(".eh_frame").is_some())
    };
    found.iter().find_map(usable).or_else(|| {
        let none = &mut Vec::new();
        (spec.kind == DsoKind::Vdso).then(|| own_image(files, spec.build_id, none)).flatten().map(|found| found.elf)
    })
}

/// Whether a file is of a build.
pub(crate) fn is_build<F: Files>(files: &F, path: &str, build_id: &[u8]) -> bool {
    open(files, path, Some(build_id), None).is_ok()
}

/// Whether a file is the one that `.gnu_debuglink` of another means.
pub(crate) fn has_crc<F: Files>(files: &F, path: &str, crc: u32) -> bool {
    open(files, path, None, Some(crc)).is_ok()
}

/// CRC-32 as `.gnu_debuglink` states it of a debug file.
fn crc_of(file: &mut impl Read) -> std::io::Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn own_image<F: Files>(files: &F, expected: Option<&[u8]>, attempts: &mut Vec<Attempt>) -> Option<Candidate<F::File>> {
    let path = "[vdso]".to_owned();
    let Some(bytes) = own_vdso(files) else {
        attempts.push(Attempt { path, outcome: Outcome::Missing });
        return None;
    };
    let mut elf = Elf::open(Source::Bytes(Cursor::new(bytes))).ok()?;
    let own = build_id::of(&mut elf).ok().flatten().unwrap_or_default();
    if expected.is_some_and(|expected| !is_same(&own, expected)) {
        attempts.push(Attempt { path, outcome: Outcome::OtherBuild(hex(&own)) });
        return None;
    }
    attempts.push(Attempt { path: path.clone(), outcome: Outcome::Runtime });
    Some(Candidate { path, elf })
}

/// The reason that says most: another build was there, something could not be read, nothing was there.
pub(crate) fn why_none(attempts: &[Attempt], expected: Option<&[u8]>) -> Reason {
    let differs = attempts.iter().find_map(|attempt| match &attempt.outcome {
        Outcome::OtherBuild(found) => Some((attempt.path.clone(), found.clone())),
        _ => None,
    });
    if let Some((path, found)) = differs {
        return Reason::BuildIdDiffers { path, found, recorded: expected.map(hex).unwrap_or_default() };
    }
    let unreadable = attempts.iter().find_map(|attempt| match &attempt.outcome {
        Outcome::Unreadable(error) => Some((attempt.path.clone(), error.clone())),
        _ => None,
    });
    if let Some((path, error)) = unreadable {
        return Reason::Unreadable { path, error };
    }
    if attempts.iter().any(|attempt| attempt.outcome == Outcome::NoSymbols) { Reason::Stripped } else { Reason::NoFile }
}

/// Finds an image of a kernel with a full symbol table, and reads its symbols, moved so that the reference symbol has
/// its recorded address; with how far they were moved.
pub(crate) fn kernel_image<F: Files>(
    files: &F,
    paths: &[String],
    expected: Option<&[u8]>,
    reference: Option<(&str, u64)>,
    options: &SymbolOptions,
    attempts: &mut Vec<Attempt>,
) -> Option<(Table, u64)> {
    for path in paths {
        let outcome = match open(files, path, expected, None) {
            Err(outcome) => outcome,
            Ok(elf) if !load::tables(&elf).0 => Outcome::NoSymbols,
            Ok(mut elf) => {
                let moved =
                    reference.and_then(|(name, address)| Some(address.wrapping_sub(load::value_of(&mut elf, name)?)));
                let space = Space::Addresses(moved.unwrap_or(0));
                match load::symbols(&mut elf, None, space, options.demangle_of(DsoKind::Kernel)) {
                    Ok(table) if !table.is_empty() => {
                        attempts.push(Attempt { path: path.clone(), outcome: Outcome::Symbols });
                        return Some((table, moved.unwrap_or(0)));
                    }
                    Ok(_) => Outcome::NoSymbols,
                    Err(error) => Outcome::Unreadable(error.to_string()),
                }
            }
        };
        attempts.push(Attempt { path: path.clone(), outcome });
    }
    None
}
