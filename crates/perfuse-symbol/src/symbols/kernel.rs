//! Symbols of a kernel and its modules: which of several sources is the recorded one.

use super::{ModuleId, Running, State, Symbols};
use crate::build_id::{build_id_in_notes, hex, is_same};
use crate::candidates;
use crate::dso::{Attempt, DsoKind, DsoSpec, Outcome, Reason};
use crate::files::{Files, read};
use crate::find;
use crate::kernel::Kallsyms;

impl<F: Files> Symbols<F> {
    /// A kernel image of the recorded build, a saved kallsyms, or the running kernel if it is the recorded one.
    pub(super) fn kernel(&mut self, spec: &DsoSpec<'_>, attempts: &mut Vec<Attempt>) -> Result<State, Reason> {
        let running = read(&self.files, "/sys/kernel/notes", 1 << 20).ok().and_then(|bytes| build_id_in_notes(&bytes));
        if let Some(path) = self.options.kallsyms.clone() {
            return self.saved_kallsyms(&path, spec, attempts).ok_or_else(|| find::why_none(attempts, spec.build_id));
        }
        if let Some(path) = self.options.vmlinux.clone() {
            return self.image(&[path], None, spec, attempts).ok_or_else(|| find::why_none(attempts, spec.build_id));
        }
        let expected = spec.build_id.map(<[u8]>::to_vec).or_else(|| running.clone());
        if !self.options.ignore_vmlinux && self.options.symfs.is_none() {
            let release = read(&self.files, "/proc/sys/kernel/osrelease", 1 << 10).unwrap_or_default();
            let release = String::from_utf8_lossy(&release).trim().to_owned();
            let paths = candidates::kernel_images(expected.as_deref(), &release, &self.options);
            if let Some(state) = self.image(&paths, expected.as_deref(), spec, attempts) {
                return Ok(state);
            }
        }
        let is_this = match (spec.build_id, &running) {
            (Some(recorded), Some(running)) => is_same(recorded, running),
            _ => true,
        };
        if is_this {
            if let Some(state) = self.kept_kallsyms(spec, attempts) {
                return Ok(state);
            }
            let index = self.running_kernel(attempts)?;
            return Ok(State::Table { index, distance: self.moved(spec).unwrap_or(0) });
        }
        if let (Some(cache), Some(id)) = (self.options.build_id_cache.clone(), spec.build_id.map(hex))
            && id.len() > 2
        {
            let path = format!("{cache}/.build-id/{}/{}/kallsyms", &id[..2], &id[2..]);
            if let Some(state) = self.saved_kallsyms(&path, spec, attempts) {
                return Ok(state);
            }
        }
        Err(Reason::OtherKernel)
    }

    /// A copy of the list of the running kernel, which recorders put into the build-id cache. The kernel makes the text of
    /// its own list anew at each reading, which takes longer than many a report. The functions of one build are the same in
    /// every boot; the copy is used if it is of this one, which the recorded address of the reference symbol tells. Modules
    /// come and go: their symbols are taken from the kernel itself.
    fn kept_kallsyms(&mut self, spec: &DsoSpec<'_>, attempts: &mut Vec<Attempt>) -> Option<State> {
        let (name, recorded) = spec.reference?;
        let (cache, id) = (self.options.build_id_cache.as_deref()?, hex(spec.build_id?));
        let path = format!("{cache}/.build-id/{}/{}/kallsyms", id.get(..2)?, id.get(2..)?);
        let bytes = read(&self.files, &path, 256 << 20).ok()?;
        if Kallsyms::address_of(&bytes, name)? != recorded {
            return None;
        }
        let Kallsyms { table, .. } = Kallsyms::parse(&bytes)?;
        attempts.push(Attempt { path, outcome: Outcome::Symbols });
        Some(self.keep(table))
    }

    fn image(
        &mut self,
        paths: &[String],
        expected: Option<&[u8]>,
        spec: &DsoSpec<'_>,
        attempts: &mut Vec<Attempt>,
    ) -> Option<State> {
        let (table, distance) =
            find::kernel_image(&self.files, paths, expected, spec.reference, &self.options, attempts)?;
        self.image_distance = distance;
        Some(self.keep(table))
    }

    fn saved_kallsyms(&mut self, path: &str, spec: &DsoSpec<'_>, attempts: &mut Vec<Attempt>) -> Option<State> {
        let bytes = read(&self.files, path, 256 << 20).unwrap_or_default();
        let found = Kallsyms::parse(&bytes);
        let outcome = if bytes.is_empty() {
            Outcome::Missing
        } else if found.is_some() {
            Outcome::Symbols
        } else {
            Outcome::NoSymbols
        };
        attempts.push(Attempt { path: path.to_owned(), outcome });
        let Kallsyms { table, references } = found?;
        let State::Table { index, .. } = self.keep(table) else { return None };
        let own = |name| references.address_of(name).or_else(|| Kallsyms::address_of(&bytes, name));
        let moved = spec.reference.and_then(|(name, recorded)| Some(recorded.wrapping_sub(own(name)?)));
        Some(State::Table { index, distance: moved.unwrap_or(0) })
    }

    /// The table of the running kernel; read once.
    pub(super) fn running_kernel(&mut self, attempts: &mut Vec<Attempt>) -> Result<usize, Reason> {
        let path = "/proc/kallsyms";
        if self.running == Running::Unread {
            let found = read(&self.files, path, 256 << 20).ok().and_then(|bytes| Kallsyms::parse(&bytes));
            self.running = found.map_or(Running::Hidden, |found| {
                self.tables.push(found.table);
                self.references = found.references;
                Running::Table(self.tables.len() - 1)
            });
        }
        let (outcome, found) = match self.running {
            Running::Table(index) => (Outcome::Symbols, Ok(index)),
            _ => (Outcome::NoSymbols, Err(Reason::KernelHidden)),
        };
        attempts.push(Attempt { path: path.to_owned(), outcome });
        found
    }

    /// How far above the addresses of the running kernel the recorded ones are. The file is read again only for a symbol
    /// that no known recorder refers to: the kernel makes the text anew at each reading.
    fn moved(&self, spec: &DsoSpec<'_>) -> Option<u64> {
        let (name, recorded) = spec.reference?;
        let again = || Kallsyms::address_of(&read(&self.files, "/proc/kallsyms", 256 << 20).ok()?, name);
        Some(recorded.wrapping_sub(self.references.address_of(name).or_else(again)?))
    }

    /// A module of the running kernel, where it was when the recording was made.
    pub(super) fn kernel_module(&mut self, attempts: &mut Vec<Attempt>) -> Result<State, Reason> {
        let kernel = self.modules.iter().position(|module| module.kind == DsoKind::Kernel);
        let Some(kernel) = kernel else {
            return self.running_kernel(attempts).map(|index| State::Table { index, distance: 0 });
        };
        if self.modules[kernel].state == State::Fresh {
            self.load(ModuleId(u32::try_from(kernel).unwrap_or(u32::MAX)));
        }
        let kernel = &self.modules[kernel];
        match (kernel.state, &kernel.reason) {
            (State::Without, Some(Reason::OtherKernel)) => Err(Reason::OtherKernel),
            // Modules are loaded at other places in each boot.
            (State::Table { distance, .. }, _) if distance != 0 => Err(Reason::ModuleMoved),
            (State::Table { index, .. }, _) if self.running == Running::Table(index) => {
                Ok(State::Table { index, distance: 0 })
            }
            // The kernel itself comes from an image, which does not have its modules.
            _ => self.running_kernel(attempts).map(|index| State::Table { index, distance: 0 }),
        }
    }
}
