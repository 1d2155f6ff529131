//! Expressions, buckets and comparisons as instructions: the same numbers as `perfuse_format::live` computes.

use perfuse_format::event::glob;
use perfuse_format::live::{Binary, Node, Unary};

use super::super::asm::{Alu, If, Reg, Width};
use super::LiveError;
use super::code::Code;

impl Code<'_> {
    /// The number of a part into [`Reg::R0`]; its variables are in the frame already.
    pub(super) fn evaluate(&mut self, node: &Node) -> Result<(), LiveError> {
        match node {
            Node::Number(number) => self.asm.number(Reg::R0, *number),
            Node::Variable(variable) => {
                let place = self.place(*variable);
                self.asm.load(Width::Long, Reg::R0, Reg::FP, place);
            }
            Node::Unary(operator, of) => {
                self.evaluate(of)?;
                match operator {
                    Unary::Minus => self.asm.alu_number(Alu::Neg, Reg::R0, 0),
                    Unary::Bits => self.asm.alu_number(Alu::Xor, Reg::R0, -1),
                    Unary::Not => self.truth(If::Equal),
                }
            }
            Node::Binary { operator: operator @ (Binary::Both | Binary::Either), left, right, .. } => {
                let end = self.asm.label();
                self.evaluate(left)?;
                self.truth(If::NotEqual);
                let stop = if *operator == Binary::Both { If::Equal } else { If::NotEqual };
                self.asm.jump_if_number(stop, Reg::R0, 0, end);
                self.evaluate(right)?;
                self.truth(If::NotEqual);
                self.asm.here(end);
            }
            Node::Binary { operator, unsigned, left, right } => {
                self.operands(left, right)?;
                self.binary(*operator, *unsigned);
            }
            Node::Same { variable, text, pattern, negated } => self.same(*variable, text, *pattern, *negated)?,
        }
        Ok(())
    }

    /// The left side into [`Reg::R0`], the right one into [`Reg::R1`]. No helper is called by either.
    fn operands(&mut self, left: &Node, right: &Node) -> Result<(), LiveError> {
        match right {
            Node::Number(number) => {
                self.evaluate(left)?;
                self.asm.number(Reg::R1, *number);
            }
            Node::Variable(variable) => {
                self.evaluate(left)?;
                let place = self.place(*variable);
                self.asm.load(Width::Long, Reg::R1, Reg::FP, place);
            }
            _ => {
                let kept = self.room(8)?;
                self.evaluate(left)?;
                self.asm.store(Width::Long, Reg::FP, kept, Reg::R0);
                self.evaluate(right)?;
                self.asm.mov(Reg::R1, Reg::R0);
                self.asm.load(Width::Long, Reg::R0, Reg::FP, kept);
            }
        }
        Ok(())
    }

    /// 1 if [`Reg::R0`] is (or is not) zero, else 0.
    fn truth(&mut self, condition: If) {
        let end = self.asm.label();
        self.asm.mov(Reg::R1, Reg::R0);
        self.asm.number(Reg::R0, 1);
        self.asm.jump_if_number(condition, Reg::R1, 0, end);
        self.asm.number(Reg::R0, 0);
        self.asm.here(end);
    }

    /// `R0 = R0 OP R1`.
    fn binary(&mut self, operator: Binary, unsigned: bool) {
        let plain = match operator {
            Binary::Add => Some(Alu::Add),
            Binary::Subtract => Some(Alu::Sub),
            Binary::Multiply => Some(Alu::Mul),
            Binary::And => Some(Alu::And),
            Binary::Or => Some(Alu::Or),
            Binary::Xor => Some(Alu::Xor),
            Binary::Divide if unsigned => Some(Alu::Div),
            Binary::Remainder if unsigned => Some(Alu::Mod),
            _ => None,
        };
        if let Some(plain) = plain {
            return self.asm.alu(plain, Reg::R0, Reg::R1);
        }
        let condition = match (operator, unsigned) {
            (Binary::Equal, _) => If::Equal,
            (Binary::NotEqual, _) => If::NotEqual,
            (Binary::Less, true) => If::Below,
            (Binary::Less, false) => If::Less,
            (Binary::LessEqual, true) => If::BelowEqual,
            (Binary::LessEqual, false) => If::LessEqual,
            (Binary::Greater, true) => If::Above,
            (Binary::Greater, false) => If::Greater,
            (Binary::GreaterEqual, true) => If::AboveEqual,
            (Binary::GreaterEqual, false) => If::GreaterEqual,
            (Binary::Left | Binary::Right, _) => {
                let shift = match (operator, unsigned) {
                    (Binary::Left, _) => Alu::Lsh,
                    (_, true) => Alu::Rsh,
                    (_, false) => Alu::Arsh,
                };
                // The verifier wants to see that the count is below 64.
                self.asm.alu_number(Alu::And, Reg::R1, 63);
                return self.asm.alu(shift, Reg::R0, Reg::R1);
            }
            _ => return self.signed_division(operator == Binary::Remainder),
        };
        let end = self.asm.label();
        self.asm.mov(Reg::R2, Reg::R0);
        self.asm.number(Reg::R0, 1);
        self.asm.jump_if(condition, Reg::R2, Reg::R1, end);
        self.asm.number(Reg::R0, 0);
        self.asm.here(end);
    }

    /// `R0 = R0 / R1` or `R0 % R1` with signs, which the instructions have only since Linux 6.6: of the absolute values, and
    /// the sign behind it. A remainder has the sign of the left side.
    fn signed_division(&mut self, remainder: bool) {
        let (left, right, end) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.number(Reg::R2, 0);
        self.asm.jump_if_number(If::GreaterEqual, Reg::R0, 0, left);
        self.asm.alu_number(Alu::Neg, Reg::R0, 0);
        self.asm.number(Reg::R2, 1);
        self.asm.here(left);
        self.asm.jump_if_number(If::GreaterEqual, Reg::R1, 0, right);
        self.asm.alu_number(Alu::Neg, Reg::R1, 0);
        if !remainder {
            self.asm.alu_number(Alu::Xor, Reg::R2, 1);
        }
        self.asm.here(right);
        self.asm.alu(if remainder { Alu::Mod } else { Alu::Div }, Reg::R0, Reg::R1);
        self.asm.jump_if_number(If::Equal, Reg::R2, 0, end);
        self.asm.alu_number(Alu::Neg, Reg::R0, 0);
        self.asm.here(end);
    }

    /// Whether a text of the frame is another, eight bytes at a time: behind its end it has zeros.
    fn same(&mut self, variable: usize, text: &str, pattern: bool, negated: bool) -> Result<(), LiveError> {
        let (wanted, whole) = match text.strip_suffix('*').filter(|_| pattern) {
            Some(start) if !glob::is_pattern(start) => (start.as_bytes(), false),
            _ if pattern => return Err(LiveError::Pattern(text.to_owned())),
            _ => (text.as_bytes(), true),
        };
        let mut bytes = wanted.to_vec();
        if whole {
            bytes.push(0);
        }
        let (place, room) = (self.place(variable), self.text_room(variable));
        let (differs, end) = (self.asm.label(), self.asm.label());
        // What is longer than a text can be is no text.
        if bytes.len() > room {
            self.asm.number(Reg::R0, i64::from(negated));
            return Ok(());
        }
        let mut at = 0;
        while at < bytes.len() {
            let rest = bytes.get(at..).unwrap_or_default();
            let size = [8, 4, 2, 1].into_iter().find(|size| *size <= rest.len()).unwrap_or(1);
            let mut wide = [0; 8];
            wide[..size].copy_from_slice(&rest[..size]);
            self.asm.load(Width::of(size), Reg::R1, Reg::FP, place + i16::try_from(at).unwrap_or(0));
            self.asm.number(Reg::R2, i64::from_le_bytes(wide));
            self.asm.jump_if(If::NotEqual, Reg::R1, Reg::R2, differs);
            at += size;
        }
        self.asm.number(Reg::R0, i64::from(!negated));
        self.asm.jump(end);
        self.asm.here(differs);
        self.asm.number(Reg::R0, i64::from(negated));
        self.asm.here(end);
        Ok(())
    }

    /// The bucket of the value in [`Reg::R0`] into [`Reg::R0`].
    pub(super) fn bucket(&mut self, signed: bool, parts: i32) {
        let (small, end) = (self.asm.label(), self.asm.label());
        if signed {
            let positive = self.asm.label();
            self.asm.jump_if_number(If::GreaterEqual, Reg::R0, 0, positive);
            self.asm.number(Reg::R0, 0);
            self.asm.jump(end);
            self.asm.here(positive);
        }
        self.asm.jump_if_number(If::Below, Reg::R0, 1 << parts, small);
        // The logarithm, bit by bit from the highest.
        self.asm.mov(Reg::R2, Reg::R0);
        self.asm.number(Reg::R1, 0);
        for shift in [32, 16, 8, 4, 2, 1] {
            let next = self.asm.label();
            self.asm.mov(Reg::R3, Reg::R2);
            self.asm.alu_number(Alu::Rsh, Reg::R3, shift);
            self.asm.jump_if_number(If::Equal, Reg::R3, 0, next);
            self.asm.mov(Reg::R2, Reg::R3);
            self.asm.alu_number(Alu::Add, Reg::R1, shift);
            self.asm.here(next);
        }
        self.asm.alu_number(Alu::Sub, Reg::R1, parts);
        self.asm.alu_number(Alu::And, Reg::R1, 63);
        if parts > 0 {
            self.asm.alu(Alu::Rsh, Reg::R0, Reg::R1);
            self.asm.alu_number(Alu::And, Reg::R0, (1 << parts) - 1);
        } else {
            self.asm.number(Reg::R0, 0);
        }
        self.asm.alu_number(Alu::Add, Reg::R1, 1);
        self.asm.alu_number(Alu::Lsh, Reg::R1, parts);
        self.asm.alu(Alu::Or, Reg::R0, Reg::R1);
        self.asm.here(small);
        self.asm.alu_number(Alu::Add, Reg::R0, 1);
        self.asm.here(end);
    }
}
