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
        ("event = \"context-switches\"\naggregate = \"p99\"\nvalue = \"x\"", "app-probe-aggregate"),
        ("event = \"no-such-event\"", "app-probe-open"),
        ("event = \"context-switches\"\nfilter = \"x > 1\"", "app-probe-open"),
    ] {
        let found = once(&mut collectors(&lines(more))).await;
        assert_eq!(found.problem.as_ref().map(|problem| problem.id.as_str()), Some(id), "{more}: {found:?}");
        assert_eq!(found.series, []);
    }
}
