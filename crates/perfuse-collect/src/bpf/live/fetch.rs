//! Where the arguments of probes are: registers, memory, results.

use perfuse_format::live::{RecordField, RecordKind};
use perfuse_format::probe::{Cast, Fetch, Sign, TraceArgument};

use super::super::asm::{Alu, Helper, Reg, Width};
use super::LiveError;
use super::code::{Code, Context};
use super::registers;

impl Code<'_> {
    /// Whether the memory of an expression is that of a program.
    pub(super) fn is_user(&self, fetch: &Fetch) -> bool {
        self.context == Context::Registers { user: true } || matches!(fetch, Fetch::Deref { user: true, .. })
    }

    /// The value of an expression, 64 bits of it, into [`Reg::R0`].
    pub(super) fn value(&mut self, fetch: &Fetch) -> Result<(), LiveError> {
        let refused = || LiveError::Fetch(fetch.to_string());
        match (fetch, self.context) {
            (Fetch::Number(number), _) => self.asm.number(Reg::R0, *number),
            (Fetch::Argument(index), Context::Arguments { count, .. }) => {
                let index = usize::try_from(*index).unwrap_or(0).checked_sub(1).filter(|index| *index < count);
                self.context_word(index.ok_or_else(refused)?)?;
            }
            (Fetch::Retval, Context::Arguments { count, .. }) => self.context_word(count)?,
            (Fetch::Register(_) | Fetch::Argument(_) | Fetch::Retval | Fetch::Stack, _) => {
                let name = match fetch {
                    Fetch::Register(name) => Some(name.as_str()),
                    Fetch::Argument(index) => registers::argument(*index),
                    Fetch::Retval => Some(registers::RESULT),
                    _ => Some("sp"),
                };
                let place = name.and_then(registers::place).filter(|_| self.has_registers());
                self.asm.load(Width::Long, Reg::R0, Reg::Ctx, place.ok_or_else(refused)?);
            }
            (Fetch::StackWord(index), _) => {
                self.value(&Fetch::Stack)?;
                self.asm.mov(Reg::R3, Reg::R0);
                let offset = i32::try_from(*index).ok().and_then(|index| index.checked_mul(8));
                self.asm.alu_number(Alu::Add, Reg::R3, offset.ok_or_else(refused)?);
                let user = self.is_user(fetch);
                self.read_memory(8, user);
            }
            (Fetch::Address(_) | Fetch::Deref { .. }, _) => {
                self.memory(fetch)?;
                let user = self.is_user(fetch);
                self.read_memory(8, user);
            }
            (Fetch::Comm | Fetch::FileOffset(_) | Fetch::Symbol { .. } | Fetch::Text(_), _) => return Err(refused()),
        }
        Ok(())
    }

    fn has_registers(&self) -> bool {
        matches!(self.context, Context::Registers { .. } | Context::Sample)
    }

    fn context_word(&mut self, index: usize) -> Result<(), LiveError> {
        let offset = index.checked_mul(8).and_then(|offset| i16::try_from(offset).ok()).ok_or(LiveError::Room)?;
        self.asm.load(Width::Long, Reg::R0, Reg::Ctx, offset);
        Ok(())
    }

    /// The address that an expression reads from into [`Reg::R3`]; of one that reads no memory, its value.
    pub(super) fn memory(&mut self, fetch: &Fetch) -> Result<(), LiveError> {
        match fetch {
            Fetch::Deref { offset, of, .. } => {
                self.value(of)?;
                self.asm.mov(Reg::R3, Reg::R0);
                let offset = i32::try_from(*offset).map_err(|_| LiveError::Fetch(fetch.to_string()))?;
                self.asm.alu_number(Alu::Add, Reg::R3, offset);
            }
            Fetch::Address(address) => self.asm.number(Reg::R3, address.cast_signed()),
            other => {
                self.value(other)?;
                self.asm.mov(Reg::R3, Reg::R0);
            }
        }
        Ok(())
    }

    /// The number of an argument, by its type, into [`Reg::R0`].
    pub(super) fn argument(&mut self, argument: &TraceArgument) -> Result<(), LiveError> {
        let (size, signed) = match &argument.cast {
            Some(Cast::Integer { sign, bits }) => (usize::from(*bits) / 8, *sign == Sign::Signed),
            Some(Cast::BitField { container, .. }) => (usize::from(*container) / 8, false),
            Some(Cast::Char) => (1, false),
            Some(Cast::Sign(_) | Cast::Symbol) | None => (8, false),
            Some(Cast::Text | Cast::UserText | Cast::SymbolText | Cast::Array(..)) => {
                return Err(LiveError::Fetch(argument.to_string()));
            }
        };
        match (&argument.fetch, self.context) {
            (Fetch::Deref { .. } | Fetch::Address(_), _) => {
                self.memory(&argument.fetch)?;
                let user = self.is_user(&argument.fetch);
                self.read_memory(size, user);
            }
            // The kernel knows which of these are pointers, and does not let them be shifted: a copy is a number.
            (Fetch::Argument(index), Context::Arguments { count, .. }) => {
                let index = i32::try_from(*index).ok().and_then(|index| index.checked_sub(1));
                let index = index.filter(|index| usize::try_from(*index).is_ok_and(|index| index < count));
                self.read_context(index.ok_or(LiveError::Room)? * 8, 8);
            }
            (Fetch::Retval, Context::Arguments { count, .. }) => {
                self.read_context(i32::try_from(count * 8).map_err(|_| LiveError::Room)?, 8);
            }
            (other, _) => self.value(other)?,
        }
        self.extend(size, signed);
        if let Some(Cast::BitField { width, offset, .. }) = &argument.cast {
            self.asm.alu_number(Alu::Lsh, Reg::R0, 64 - i32::from(*width) - i32::from(*offset));
            self.asm.alu_number(Alu::Rsh, Reg::R0, 64 - i32::from(*width));
        }
        Ok(())
    }

    /// One field of a record, which is built at [`Reg::R7`].
    pub(super) fn field(&mut self, field: &RecordField) -> Result<(), LiveError> {
        let place = |at: usize| i16::try_from(at).map_err(|_| LiveError::Room);
        let argument = &field.argument;
        match field.kind {
            RecordKind::Number { size } => {
                self.argument(argument)?;
                self.asm.store(Width::of(size), Reg::R7, place(field.offset)?, Reg::R0);
            }
            RecordKind::Text { at, size } if argument.fetch == Fetch::Comm => {
                self.at_record(at)?;
                self.asm.alu_number(Alu::Mov, Reg::R2, i32::from(place(size)?));
                self.asm.call(Helper::Comm);
                let location = i32::from(place(at)?) | i32::from(place(size)?) << 16;
                self.asm.store_number(Width::Word, Reg::R7, place(field.offset)?, location);
            }
            RecordKind::Text { at, size } => {
                let user = self.is_user(&argument.fetch) || argument.cast == Some(Cast::UserText);
                self.memory(&argument.fetch)?;
                self.at_record(at)?;
                self.asm.alu_number(Alu::Mov, Reg::R2, i32::from(place(size)?));
                self.asm.store_number(Width::Byte, Reg::R7, place(at)?, 0);
                self.asm.call(if user { Helper::ReadUserText } else { Helper::ReadKernelText });
                // The length with its end; what cannot be read is empty.
                let known = self.asm.label();
                self.asm.jump_if_number(super::super::asm::If::Greater, Reg::R0, 0, known);
                self.asm.store_number(Width::Byte, Reg::R7, place(at)?, 0);
                self.asm.number(Reg::R0, 1);
                self.asm.here(known);
                self.asm.alu_number(Alu::Lsh, Reg::R0, 16);
                self.asm.alu_number(Alu::Or, Reg::R0, place(at)?.into());
                self.asm.store(Width::Word, Reg::R7, place(field.offset)?, Reg::R0);
            }
            RecordKind::Array { element, count } => {
                let user = self.is_user(&argument.fetch);
                self.memory(&argument.fetch)?;
                self.at_record(field.offset)?;
                self.asm.alu_number(Alu::Mov, Reg::R2, i32::from(place(element * count)?));
                self.asm.call(if user { Helper::ReadUser } else { Helper::ReadKernel });
            }
        }
        Ok(())
    }

    /// `R1 = the place in the record`.
    fn at_record(&mut self, at: usize) -> Result<(), LiveError> {
        self.asm.mov(Reg::R1, Reg::R7);
        self.asm.alu_number(Alu::Add, Reg::R1, i32::try_from(at).map_err(|_| LiveError::Room)?);
        Ok(())
    }
}
