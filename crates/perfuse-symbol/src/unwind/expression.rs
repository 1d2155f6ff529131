//! The few expressions that call frame information holds: of linkage tables, signal frames and realigned stacks.

use gimli::{Evaluation, EvaluationResult, Location, Value};

use super::Memory;
use super::cfi::{Cfi, Expression};
use super::registers::Registers;

/// No real expression has more operations.
const MOST_OPERATIONS: u32 = 200;

/// The value of an expression; `operand` lies on its stack at the start.
pub(crate) fn evaluate(
    cfi: &Cfi,
    found: Expression,
    operand: Option<u64>,
    registers: &Registers,
    memory: &mut Memory<'_>,
) -> Option<u64> {
    let (bytes, encoding) = cfi.expression(found)?;
    let mut evaluation = Evaluation::new(bytes, encoding);
    evaluation.set_max_iterations(MOST_OPERATIONS);
    if let Some(operand) = operand {
        evaluation.set_initial_value(operand);
    }
    let mut outcome = evaluation.evaluate().ok()?;
    loop {
        outcome = match outcome {
            EvaluationResult::Complete => break,
            EvaluationResult::RequiresRegister { register, .. } => {
                let value = registers.get(u8::try_from(register.0).ok()?)?;
                evaluation.resume_with_register(Value::Generic(value)).ok()?
            }
            EvaluationResult::RequiresMemory { address, size, .. } => {
                let value = memory.read(address)?;
                let value = if size >= 8 { value } else { value & ((1 << (u32::from(size) * 8)) - 1) };
                evaluation.resume_with_memory(Value::Generic(value)).ok()?
            }
            _ => return None,
        };
    }
    let piece = evaluation.result();
    match piece.last()?.location {
        Location::Address { address } => Some(address),
        _ => None,
    }
}
