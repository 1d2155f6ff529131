//! The states that the time of a thread is split into.

/// What kind of a state it is, seen from somebody who waits for the thread's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// It works.
    Running,
    /// It would work, but is kept from it.
    Waiting,
    /// It waits for somebody else's data; whether that is idleness or suffering, only the conversation tells.
    Peer,
    /// It has nothing to do, or waits because it wants to.
    Idle,
    /// Not known.
    Unknown,
}

impl Family {
    /// The word in the JSON form.
    pub fn id(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Peer => "peer",
            Self::Idle => "idle",
            Self::Unknown => "unknown",
        }
    }
}

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $family:ident;)*) => {
        /// One state. The order is that of showing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum State {
            $($(#[$doc])* $name,)*
        }

        impl State {
            /// All of them, in the order of showing.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word in the JSON form, and with `why-state-` before it the message.
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// Its family.
            pub fn family(self) -> Family {
                match self { $(Self::$name => Family::$family,)* }
            }
        }
    };
}

states! {
    /// On a CPU, in the program itself.
    User = "on-cpu-user", Running;
    /// On a CPU, in the kernel on the program's behalf.
    System = "on-cpu-system", Running;
    /// Runnable, behind other threads.
    Runnable = "runnable", Waiting;
    /// Stopped by the CPU quota of its cgroup.
    Throttled = "throttled", Waiting;
    /// Runnable, but only on CPUs that are full while others idle.
    Affinity = "affinity", Waiting;
    /// Freeing memory itself because none was left, or held back for its cgroup's limit.
    Reclaim = "direct-reclaim", Waiting;
    /// Waiting for a page to come back from swap.
    SwapIn = "swap-in", Waiting;
    /// In a page fault for another reason.
    PageFault = "page-fault", Waiting;
    /// Waiting for storage.
    BlockIo = "block-io", Waiting;
    /// Held back because too much written data is still in memory.
    DirtyLimit = "dirty-limit", Waiting;
    /// Waiting for a lock of its own program.
    UserLock = "user-lock", Waiting;
    /// Waiting for a lock of the kernel.
    KernelLock = "kernel-lock", Waiting;
    /// Waiting for the lock of a file or of a part of it (`flock(2)`, `fcntl(2)`).
    FileLock = "file-lock", Waiting;
    /// Waiting for room to send.
    Send = "network-send", Waiting;
    /// Waiting for a connection to be made.
    Connect = "connect", Waiting;
    /// Waiting for data from the network.
    Receive = "network-receive", Peer;
    /// Waiting for a process of this host over a pipe or a local socket.
    LocalIpc = "local-ipc", Peer;
    /// Waiting for a child process.
    Child = "child", Peer;
    /// Waiting for a file server or a file system in user space.
    FileServer = "file-server", Waiting;
    /// Waiting for a connection to accept.
    Accept = "accept", Idle;
    /// Waiting for another thread's signal (a condition variable): no work.
    Condition = "condition", Idle;
    /// Waiting for another process of the same victim, whose time is counted itself.
    Internal = "internal", Idle;
    /// Waiting for any of several events.
    Events = "events", Idle;
    /// Sleeping for a time that it chose.
    Sleep = "sleep", Idle;
    /// Stopped by a signal, a debugger or the freezer.
    Stopped = "stopped", Waiting;
    /// Asleep for a reason that is not in the tables.
    Other = "other", Unknown;
    /// Time that no source accounts for.
    Unexplained = "unexplained", Unknown;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique() {
        let ids: std::collections::BTreeSet<_> = State::ALL.iter().map(|state| state.id()).collect();
        assert_eq!(ids.len(), State::ALL.len());
    }
}
