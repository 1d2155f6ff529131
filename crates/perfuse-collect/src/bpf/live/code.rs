//! From a plan to instructions: what a program of one event computes.
//!
//! ```text
//! context in R6 | who: thread and process | filter: own, -p, --filter -> out
//! numbers and texts of the fields in use, once each, in the frame
//! value, bucket, key -> map        or        fields -> record -> ring
//! ```
//! Straight lines with few branches: the verifier of 6.1 takes them as well as that of 6.18.

use std::collections::BTreeMap;

use perfuse_format::live::{Aggregation, Builtin, COMM_BYTES, Expr, ProbeRecord, Scope, Source, Variable};
use perfuse_format::probe::{Cast, Fetch};

use super::super::asm::{Alu, Asm, Helper, If, Label, Reg, Width};
use super::LiveError;
use super::registers;

/// Bytes of a program's frame.
const FRAME: i16 = 512;

/// What the context of a program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// The record of a tracepoint.
    Record,
    /// Registers: of a program (`user`), or of the kernel.
    Registers { user: bool },
    /// Arguments of eight bytes; the result of the function stands behind so many of them.
    Arguments { count: usize, address: bool },
    /// Registers, period and address of a sample.
    Sample,
}

/// Whom a program counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Who {
    /// Processes; empty for all.
    pub(super) pids: Vec<u32>,
    /// The process that is left out.
    pub(super) not: Option<u32>,
    /// Device and inode of the pid namespace, where it is not the first one.
    pub(super) namespace: Option<(u64, u64)>,
}

/// Descriptors of the maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Maps {
    /// Where numbers are added up, or the events of the rings.
    pub(super) main: i32,
    /// Counters: hits that had no room.
    pub(super) lost: i32,
    /// Where a record is built.
    pub(super) scratch: i32,
    /// Which half is written: keys begin with it.
    pub(super) half: Option<i32>,
}

/// A program under construction.
pub(super) struct Code<'a> {
    pub(super) asm: Asm,
    scope: &'a Scope,
    pub(super) context: Context,
    /// The lowest byte of the frame in use.
    frame: i16,
    /// Where the variables are.
    places: BTreeMap<usize, i16>,
    /// Where thread and process are, as one word.
    who: i16,
    /// Eight bytes for what a helper writes.
    pub(super) scratch: i16,
    out: Label,
}

impl<'a> Code<'a> {
    /// The beginning: the context is kept, and whoever does not count is sent away.
    pub(super) fn begin(scope: &'a Scope, context: Context, who: &Who) -> Result<Self, LiveError> {
        let mut asm = Asm::default();
        let out = asm.label();
        let mut code = Self { asm, scope, context, frame: 0, places: BTreeMap::new(), who: 0, scratch: 0, out };
        code.asm.mov(Reg::Ctx, Reg::R1);
        code.who = code.room(8)?;
        code.scratch = code.room(8)?;
        code.tell_who(who.namespace);
        if let Some(own) = who.not {
            code.asm.load(Width::Word, Reg::R0, Reg::FP, code.who + 4);
            code.asm.jump_if_number(If::Equal, Reg::R0, own.cast_signed(), out);
        }
        if !who.pids.is_empty() {
            let found = code.asm.label();
            code.asm.load(Width::Word, Reg::R0, Reg::FP, code.who + 4);
            for pid in &who.pids {
                code.asm.jump_if_number(If::Equal, Reg::R0, pid.cast_signed(), found);
            }
            code.asm.jump(out);
            code.asm.here(found);
        }
        Ok(code)
    }

    /// Room in the frame, aligned to eight bytes.
    pub(super) fn room(&mut self, bytes: usize) -> Result<i16, LiveError> {
        let bytes = i16::try_from(bytes.next_multiple_of(8)).map_err(|_| LiveError::Room)?;
        self.frame = self.frame.checked_sub(bytes).filter(|frame| *frame >= -FRAME).ok_or(LiveError::Room)?;
        Ok(self.frame)
    }

    /// Thread in the low, process in the high half of a word: as the helpers of either kind give them.
    fn tell_who(&mut self, namespace: Option<(u64, u64)>) {
        let Some((device, inode)) = namespace else {
            self.asm.call(Helper::PidTgid);
            self.asm.store(Width::Long, Reg::FP, self.who, Reg::R0);
            return;
        };
        // struct bpf_pidns_info { pid, tgid }: zero for whoever is not in our namespace.
        self.asm.store_number(Width::Long, Reg::FP, self.who, 0);
        self.asm.number(Reg::R1, device.cast_signed());
        self.asm.number(Reg::R2, inode.cast_signed());
        self.asm.address(Reg::R3, self.who);
        self.asm.number(Reg::R4, 8);
        self.asm.call(Helper::PidTgidOfNamespace);
    }

    /// Puts the variables of expressions into the frame, those that are not there yet.
    pub(super) fn gather<'e>(&mut self, all: impl IntoIterator<Item = &'e Expr>) -> Result<(), LiveError> {
        for variable in all.into_iter().flat_map(Expr::variables) {
            if self.places.contains_key(&variable) {
                continue;
            }
            let found = self.scope.variables.get(variable).ok_or(LiveError::Room)?.clone();
            let bytes = if found.text { found.text_bytes() } else { 8 };
            let place = self.room(bytes)?;
            if found.text {
                self.text(&found, place, bytes)?;
            } else {
                self.number(&found)?;
                self.asm.store(Width::Long, Reg::FP, place, Reg::R0);
            }
            self.places.insert(variable, place);
        }
        Ok(())
    }

    /// Where a variable is.
    pub(super) fn place(&self, variable: usize) -> i16 {
        self.places.get(&variable).copied().unwrap_or(self.scratch)
    }

    /// Bytes of the room of a text.
    pub(super) fn text_room(&self, variable: usize) -> usize {
        self.scope.variables.get(variable).map_or(0, Variable::text_bytes)
    }

    /// Goes on only with what the filter takes.
    pub(super) fn filter(&mut self, filter: &Expr) -> Result<(), LiveError> {
        self.gather([filter])?;
        if let Expr::Number { node, .. } = filter {
            self.evaluate(node)?;
            let out = self.out;
            self.asm.jump_if_number(If::Equal, Reg::R0, 0, out);
        }
        Ok(())
    }

    /// A number into [`Reg::R0`].
    fn number(&mut self, variable: &Variable) -> Result<(), LiveError> {
        match &variable.source {
            Source::Number { offset, size } => {
                let at = i16::try_from(*offset).map_err(|_| LiveError::Room)?;
                if offset % size == 0 {
                    self.asm.load(Width::of(*size), Reg::R0, Reg::Ctx, at);
                } else {
                    self.read_context(at.into(), *size);
                }
                self.extend(*size, variable.signed);
                Ok(())
            }
            Source::Builtin(builtin) => self.builtin(*builtin),
            Source::Fetch(argument) => self.argument(argument),
            Source::Text { .. } | Source::Located { .. } => Err(LiveError::Fetch(variable.name.clone())),
        }
    }

    fn builtin(&mut self, builtin: Builtin) -> Result<(), LiveError> {
        match builtin {
            Builtin::Tid => self.asm.load(Width::Word, Reg::R0, Reg::FP, self.who),
            Builtin::Pid => self.asm.load(Width::Word, Reg::R0, Reg::FP, self.who + 4),
            Builtin::Cpu => self.asm.call(Helper::Cpu),
            Builtin::Uid => {
                self.asm.call(Helper::UidGid);
                self.extend(4, false);
            }
            Builtin::Period | Builtin::Address if self.context == Context::Sample => {
                let at = registers::BYTES + if builtin == Builtin::Address { 8 } else { 0 };
                self.asm.load(Width::Long, Reg::R0, Reg::Ctx, at);
            }
            Builtin::Period | Builtin::Address | Builtin::Comm => return Err(LiveError::Fetch(format!("{builtin:?}"))),
        }
        Ok(())
    }

    /// Widens the low bytes of [`Reg::R0`] to 64 bits.
    pub(super) fn extend(&mut self, size: usize, signed: bool) {
        let unused = 64 - 8 * i32::try_from(size.clamp(1, 8)).unwrap_or(8);
        if unused > 0 {
            self.asm.alu_number(Alu::Lsh, Reg::R0, unused);
            self.asm.alu_number(if signed { Alu::Arsh } else { Alu::Rsh }, Reg::R0, unused);
        }
    }

    /// Bytes of the context into [`Reg::R0`], by a helper: for what no instruction may read there.
    pub(super) fn read_context(&mut self, offset: i32, size: usize) {
        self.asm.mov(Reg::R3, Reg::Ctx);
        self.asm.alu_number(Alu::Add, Reg::R3, offset);
        self.read_memory(size, false);
    }

    /// `size` bytes from the address in [`Reg::R3`] into [`Reg::R0`], zero where nothing is.
    pub(super) fn read_memory(&mut self, size: usize, user: bool) {
        self.asm.store_number(Width::Long, Reg::FP, self.scratch, 0);
        self.asm.address(Reg::R1, self.scratch);
        self.asm.alu_number(Alu::Mov, Reg::R2, i32::try_from(size).unwrap_or(8));
        self.asm.call(if user { Helper::ReadUser } else { Helper::ReadKernel });
        self.asm.load(Width::of(size), Reg::R0, Reg::FP, self.scratch);
    }

    /// A text into the frame, the rest of its room zero.
    fn text(&mut self, variable: &Variable, place: i16, bytes: usize) -> Result<(), LiveError> {
        self.asm.zero(place, bytes);
        // An array may be full, without an end.
        let most = match &variable.source {
            Source::Text { size, .. } => bytes.min(*size),
            _ => bytes,
        };
        let helper = match &variable.source {
            Source::Builtin(Builtin::Comm) => {
                self.comm(place);
                return Ok(());
            }
            Source::Fetch(argument) if argument.fetch == Fetch::Comm => {
                self.comm(place);
                return Ok(());
            }
            Source::Text { offset, .. } => {
                self.asm.mov(Reg::R3, Reg::Ctx);
                self.asm.alu_number(Alu::Add, Reg::R3, i32::try_from(*offset).unwrap_or(0));
                Helper::ReadKernelText
            }
            Source::Located { offset, relative } => {
                let at = i16::try_from(*offset).map_err(|_| LiveError::Room)?;
                self.asm.load(Width::Word, Reg::R3, Reg::Ctx, at);
                self.asm.alu_number(Alu::And, Reg::R3, 0xffff);
                if *relative {
                    self.asm.alu_number(Alu::Add, Reg::R3, i32::from(at) + 4);
                }
                self.asm.alu(Alu::Add, Reg::R3, Reg::Ctx);
                Helper::ReadKernelText
            }
            Source::Fetch(argument) => {
                let user = self.is_user(&argument.fetch) || argument.cast == Some(Cast::UserText);
                self.memory(&argument.fetch)?;
                if user { Helper::ReadUserText } else { Helper::ReadKernelText }
            }
            Source::Builtin(_) | Source::Number { .. } => return Err(LiveError::Fetch(variable.name.clone())),
        };
        self.asm.address(Reg::R1, place);
        self.asm.alu_number(Alu::Mov, Reg::R2, i32::try_from(most).unwrap_or(0));
        self.asm.call(helper);
        Ok(())
    }

    fn comm(&mut self, place: i16) {
        self.asm.address(Reg::R1, place);
        self.asm.alu_number(Alu::Mov, Reg::R2, i32::try_from(COMM_BYTES).unwrap_or(16));
        self.asm.call(Helper::Comm);
    }

    /// Adds up: the value, its bucket and its key.
    pub(super) fn aggregate(&mut self, what: &Aggregation, maps: Maps) -> Result<(), LiveError> {
        self.gather(what.value.iter().chain(&what.by))?;
        let value = self.room(8)?;
        if let Some(Expr::Number { node, .. }) = &what.value {
            self.evaluate(node)?;
            self.asm.store(Width::Long, Reg::FP, value, Reg::R0);
        }
        let sizes = what.key_sizes(self.scope);
        let plain = what.by.is_empty() && maps.half.is_none();
        let head = if plain { 8 } else { 8 * (usize::from(what.parts.is_some()) + usize::from(maps.half.is_some())) };
        let key = self.room(head + sizes.iter().sum::<usize>())?;
        let mut at = key;
        if let Some(half) = maps.half {
            self.half(half, at)?;
            at += 8;
        }
        match what.parts {
            Some(parts) => {
                self.asm.load(Width::Long, Reg::R0, Reg::FP, value);
                self.bucket(what.is_signed(), i32::try_from(parts).unwrap_or(0));
                self.asm.store(Width::Long, Reg::FP, at, Reg::R0);
                at += 8;
            }
            None if plain => self.asm.store_number(Width::Long, Reg::FP, at, 0),
            None => {}
        }
        for (part, size) in what.by.iter().zip(sizes) {
            match part {
                Expr::Text { variable, .. } => {
                    let from = self.place(*variable);
                    for step in (0..i16::try_from(size).unwrap_or(0)).step_by(8) {
                        self.asm.load(Width::Long, Reg::R0, Reg::FP, from + step);
                        self.asm.store(Width::Long, Reg::FP, at + step, Reg::R0);
                    }
                }
                Expr::Number { node, .. } => {
                    self.evaluate(node)?;
                    self.asm.store(Width::Long, Reg::FP, at, Reg::R0);
                }
            }
            at += i16::try_from(size).unwrap_or(0);
        }
        self.update(what, maps, key, value)
    }

    /// Adds to the numbers of the key, which are made where there are none.
    fn update(&mut self, what: &Aggregation, maps: Maps, key: i16, value: i16) -> Result<(), LiveError> {
        let (add, lost, out) = (self.asm.label(), self.asm.label(), self.out);
        self.look_up(maps.main, key);
        self.asm.jump_if_number(If::NotEqual, Reg::R0, 0, add);
        let plain = what.by.is_empty() && maps.half.is_none();
        if !plain {
            let fresh = self.room(if what.value.is_some() { 32 } else { 8 })?;
            self.asm.store_number(Width::Long, Reg::FP, fresh, 1);
            if what.value.is_some() {
                self.asm.load(Width::Long, Reg::R1, Reg::FP, value);
                for at in [8, 16, 24] {
                    self.asm.store(Width::Long, Reg::FP, fresh + at, Reg::R1);
                }
            }
            self.asm.map(Reg::R1, maps.main);
            self.asm.address(Reg::R2, key);
            self.asm.address(Reg::R3, fresh);
            // BPF_NOEXIST: another CPU may have made it meanwhile, whose numbers must stay.
            self.asm.alu_number(Alu::Mov, Reg::R4, 1);
            self.asm.call(Helper::MapUpdate);
            self.asm.jump_if_number(If::Equal, Reg::R0, 0, out);
            self.look_up(maps.main, key);
            self.asm.jump_if_number(If::Equal, Reg::R0, 0, lost);
        }
        if plain {
            // An array has all of its keys.
            self.asm.jump(lost);
        }
        self.asm.here(add);
        self.add(what, value);
        self.asm.jump(out);
        self.asm.here(lost);
        self.count_lost(maps.lost);
        Ok(())
    }

    /// `R0 = map[key]`, or 0.
    pub(super) fn look_up(&mut self, map: i32, key: i16) {
        self.asm.map(Reg::R1, map);
        self.asm.address(Reg::R2, key);
        self.asm.call(Helper::MapLookup);
    }

    /// Adds to the numbers at [`Reg::R0`]: they are those of this CPU alone.
    fn add(&mut self, what: &Aggregation, value: i16) {
        self.asm.load(Width::Long, Reg::R1, Reg::R0, 0);
        if what.value.is_some() {
            let (rest, least, largest) = (self.asm.label(), self.asm.label(), self.asm.label());
            let (below, above) = if what.is_signed() { (If::Less, If::Greater) } else { (If::Below, If::Above) };
            self.asm.load(Width::Long, Reg::R2, Reg::FP, value);
            self.asm.load(Width::Long, Reg::R3, Reg::R0, 8);
            self.asm.alu(Alu::Add, Reg::R3, Reg::R2);
            self.asm.store(Width::Long, Reg::R0, 8, Reg::R3);
            // The first of this CPU is the least and the largest.
            self.asm.jump_if_number(If::NotEqual, Reg::R1, 0, rest);
            self.asm.store(Width::Long, Reg::R0, 16, Reg::R2);
            self.asm.store(Width::Long, Reg::R0, 24, Reg::R2);
            self.asm.here(rest);
            self.asm.load(Width::Long, Reg::R3, Reg::R0, 16);
            self.asm.jump_if(below, Reg::R3, Reg::R2, least);
            self.asm.store(Width::Long, Reg::R0, 16, Reg::R2);
            self.asm.here(least);
            self.asm.load(Width::Long, Reg::R3, Reg::R0, 24);
            self.asm.jump_if(above, Reg::R3, Reg::R2, largest);
            self.asm.store(Width::Long, Reg::R0, 24, Reg::R2);
            self.asm.here(largest);
        }
        self.asm.alu_number(Alu::Add, Reg::R1, 1);
        self.asm.store(Width::Long, Reg::R0, 0, Reg::R1);
    }

    /// Which half of the keys is written now.
    fn half(&mut self, map: i32, at: i16) -> Result<(), LiveError> {
        let key = self.room(8)?;
        let none = self.asm.label();
        self.asm.store_number(Width::Long, Reg::FP, key, 0);
        self.asm.store_number(Width::Long, Reg::FP, at, 0);
        self.look_up(map, key);
        self.asm.jump_if_number(If::Equal, Reg::R0, 0, none);
        self.asm.load(Width::Long, Reg::R1, Reg::R0, 0);
        self.asm.store(Width::Long, Reg::FP, at, Reg::R1);
        self.asm.here(none);
        Ok(())
    }

    /// Counts a hit that had no room.
    fn count_lost(&mut self, map: i32) {
        let out = self.out;
        self.asm.store_number(Width::Long, Reg::FP, self.scratch, 0);
        self.look_up(map, self.scratch);
        self.asm.jump_if_number(If::Equal, Reg::R0, 0, out);
        self.asm.load(Width::Long, Reg::R1, Reg::R0, 0);
        self.asm.alu_number(Alu::Add, Reg::R1, 1);
        self.asm.store(Width::Long, Reg::R0, 0, Reg::R1);
    }

    /// Puts a record out.
    pub(super) fn output(&mut self, record: &ProbeRecord, maps: Maps) -> Result<(), LiveError> {
        let out = self.out;
        self.asm.store_number(Width::Long, Reg::FP, self.scratch, 0);
        self.look_up(maps.scratch, self.scratch);
        self.asm.jump_if_number(If::Equal, Reg::R0, 0, out);
        self.asm.mov(Reg::R7, Reg::R0);
        self.asm.store_number(Width::Long, Reg::R7, 0, i32::from(record.id));
        self.asm.load(Width::Word, Reg::R1, Reg::FP, self.who);
        self.asm.store(Width::Word, Reg::R7, 4, Reg::R1);
        if record.address {
            self.instruction()?;
            self.asm.store(Width::Long, Reg::R7, 8, Reg::R0);
        }
        for field in &record.fields {
            self.field(field)?;
        }
        self.asm.mov(Reg::R1, Reg::Ctx);
        self.asm.map(Reg::R2, maps.main);
        // BPF_F_CURRENT_CPU
        self.asm.number(Reg::R3, 0xffff_ffff);
        self.asm.mov(Reg::R4, Reg::R7);
        self.asm.alu_number(Alu::Mov, Reg::R5, i32::try_from(record.size).map_err(|_| LiveError::Room)?);
        self.asm.call(Helper::PerfOutput);
        Ok(())
    }

    /// The address of the hit into [`Reg::R0`].
    fn instruction(&mut self) -> Result<(), LiveError> {
        match self.context {
            Context::Arguments { .. } => {
                self.asm.mov(Reg::R1, Reg::Ctx);
                self.asm.call(Helper::FunctionAddress);
                Ok(())
            }
            _ => self.value(&Fetch::Register(registers::INSTRUCTION.to_owned())),
        }
    }

    /// The end: with `result` for the kernel.
    pub(super) fn end(mut self, result: i32) -> Result<Vec<u8>, LiveError> {
        let out = self.out;
        self.asm.here(out);
        self.asm.number(Reg::R0, result.into());
        self.asm.exit();
        Ok(self.asm.finish()?)
    }
}
