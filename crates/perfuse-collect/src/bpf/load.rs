//! One program into the kernel, and the log when it is refused.

use std::os::fd::{AsFd as _, OwnedFd};

use super::door::{Attr, Command, Errno, bpf, bpf_fd, lift_memlock};
use super::error::LoadError;
use super::hook::Hook;
use super::link::Linked;
use super::types::Types;

/// Room for the verifier's log: older kernels keep its beginning when it is full, and the reason stands at its end.
const LOG_BYTES: usize = 1 << 20;
/// Characters of the log that go into an error.
const LOG_TAIL: usize = 400;

/// Loads a linked program for its hook; `btf_id` as [`Hook::btf_id`] gives it.
pub(crate) fn load(linked: &Linked, hook: &Hook, btf_id: u32, name: &str, license: &str) -> Result<OwnedFd, LoadError> {
    load_as(linked, hook.types(), btf_id, name, license)
}

/// As [`load`], for a program type and attach type (`enum bpf_prog_type`, `enum bpf_attach_type`).
pub(crate) fn load_as(
    linked: &Linked,
    (kind, attach): (u32, u32),
    btf_id: u32,
    name: &str,
    license: &str,
) -> Result<OwnedFd, LoadError> {
    let license = [license.as_bytes(), b"\0"].concat();
    let described = if linked.callbacks { Some(describe(linked)?) } else { None };
    let attempt = |log: Option<&mut [u8]>| {
        let mut attr = Attr::new()
            .word(0, kind)
            .word(4, u32::try_from(linked.slots()).unwrap_or(u32::MAX))
            .input(8, &linked.bytes)
            .input(16, &license)
            .name(48, name);
        if attach != 0 {
            attr = attr.word(68, attach);
        }
        if btf_id != 0 {
            attr = attr.word(108, btf_id);
        }
        if let Some((types, functions)) = &described {
            let count = u32::try_from(linked.functions.len()).unwrap_or(0);
            attr = attr.fd(72, types.as_fd()).word(76, 8).input(80, functions).word(88, count);
        }
        if let Some(log) = log {
            attr = attr.word(24, 1).word(28, u32::try_from(log.len()).unwrap_or(0)).output(32, log);
        }
        // SAFETY: the instructions are `slots` long, the licence ends with NUL, the log is as long as its size says, and there
        // are two words for each function.
        unsafe { bpf_fd(Command::ProgLoad, &mut attr) }
    };
    let first = attempt(None).or_else(|errno| {
        if errno.0 != libc::EPERM {
            return Err(errno);
        }
        lift_memlock();
        attempt(None)
    });
    let errno = match first {
        Ok(fd) => return Ok(fd),
        Err(errno @ Errno(libc::ENOSYS | libc::E2BIG)) => return Err(LoadError::from_errno("BPF_PROG_LOAD", errno)),
        Err(errno) => errno,
    };
    // Only now with a log: writing one makes a load several times slower.
    let mut log = vec![0_u8; LOG_BYTES];
    let errno = match attempt(Some(&mut log)) {
        Ok(fd) => return Ok(fd),
        // The log was longer than its room, which says nothing about the program.
        Err(Errno(libc::ENOSPC)) => errno,
        Err(errno) => errno,
    };
    let log = log_text(&log);
    if linked.blames_poison(&log) {
        return Err(LoadError::Layout(linked.absent.join("; ")));
    }
    if log.is_empty() {
        return Err(LoadError::from_errno("BPF_PROG_LOAD", errno));
    }
    Err(LoadError::Refused { errno, log: tail(&log) })
}

/// Says of each function where it begins and that it is static, without which none may be passed to a helper.
fn describe(linked: &Linked) -> Result<(OwnedFd, Vec<u32>), LoadError> {
    let mut types = Types::new();
    let prototype = types.prototype();
    let mut functions = Vec::new();
    for (start, name) in &linked.functions {
        functions.extend([*start, types.function(name, prototype, *start == 0)]);
    }
    Ok((types.load()?, functions))
}

/// The log up to its NUL.
fn log_text(log: &[u8]) -> String {
    let text = log.split(|&byte| byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).trim().to_owned()
}

/// The last lines of a log that say something: not the statistics that the verifier ends with.
fn tail(log: &str) -> String {
    let telling = |line: &&str| !line.starts_with("processed ") && !line.starts_with("verification time");
    let lines: Vec<_> = log.lines().map(str::trim).filter(|line| !line.is_empty()).filter(telling).collect();
    let mut kept = Vec::new();
    let mut length = 0;
    for line in lines.iter().rev() {
        length += line.len() + 3;
        if length > LOG_TAIL && !kept.is_empty() {
            break;
        }
        kept.push(*line);
    }
    kept.reverse();
    let text = kept.join(" | ");
    let start = text.char_indices().rev().nth(LOG_TAIL).map_or(0, |(at, _)| at);
    text[start..].to_owned()
}

/// `(nanoseconds, runs)` of a program since the statistics were enabled.
pub(crate) fn run_stats(program: std::os::fd::BorrowedFd<'_>) -> Result<(u64, u64), Errno> {
    // struct bpf_prog_info up to run_cnt (at 200)
    let mut info = [0_u8; 208];
    let length = u32::try_from(info.len()).unwrap_or(0);
    let mut attr = Attr::new().fd(0, program).word(4, length).output(8, &mut info);
    // SAFETY: the structure is as long as its length field says; its own pointers are null.
    unsafe { bpf(Command::ObjInfo, &mut attr) }?;
    let long = |at: usize| info.get(at..at + 8).map_or(0, |field| field.try_into().map_or(0, u64::from_ne_bytes));
    Ok((long(192), long(200)))
}

/// Makes the kernel count the time of every program for as long as the descriptor lives (Linux 5.8).
pub(crate) fn enable_stats() -> Result<OwnedFd, Errno> {
    let mut attr = Attr::new().word(0, 0);
    // SAFETY: the command takes no pointer.
    unsafe { bpf_fd(Command::EnableStats, &mut attr) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_kept() {
        let log = "0: R1=ctx()\n1: (79) r1 = *(u64 *)(r1 +8)\ninvalid access\n\nprocessed 2 insns\n";
        assert_eq!(tail(log), "0: R1=ctx() | 1: (79) r1 = *(u64 *)(r1 +8) | invalid access");
        let wide = format!("{}\nlast\n", "x".repeat(1000));
        assert_eq!(tail(&wide), "last");
        assert_eq!(tail(&"é".repeat(1000)).chars().count(), LOG_TAIL + 1);
        assert_eq!(tail(""), "");
        assert_eq!(log_text(b"a\0b"), "a");
    }
}
