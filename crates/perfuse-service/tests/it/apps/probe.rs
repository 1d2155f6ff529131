//! Events of the kernel, counted.

use perfuse_service::store::SeriesKey;
use perfuse_testkit::skip;

use super::{collectors, once};

#[tokio::test]
async fn events_are_counted_between_looks() {
    let lines = |more: &str| format!("[[probe]]\nname = \"switches\"\n{more}\n");
    let mut looks = collectors(&lines("event = \"context-switches\""));
    let first = once(&mut looks).await;
    if let Some(problem) = &first.problem {
        assert_eq!(problem.id, "app-probe-open");
        skip!("events cannot be counted here: {problem:?}");
    }
    assert_eq!(first.series, [], "what was before is not counted");
    for _ in 0..20 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let found = once(&mut looks).await;
    let [(key, count)] = &found.series[..] else { panic!("{found:?}") };
    assert_eq!(*key, SeriesKey::new("switches", []));
    assert!(*count >= 20.0, "{found:?}");

    for (more, id) in [
        ("event = \"context-switches\"\naggregate = \"p99\"\nvalue = \"x\"", "app-probe-open"),
        ("event = \"no-such-event\"", "app-probe-open"),
        ("event = \"context-switches\"\nfilter = \"x > 1\"", "app-probe-open"),
    ] {
        let found = once(&mut collectors(&lines(more))).await;
        assert_eq!(found.problem.as_ref().map(|problem| problem.id.as_str()), Some(id), "{more}: {found:?}");
        assert_eq!(found.series, []);
    }
}

#[tokio::test]
async fn numbers_are_added_up_in_the_kernel_by_key() {
    let lines = "[[probe]]\nname = \"next\"\nevent = \"sched:sched_switch\"\nfilter = \"next_pid > 0\"\naggregate = \"max\"\n\
                 value = \"next_prio\"\nby = \"cpu\"\n";
    let mut looks = collectors(lines);
    let first = once(&mut looks).await;
    if let Some(problem) = &first.problem {
        assert_eq!(problem.id, "app-probe-open");
        skip!("no programs here: {problem:?}");
    }
    assert_eq!(first.series, [], "what was before is not counted");
    // A loaded kernel may lose hits, and there are always more.
    for _ in 0..40 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let found = once(&mut looks).await;
        assert!(found.problem.is_none(), "{found:?}");
        for (key, value) in &found.series {
            assert!(key.name() == "next" && (0.0..=140.0).contains(value), "{found:?}");
        }
        if !found.series.is_empty() {
            return;
        }
    }
    panic!("nothing was switched to for two seconds");
}
