//! The measured command: forked first, started when the counters stand ready.
//!
//! ```text
//! parent                              child
//! prepare() ── fork ────────────────► waits for a byte on `go`
//! opens counters of the child, with enable_on_exec
//! start()   ── byte on `go` ────────► execv: counters begin to count
//!           ◄─ `failure` closes ───── (close-on-exec), or an errno came through it
//! wait()    ◄─ wait4 ──────────────── ends: status and resources
//! ```
//!
//! `std::process::Command` cannot do this: its `spawn` returns only once the child has called `execve`.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::bpf::door::{Errno, last_errno};

/// What runs scripts without an interpreter line, as `execvp` does.
const SHELL: &CStr = c"/bin/sh";
/// Where a program is looked for without `PATH`, as in the C library.
const DEFAULT_PATH: &str = "/bin:/usr/bin";
/// How long one look at the child waits on kernels without `pidfd_open` (before 5.3).
const GLANCE: Duration = Duration::from_millis(5);

/// Why the command does not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkloadError {
    /// The command has no words, or one with a NUL in it, which no program can be given.
    #[error("not a command: {0:?}")]
    Command(Vec<OsString>),
    /// No process could be made.
    #[error("{what}: {errno}")]
    Fork {
        /// The call.
        what: &'static str,
        /// What the kernel said.
        errno: Errno,
    },
    /// The program could not be executed.
    #[error("{program:?}: {errno}")]
    Exec {
        /// The first word of the command.
        program: OsString,
        /// What the kernel said: ENOENT, EACCES, ...
        errno: Errno,
    },
}

/// How the command is run.
#[derive(Debug, Clone, Copy, Default)]
pub struct WorkloadOptions<'a> {
    /// `PATH`, for a command without a slash.
    pub path: Option<&'a OsStr>,
    /// Its standard output goes where standard error goes, because ours carries the recording.
    pub output_to_stderr: bool,
}

/// A child process, from its fork to its end.
#[derive(Debug)]
pub struct Workload {
    program: OsString,
    pid: libc::pid_t,
    /// A byte on it starts the command; closed without, the child leaves.
    go: Option<OwnedFd>,
    /// An errno comes through it, or its end once the command runs.
    failure: OwnedFd,
    /// Readable once the child has ended; `None` before Linux 5.3.
    watch: Option<OwnedFd>,
    ended: Option<Ended>,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Its status as `wait4(2)` gives it.
    pub status: i32,
    /// CPU time in user mode, of itself and the children that it waited for.
    pub user: Duration,
    /// CPU time in the kernel, of the same.
    pub system: Duration,
    /// Most resident memory, in KiB.
    pub max_resident_kib: i64,
}

impl Ended {
    /// The exit status, if it came to its own end.
    pub fn code(&self) -> Option<i32> {
        libc::WIFEXITED(self.status).then(|| libc::WEXITSTATUS(self.status))
    }

    /// The signal that ended it.
    pub fn signal(&self) -> Option<i32> {
        libc::WIFSIGNALED(self.status).then(|| libc::WTERMSIG(self.status))
    }
}

/// What the child needs, made before the fork: between fork and exec nothing may allocate.
struct Plan {
    /// Paths to try, in order.
    candidates: Vec<CString>,
    /// The words; kept alive for the pointers.
    _words: Vec<CString>,
    /// Pointers to the words, ending with NULL.
    argv: Vec<*const libc::c_char>,
    /// The shell, room for a script, the other words, NULL.
    shell_argv: Vec<*const libc::c_char>,
    output_to_stderr: bool,
}

impl Plan {
    fn new(command: &[OsString], options: WorkloadOptions<'_>) -> Option<Self> {
        let words: Option<Vec<_>> = command.iter().map(|word| CString::new(word.as_bytes()).ok()).collect();
        let words = words.filter(|words| !words.is_empty())?;
        let program = command.first()?.as_bytes();
        let candidates = if program.contains(&b'/') {
            vec![words.first()?.clone()]
        } else {
            let path = options.path.unwrap_or(OsStr::new(DEFAULT_PATH)).as_bytes();
            let directories = path.split(|&byte| byte == b':');
            // An empty part is the current directory.
            let join = |directory: &[u8]| {
                let slash: &[u8] = if directory.is_empty() { b"" } else { b"/" };
                CString::new([directory, slash, program].concat()).ok()
            };
            directories.filter_map(join).collect()
        };
        let argv: Vec<_> = words.iter().map(|word| word.as_ptr()).chain([std::ptr::null()]).collect();
        let shell_argv = [SHELL.as_ptr(), std::ptr::null()].into_iter().chain(argv.iter().skip(1).copied()).collect();
        Some(Self { candidates, _words: words, argv, shell_argv, output_to_stderr: options.output_to_stderr })
    }

    /// The child, after the fork: waits, then becomes the command. Uses only what is safe after a fork from a process
    /// with threads (`man signal-safety`): no memory is taken, no lock, no destructor runs.
    ///
    /// # Safety
    /// Only for the child of a fork. The descriptors are numbers of the open pipes.
    unsafe fn become_command(&mut self, go: libc::c_int, own_end: libc::c_int, failure: libc::c_int) -> ! {
        // SAFETY: plain system calls on descriptors that the caller has open, and on strings that `self` keeps alive.
        unsafe {
            // As perf names it; the name is what records before the exec show.
            libc::prctl(libc::PR_SET_NAME, c"perf-exec".as_ptr());
            // The runtime of Rust ignores it, and what is ignored stays so over an exec.
            libc::signal(libc::SIGPIPE, libc::SIG_DFL);
            // Else the pipe would never end when the parent does.
            libc::close(own_end);
            if self.output_to_stderr {
                libc::dup2(2, 1);
            }
            let mut byte = 0_u8;
            loop {
                let count = libc::read(go, (&raw mut byte).cast(), 1);
                if count == 1 {
                    break;
                }
                if count == 0 || *libc::__errno_location() != libc::EINTR {
                    libc::_exit(0);
                }
            }
            let errno = self.execute();
            libc::write(failure, (&raw const errno).cast(), size_of::<i32>());
            libc::_exit(127)
        }
    }

    /// Tries every candidate, as `execvp` does; gives the errno that tells most.
    ///
    /// # Safety
    /// Replaces the process.
    unsafe fn execute(&mut self) -> i32 {
        let mut best = libc::ENOENT;
        for candidate in &self.candidates {
            // SAFETY: strings and the NULL-ended vectors of pointers to them live in `self`.
            let errno = unsafe {
                libc::execv(candidate.as_ptr(), self.argv.as_ptr());
                *libc::__errno_location()
            };
            match errno {
                libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT => {}
                libc::EACCES => best = libc::EACCES,
                libc::ENOEXEC => {
                    if let Some(script) = self.shell_argv.get_mut(1) {
                        *script = candidate.as_ptr();
                    }
                    // SAFETY: as above.
                    unsafe {
                        libc::execv(SHELL.as_ptr(), self.shell_argv.as_ptr());
                        return *libc::__errno_location();
                    }
                }
                other => return other,
            }
        }
        best
    }
}

impl Workload {
    /// Forks the child, which waits for [`Workload::start`].
    pub fn prepare(command: &[OsString], options: WorkloadOptions<'_>) -> Result<Self, WorkloadError> {
        let mut plan = Plan::new(command, options).ok_or_else(|| WorkloadError::Command(command.to_vec()))?;
        let program = command.first().cloned().unwrap_or_default();
        let pipe = || {
            pipe_with(PipeFlags::CLOEXEC)
                .map_err(|errno| WorkloadError::Fork { what: "pipe", errno: Errno(errno.raw_os_error()) })
        };
        let (wait, go) = pipe()?;
        let (failure, tell) = pipe()?;
        // SAFETY: the child calls nothing but `become_command`, which does what is allowed after a fork.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            // SAFETY: this is the child; the pipes are open.
            unsafe { plan.become_command(wait.as_raw_fd(), go.as_raw_fd(), tell.as_raw_fd()) }
        }
        if pid < 0 {
            return Err(WorkloadError::Fork { what: "fork", errno: last_errno() });
        }
        let watch = Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        Ok(Self { program, pid, go: Some(go), failure, watch, ended: None })
    }

    /// The process, before and after its exec.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Lets the child run the command; returns once it does, or with what kept it from that.
    pub fn start(&mut self) -> Result<(), WorkloadError> {
        let Some(go) = self.go.take() else { return Ok(()) };
        let fork = |what, errno: rustix::io::Errno| WorkloadError::Fork { what, errno: Errno(errno.raw_os_error()) };
        rustix::io::write(&go, &[1]).map_err(|errno| fork("write", errno))?;
        drop(go);
        let mut errno = [0_u8; 4];
        loop {
            match rustix::io::read(&self.failure, &mut errno) {
                Ok(4) => {
                    self.wait()?;
                    let errno = Errno(i32::from_ne_bytes(errno));
                    return Err(WorkloadError::Exec { program: self.program.clone(), errno });
                }
                Ok(_) => return Ok(()),
                Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(fork("read", errno)),
            }
        }
    }

    /// A descriptor that is readable once the child has ended, for a `poll` over several; not before Linux 5.3.
    pub fn ended_fd(&self) -> Option<BorrowedFd<'_>> {
        self.watch.as_ref().map(AsFd::as_fd)
    }

    /// Waits at most so long for the end. Returns early, with `None`, when a signal came.
    pub fn wait_for(&mut self, limit: Duration) -> Result<Option<Ended>, WorkloadError> {
        if let Some(ended) = self.try_wait()? {
            return Ok(Some(ended));
        }
        let pause = if self.watch.is_some() { limit } else { limit.min(GLANCE) };
        let pause = Timespec::try_from(pause).ok();
        let mut watched: Vec<_> = self.watch.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        let _ = poll(&mut watched, pause.as_ref());
        self.try_wait()
    }

    /// Whether it has ended.
    pub fn try_wait(&mut self) -> Result<Option<Ended>, WorkloadError> {
        self.wait4(libc::WNOHANG)
    }

    /// Waits for the end, through any signal.
    pub fn wait(&mut self) -> Result<Ended, WorkloadError> {
        loop {
            if let Some(ended) = self.wait4(0)? {
                return Ok(ended);
            }
        }
    }

    /// Sends a signal to the child, unless it has ended.
    pub fn signal(&self, signal: i32) {
        if self.ended.is_none() {
            // SAFETY: takes numbers; the child is not reaped, so that the number is still its own.
            unsafe { libc::kill(self.pid, signal) };
        }
    }

    fn wait4(&mut self, flags: libc::c_int) -> Result<Option<Ended>, WorkloadError> {
        if self.ended.is_some() {
            return Ok(self.ended);
        }
        let mut status = 0;
        let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: the kernel writes one int and one rusage.
        let result = unsafe { libc::wait4(self.pid, &raw mut status, flags, usage.as_mut_ptr()) };
        if result < 0 {
            let errno = last_errno();
            return if errno.0 == libc::EINTR { Ok(None) } else { Err(WorkloadError::Fork { what: "wait4", errno }) };
        }
        if result == 0 {
            return Ok(None);
        }
        // SAFETY: zeroed, which is a valid rusage, and then written by the kernel.
        let usage = unsafe { usage.assume_init() };
        self.ended = Some(Ended {
            status,
            user: duration(usage.ru_utime),
            system: duration(usage.ru_stime),
            max_resident_kib: usage.ru_maxrss,
        });
        Ok(self.ended)
    }
}

/// Waits until one of the descriptors is readable, a signal came, or the time is up; `None` waits for ever.
pub fn wait_readable(descriptors: &[BorrowedFd<'_>], limit: Option<Duration>) {
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    let mut watched: Vec<_> = descriptors.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    // What went wrong shows in what the caller looks at next; a signal is no error.
    let _ = poll(&mut watched, limit.as_ref());
}

/// Writes out what file systems hold back (`sync(2)`).
pub fn sync() {
    rustix::fs::sync();
}

/// What a signal is called in the language of the C library: `Interrupt`, `Segmentation fault`.
pub fn signal_name(signal: i32) -> String {
    // SAFETY: gives a string with NUL at its end, which lives at least until the next call in this thread.
    let name = unsafe { CStr::from_ptr(libc::strsignal(signal)) };
    name.to_string_lossy().into_owned()
}

/// A `timeval` that is not negative.
fn duration(time: libc::timeval) -> Duration {
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_usec).unwrap_or(0).saturating_mul(1000).min(999_999_999),
    )
}

impl Drop for Workload {
    /// A child that was not started is ended and reaped; one that runs is told to end, as perf does.
    fn drop(&mut self) {
        if self.go.take().is_some() {
            // It would leave by itself, but not before every other holder of the pipe's other end has closed it.
            self.signal(libc::SIGKILL);
            let _ = self.wait();
        } else if self.ended.is_none() {
            self.signal(libc::SIGTERM);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    fn prepare(words: &[&str]) -> Workload {
        let options = WorkloadOptions { path: Some(OsStr::new("/nowhere:/bin:/usr/bin")), output_to_stderr: false };
        Workload::prepare(&command(words), options).unwrap()
    }

    #[test]
    fn the_command_waits_until_it_is_started_and_its_status_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let mark = directory.path().join("ran");
        let script = format!("echo x > {}; exit 7", mark.display());
        let mut workload = prepare(&["sh", "-c", &script]);
        assert!(workload.try_wait().unwrap().is_none() && !mark.exists(), "it waits");
        workload.start().unwrap();
        let ended = workload.wait().unwrap();
        assert_eq!((ended.code(), ended.signal()), (Some(7), None));
        assert!(mark.exists());
        assert_eq!(workload.wait_for(Duration::ZERO).unwrap(), Some(ended), "asked again");
    }

    #[test]
    fn a_program_that_is_not_there_is_told_with_its_errno() {
        for (program, errno) in [("no-such-program-x", libc::ENOENT), ("/no/such", libc::ENOENT), ("/", libc::EACCES)] {
            let error = prepare(&[program]).start().unwrap_err();
            assert_eq!(error, WorkloadError::Exec { program: program.into(), errno: Errno(errno) });
        }
        assert!(matches!(Workload::prepare(&[], WorkloadOptions::default()), Err(WorkloadError::Command(_))));
        let nul = command(&["a\0b"]);
        assert!(matches!(Workload::prepare(&nul, WorkloadOptions::default()), Err(WorkloadError::Command(_))));
    }

    #[test]
    fn one_that_is_never_started_never_runs() {
        let directory = tempfile::tempdir().unwrap();
        let mark = directory.path().join("ran");
        let pid = {
            let workload = prepare(&["touch", mark.to_str().unwrap()]);
            workload.pid()
        };
        assert!(!mark.exists());
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists(), "reaped");
    }

    #[test]
    fn a_script_without_interpreter_line_runs_in_the_shell() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let script = directory.path().join("script");
        std::fs::write(&script, "exit $(($1 + 2))\n").unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = directory.path().as_os_str();
        let options = WorkloadOptions { path: Some(path), output_to_stderr: false };
        let mut workload = Workload::prepare(&command(&["script", "3"]), options).unwrap();
        workload.start().unwrap();
        assert_eq!(workload.wait().unwrap().code(), Some(5));
    }

    #[test]
    fn a_signal_ends_it_and_the_wait_has_a_limit() {
        let mut workload = prepare(&["sleep", "1000"]);
        workload.start().unwrap();
        assert_eq!(workload.wait_for(Duration::from_millis(1)).unwrap(), None);
        // Not SIGINT, which whoever runs the tests may have ignored (a job in the background of a script), and with them this.
        workload.signal(libc::SIGTERM);
        let ended = workload.wait().unwrap();
        assert_eq!((ended.code(), ended.signal()), (None, Some(libc::SIGTERM)));
        assert!(ended.max_resident_kib > 0);
    }

    #[test]
    fn signals_have_names() {
        assert_eq!(signal_name(libc::SIGINT), "Interrupt");
        assert!(signal_name(12345).contains("12345"));
    }

    #[test]
    fn events_of_the_child_begin_with_its_exec() {
        use crate::perf::{OpenFlags, PerfEvent};
        use perfuse_format::perfdata::EventAttr;
        use perfuse_format::perfdata::attr::{flag, kind};
        let mut workload = prepare(&["sh", "-c", "exit 0"]);
        let attr = EventAttr {
            kind: kind::SOFTWARE,
            config: 2, // PERF_COUNT_SW_PAGE_FAULTS
            flags: flag::DISABLED | flag::INHERIT | flag::ENABLE_ON_EXEC | flag::EXCLUDE_KERNEL,
            ..EventAttr::default()
        };
        let event = match PerfEvent::open(&attr, workload.pid(), -1, None, OpenFlags::NONE) {
            Ok(event) => event,
            Err(error) => perfuse_testkit::skip!("no software events: {error}"),
        };
        assert_eq!(event.read().unwrap().values[0].value, 0);
        workload.start().unwrap();
        workload.wait().unwrap();
        assert!(event.read().unwrap().values[0].value > 0);
    }
}
