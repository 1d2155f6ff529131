//! The instructions of a function, from the file that ran or from the running kernel.

use std::path::PathBuf;

use super::Listing;
use perfuse_analyze::Msg;
use perfuse_analyze::annotate::{Asm, Code, Source};
use perfuse_analyze::resolve::Symbol;
use perfuse_analyze::session::{Dso, DsoId, DsoKind};
use perfuse_symbol::disasm::{Isa, Labels, Syntax, disassemble};
use perfuse_symbol::{
    CodeFile, Demangle, DsoSpec, HostFiles, ModuleId, Reason, build_id_in_notes, is_same_build_id, kcore,
};

use crate::perf::recorded::RecordedNames;

/// Most bytes of a function that are looked at.
const MOST: u64 = 16 << 20;

/// What a function is made of.
struct Body {
    isa: Isa,
    bytes: Vec<u8>,
    /// The address of the first byte, as the file states it.
    start: u64,
    section: String,
    labels: Option<Labels>,
}

impl RecordedNames {
    /// The instructions of a function with their source lines; the message tells why there are none.
    pub(crate) fn listing(&mut self, id: DsoId, dso: &Dso, symbol: &Symbol, wanted: &Listing) -> Result<Code, Msg> {
        let module = self.module(id, dso);
        let length = symbol.end.saturating_sub(symbol.start).min(MOST);
        if length == 0 {
            return Err(Msg::new("perf-annotate-empty"));
        }
        let body = match dso.kind {
            DsoKind::File | DsoKind::Vdso => self.of_file(module, dso, (symbol.start, length), wanted.source)?,
            DsoKind::Kernel | DsoKind::Module => self.of_kernel(module, dso, symbol.start, length)?,
            DsoKind::Bpf => return Err(Msg::new("perf-annotate-bpf")),
            DsoKind::Anonymous => return Err(Msg::new("perf-annotate-jit")),
        };
        Ok(self.code(module, symbol, &body, wanted.syntax))
    }

    fn of_file(
        &mut self,
        module: ModuleId,
        dso: &Dso,
        (offset, length): (u64, u64),
        source: bool,
    ) -> Result<Body, Msg> {
        let files = HostFiles(PathBuf::from("/"));
        let spec = DsoSpec {
            path: &dso.path,
            build_id: dso.build_id.as_deref(),
            kind: dso.kind,
            pid: dso.pid,
            ..DsoSpec::default()
        };
        let Some(mut file) = CodeFile::open(&files, &spec, &self.options) else {
            return Err(match self.symbols.reason(module) {
                Some(Reason::BuildIdDiffers { path, .. }) => other_build(path),
                Some(Reason::Unreadable { path, error }) => {
                    Msg::new("perf-annotate-unreadable").with("file", path.as_str()).with("why", error.as_str())
                }
                _ if std::path::Path::new(&dso.path).exists() && dso.build_id.is_some() => other_build(&dso.path),
                _ => Msg::new("perf-annotate-no-file").with("file", dso.path.as_str()),
            });
        };
        let isa = file.isa().ok_or_else(|| Msg::new("perf-annotate-machine").with("file", dso.path.as_str()))?;
        let bytes = file.read(offset, usize::try_from(length).unwrap_or(usize::MAX));
        if bytes.is_empty() {
            return Err(Msg::new("perf-annotate-no-code").with("file", dso.path.as_str()));
        }
        let start = file.address_of(offset).unwrap_or(offset);
        let section = file.section_of(start).unwrap_or(".text").to_owned();
        // As objdump, which opens files with debug information only for source lines.
        let symbols = self.symbols.source(module).filter(|_| source);
        let labels = file.labels(&files, symbols, demangle(self.options.demangle));
        Ok(Body { isa, bytes, start, section, labels: Some(labels) })
    }

    fn of_kernel(&mut self, module: ModuleId, dso: &Dso, address: u64, length: u64) -> Result<Body, Msg> {
        let files = HostFiles(PathBuf::from("/"));
        let most = usize::try_from(length).unwrap_or(usize::MAX);
        // An image with code: what -k names, or one of the places of distributions.
        let image = self.symbols.source(module).and_then(|path| CodeFile::at(&files, path));
        if dso.kind == DsoKind::Kernel
            && let Some(mut image) = image
        {
            let stated = address.wrapping_sub(self.symbols.image_distance());
            let bytes = image.offset_of(stated).map(|offset| image.read(offset, most)).unwrap_or_default();
            if let (Some(isa), false) = (image.isa(), bytes.is_empty()) {
                let section = image.section_of(stated).unwrap_or(".text").to_owned();
                let labels = image.labels(&files, None, demangle(self.options.demangle));
                return Ok(Body { isa, bytes, start: stated, section, labels: Some(labels) });
            }
        }
        let own = std::fs::read("/sys/kernel/notes").ok().and_then(|notes| build_id_in_notes(&notes));
        let other = dso.kind == DsoKind::Kernel
            && matches!((&own, &dso.build_id), (Some(own), Some(recorded)) if !is_same_build_id(own, recorded));
        if other {
            return Err(Msg::new("perf-annotate-other-kernel"));
        }
        match kcore::read(&files, address, most) {
            Ok((isa, bytes)) => Ok(Body { isa, bytes, start: address, section: String::new(), labels: None }),
            Err(error) => Err(Msg::new("perf-annotate-no-kernel").with("why", error.to_string())),
        }
    }

    fn code(&mut self, module: ModuleId, symbol: &Symbol, body: &Body, syntax: Syntax) -> Code {
        let instructions = disassemble(body.isa, syntax, &body.bytes, body.start);
        let function = self.function(module, symbol);
        let distance = symbol.start.wrapping_sub(body.start);
        let mut asm = Vec::with_capacity(instructions.len());
        for found in instructions {
            let mut name = |address: u64| match &body.labels {
                Some(labels) => labels.name(address),
                None => self.name_at(module, address.wrapping_add(distance)),
            };
            let text = found.text(&mut name);
            let (target_name, data_name) = (found.target.and_then(&mut name), found.data.and_then(&mut name));
            let offset = found.offset as u64;
            let source = self.source_of(module, symbol, offset, &function);
            let end = found.offset.saturating_add(found.length);
            asm.push(Asm {
                offset,
                bytes: body.bytes.get(found.offset..end).unwrap_or_default().to_vec(),
                name: found.mnemonic,
                operands: found.operands,
                text,
                flow: found.flow,
                target: found.target,
                target_name,
                data_name,
                source,
            });
        }
        let end = body.start.wrapping_add(symbol.end.wrapping_sub(symbol.start));
        let label = match &body.labels {
            Some(labels) => labels.name(body.start),
            None => Some(symbol.name.clone()),
        };
        let label = label.unwrap_or_else(|| symbol.name.clone());
        Code { section: body.section.clone(), start: body.start, end, label, asm }
    }

    /// The name that objdump gives the function between its lines: with its parameters.
    fn function(&mut self, module: ModuleId, symbol: &Symbol) -> String {
        let raw = self.symbols.find(module, symbol.start).map(|id| self.symbols.symbol(id).raw.clone());
        raw.map_or_else(|| symbol.name.clone(), |raw| demangle(self.options.demangle).name(&raw).into_owned())
    }

    fn name_at(&mut self, module: ModuleId, address: u64) -> Option<String> {
        let id = self.symbols.find(module, address)?;
        let found = self.symbols.symbol(id);
        let distance = address.wrapping_sub(found.start);
        Some(if distance == 0 { found.name.clone() } else { format!("{}+{distance:#x}", found.name) })
    }

    fn source_of(&mut self, module: ModuleId, symbol: &Symbol, offset: u64, function: &str) -> Source {
        let frames = self.symbols.frames(module, symbol.start.wrapping_add(offset));
        let Some(first) = frames.first() else {
            return Source { function: Some(function.to_owned()), line: None };
        };
        let name = if *first.function == *symbol.name { function } else { &*first.function };
        let line = first.file.as_ref().map(|file| (file.to_string(), first.line));
        Source { function: Some(name.to_owned()), line }
    }
}

fn other_build(path: &str) -> Msg {
    Msg::new("perf-annotate-other-build").with("file", path)
}

/// As objdump demangles: with parameters.
fn demangle(wanted: Demangle) -> Demangle {
    Demangle { parameters: true, ..wanted }
}
