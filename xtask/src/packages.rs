//! Debian packages that development needs, and who needs them. Users of the tool need none of these.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::tools;

/// What a package is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    /// `cargo xtask test`.
    Test,
    /// `cargo xtask bench`.
    Bench,
    /// `cargo xtask package`.
    Package,
    /// `cargo xtask guest`.
    Guest,
    /// `cargo xtask zoo`.
    Zoo,
}

/// One Debian package.
pub(crate) struct Package {
    /// Name in Debian 12.
    pub(crate) name: &'static str,
    /// The program that shows that it is there.
    pub(crate) program: &'static str,
    /// The commands that need it.
    pub(crate) needed: &'static [For],
    /// Why.
    pub(crate) why: &'static str,
}

const fn package(name: &'static str, program: &'static str, needed: &'static [For], why: &'static str) -> Package {
    Package { name, program, needed, why }
}

/// All of them. A test asserts that every program that a live test asks for stands here.
pub(crate) const PACKAGES: &[Package] = &[
    package("clang-14", "clang-14", &[For::Test], "recompiles the BPF objects to compare them with the committed ones"),
    package("gcc", "cc", &[For::Test], "compiles the small programs whose symbols and stacks are compared"),
    package("g++", "g++", &[For::Test], "compiles libFuzzer for the fuzz targets, and a program of tests"),
    package("rustc", "rustc", &[For::Test], "compiles a program whose debug information is looked into"),
    package(
        "iproute2",
        "ip",
        &[For::Test, For::Zoo],
        "makes interfaces, queueing disciplines and namespaces in network tests",
    ),
    package("iproute2", "tc", &[For::Test, For::Zoo], "shapes traffic in network tests"),
    package("strace", "strace", &[For::Test], "shows what perf and perfuse ask of the kernel, to compare it"),
    package("golang-go", "go", &[For::Test], "`go tool pprof` reads the profiles that are exported for it"),
    package(
        "util-linux",
        "unshare",
        &[For::Test, For::Bench, For::Zoo],
        "namespaces and loop devices of live tests; taskset",
    ),
    package("util-linux", "setpriv", &[For::Test, For::Zoo], "gives up all rights, to see what is left without them"),
    package(
        "linux-perf",
        "perf",
        &[For::Test, For::Bench],
        "real perf, the judge of texts and files and the peer of benchmarks",
    ),
    package("atop", "atop", &[For::Bench], "peer: `atop -w`"),
    package("bpftrace", "bpftrace", &[For::Bench], "peer: counts and histograms that are added up in the kernel"),
    package("sysstat", "pidstat", &[For::Bench], "peers: sadc and pidstat"),
    package("prometheus-node-exporter", "prometheus-node-exporter", &[For::Bench], "peer: one scrape"),
    package("time", "time", &[For::Bench], "CPU time and memory of a whole child"),
    package("rpm", "rpmbuild", &[For::Package], "builds and checks the RPM package"),
    package(
        "binutils",
        "strip",
        &[For::Test, For::Package, For::Guest],
        "strips the static binary, and the programs of tests; nm comes with it",
    ),
    package("binutils", "objcopy", &[For::Test], "parts the debug information of a test's program from it"),
    package("prometheus-alertmanager", "prometheus-alertmanager", &[For::Test], "takes notices of the daemon"),
    package("kcat", "kcat", &[For::Test], "plays a Kafka cluster, and is its producer and consumer"),
    package("python3-aiosmtpd", "aiosmtpd", &[For::Test], "takes mails of the daemon"),
    package("prometheus", "prometheus", &[For::Test], "takes series of the daemon by remote write"),
    package("prometheus", "promtool", &[For::Test], "checks the generated alert rules"),
    package("victoria-metrics", "victoria-metrics", &[For::Test], "takes series of the daemon"),
    package("systemd", "systemd-analyze", &[For::Test], "checks the unit"),
    package("xz-utils", "xz", &[For::Test], "packs symbols into a stripped program"),
    package("chromium", "chromium", &[For::Test], "the browser that the pages of the daemon are tested in"),
    package("mount", "losetup", &[For::Zoo], "loop devices and swap of the zoo"),
    package("e2fsprogs", "mkfs.ext4", &[For::Zoo], "filesystems of the zoo"),
    package("procps", "sysctl", &[For::Zoo], "settings of network namespaces"),
    package("perl-base", "perl", &[For::Zoo], "System V semaphores of the zoo"),
    package("redis-server", "redis-server", &[For::Test, For::Zoo], "a real service whose clients wait for each other"),
    package("redis-tools", "redis-cli", &[For::Zoo], "fills it with keys"),
    package("postgresql-15", "postgres", &[For::Test, For::Zoo], "a real service with locks of its own"),
    package("default-jdk-headless", "javac", &[For::Test, For::Zoo], "a real service with a heap of its own"),
    package("default-jdk-headless", "java", &[For::Test], "runs it"),
    package(
        "libjolokia-core-java",
        "/usr/share/java/jolokia-core.jar",
        &[For::Test],
        "answers as a Jolokia agent does, for the collector of Java virtual machines",
    ),
    package("rabbitmq-server", "rabbitmq-server", &[For::Test], "real queues of which the collector tells"),
    package("erlang-base", "epmd", &[For::Test], "runs it"),
    package("nats-server", "nats-server", &[For::Test], "real streams of which the collector tells"),
    package("mariadb-server", "mariadbd", &[For::Test], "a real service with locks of its own"),
    package("mariadb-server", "mariadb-install-db", &[For::Test], "makes its first database"),
    package("dnsmasq-base", "dnsmasq", &[For::Test], "a real name server, for checks of names"),
    package("systemd", "systemctl", &[For::Test], "is asked for units, also where there is no systemd"),
    package("qemu-system-x86", "qemu-system-x86_64", &[For::Guest], "emulates a machine that boots another kernel"),
    package("busybox-static", "busybox", &[For::Guest], "all programs of the guest but perfuse"),
    package("cpio", "cpio", &[For::Guest], "packs the guest's root"),
];

/// Installs what `purpose` needs and this host lacks; an ordinary user is told the names instead.
pub(crate) fn ensure(purpose: For) -> Result<()> {
    let missing: Vec<&Package> = PACKAGES
        .iter()
        .filter(|package| package.needed.contains(&purpose) && tools::find(package.program).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    names.dedup();
    for package in &missing {
        eprintln!("missing: {:<28} {}", package.name, package.why);
    }
    if !tools::is_root() || tools::find("apt-get").is_none() {
        bail!("packages are missing; as root: apt-get install --no-install-recommends {}", names.join(" "));
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-y"]).args(arguments).stdin(Stdio::null());
        tools::run(&mut command)
    };
    let install: Vec<&str> = ["install", "--no-install-recommends"].into_iter().chain(names.iter().copied()).collect();
    apt(&["update"])?;
    apt(&install)?;
    match missing.iter().find(|package| tools::find(package.program).is_none()) {
        Some(package) => bail!("{} is installed and still there is no program {}", package.name, package.program),
        None => Ok(()),
    }
}
