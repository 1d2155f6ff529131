//! Which tasks: the threads of processes.

use crate::root::Root;

/// The threads of a process, sorted; none where it is gone or not visible.
pub fn threads_of(root: &Root, pid: i32) -> Vec<i32> {
    numbers(root, &format!("/proc/{pid}/task"))
}

/// All processes, sorted.
pub fn processes(root: &Root) -> Vec<i32> {
    numbers(root, "/proc")
}

/// The threads of all processes that are visible, by process.
pub fn all_threads(root: &Root) -> Vec<i32> {
    processes(root).into_iter().flat_map(|pid| threads_of(root, pid)).collect()
}

/// The name of a thread; `None` once it is gone.
pub fn comm(root: &Root, tid: i32) -> Option<String> {
    let name = std::fs::read(root.join(&format!("/proc/{tid}/comm"))).ok()?;
    Some(String::from_utf8_lossy(name.trim_ascii_end()).into_owned())
}

/// The entries of a directory that are numbers.
fn numbers(root: &Root, directory: &str) -> Vec<i32> {
    let entries = std::fs::read_dir(root.join(directory)).into_iter().flatten().flatten();
    let mut all: Vec<i32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_threads_are_found() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let (tell, wait) = std::sync::mpsc::channel::<()>();
        let other = std::thread::Builder::new().name("perfuse-thread".to_owned()).spawn(move || wait.recv()).unwrap();
        let root = Root::default();
        // The name is set by the thread itself, a moment after it starts.
        let mut named = false;
        for _ in 0..1000 {
            named = threads_of(&root, pid).iter().any(|&tid| comm(&root, tid).as_deref() == Some("perfuse-thread"));
            if named {
                break;
            }
            std::thread::yield_now();
        }
        assert!(named);
        assert!(processes(&root).contains(&pid) && all_threads(&root).contains(&pid));
        drop(tell);
        let _ = other.join();
        assert!(threads_of(&root, i32::MAX).is_empty() && comm(&root, i32::MAX).is_none());
    }
}
