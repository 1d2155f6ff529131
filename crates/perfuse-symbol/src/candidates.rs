//! The files that may hold the symbols of a recorded file, in the order in which perf tries them.

use std::io::{Read, Seek};

use crate::build_id::hex;
use crate::dso::{DsoKind, DsoSpec, SymbolOptions};
use crate::elf::Elf;

/// Where symbols of `spec` may be. `link` is the name in the `.gnu_debuglink` of the file itself.
pub(crate) fn files(
    spec: &DsoSpec<'_>,
    build_id: Option<&[u8]>,
    link: Option<&str>,
    options: &SymbolOptions,
) -> Vec<String> {
    let mut found = Vec::new();
    let path = spec.path;
    let symfs = options.symfs.as_deref().unwrap_or("").trim_end_matches('/');
    let (directory, base) = path.rsplit_once('/').unwrap_or((".", path));
    let is_path = matches!(spec.kind, DsoKind::File | DsoKind::Module) && !path.starts_with('[');
    if let Some(link) = link {
        found.push(format!("{symfs}{directory}/{link}"));
        found.push(format!("{symfs}{directory}/.debug/{link}"));
        found.push(format!("{symfs}/usr/lib/debug{directory}/{link}"));
    }
    let id = build_id.map(hex).filter(|id| id.len() > 2);
    let split = id.as_deref().map(|id| id.split_at(2));
    if let (Some(cache), Some((head, tail))) = (&options.build_id_cache, split) {
        let names: &[&str] = if spec.kind == DsoKind::Vdso { &["vdso"] } else { &["elf", "debug"] };
        found.extend(names.iter().map(|name| format!("{cache}/.build-id/{head}/{tail}/{name}")));
        // The oldest form of the cache: the file itself.
        found.push(format!("{cache}/.build-id/{head}/{tail}"));
    }
    if is_path {
        found.push(format!("{symfs}/usr/lib/debug{path}.debug"));
        found.push(format!("{symfs}/usr/lib/debug{path}"));
    }
    if let Some((head, tail)) = split {
        found.push(format!("{symfs}/usr/lib/debug/.build-id/{head}/{tail}.debug"));
    }
    if is_path {
        found.push(format!("{symfs}{path}"));
        if symfs.is_empty() && spec.pid > 0 {
            // The process may see another file under this path (containers).
            found.push(format!("/proc/{}/root{path}", spec.pid));
        }
        found.push(format!("{symfs}{directory}/.debug/{base}"));
        // Where /usr was split from / when the debug files were made.
        if let Some(short) = path.strip_prefix("/usr").filter(|short| short.starts_with("/lib")) {
            found.push(format!("{symfs}/usr/lib/debug{short}"));
        }
    }
    if let (Some(cache), Some(id)) = (&options.debuginfod_cache, &id) {
        found.push(format!("{cache}/{id}/debuginfo"));
        found.push(format!("{cache}/{id}/executable"));
    }
    found
}

/// Where the file that ran may be.
pub(crate) fn running(spec: &DsoSpec<'_>, options: &SymbolOptions) -> Vec<String> {
    let mut found = Vec::new();
    let id = spec.build_id.map(hex).filter(|id| id.len() > 2);
    if let (Some(cache), Some(id)) = (&options.build_id_cache, &id) {
        let name = if spec.kind == DsoKind::Vdso { "vdso" } else { "elf" };
        found.push(format!("{cache}/.build-id/{}/{}/{name}", &id[..2], &id[2..]));
    }
    if spec.kind == DsoKind::File {
        let symfs = options.symfs.as_deref().unwrap_or("").trim_end_matches('/');
        found.push(format!("{symfs}{}", spec.path));
        if symfs.is_empty() && spec.pid > 0 {
            found.push(format!("/proc/{}/root{}", spec.pid, spec.path));
        }
    }
    if let (Some(cache), Some(id)) = (&options.debuginfod_cache, &id) {
        found.push(format!("{cache}/{id}/executable"));
    }
    found
}

/// Where the image of a kernel may be, in the order in which it is looked for: caches and debug files by the build id, then
/// the usual places by the release (`uname -r`).
pub fn kernel_images(build_id: Option<&[u8]>, release: &str, options: &SymbolOptions) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(id) = build_id.map(hex).filter(|id| id.len() > 2) {
        let (head, tail) = id.split_at(2);
        if let Some(cache) = &options.build_id_cache {
            found.push(format!("{cache}/.build-id/{head}/{tail}/vmlinux"));
            found.push(format!("{cache}/.build-id/{head}/{tail}/elf"));
        }
        found.push(format!("/usr/lib/debug/.build-id/{head}/{tail}.debug"));
        if let Some(cache) = &options.debuginfod_cache {
            found.push(format!("{cache}/{id}/debuginfo"));
        }
    }
    found.push("/boot/vmlinux".to_owned());
    if !release.is_empty() {
        for (before, after) in [
            ("/boot/vmlinux-", ""),
            ("/usr/lib/debug/boot/vmlinux-", ""),
            ("/lib/modules/", "/build/vmlinux"),
            ("/usr/lib/debug/lib/modules/", "/vmlinux"),
            ("/usr/lib/debug/boot/vmlinux-", ".debug"),
        ] {
            found.push(format!("{before}{release}{after}"));
        }
    }
    found
}

/// File name and CRC in the section `.gnu_debuglink`: the name with its NUL, padded to 4 bytes, then the CRC-32 of the
/// debug file.
pub(crate) fn debug_link<R: Read + Seek>(elf: &mut Elf<R>) -> Option<(String, u32)> {
    let bytes = elf.data_of(".gnu_debuglink").ok()?;
    let end = bytes.iter().position(|&byte| byte == 0)?;
    let name = std::str::from_utf8(&bytes[..end]).ok()?;
    let crc = (end + 1).checked_next_multiple_of(4).filter(|at| at + 4 <= bytes.len())?;
    // A name is no path: it must not lead out of the directories of debug files.
    (!name.is_empty() && !name.contains('/')).then(|| (name.to_owned(), elf.layout.word(&bytes, crc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_perf() {
        let options = SymbolOptions::default().with_home("/root");
        let spec = DsoSpec { path: "/usr/lib/libx.so", kind: DsoKind::File, pid: 7, ..DsoSpec::default() };
        let found = files(&spec, Some(&[0xab, 0xcd, 0xef]), Some("libx.debug"), &options);
        assert_eq!(
            found,
            [
                "/usr/lib/libx.debug",
                "/usr/lib/.debug/libx.debug",
                "/usr/lib/debug/usr/lib/libx.debug",
                "/root/.debug/.build-id/ab/cdef/elf",
                "/root/.debug/.build-id/ab/cdef/debug",
                "/root/.debug/.build-id/ab/cdef",
                "/usr/lib/debug/usr/lib/libx.so.debug",
                "/usr/lib/debug/usr/lib/libx.so",
                "/usr/lib/debug/.build-id/ab/cdef.debug",
                "/usr/lib/libx.so",
                "/proc/7/root/usr/lib/libx.so",
                "/usr/lib/.debug/libx.so",
                "/usr/lib/debug/lib/libx.so",
                "/root/.cache/debuginfod_client/abcdef/debuginfo",
                "/root/.cache/debuginfod_client/abcdef/executable",
            ]
        );
    }

    #[test]
    fn what_is_no_path_is_only_looked_up_by_build_id() {
        let options = SymbolOptions::default().with_home("/root/");
        let spec = DsoSpec { path: "[vdso]", kind: DsoKind::Vdso, ..DsoSpec::default() };
        let found = files(&spec, Some(&[1, 2]), None, &options);
        assert_eq!(found[0], "/root/.debug/.build-id/01/02/vdso");
        assert!(files(&spec, None, None, &options).is_empty());
    }
}
