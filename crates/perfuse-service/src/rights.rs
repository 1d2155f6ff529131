//! The rights of the service, which the programs that it starts are not to have.

/// Keeps the capabilities that systemd gave to this process alone: without this, everything that it starts (programs of
/// checks) would have them as well. To be called before there are other threads, which begin with those of their maker.
pub fn keep_to_oneself() {
    // A kernel without ambient capabilities gives none away either.
    let _ = rustix::thread::clear_ambient_capability_set();
}
