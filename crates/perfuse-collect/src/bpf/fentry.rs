//! Whether the kernel takes programs at the entry of its functions. Its configuration and its types look the same on
//! kernels that refuse them: only a program that is really loaded tells.

use perfuse_format::btf::Btf;

use super::door::{Attr, Command, Errno, bpf_fd};

/// `BPF_PROG_TYPE_TRACING`.
const TRACING: u32 = 26;
/// `BPF_TRACE_FENTRY` of `enum bpf_attach_type`.
const FENTRY: u32 = 24;

/// Loads a program that does nothing for the entry of a function, and takes it out again. `None` if the kernel's types do
/// not have the function.
pub fn try_fentry(types: &Btf<'_>, function: &str) -> Option<Result<(), Errno>> {
    // r0 = 0; exit. Each instruction is one code byte, one byte of registers, an offset and a number.
    let instructions: [u64; 2] =
        [u64::from_ne_bytes([0xb7, 0, 0, 0, 0, 0, 0, 0]), u64::from_ne_bytes([0x95, 0, 0, 0, 0, 0, 0, 0])];
    let license = *b"GPL\0";
    let target = types.function(function)?.id();
    let mut attr = Attr::new()
        .word(0, TRACING)
        .word(4, 2)
        .input(8, &instructions)
        .input(16, &license)
        .name(48, "perfuse_try")
        .word(68, FENTRY)
        .word(108, target);
    // SAFETY: there are two instructions, as the count says, and the licence ends with NUL.
    Some(unsafe { bpf_fd(Command::ProgLoad, &mut attr) }.map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_that_does_not_exist_is_not_tried() {
        let Ok(bytes) = std::fs::read("/sys/kernel/btf/vmlinux") else {
            perfuse_testkit::skip!("this kernel tells nothing of its types");
        };
        let types = Btf::parse(&bytes).unwrap();
        assert!(try_fentry(&types, "no_such_function_anywhere").is_none());
        // Either answer is right; what counts is that there is one.
        assert!(
            try_fentry(&types, "tcp_sendmsg")
                .is_some_and(|answer| answer.is_ok() || answer.is_err_and(|errno| errno.0 > 0))
        );
    }
}
