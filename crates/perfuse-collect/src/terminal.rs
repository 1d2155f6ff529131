//! The size of the terminal, and whether it is still there.

/// Columns of the terminal on standard output; `None` if it is none or does not say.
pub fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// What waiting for the terminal on standard input came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Something was typed.
    Input,
    /// The time ran out, or a signal came.
    Nothing,
    /// The terminal has gone (its window was closed).
    Gone,
}

/// Waits for input. Readers of events that do not look for a hang-up themselves spin on a terminal that has gone.
pub fn wait(at_most: std::time::Duration) -> Wait {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = rustix::stdio::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
    let timeout = Timespec::try_from(at_most).ok();
    if poll(&mut fds, timeout.as_ref()).is_err() {
        return Wait::Nothing;
    }
    let events = fds[0].revents();
    if events.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
        Wait::Gone
    } else if events.contains(PollFlags::IN) {
        Wait::Input
    } else {
        Wait::Nothing
    }
}
