//! The facts of the host that go into `@host`.

use perfuse_format::sys::host::Host;

use crate::root::Root;

/// Collects the facts. Where `root` is another host's, name and kernel come from its `/proc`.
pub fn facts(root: &Root) -> Host {
    let uname = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    let file = |path: &str| std::fs::read_to_string(root.join(path)).ok().map(|text| text.trim().to_owned());
    let from_root = |path: &str, live: String| if root.is_live() { live } else { file(path).unwrap_or(live) };
    Host {
        hostname: from_root("/proc/sys/kernel/hostname", text(uname.nodename())),
        kernel: from_root("/proc/sys/kernel/osrelease", text(uname.release())),
        machine: text(uname.machine()),
        page_size: rustix::param::page_size() as u64,
        clock_ticks: rustix::param::clock_ticks_per_second(),
        cpus: file("/sys/devices/system/cpu/online")
            .map(|list| count(&list))
            .or_else(|| file("/proc/stat").map(|stat| rows_of_cpus(&stat)))
            .unwrap_or(0),
        virtualization: virtualization(root),
        euid: rustix::process::geteuid().as_raw(),
        self_pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The user that this process acts as.
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Number of CPUs in a list such as `0-3,8`; 0 for anything else.
fn count(list: &str) -> u32 {
    let length = |range: &str| -> Option<u32> {
        let (from, to) = range.split_once('-').unwrap_or((range, range));
        to.parse::<u32>().ok()?.checked_sub(from.parse().ok()?)?.checked_add(1)
    };
    list.split(',').filter_map(length).sum()
}

/// Number of CPUs that `/proc/stat` has a row for, which are those online: for a host whose `/sys` is not mounted.
fn rows_of_cpus(stat: &str) -> u32 {
    let one = |line: &&str| line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    u32::try_from(stat.lines().filter(one).count()).unwrap_or(u32::MAX)
}

/// What the host runs in, as far as files tell: a container's own marks first, then the hypervisor.
fn virtualization(root: &Root) -> String {
    let exists = |path: &str| root.join(path).exists();
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    if exists("/.dockerenv") {
        return "docker".to_owned();
    }
    if exists("/run/.containerenv") {
        return "podman".to_owned();
    }
    if let Some(kind) = read("/proc/1/environ").split('\0').find_map(|entry| entry.strip_prefix("container=")) {
        return kind.to_owned();
    }
    hypervisor(root)
}

/// The hypervisor that the machine itself runs under, as far as files tell; `vm` for one without a name, empty on bare
/// metal. A container's own marks do not count: its machine may be a guest or not.
pub fn hypervisor(root: &Root) -> String {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    let vendor = format!("{} {}", read("/sys/class/dmi/id/sys_vendor"), read("/sys/class/dmi/id/product_name"));
    let known = [
        ("QEMU", "qemu"),
        ("Amazon EC2", "amazon"),
        ("Google", "google"),
        ("VMware", "vmware"),
        ("VirtualBox", "oracle"),
        ("Microsoft", "microsoft"),
        ("Xen", "xen"),
        ("KVM", "kvm"),
        ("Firecracker", "firecracker"),
    ];
    if let Some((_, kind)) = known.iter().find(|(mark, _)| vendor.contains(mark)) {
        return (*kind).to_owned();
    }
    let hypervisor = read("/proc/cpuinfo")
        .lines()
        .find(|line| line.starts_with("flags"))
        .is_some_and(|flags| flags.split(' ').any(|flag| flag == "hypervisor"));
    if hypervisor { "vm".to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists_are_counted() {
        assert_eq!(count("0-3,8"), 5);
        assert_eq!(count("0"), 1);
        assert_eq!(count(""), 0);
        assert_eq!(count("3-1"), 0);
    }

    #[test]
    fn without_sys_the_rows_of_stat_are_counted() {
        assert_eq!(rows_of_cpus("cpu  9 9 9\ncpu0 4 4 4\ncpu7 5 5 5\nintr 1\nctxt 3\n"), 2);
        assert_eq!(rows_of_cpus("cpu\ncpufreq 1\n"), 0);
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("proc")).unwrap();
        std::fs::write(root.path().join("proc/stat"), "cpu  1\ncpu0 1\n").unwrap();
        assert_eq!(facts(&Root::at(root.path())).cpus, 1);
    }

    #[test]
    fn a_container_hides_neither_hypervisor_nor_its_absence() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put(".dockerenv", "");
        let at = Root::at(root.path());
        assert_eq!((virtualization(&at).as_str(), hypervisor(&at).as_str()), ("docker", ""));
        put("proc/cpuinfo", "flags\t\t: fpu hypervisor\n");
        assert_eq!((virtualization(&at).as_str(), hypervisor(&at).as_str()), ("docker", "vm"));
    }

    #[test]
    fn facts_of_this_host_are_filled_in() {
        let host = facts(&Root::default());
        assert!(!host.hostname.is_empty() && !host.kernel.is_empty());
        assert!(host.cpus > 0 && host.page_size >= 4096 && host.clock_ticks >= 100);
    }
}
