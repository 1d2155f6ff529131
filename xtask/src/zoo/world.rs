//! What a case makes on this host, and how all of it is taken away again.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};

use super::sli::{Seen, Sli};
use super::undo::{Undo, command};
use crate::tools;

/// Set when the user wants to stop: every wait of the zoo ends with an error then, and everything is undone.
static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// From now on Ctrl-C and SIGTERM end the zoo in order.
pub(crate) fn watch_signals() -> Result<()> {
    let stop = Arc::clone(STOP.get_or_init(Arc::default));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(())
}

/// Whether the user wants to stop.
pub(crate) fn stopped() -> bool {
    STOP.get().is_some_and(|stop| stop.load(Ordering::Relaxed))
}

/// Sleeps, and fails at once if the user wants to stop.
pub(crate) fn sleep(time: Duration) -> Result<()> {
    let end = Instant::now() + time;
    while Instant::now() < end {
        if stopped() {
            bail!("stopped");
        }
        std::thread::sleep(Duration::from_millis(20).min(end.saturating_duration_since(Instant::now())));
    }
    Ok(())
}

/// What a case has made. Dropping it takes everything back, the last thing first.
pub(crate) struct World {
    /// A directory of its own.
    pub(crate) scratch: PathBuf,
    undo: Vec<Undo>,
    controls: u32,
}

/// A program that was started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Launch {
    /// Name that it shows.
    pub(crate) name: &'static str,
    /// What it runs, and its settings.
    pub(crate) words: Vec<String>,
    /// Programs that set something and then become it: `nice -n 19`.
    pub(crate) by: Vec<String>,
    /// Cgroups that it is put into.
    pub(crate) cgroups: Vec<PathBuf>,
}

impl Launch {
    /// `name` runs the actor of the first word.
    pub(crate) fn new(name: &'static str, words: &str) -> Self {
        Self { name, words: words.split_whitespace().map(str::to_owned).collect(), ..Self::default() }
    }

    /// Puts it into a cgroup.
    pub(crate) fn within(mut self, cgroup: &Cgroup) -> Self {
        self.cgroups.push(cgroup.directory.clone());
        self
    }

    /// Starts it by another program.
    pub(crate) fn by(mut self, words: &str) -> Self {
        self.by.extend(words.split_whitespace().map(str::to_owned));
        self
    }
}

/// A victim: a process that says how it fares.
pub(crate) struct Victim {
    /// Its process id.
    pub(crate) pid: u32,
    windows: Receiver<Seen>,
}

impl Victim {
    /// How it fares for `time` from now on.
    pub(crate) fn watch(&self, time: Duration) -> Result<Sli> {
        self.windows.try_iter().for_each(drop);
        let start = Instant::now();
        sleep(time)?;
        Ok(self.since(start))
    }

    /// How it fared since `start`, which was the last time that it was asked.
    pub(crate) fn since(&self, start: Instant) -> Sli {
        let windows: Vec<Seen> = self.windows.try_iter().collect();
        Sli::of(&windows, start.elapsed().as_secs_f64())
    }

    /// Forgets what it said up to now.
    pub(crate) fn forget(&self) {
        self.windows.try_iter().for_each(drop);
    }

    /// Waits for its first word.
    pub(crate) fn ready(&self, most: Duration) -> Result<()> {
        let end = Instant::now() + most;
        while Instant::now() < end {
            match self.windows.recv_timeout(Duration::from_millis(100)) {
                Ok(seen) if seen.count > 0 => return Ok(()),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => bail!("the victim ended"),
                _ if stopped() => bail!("stopped"),
                _ => {}
            }
        }
        Err(anyhow!("the victim does nothing within {} s", most.as_secs()))
    }
}

impl World {
    /// An empty one.
    pub(crate) fn new() -> Result<Self> {
        let scratch = std::env::temp_dir().join(format!("perfuse-zoo-{}", std::process::id()));
        // Left by a run that was killed and had our number.
        let _ = std::fs::remove_dir_all(&scratch);
        std::fs::create_dir_all(scratch.join("bin"))?;
        Ok(Self { scratch: scratch.clone(), undo: vec![Undo::Tree(scratch)], controls: 0 })
    }

    /// A path in the scratch directory, as text.
    pub(crate) fn path(&self, name: &str) -> String {
        self.scratch.join(name).display().to_string()
    }

    /// Starts an actor; its process id.
    pub(crate) fn start(&mut self, launch: &Launch) -> Result<u32> {
        self.launch(launch, false).map(|(pid, _)| pid)
    }

    /// Starts the victim.
    pub(crate) fn victim(&mut self, launch: &Launch) -> Result<Victim> {
        let (pid, windows) = self.launch(launch, true)?;
        Ok(Victim { pid, windows: windows.context("the victim's output")? })
    }

    fn launch(&mut self, launch: &Launch, speaks: bool) -> Result<(u32, Option<Receiver<Seen>>)> {
        let program = self.scratch.join("bin").join(launch.name);
        if !program.exists() {
            std::fs::copy(std::env::current_exe()?, &program)?;
        }
        let mut words = launch.by.clone();
        words.extend(["setpriv", "--pdeathsig", "KILL"].map(str::to_owned));
        words.push(program.display().to_string());
        words.push("__zoo".to_owned());
        words.extend(launch.words.iter().cloned());
        let child = self.spawn(&words, speaks, &launch.cgroups)?;
        // Each of the programs before becomes the next one: when the name is right, all of them are through.
        let comm = format!("/proc/{}/comm", child.0);
        for _ in 0..200 {
            if std::fs::read_to_string(&comm).is_ok_and(|name| name.trim() == launch.name) {
                return Ok(child);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("{} does not start: {}", launch.name, words.join(" "))
    }

    /// Starts any program. `speaks` says whether it tells how it fares.
    pub(crate) fn spawn(
        &mut self,
        words: &[String],
        speaks: bool,
        cgroups: &[PathBuf],
    ) -> Result<(u32, Option<Receiver<Seen>>)> {
        let [program, arguments @ ..] = words else { bail!("nothing to start") };
        let program = tools::find(program).unwrap_or_else(|| PathBuf::from(program));
        let mut command = Command::new(&program);
        command.args(arguments).stdin(Stdio::null()).current_dir(&self.scratch);
        command.stdout(if speaks { Stdio::piped() } else { Stdio::null() });
        command.stderr(Stdio::from(std::fs::File::create(self.scratch.join("stderr"))?));
        let mut child = command.spawn().with_context(|| program.display().to_string())?;
        let (pid, out) = (child.id(), child.stdout.take());
        self.undo.push(Undo::Child(child));
        for cgroup in cgroups {
            std::fs::write(cgroup.join("cgroup.procs"), pid.to_string())
                .with_context(|| cgroup.display().to_string())?;
        }
        let windows = out.map(|out| {
            let (send, windows) = channel();
            std::thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    if let Some(seen) = Seen::parse(&line)
                        && send.send(seen).is_err()
                    {
                        break;
                    }
                }
            });
            windows
        });
        Ok((pid, windows))
    }

    /// At the end, a process that was started here is asked to end before it is killed.
    pub(crate) fn ask_to_end(&mut self, pid: u32) {
        self.undo.push(Undo::Interrupt(pid));
    }

    /// Runs a command that `undo` takes back.
    pub(crate) fn run(&mut self, words: &str, undo: &str) -> Result<()> {
        tools::run_quiet(&mut command(words)?)?;
        if !undo.is_empty() {
            self.undo.push(Undo::Command(command(undo)?));
        }
        Ok(())
    }

    /// Runs a command at the end.
    pub(crate) fn at_the_end(&mut self, words: &str) -> Result<()> {
        self.undo.push(Undo::Command(command(words)?));
        Ok(())
    }

    /// Writes a value of the kernel; `after` is written at the end.
    pub(crate) fn set_back(&mut self, path: &Path, value: &str, after: &str) -> Result<()> {
        self.undo.push(Undo::Value(path.to_path_buf(), after.to_owned()));
        std::fs::write(path, value).with_context(|| path.display().to_string())
    }

    /// What a file of the kernel holds now is written into it at the end.
    pub(crate) fn keep(&mut self, path: &str) -> Result<()> {
        let before = std::fs::read_to_string(path).with_context(|| path.to_owned())?.trim().to_owned();
        self.undo.push(Undo::Value(PathBuf::from(path), before));
        Ok(())
    }

    /// Swap of `mib` on compressed memory.
    pub(crate) fn swap(&mut self, mib: u64) -> Result<()> {
        let name = tools::output(&mut command("cat /sys/class/zram-control/hot_add")?)
            .context("this host has no zram")?
            .trim()
            .to_owned();
        let device = format!("zram{name}");
        self.undo.push(Undo::Value(PathBuf::from("/sys/class/zram-control/hot_remove"), name));
        let size = PathBuf::from(format!("/sys/block/{device}/disksize"));
        std::fs::write(&size, format!("{mib}M")).with_context(|| size.display().to_string())?;
        tools::run_quiet(&mut command(&format!("mkswap /dev/{device}"))?)?;
        self.run(&format!("swapon /dev/{device}"), &format!("swapoff /dev/{device}"))
    }

    /// Starts a victim that is no actor but speaks as one.
    pub(crate) fn victim_program(&mut self, words: &[String]) -> Result<Victim> {
        let (pid, windows) = self.spawn(words, true, &[])?;
        Ok(Victim { pid, windows: windows.context("the victim's output")? })
    }

    /// Removes a file at the end that lies outside the scratch directory.
    pub(crate) fn forget_file(&mut self, path: impl Into<PathBuf>) {
        self.undo.push(Undo::Tree(path.into()));
    }

    /// A file by which a program is told to misbehave.
    pub(crate) fn control(&mut self) -> Switch {
        self.controls += 1;
        Switch(self.scratch.join(format!("control-{}", self.controls)))
    }

    /// A cgroup of its own for one controller: version 1 where it is mounted, else version 2.
    pub(crate) fn cgroup(&mut self, controller: &str, name: &str) -> Result<Cgroup> {
        let v1 = PathBuf::from("/sys/fs/cgroup").join(controller);
        let name = format!("zoo-{name}-{}", std::process::id());
        let v2 = !v1.join("cgroup.procs").exists();
        let root = if v2 { PathBuf::from("/sys/fs/cgroup") } else { v1 };
        if v2 {
            let control = root.join("cgroup.subtree_control");
            let name = if controller == "blkio" { "io" } else { controller };
            let has = std::fs::read_to_string(&control).unwrap_or_default();
            if !has.split_whitespace().any(|one| one == name) {
                std::fs::write(&control, format!("+{name}"))
                    .with_context(|| format!("this host has no cgroup controller {name}"))?;
                let (path, off) = (control.clone(), format!("-{name}"));
                self.undo.push(Undo::Value(path, off));
            }
        }
        let directory = root.join(&name);
        std::fs::create_dir(&directory).with_context(|| directory.display().to_string())?;
        self.undo.push(Undo::Directory(directory.clone()));
        if controller == "cpuset" && !v2 {
            for file in ["cpuset.cpus", "cpuset.mems"] {
                std::fs::write(directory.join(file), std::fs::read_to_string(root.join(file))?)?;
            }
        }
        Ok(Cgroup { directory, path: format!("/{name}"), v2 })
    }

    /// An ext4 filesystem of `mib` on a loop device; its file lies in memory.
    pub(crate) fn filesystem(&mut self, mib: u64) -> Result<Filesystem> {
        let image = format!("/dev/shm/perfuse-zoo-{}.img", std::process::id());
        self.forget_file(&image);
        std::fs::File::create(&image)?.set_len(mib << 20)?;
        tools::run_quiet(&mut command(&format!("mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 {image}"))?)?;
        let device = tools::output(&mut command(&format!("losetup --find --show {image}"))?)?.trim().to_owned();
        self.undo.push(Undo::Command(command(&format!("losetup --detach {device}"))?));
        let mount = self.scratch.join("mount");
        std::fs::create_dir_all(&mount)?;
        let mount = mount.display().to_string();
        self.run(&format!("mount -t ext4 {device} {mount}"), &format!("umount {mount}"))?;
        let name = device.trim_start_matches("/dev/").to_owned();
        let number = std::fs::read_to_string(format!("/sys/block/{name}/dev"))?.trim().to_owned();
        Ok(Filesystem { device: name, mount, number })
    }

    /// A network namespace that stands for another host, and a pair of interfaces to it.
    pub(crate) fn network(&mut self) -> Result<Network> {
        let tag = std::process::id() % 10_000;
        let (namespace, here, there) = (format!("zoo{tag}"), format!("zoo{tag}a"), format!("zoo{tag}b"));
        self.run(&format!("ip netns add {namespace}"), &format!("ip netns delete {namespace}"))?;
        let theirs = "10.213.77.2".to_owned();
        self.run(
            &format!("ip link add {here} type veth peer name {there} netns {namespace}"),
            &format!("ip link delete {here}"),
        )?;
        self.run(&format!("ip address add 10.213.77.1/24 dev {here}"), "")?;
        self.run(&format!("ip link set {here} up"), "")?;
        self.run(&format!("ip -n {namespace} address add {theirs}/24 dev {there}"), "")?;
        self.run(&format!("ip -n {namespace} link set {there} up"), "")?;
        self.run(&format!("ip -n {namespace} link set lo up"), "")?;
        Ok(Network { namespace, interface: here, theirs })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        while let Some(undo) = self.undo.pop() {
            if let Err(error) = undo.undo() {
                eprintln!("zoo: cannot undo: {error:#}");
            }
        }
    }
}

/// Waits until a file (a local socket) is there.
pub(crate) fn wait_for(path: &str) -> Result<()> {
    for _ in 0..500 {
        if Path::new(path).exists() {
            return Ok(());
        }
        sleep(Duration::from_millis(20))?;
    }
    bail!("{path} does not appear")
}

/// Lets programs of other users through a directory.
pub(crate) fn open_to_all(directory: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755))?)
}

/// The processes that a process has started.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// A file by which a program is told how hard to misbehave.
#[derive(Debug, Clone)]
pub(crate) struct Switch(PathBuf);

impl Switch {
    /// The setting of the program.
    pub(crate) fn word(&self) -> String {
        format!("control={}", self.0.display())
    }

    /// Tells it a number.
    pub(crate) fn tell(&self, number: u64) -> Result<()> {
        // Whole at once: the program may read at any time.
        let new = self.0.with_extension("new");
        std::fs::write(&new, number.to_string())?;
        Ok(std::fs::rename(new, &self.0)?)
    }
}

/// A cgroup.
#[derive(Debug, Clone)]
pub(crate) struct Cgroup {
    /// Where its files are.
    pub(crate) directory: PathBuf,
    /// As `/proc/PID/cgroup` names it.
    pub(crate) path: String,
    /// Whether it is of version 2.
    pub(crate) v2: bool,
}

impl Cgroup {
    /// Writes one of its files.
    pub(crate) fn set(&self, v1: (&str, &str), v2: (&str, &str)) -> Result<()> {
        let (file, value) = if self.v2 { v2 } else { v1 };
        let path = self.directory.join(file);
        std::fs::write(&path, value).with_context(|| format!("{}: {value}", path.display()))
    }
}

/// A filesystem on a loop device.
#[derive(Debug, Clone)]
pub(crate) struct Filesystem {
    /// `loop3`.
    pub(crate) device: String,
    /// Where it is mounted.
    pub(crate) mount: String,
    /// `7:3`.
    pub(crate) number: String,
}

/// A pair of interfaces to a namespace.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    /// The namespace that stands for another host.
    pub(crate) namespace: String,
    /// The end on this host.
    pub(crate) interface: String,
    /// Address of the other host.
    pub(crate) theirs: String,
}
