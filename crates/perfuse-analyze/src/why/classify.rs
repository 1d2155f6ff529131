//! From a kernel stack to the state of the thread.

use perfuse_format::bpf::waits::{FLAG_IO, FLAG_MEMORY, WaitKey};

use super::state::State;

/// Beginnings of function names (`/proc/kallsyms`) and the state that such a function in the stack means. The first row
/// that matches any frame decides, so the deeper reason stands before what it happens in: a page fault that reads
/// from swap because a cgroup has no room is reclaim.
const RULES: &[(State, &[&str])] = &[
    (State::Stopped, &["__refrigerator", "do_freezer_trap", "do_signal_stop", "ptrace_stop", "cgroup_leave_frozen"]),
    (
        State::Reclaim,
        &[
            "try_to_free_",
            "do_try_to_free_pages",
            "mem_cgroup_handle_over_high",
            "__mem_cgroup_handle_over_high",
            "throttle_direct_reclaim",
            "reclaim_throttle",
            "mem_cgroup_oom_synchronize",
            "__alloc_pages_direct_",
            "shrink_",
        ],
    ),
    (State::SwapIn, &["do_swap_page", "swap_read", "swapin_", "read_swap_cache", "shmem_swapin"]),
    (State::DirtyLimit, &["balance_dirty_pages"]),
    (
        State::KernelLock,
        &[
            "rwsem_down_",
            "__mutex_lock",
            "mutex_lock",
            "__down",
            "percpu_down",
            "percpu_rwsem_wait",
            "rt_mutex_slowlock",
        ],
    ),
    (State::FileLock, &["locks_lock_inode_wait", "flock_lock_inode_wait", "posix_lock_inode_wait", "fcntl_setlk"]),
    (
        State::FileServer,
        &["rpc_wait_bit", "nfs_wait", "request_wait_answer", "fuse_", "wait_for_response", "p9_client"],
    ),
    (
        State::BlockIo,
        &[
            "io_schedule",
            "folio_wait",
            "wait_on_page",
            "bit_wait_io",
            "submit_bio_wait",
            "blk_mq_get_tag",
            "rq_qos_wait",
            "blk_throtl",
            "__wait_on_buffer",
            "jbd2_log_wait_commit",
            "add_transaction_credits",
            "wait_transaction_",
            "start_this_handle",
            "xlog_wait",
            "xlog_grant",
            "btrfs_wait",
            "filemap_fdatawait",
            "dio_await",
            "blkdev_issue_flush",
            "ext4_sync_file",
            "wb_wait_for_completion",
            "sync_inodes_sb",
        ],
    ),
    (State::PageFault, &["handle_mm_fault", "exc_page_fault", "do_user_addr_fault", "do_page_fault", "do_mem_abort"]),
    (State::Condition, &["futex_wait", "do_futex", "__futex_wait"]),
    (State::Accept, &["inet_csk_accept", "unix_accept", "do_accept", "inet_accept"]),
    (State::Connect, &["inet_stream_connect", "__inet_stream_connect", "inet_wait_for_connect"]),
    (State::Connect, &["unix_wait_for_peer", "unix_stream_connect"]),
    (State::Send, &["sk_stream_wait_memory", "sock_alloc_send", "sock_wait_for_wmem", "wait_for_space", "tcp_sendmsg"]),
    (State::LocalIpc, &["unix_stream_", "unix_dgram_", "pipe_", "anon_pipe_", "splice_", "wait_for_unix_gc"]),
    (State::LocalIpc, &["do_mq_", "do_msg", "do_sem", "__do_sem", "eventfd_read", "fifo_open"]),
    (State::Receive, &["sk_wait_data", "__skb_wait_for_more_packets", "inet_recvmsg", "tcp_recvmsg", "udp_recvmsg"]),
    (State::Receive, &["netlink_recvmsg", "packet_recvmsg", "sock_recvmsg"]),
    (State::Child, &["do_wait", "kernel_wait4", "wait_for_vfork_done"]),
    (
        State::Sleep,
        &["hrtimer_nanosleep", "do_nanosleep", "common_nsleep", "sys_pause", "do_sigtimedwait", "sigsuspend"],
    ),
    (State::Sleep, &["sys_rt_sigtimedwait", "__do_sys_pause", "__x64_sys_pause", "__arm64_sys_pause"]),
    (State::Events, &["ep_poll", "do_epoll_wait", "do_poll", "do_sys_poll", "do_select", "core_sys_select"]),
    (
        State::Events,
        &["io_cqring_wait", "read_events", "signalfd_", "timerfd_read", "inotify_read", "n_tty_read", "tty_"],
    ),
    (State::Events, &["schedule_timeout_interruptible", "fanotify_read", "do_syslog", "kmsg_read", "devkmsg_read"]),
];

/// System calls that tell by themselves what a wait in them is, by machine: number on x86-64, number on the machines of the
/// generic table (arm64, riscv64), and the state. From `arch/x86/entry/syscalls/syscall_64.tbl` and
/// `include/uapi/asm-generic/unistd.h`.
const CALLS: &[(i32, i32, State)] = &[
    (7, -2, State::Events),
    (23, -2, State::Events),
    (34, -2, State::Sleep),
    (35, 101, State::Sleep),
    (42, 203, State::Connect),
    (43, 202, State::Accept),
    (45, 207, State::Receive),
    (47, 212, State::Receive),
    (61, 260, State::Child),
    (73, 32, State::FileLock),
    (74, 82, State::BlockIo),
    (75, 83, State::BlockIo),
    (128, 137, State::Sleep),
    (202, 98, State::Condition),
    (208, 4, State::Events),
    (230, 115, State::Sleep),
    (232, -2, State::Events),
    (247, 95, State::Child),
    (270, 72, State::Events),
    (271, 73, State::Events),
    (281, 22, State::Events),
    (288, 242, State::Accept),
    (426, 426, State::Events),
];

/// Whether the stack tells more than the kernel's own mark: a wait for storage that happens because memory is short.
fn by_stack(frames: &[String]) -> Option<State> {
    let any = |names: &[&str]| frames.iter().any(|frame| names.iter().any(|name| frame.starts_with(name)));
    RULES.iter().find(|(_, names)| any(names)).map(|(state, _)| *state)
}

/// The state of a wait: from its stack where it is known, else from the kernel's marks and the system call.
///
/// `machine` is that of `uname -m`.
pub(super) fn state(key: &WaitKey, frames: &[String], machine: &str) -> State {
    // Marked at the moment of going to sleep, where the stack may be that of another wait which was alike.
    match by_stack(frames) {
        Some(state @ (State::Reclaim | State::SwapIn | State::DirtyLimit | State::KernelLock | State::Stopped)) => {
            return state;
        }
        _ if key.flags & FLAG_MEMORY != 0 => {
            return if key.flags & FLAG_IO != 0 { State::SwapIn } else { State::Reclaim };
        }
        Some(state) => return state,
        None => {}
    }
    if key.flags & FLAG_IO != 0 {
        return State::BlockIo;
    }
    if key.call == -1 && key.state & 2 != 0 {
        return State::PageFault;
    }
    let generic = machine != "x86_64";
    let of = |row: &&(i32, i32, State)| key.call == if generic { row.1 } else { row.0 };
    CALLS.iter().find(of).map_or(State::Other, |row| row.2)
}

/// The function to name: the innermost that is not the scheduler's.
pub(super) fn place(frames: &[String]) -> Option<&str> {
    const SCHEDULER: [&str; 9] =
        ["schedule", "io_schedule", "__schedule", "__traceiter", "bpf_", "preempt", "0x", "__cond_resched", "__switch"];
    let frame = frames.iter().find(|frame| !SCHEDULER.iter().any(|name| frame.starts_with(name)))?;
    Some(frame.split('+').next().unwrap_or(frame))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(stack: &str, call: i32, flags: u32, task: u32) -> State {
        let frames: Vec<String> = stack.split(';').filter(|frame| !frame.is_empty()).map(str::to_owned).collect();
        let key = WaitKey { pid: 1, tid: 1, state: task, call, flags, kernel_stack: 1 };
        state(&key, &frames, "x86_64")
    }

    #[test]
    fn stacks_of_a_kernel_are_told_apart() {
        for (stack, expected) in [
            ("__schedule;schedule;futex_wait_queue;__futex_wait;futex_wait;do_futex;__x64_sys_futex", State::Condition),
            ("__schedule;schedule;do_nanosleep;hrtimer_nanosleep;common_nsleep", State::Sleep),
            ("__schedule;schedule;schedule_hrtimeout_range;ep_poll;do_epoll_wait", State::Events),
            ("__schedule;schedule;schedule_timeout;inet_csk_accept;inet_accept", State::Accept),
            (
                "__schedule;schedule;schedule_timeout;wait_woken;sk_wait_data;tcp_recvmsg_locked;tcp_recvmsg",
                State::Receive,
            ),
            (
                "__schedule;schedule;schedule_timeout;unix_stream_read_generic;unix_stream_recvmsg;sock_recvmsg",
                State::LocalIpc,
            ),
            ("__schedule;schedule;anon_pipe_read;vfs_read", State::LocalIpc),
            (
                "__schedule;io_schedule;folio_wait_bit_common;filemap_update_page;filemap_read;ext4_file_read_iter",
                State::BlockIo,
            ),
            ("__schedule;schedule;jbd2_log_wait_commit;ext4_sync_file;do_fsync", State::BlockIo),
            ("__schedule;io_schedule;folio_wait_bit_common;do_swap_page;handle_mm_fault;exc_page_fault", State::SwapIn),
            (
                "__schedule;io_schedule;rq_qos_wait;wbt_wait;blk_mq_submit_bio;swap_writepage;shrink_folio_list;\
                 try_to_free_mem_cgroup_pages;handle_mm_fault",
                State::Reclaim,
            ),
            (
                "__schedule;schedule;rwsem_down_read_slowpath;down_read;do_user_addr_fault;exc_page_fault",
                State::KernelLock,
            ),
            (
                "__schedule;schedule_timeout;io_schedule_timeout;balance_dirty_pages;ext4_buffered_write_iter",
                State::DirtyLimit,
            ),
            ("__schedule;schedule;schedule_timeout;sk_stream_wait_memory;tcp_sendmsg_locked", State::Send),
            ("__schedule;schedule;do_wait;kernel_wait4", State::Child),
            ("__schedule;schedule;locks_lock_inode_wait;__do_sys_flock", State::FileLock),
            ("__schedule;schedule;schedule_timeout;inet_wait_for_connect;__inet_stream_connect", State::Connect),
        ] {
            assert_eq!(of(stack, 0, 0, 1), expected, "{stack}");
        }
    }

    #[test]
    fn without_a_stack_the_marks_and_the_call_decide() {
        assert_eq!(of("", 0, FLAG_IO, 2), State::BlockIo);
        assert_eq!(of("", -1, FLAG_IO | FLAG_MEMORY, 2), State::SwapIn);
        assert_eq!(of("", 1, FLAG_MEMORY, 2), State::Reclaim);
        assert_eq!(of("", -1, 0, 2), State::PageFault);
        assert_eq!(of("", 202, 0, 1), State::Condition);
        assert_eq!(of("", 9999, 0, 1), State::Other);
        let key = WaitKey { pid: 1, tid: 1, state: 1, call: 98, flags: 0, kernel_stack: 0 };
        assert_eq!(state(&key, &[], "aarch64"), State::Condition);
    }

    #[test]
    fn the_place_is_below_the_scheduler() {
        let frames: Vec<String> =
            ["__schedule+0x1a0", "schedule+0x5e", "anon_pipe_read+0x8c", "vfs_read"].map(str::to_owned).into();
        assert_eq!(place(&frames), Some("anon_pipe_read"));
        assert_eq!(place(&[]), None);
    }
}
