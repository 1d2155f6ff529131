//! The core of Jolokia, as its agents have it, behind the web server of the machine itself.

use std::process::Command;

use perfuse_analyze::app::AppWhat;
use perfuse_testkit::{gate, need};

use super::{Server, collectors, directory, facts, free_port, once, value};

/// Where Debian keeps the library, and what it needs.
const JAR: &str = "/usr/share/java/jolokia-core.jar";
const PATH: &str = "/usr/share/java/jolokia-core.jar:/usr/share/java/json-simple.jar:.";

/// Holds most of a small heap, and answers requests as the agent does.
const PROGRAM: &str = "import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import org.jolokia.backend.BackendManager;
import org.jolokia.config.ConfigKey;
import org.jolokia.config.Configuration;
import org.jolokia.http.HttpRequestHandler;
import org.jolokia.util.QuietLogHandler;
public class Agent {
    static ArrayList<byte[]> kept = new ArrayList<>();
    public static void main(String[] words) throws Exception {
        for (int i = 0; i < 300; i++) { kept.add(new byte[100_000]); }
        System.gc();
        Configuration configuration = new Configuration(ConfigKey.AGENT_ID, \"test\");
        QuietLogHandler quiet = new QuietLogHandler();
        BackendManager manager = new BackendManager(configuration, quiet);
        HttpRequestHandler handler = new HttpRequestHandler(configuration, manager, quiet);
        HttpServer server = HttpServer.create(new InetSocketAddress(\"127.0.0.1\", Integer.parseInt(words[0])), 8);
        server.createContext(\"/jolokia\", exchange -> {
            String uri = exchange.getRequestURI().toString();
            byte[] answer = handler.handlePostRequest(uri, exchange.getRequestBody(), \"UTF-8\", new HashMap<>())
                .toJSONString().getBytes(\"UTF-8\");
            exchange.getResponseHeaders().set(\"Content-Type\", \"application/json; charset=utf-8\");
            exchange.sendResponseHeaders(200, answer.length);
            exchange.getResponseBody().write(answer);
            exchange.close();
        });
        server.start();
    }
}
";

#[tokio::test]
async fn a_full_heap_over_http() {
    need!(gate::command("javac"));
    need!(gate::command("java"));
    need!(gate::command(JAR));
    let place = directory();
    std::fs::write(place.path().join("Agent.java"), PROGRAM).expect("writes");
    let mut compiler = Command::new("javac");
    let made = compiler.args(["-J-Xshare:auto", "-cp", PATH, "Agent.java"]).current_dir(place.path()).output();
    let made = made.expect("javac runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let port = free_port().to_string();
    let words =
        ["-Xmx48m", "-Xms48m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", PATH, "Agent", &port, "s3cret"];
    let mut server = Server::start(place, "java", &words, &[]);
    let lines = format!(
        "[[collector]]\nkind = \"jolokia\"\nname = \"java\"\ntimeout = \"10s\"\nurl = \"http://127.0.0.1:{port}/jolokia\"\n"
    );
    let mut looks = collectors(&lines);
    let found = server
        .until("an answer", async || {
            let found = once(&mut looks).await;
            (value(&found, "app_up", &[]) == Some(1.0)).then_some(found)
        })
        .await;
    assert_eq!(found.problem, None, "{found:?}");
    let main = [("main", "Agent")];
    let heap = value(&found, "jvm_heap_max_bytes", &main).expect("a heap");
    assert!(heap > 40e6 && heap < 51e6, "{heap}");
    assert!(value(&found, "jvm_heap_used_bytes", &main).is_some_and(|used| used > 25e6 && used <= heap));
    let old = [("main", "Agent"), ("generation", "Tenured Gen")];
    assert!(value(&found, "jvm_generation_used_bytes", &old).is_some_and(|used| used > 25e6), "{found:?}");
    for series in ["jvm_threads", "jvm_classes_loaded", "jvm_metaspace_used_bytes"] {
        assert!(value(&found, series, &main).is_some_and(|count| count >= 1.0), "{series}: {found:?}");
    }
    // 30 MB in an old generation of 32 MiB, as the collection that was asked for left it.
    let [AppWhat::Heap { used, max, .. }] = facts(&found)[..] else { panic!("{found:?}") };
    assert!(*used > 0.85 * max && *max < heap, "{found:?}");
    assert!(!format!("{found:?}").contains("s3cret"));

    let found = once(&mut looks).await;
    let gc = [("main", "Agent"), ("gc", "MarkSweepCompact")];
    assert!(value(&found, "jvm_gc_pause_share", &gc).is_some_and(|share| (0.0..=1.0).contains(&share)), "{found:?}");
}
