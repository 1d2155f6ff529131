//! CGROUP records of the groups that were there before the recording began: number and path of each.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use perfuse_format::perfdata::record::kind;

use super::emit::Emitter;
use crate::perf::cgroup::hierarchy;
use crate::root::Root;

/// Directories below each other; systemd nests to about 8.
const DEEPEST: usize = 64;
/// More groups than any host has.
const MOST: usize = 1 << 20;

/// Writes one record for each group of the hierarchy that perf events go by, a group before those within it.
pub fn groups(root: &Root, out: &mut Emitter) {
    let Some(top) = hierarchy(root) else { return };
    let top = root.join(&top.to_string_lossy());
    let mut left = MOST;
    walk(&top, &top, DEEPEST, &mut left, out);
}

fn walk(top: &Path, group: &Path, deeper: usize, left: &mut usize, out: &mut Emitter) {
    let Some(less) = left.checked_sub(1) else { return };
    *left = less;
    if let Some(id) = number(group) {
        let path = group.strip_prefix(top).unwrap_or(group).as_os_str().as_bytes();
        out.begin(kind::CGROUP, 0);
        out.u64(id);
        out.text(&[b"/", path].concat());
        out.end();
    }
    if deeper == 0 {
        return;
    }
    for entry in std::fs::read_dir(group).into_iter().flatten().flatten() {
        // Links lead out of the hierarchy or in circles; there are none in it.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(top, &entry.path(), deeper - 1, left, out);
        }
    }
}

/// `struct file_handle` (`open_by_handle_at(2)`) with room for the eight bytes of a group's handle, which are its number.
#[repr(C)]
#[derive(Debug)]
struct Handle {
    bytes: libc::c_uint,
    kind: libc::c_int,
    id: [u8; 8],
}

/// The number of a group, as samples and records have it.
fn number(group: &Path) -> Option<u64> {
    let path = CString::new(group.as_os_str().as_bytes()).ok()?;
    let mut handle = Handle { bytes: 8, kind: 0, id: [0; 8] };
    let mut mount = 0;
    // SAFETY: the path ends with NUL; the kernel writes at most the eight bytes that `bytes` says are there, and the
    // number of the mount.
    let done =
        unsafe { libc::name_to_handle_at(libc::AT_FDCWD, path.as_ptr(), (&raw mut handle).cast(), &raw mut mount, 0) };
    (done == 0 && handle.bytes == 8).then(|| u64::from_ne_bytes(handle.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_group_is_the_whole_hierarchy() {
        let Some(_) = hierarchy(&Root::default()) else {
            perfuse_testkit::skip!("no cgroup file system is mounted");
        };
        let mut out = Emitter::new(8);
        groups(&Root::default(), &mut out);
        if out.bytes.is_empty() {
            perfuse_testkit::skip!("handles of groups may not be had here");
        }
        assert_eq!(out.bytes[..4], kind::CGROUP.to_ne_bytes());
        assert_eq!(out.bytes[16..24], *b"/\0\0\0\0\0\0\0");
    }
}
