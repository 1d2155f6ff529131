//! Whether programs could run here, without running any.

use perfuse_format::btf::Btf;
use perfuse_format::sys::capability::{Capability, id};

use super::error::LoadError;
use super::hook::Hook;
use super::insn::Insn;
use super::kernel::{KERNEL_BTF, KernelBtf};
use super::link::Linked;
use super::load::load;
use super::set::allowed;

/// `r0 = 0; exit`.
const NOTHING: [Insn; 2] =
    [Insn { code: 0xb7, registers: 0, offset: 0, imm: 0 }, Insn { code: 0x95, registers: 0, offset: 0, imm: 0 }];

/// The capabilities `bpf`, `btf`, `tp_btf` and `bpf_iter`.
pub fn probe() -> Vec<Capability> {
    let said = |name: &'static str, result: &Result<(), LoadError>| match result {
        Ok(()) => Capability::yes(name),
        Err(error) => Capability::no(name, &error.missing()),
    };
    let may = allowed();
    let bytes = KernelBtf::open(KERNEL_BTF.as_ref());
    let types = match &bytes {
        Ok(bytes) => Btf::parse(bytes.bytes()).map_err(|error| LoadError::NoBtf(error.to_string())),
        Err(error) => Err(error.clone()),
    };
    let tries = |hook: Hook| -> Result<(), LoadError> {
        may.clone()?;
        let types = types.as_ref().map_err(LoadError::clone)?;
        let bytes = NOTHING.iter().flat_map(|insn| insn.to_bytes()).collect();
        let program = Linked { bytes, absent: Vec::new(), functions: Vec::new(), callbacks: false };
        load(&program, &hook, hook.btf_id(types)?, "probe", "GPL").map(drop)
    };
    vec![
        said(id::BPF, &may),
        said(id::BTF, &types.as_ref().map(drop).map_err(LoadError::clone)),
        said(id::TP_BTF, &tries(Hook::TpBtf("sched_switch".to_owned()))),
        said(id::BPF_ITER, &tries(Hook::Iter("task".to_owned()))),
    ]
}
