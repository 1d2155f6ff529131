//! How deep our pid namespace lies: the pids that programs tell must be the ones that we see.

use std::os::fd::AsFd as _;
use std::path::Path;

use perfuse_format::btf::Btf;

use super::error::LoadError;
use super::hook::{Hook, iterate};
use super::link::{Places, link};
use super::load::load;
use super::object::Object;

/// What tells; see `bpf/level.bpf.c`.
const OBJECT: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/bpf/level.bpf.o"));

/// The name of the first pid namespace: `PROC_PID_INIT_INO` of `include/linux/proc_ns.h`.
const FIRST: &str = "pid:[4026531836]";

/// Levels below the first pid namespace. 0 also where the kernel does not tell: then pids are those of the host.
pub(super) fn pid_level(kernel: &Btf<'_>) -> u64 {
    if std::fs::read_link("/proc/self/ns/pid").is_ok_and(|name| name == Path::new(FIRST)) {
        return 0;
    }
    ask(kernel).unwrap_or(0)
}

/// Asks the kernel, by an iterator that is read by us.
pub(super) fn ask(kernel: &Btf<'_>) -> Result<u64, LoadError> {
    let object = Object::parse(OBJECT)?;
    let local = Btf::parse(object.btf).map_err(|error| LoadError::Object(error.to_string()))?;
    let function = object.functions.first().ok_or_else(|| LoadError::Object("no program".to_owned()))?;
    let hook = Hook::Iter("task".to_owned());
    let linked = link(&object, function, &local, kernel, &Places::default())?;
    let program = load(&linked, &hook, hook.btf_id(kernel)?, &function.name, &object.license)?;
    let links = hook.attach(program.as_fd())?;
    let mut answer = Vec::new();
    for link in &links {
        iterate(link.as_fd(), &mut answer)?;
    }
    let level = answer.first_chunk().map(|word| u32::from_ne_bytes(*word));
    level.map(u64::from).ok_or_else(|| LoadError::Object("no answer".to_owned()))
}
