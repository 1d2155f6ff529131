//! Addresses to names.
//!
//! Two doors lead in. [`Symbolizer`] names the call chains of processes that run now; it gives [`Symbolized`]: a function
//! with its module, or the reason why there is none. [`Symbols`] names what a recording tells of: each file, kernel or
//! just-in-time compiled region is opened once as a module, and addresses of it become small [`SymbolId`]s. Both read
//! files through the trait [`Files`], so that tests and other hosts can stand in for the running one.
//!
//! Three kinds of address are told apart:
//!
//! - the instruction pointer of a process or of the kernel;
//! - the address that a file states for itself (its program headers and symbols; also called SVMA);
//! - the offset in the file, which a mapping ties to the first, and a program header to the second.
#![forbid(unsafe_code)]

mod build_id;
mod candidates;
mod code;
mod compressed;
mod demangle;
pub mod disasm;
mod dso;
mod elf;
mod executable;
mod files;
mod find;
mod image;
pub mod insn;
mod jit;
pub mod kcore;
mod kernel;
mod lines;
pub mod live;
mod load;
pub mod probe;
mod ranges;
mod sdt;
mod symbolizer;
mod symbols;
mod table;
mod tree;
pub mod unwind;
mod variable;

pub use build_id::{build_id_in_notes, build_id_of, hex as build_id_text, is_same as is_same_build_id};
pub use candidates::kernel_images;
pub use code::CodeFile;
pub use demangle::Demangle;
pub use dso::{Attempt, DsoKind, DsoSpec, Outcome, Problem, Reason, SymbolOptions};
pub use elf::ElfError;
pub use executable::{Executable, FileSymbol, symbol_value};
pub use files::{Files, HostFiles};
pub use image::{Image, ImageError};
pub use lines::InlineFrame;
pub use sdt::{SdtProbe, sdt_probes};
pub use symbolizer::{Symbolized, Symbolizer, Unknown};
pub use symbols::{Binding, ModuleId, SymbolId, SymbolInfo, Symbols};
pub use variable::{Number, NumberKind, Variable, VariableError};
