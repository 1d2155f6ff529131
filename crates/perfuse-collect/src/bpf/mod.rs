//! Programs inside the kernel: loaded over `bpf(2)` from committed objects, read as tables.
//!
//! ```text
//! NAME.bpf.o -> object (ELF, maps, relocations) -> link (calls, maps, CO-RE against the kernel's BTF)
//!            -> load (verifier) -> hook (attach) -> BpfSet -> @bpf/... sources of a snapshot
//! ```
//! Why a loader of our own: `docs/decisions/bpf-loader.md`. What an object may hold: `bpf/README.md`.

mod asm;
pub mod door;
mod error;
mod fentry;
mod hook;
mod insn;
mod kernel;
mod level;
mod link;
mod live;
mod load;
mod loaded;
mod map;
mod object;
mod probe;
mod program;
mod set;
mod types;

pub use error::{LoadError, effective};
pub use fentry::try_fentry;
pub use hook::can_mount_tracefs;
pub use kernel::KERNEL_BTF;
pub use live::{EventDenied, EventSeries, LiveCost, LiveError, LiveEvent, LiveHook, LivePlan, LiveProgram, SeriesPlan};
pub use loaded::{LoadedProgram, ProgramFunction, loaded_programs};
pub use probe::probe;
pub use program::{ALWAYS_ON, Program, USE, WHY};
pub use set::{BpfSet, Cost, DROP_REASONS, Options, ProgramStatus, STATUS};
