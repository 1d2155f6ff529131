//! A real Java virtual machine.

use std::process::Command;

use perfuse_analyze::app::AppWhat;
use perfuse_testkit::{gate, need};

use super::{Gathered, Server, collectors, directory, facts, once, value};

/// Holds most of a small heap, and makes garbage all the time.
const PROGRAM: &str = "import java.util.ArrayList;
public class FullHeap {
    static ArrayList<byte[]> kept = new ArrayList<>();
    static volatile byte[] garbage;
    public static void main(String[] words) throws Exception {
        int most = Integer.parseInt(words[0]);
        while (kept.size() < most) { kept.add(new byte[100_000]); }
        while (true) { for (int i = 0; i < 20; i++) { garbage = new byte[100_000]; } Thread.sleep(1); }
    }
}
";

/// The values of a series of the program, whatever its other labels.
fn of_main(found: &Gathered, name: &str) -> Vec<f64> {
    let is_main = |(label, value): &(String, String)| label == "main" && value == "FullHeap";
    let ours = found.series.iter().filter(|(key, _)| key.name() == name && key.labels().iter().any(is_main));
    ours.map(|(_, value)| *value).collect()
}

#[tokio::test]
async fn a_full_heap_and_one_with_room() {
    need!(gate::command("javac"));
    need!(gate::command("java"));
    let place = directory();
    std::fs::write(place.path().join("FullHeap.java"), PROGRAM).expect("writes");
    let made = Command::new("javac").args(["-J-Xshare:auto", "FullHeap.java"]).current_dir(place.path()).output();
    let made = made.expect("javac runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // Of 48 MiB the old generation has 32.
    let words = ["-Xmx48m", "-Xms48m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", ".", "FullHeap", "310"];
    let mut server = Server::start(place, "java", &words, &[]);
    let pid = server.pid();

    let mut looks = collectors("[[collector]]\nkind = \"jvm\"\nname = \"java\"\nprocess = \"java\"\n");
    let found = server
        .until("a full heap", async || {
            let found = once(&mut looks).await;
            let ours = |fact: &&perfuse_analyze::app::AppFact| fact.pid == Some(pid);
            let full = found.facts.iter().find(ours).map(|fact| fact.what.clone());
            let rates = of_main(&found, "jvm_gc_collections_per_second");
            match full {
                Some(AppWhat::Heap { used, max, .. }) if used > 0.85 * max && !rates.is_empty() => Some(found),
                _ => None,
            }
        })
        .await;
    let main = [("main", "FullHeap")];
    let heap = value(&found, "jvm_heap_capacity_bytes", &main).expect("a heap");
    assert!(heap > 40e6 && heap < 51e6, "{heap}");
    assert!(value(&found, "jvm_heap_used_bytes", &main).is_some_and(|used| used > 25e6 && used <= heap));
    assert!(value(&found, "jvm_threads", &main).is_some_and(|count| count >= 1.0));
    // One collector of the young generation, and one of all.
    let shares = of_main(&found, "jvm_gc_pause_share");
    assert!(shares.len() == 2 && shares.iter().all(|share| (0.0..=1.0).contains(share)), "{found:?}");
    assert_eq!(found.problem, None);

    let nobody = once(&mut collectors("[[collector]]\nkind = \"jvm\"\nprocess = \"no-such-java\"\n")).await;
    assert_eq!(nobody.problem.as_ref().map(|problem| problem.id.as_str()), Some("app-jvm-none"));
    assert_eq!(facts(&nobody).len(), 0);
}
