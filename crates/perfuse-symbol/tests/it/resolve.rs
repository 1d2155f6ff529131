//! A recording as lines of frames, in the form of `perf script -F ip,sym,symoff,dso`.

use std::collections::HashMap;
use std::path::PathBuf;

use perfuse_analyze::session::{DsoId, Session};
use perfuse_format::perfdata::record::kind;
use perfuse_format::perfdata::{CpuMode, PerfData};
use perfuse_symbol::unwind::{CfiId, Frame, Machine, Mapped, Place, Registers, Unwinder};
use perfuse_symbol::{DsoKind, DsoSpec, HostFiles, ModuleId, SymbolOptions, Symbols};

/// Everything that names a recording.
pub(crate) struct Resolver {
    inlines: bool,
    pub session: Session,
    pub symbols: Symbols<HostFiles>,
    options: SymbolOptions,
    modules: HashMap<DsoId, ModuleId>,
    unwinder: Unwinder,
    cfi: HashMap<DsoId, Option<CfiId>>,
}

impl Resolver {
    pub(crate) fn new(inlines: bool) -> Self {
        let options = SymbolOptions::default().with_home(&std::env::var("HOME").unwrap_or_default());
        Self {
            inlines,
            session: Session::new(),
            symbols: Symbols::new(HostFiles(PathBuf::from("/")), options.clone()),
            options,
            modules: HashMap::new(),
            unwinder: Unwinder::new(),
            cfi: HashMap::new(),
        }
    }

    /// The stacks of all samples; kernel frames first where a chain has both.
    pub(crate) fn stacks(&mut self, bytes: &[u8]) -> Vec<Vec<String>> {
        let data = PerfData::parse(bytes).unwrap();
        for id in &data.features.build_ids {
            self.session.set_build_id(&id.path, matches!(id.mode(), CpuMode::Kernel), &id.id);
        }
        let mut stacks = Vec::new();
        for record in data.sorted() {
            let record = record.unwrap();
            if record.kind != kind::SAMPLE {
                if let Ok(Some(decoded)) = data.decode_record(&record) {
                    self.session.apply(&decoded);
                }
                continue;
            }
            let sample = data.decode_sample(&record).unwrap();
            let mut lines = Vec::new();
            let mut mode = CpuMode::of(sample.misc);
            let mut plain = sample.callchain.iter().collect::<Vec<_>>();
            if plain.is_empty() && sample.user_stack.is_empty() {
                plain.push(sample.ip);
            }
            let chain = !sample.callchain.is_empty();
            for ip in plain {
                match ip.cast_signed() {
                    -128 => mode = CpuMode::Kernel,
                    -512 => mode = CpuMode::User,
                    // Other marks of contexts.
                    -4095..=-1 => {}
                    _ => self.lines(sample.pid, mode, ip, (chain, false), &mut lines),
                }
            }
            for frame in self.unwind(&sample) {
                self.lines(sample.pid, CpuMode::User, frame.lookup(), (true, true), &mut lines);
            }
            stacks.push(lines);
        }
        stacks
    }

    fn unwind(&mut self, sample: &perfuse_format::perfdata::sample::Sample<'_>) -> Vec<Frame> {
        let mut frames = Vec::new();
        if sample.user_stack.is_empty() {
            return frames;
        }
        let registers = Registers::from_perf(Machine::X86_64, sample.user_regs.mask, sample.user_regs.values.iter());
        // Files first: the unwinder is busy while it asks where an address lies.
        let dsos: Vec<_> = self.session.dsos().to_vec();
        for (index, dso) in dsos.iter().enumerate() {
            let id = DsoId(u32::try_from(index).unwrap());
            if !self.cfi.contains_key(&id) {
                let spec = DsoSpec {
                    path: &dso.path,
                    build_id: dso.build_id.as_deref(),
                    kind: dso.kind,
                    pid: dso.pid,
                    ..DsoSpec::default()
                };
                let found = match dso.kind {
                    DsoKind::File | DsoKind::Vdso => {
                        self.unwinder.open(&HostFiles(PathBuf::from("/")), &spec, &self.options)
                    }
                    _ => None,
                };
                self.cfi.insert(id, found);
            }
        }
        let (session, cfi) = (&self.session, &self.cfi);
        let locate = |ip: u64| {
            let found = session.locate(sample.pid, CpuMode::User, ip);
            let Some(dso) = found.dso else { return Mapped::Nothing };
            let file = cfi.get(&dso).copied().flatten();
            file.map_or(Mapped::Other, |file| Mapped::File(Place { file, offset: found.address }))
        };
        self.unwinder.unwind(&registers, sample.user_stack, locate, 127, &mut frames);
        frames
    }

    fn lines(&mut self, pid: i32, mode: CpuMode, ip: u64, (chain, unwound): (bool, bool), lines: &mut Vec<String>) {
        let found = self.session.locate(pid, mode, ip);
        let Some(id) = found.dso else {
            lines.push(format!("{ip:x} [unknown] ([unknown])"));
            return;
        };
        let dso = self.session.dso_of(id).unwrap();
        let module = *self.modules.entry(id).or_insert_with(|| {
            self.symbols.open(&DsoSpec {
                path: &dso.path,
                build_id: dso.build_id.as_deref(),
                kind: dso.kind,
                pid: dso.pid,
                ..DsoSpec::default()
            })
        });
        // perf shows the frames of call chains as it looked them up.
        let ip = if chain { found.address } else { ip };
        let path = &dso.path;
        let Some(symbol) = self.symbols.find(module, found.address) else {
            lines.push(format!("{ip:x} [unknown] ({path})"));
            return;
        };
        // perf 6.1 looks for inlined functions only where it has unwound the stack itself.
        let inlined = self.inlines && unwound;
        let frames = if inlined { self.symbols.frames(module, found.address) } else { Vec::new().into() };
        let info = self.symbols.symbol(symbol);
        let offset = found.address - info.start;
        if frames.is_empty() {
            lines.push(format!("{ip:x} {}+{offset:#x} ({path})", info.name));
        }
        for frame in frames.iter() {
            let place = if *frame.function == *info.name { path } else { "inlined" };
            lines.push(format!("{ip:x} {}+{offset:#x} ({place})", frame.function));
        }
    }
}

/// The same of `perf script`: one stack for each blank line, addresses absolute.
pub(crate) fn of_perf(text: &str) -> Vec<Vec<String>> {
    let mut stacks = vec![Vec::new()];
    for line in text.lines() {
        if line.trim().is_empty() {
            stacks.push(Vec::new());
        } else if let Some(last) = stacks.last_mut() {
            last.push(line.trim().to_owned());
        }
    }
    stacks.retain(|stack: &Vec<String>| !stack.is_empty());
    stacks
}
