//! `cargo xtask guest`: the USE checklist inside a Debian kernel under software emulation, once for each way in which a
//! machine can be set up that the machine at hand is not.

mod check;
mod probes;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::packages::{self, For};
use crate::{package, tools};

/// Debian's kernel for virtual machines: `NVMe` is built in, so that the guest needs no module. A package that only
/// depends on the kernel of the day.
const KERNEL: &str = "linux-image-cloud-amd64";

/// The longest that one guest may take: tens of seconds are usual, on a machine with other work minutes.
const PATIENCE: Duration = Duration::from_secs(400);

/// The CPUs of every guest.
const CPUS: u32 = 2;

/// Room for what a guest leaves on its disk.
const DISK_BYTES: u64 = 64 << 20;

/// What the first process of a guest does.
const INIT: &str = include_str!("guest/init.sh");

/// The one-liners for dynamic probes, which [`INIT`] runs where it is told to.
const PROBES: &str = include_str!("guest/probes.sh");

/// All one-liners, which [`INIT`] runs where it is told how fast.
const ONE_LINERS: &str = include_str!("guest/one-liners.sh");

/// The module that probes are tried in: disks in memory, which need no hardware.
const MODULE: &str = "brd.ko";

/// The longest that all one-liners may take, twice.
const ONE_LINERS_PATIENCE: Duration = Duration::from_secs(5400);

/// What a guest is given.
#[derive(Debug, Clone, Copy)]
struct Machine {
    memory_mib: u32,
    patience: Duration,
}

const MACHINE: Machine = Machine { memory_mib: 768, patience: PATIENCE };

/// One way to set a machine up.
struct Boot<'a> {
    name: &'static str,
    /// Words of the kernel command line; `guest.*` are for [`INIT`].
    words: &'a str,
    expect: check::Expect,
}

const ROOT: check::Expect = check::Expect { cgroup: None, bpf: true, psi: true, quota: false };

const BOOTS: &[Boot<'_>] = &[
    Boot {
        name: "cgroup-v2",
        words: "guest.cgroup=v2 guest.quota=v2",
        expect: check::Expect { cgroup: Some("v2"), quota: true, ..ROOT },
    },
    Boot {
        name: "cgroup-v1",
        words: "guest.cgroup=v1 guest.quota=v1",
        expect: check::Expect { cgroup: Some("v1"), quota: true, ..ROOT },
    },
    Boot {
        name: "cgroup-both",
        words: "guest.cgroup=hybrid guest.quota=v1",
        expect: check::Expect { cgroup: Some("hybrid"), quota: true, ..ROOT },
    },
    Boot { name: "no-cgroup", words: "guest.cgroup=none", expect: ROOT },
    Boot {
        name: "psi-off",
        words: "guest.cgroup=v2 psi=0",
        expect: check::Expect { cgroup: Some("v2"), psi: false, ..ROOT },
    },
    Boot {
        name: "probes",
        words: "guest.cgroup=v2 guest.probes=yes",
        expect: check::Expect { cgroup: Some("v2"), ..ROOT },
    },
    Boot {
        name: "ordinary-user",
        words: "guest.cgroup=v2 guest.user=yes",
        expect: check::Expect { cgroup: Some("v2"), bpf: false, ..ROOT },
    },
    // Without the kernel's own types, which are in /sys, no program can be fitted to this kernel.
    Boot { name: "no-sys", words: "guest.cgroup=none guest.sys=no", expect: check::Expect { bpf: false, ..ROOT } },
];

/// `cargo xtask guest [--kernel PACKAGE] [BOOT]...`.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let (kernel, names) = crate::options(arguments, "--kernel")?;
    if let Some(unknown) = names.iter().find(|name| !BOOTS.iter().any(|boot| boot.name == **name)) {
        let known: Vec<&str> = BOOTS.iter().map(|boot| boot.name).collect();
        bail!("no boot {unknown}; there are {}", known.join(", "));
    }
    if cfg!(not(target_arch = "x86_64")) {
        bail!("the guest is an x86-64 machine, and the binary in it is built here");
    }
    packages::ensure(For::Guest)?;
    let directory = tools::target().join("guest");
    let kernel = fetch(kernel.as_deref().unwrap_or(KERNEL), &directory)?;
    let perfuse = package::build_static("dev")?;
    let root = root(&directory, Some(&perfuse))?;
    let module = module(&kernel, &root)?;
    if !module {
        println!("this kernel's package has no {MODULE}: probes of modules are not tried");
    }
    let initramfs = pack(&root, &directory)?;
    let mut rows = Vec::new();
    for boot in BOOTS.iter().filter(|boot| names.is_empty() || names.iter().any(|name| name == boot.name)) {
        println!("\n== {}", boot.name);
        let start = Instant::now();
        let seen = start_guest(boot, MACHINE, &kernel, &initramfs, &directory).and_then(|left| {
            let same = replayed(&perfuse, &left)?;
            check::Seen::read(&left, same)
        });
        let verdict = match seen {
            Ok(seen) => {
                let mut verdict = check::judge(&seen, &boot.expect);
                if boot.words.contains("guest.probes=yes") {
                    verdict.problems.extend(probes::problems(&seen.probes, module));
                }
                verdict
            }
            Err(error) => check::Verdict::failed(format!("{error:#}")),
        };
        for problem in &verdict.problems {
            eprintln!("{}: {problem}", boot.name);
        }
        rows.push((boot.name, start.elapsed(), verdict));
    }
    print!("\n{}", check::table(&rows));
    let failed: Vec<&str> =
        rows.iter().filter(|(.., verdict)| !verdict.problems.is_empty()).map(|(name, ..)| *name).collect();
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}

/// Runs all one-liners, each program in a guest of its own, at a pace (`run.sh` has its words); `furnish` puts what they
/// need below the root. Gives the directories with what they left, in the order of the programs.
pub(crate) fn one_liners(
    programs: [&'static str; 2],
    furnish: &dyn Fn(&Path) -> Result<()>,
    pace: &str,
) -> Result<[PathBuf; 2]> {
    if cfg!(not(target_arch = "x86_64")) {
        bail!("the guest is an x86-64 machine, and the programs in it are those of this host");
    }
    let directory = tools::target().join("guest");
    let kernel = fetch(KERNEL, &directory)?;
    let root = root(&directory, None)?;
    furnish(&root)?;
    let initramfs = pack(&root, &directory)?;
    let machine = Machine { memory_mib: 1536, patience: ONE_LINERS_PATIENCE };
    let run = |program: &'static str| {
        let words = format!("guest.cgroup=v2 guest.program={program} guest.pace={}", pace.replace(' ', ","));
        let boot = Boot { name: program, words: &words, expect: ROOT };
        start_guest(&boot, machine, &kernel, &initramfs, &directory)
    };
    // They wait most of the time: side by side it is half of it.
    std::thread::scope(|scope| {
        let [one, other] = programs;
        let first = scope.spawn(|| run(one));
        let second = run(other)?;
        let first = first.join().map_err(|_| anyhow::anyhow!("the first guest was lost"))??;
        Ok([first, second])
    })
}

/// The kernel image of a Debian package, fetched and unpacked once. A package without one stands for the first that
/// it depends on.
fn fetch(package: &str, directory: &Path) -> Result<PathBuf> {
    let mut package = package.to_owned();
    for _ in 0..3 {
        let place = directory.join(&package);
        let tree = place.join("tree");
        if !tree.is_dir() {
            unpack(&package, &place, &tree)?;
        }
        if let Some(image) = entry(&tree.join("boot"), is_image) {
            return Ok(image);
        }
        let archive = entry(&place, is_package).context("a fetched package is gone")?;
        let depends = tools::output(Command::new("dpkg-deb").arg("-f").arg(&archive).arg("Depends"))?;
        let first = depends.split([' ', ',', '|', '\n']).next().unwrap_or_default();
        if first.is_empty() {
            bail!("package {package} holds no kernel and depends on none");
        }
        first.clone_into(&mut package);
    }
    bail!("package {package} leads to no kernel")
}

fn unpack(package: &str, place: &Path, tree: &Path) -> Result<()> {
    std::fs::create_dir_all(place)?;
    let download = || tools::run(Command::new("apt-get").current_dir(place).args(["-q", "download", package]));
    if let Err(error) = download() {
        // The lists may be older than what the archive still has.
        if !tools::is_root() {
            return Err(error);
        }
        tools::run(Command::new("apt-get").args(["-q", "update"]))?;
        download()?;
    }
    let archive = entry(place, is_package).context("apt-get download left no package")?;
    let unfinished = place.join("unfinished");
    tools::output(Command::new("dpkg-deb").arg("-x").arg(&archive).arg(&unfinished))?;
    Ok(std::fs::rename(unfinished, tree)?)
}

/// The first file of a directory that is the right one.
fn entry(directory: &Path, right: fn(&Path) -> bool) -> Option<PathBuf> {
    let paths = std::fs::read_dir(directory).ok()?.flatten().map(|entry| entry.path());
    paths.filter(|path| right(path)).min()
}

fn is_image(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("vmlinuz-"))
}

fn is_package(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "deb")
}

/// The root of every guest: busybox, [`INIT`], and perfuse.
fn root(directory: &Path, perfuse: Option<&Path>) -> Result<PathBuf> {
    let root = directory.join("root");
    let _ = std::fs::remove_dir_all(&root);
    for name in ["bin", "dev", "etc", "proc", "sys"] {
        std::fs::create_dir_all(root.join(name))?;
    }
    let busybox = tools::find("busybox").context("there is no busybox")?;
    std::fs::copy(&busybox, root.join("bin/busybox"))?;
    std::os::unix::fs::symlink("busybox", root.join("bin/sh"))?;
    if let Some(perfuse) = perfuse {
        tools::output(Command::new("strip").arg("-o").arg(root.join("perfuse")).arg(perfuse))?;
    }
    std::fs::write(root.join("etc/passwd"), "root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n")?;
    std::fs::write(root.join("etc/group"), "root:x:0:\nuser:x:1000:\n")?;
    let init = root.join("init");
    std::fs::write(&init, INIT)?;
    std::fs::write(root.join("probes.sh"), PROBES)?;
    std::fs::write(root.join("one-liners.sh"), ONE_LINERS)?;
    tools::output(Command::new("chmod").arg("755").arg(&init))?;
    Ok(root)
}

/// Puts the module that probes are tried in beside perfuse; whether the kernel's package has it, as it is loaded.
fn module(kernel: &Path, root: &Path) -> Result<bool> {
    let name = kernel.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let release = name.strip_prefix("vmlinuz-").context("the image of a kernel has its release in its name")?;
    let tree = kernel.ancestors().nth(2).context("the image of a kernel stands in boot")?;
    let module = tree.join("lib/modules").join(release).join("kernel/drivers/block").join(MODULE);
    if !module.is_file() {
        return Ok(false);
    }
    std::fs::copy(&module, root.join(MODULE))?;
    Ok(true)
}

/// The archive that the kernel unpacks as its root.
fn pack(root: &Path, directory: &Path) -> Result<PathBuf> {
    let archive = directory.join("initramfs");
    let mut pack = Command::new("cpio");
    pack.current_dir(root).args(["--quiet", "-o", "-H", "newc", "-R", "+0:+0"]);
    pack.stdin(Stdio::piped()).stdout(File::create(&archive)?);
    let mut pack = pack.spawn().context("cannot run cpio")?;
    let list = tools::output(Command::new("find").arg(".").current_dir(root))?;
    std::io::Write::write_all(&mut pack.stdin.take().context("cpio reads nothing")?, list.as_bytes())?;
    if !pack.wait()?.success() {
        bail!("cpio failed");
    }
    Ok(archive)
}

/// Runs one guest to its end. Returns the directory with what it left.
fn start_guest(
    boot: &Boot<'_>,
    machine: Machine,
    kernel: &Path,
    initramfs: &Path,
    directory: &Path,
) -> Result<PathBuf> {
    let left = directory.join("left").join(boot.name);
    let _ = std::fs::remove_dir_all(&left);
    std::fs::create_dir_all(&left)?;
    let disk = left.join("disk");
    File::create(&disk)?.set_len(DISK_BYTES)?;
    let console = left.join("console");
    let words = format!("console=ttyS0 panic=-1 rdinit=/init quiet mitigations=off no_timer_check {}", boot.words);
    let mut qemu = Command::new("qemu-system-x86_64");
    qemu.args([
        "-accel",
        "tcg,thread=multi",
        "-cpu",
        "max",
        "-smp",
        &CPUS.to_string(),
        "-m",
        &machine.memory_mib.to_string(),
        "-nodefaults",
        "-no-reboot",
    ])
    .args(["-display", "none", "-device", "nvme,serial=guest,drive=disk", "-append", &words])
    .arg("-serial")
    .arg(format!("file:{}", console.display()))
    .arg("-drive")
    .arg(format!("file={},format=raw,if=none,id=disk", disk.display()))
    .arg("-kernel")
    .arg(kernel)
    .arg("-initrd")
    .arg(initramfs)
    .stdin(Stdio::null());
    let guest = Guest(qemu.spawn().context("cannot run qemu-system-x86_64")?);
    let said = || String::from_utf8_lossy(&std::fs::read(&console).unwrap_or_default()).into_owned();
    let Some(status) = guest.wait(machine.patience)? else {
        bail!("the guest was not done after {} s; its console says:\n{}", machine.patience.as_secs(), said());
    };
    if !status.success() {
        bail!("the guest ended with {status}; its console says:\n{}", said());
    }
    let mut tar = Command::new("tar");
    tar.arg("-xf").arg(&disk).arg("-C").arg(&left);
    let unpacked = tools::output(&mut tar);
    std::fs::remove_file(&disk)?;
    if unpacked.is_err() || !left.join("status").is_file() {
        bail!("the guest left nothing; its console says:\n{}", said());
    }
    Ok(left)
}

/// A running emulator, which ends when nobody waits for it any more.
struct Guest(Child);

impl Guest {
    /// How it ended, or nothing if it did not in this time.
    fn wait(mut self, patience: Duration) -> Result<Option<ExitStatus>> {
        let start = Instant::now();
        while start.elapsed() < patience {
            if let Some(status) = self.0.try_wait()? {
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(None)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether the recording gives the same report on this host, whatever the guest was.
fn replayed(perfuse: &Path, left: &Path) -> Result<bool> {
    let mut replay = Command::new(perfuse);
    replay.args(["use", "--json", "--quiet", "--lang", "en", "--replay"]).arg(left.join("recording"));
    let output = replay.output().context("cannot replay the recording")?;
    std::fs::write(left.join("replayed.json"), &output.stdout)?;
    Ok(output.stdout == std::fs::read(left.join("report.json"))?)
}
