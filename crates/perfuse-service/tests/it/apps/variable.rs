//! Variables of running programs.

use std::process::Command;

use perfuse_service::store::SeriesKey;
use perfuse_testkit::{gate, need};

use super::{Server, collectors, directory, once};

const PROGRAM: &str = "#include <unistd.h>
volatile int orders = -42;
static volatile double load_now = 0.75;
volatile unsigned long long in_bss;
__thread int own;
int main(void) { in_bss = 1ULL << 40; own = 1; write(1, \"up\\n\", 3); for (;;) { pause(); load_now += own; } }
";

#[tokio::test]
async fn variables_are_read_by_symbol_and_by_debug_information() {
    need!(gate::command("cc"));
    let place = directory();
    std::fs::write(place.path().join("p.c"), PROGRAM).expect("writes");
    let name = format!("pfvar{}", std::process::id() % 100_000);
    for (flags, typed) in [(&["-g", "-pie", "-fPIE"][..], true), (&["-no-pie"], false)] {
        let made = Command::new("cc").args(flags).args(["-O1", "-o", &name, "p.c"]).current_dir(place.path()).output();
        let made = made.expect("cc runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let own = directory();
        std::fs::rename(place.path().join(&name), own.path().join(&name)).expect("moves");
        let program = own.path().join(&name).display().to_string();
        let mut server = Server::start(own, &program, &[], &[]);
        let log = server.directory.path().join("log");
        server.until("up", async || std::fs::read(&log).is_ok_and(|log| !log.is_empty()).then_some(())).await;
        let read = async |symbol: &str, kind: &str| {
            let kind = if kind.is_empty() { String::new() } else { format!("type = \"{kind}\"\n") };
            let text = format!("[[variable]]\nname = \"v\"\nprocess = \"{name}\"\nsymbol = \"{symbol}\"\n{kind}");
            let found = once(&mut collectors(&text)).await;
            let value = found.series.iter().find(|(key, _)| *key == SeriesKey::new("v", [])).map(|(_, value)| *value);
            (value, found.problem.map(|problem| problem.id))
        };
        assert_eq!(read("orders", "i32").await, (Some(-42.0), None));
        assert_eq!(read("load_now", "f64").await, (Some(0.75), None));
        assert_eq!(read("in_bss", "u64").await, (Some(f64::from(1 << 20) * f64::from(1 << 20)), None));
        if typed {
            assert_eq!(read("orders", "").await, (Some(-42.0), None));
            assert_eq!(read("load_now", "").await, (Some(0.75), None));
        } else {
            assert_eq!(read("orders", "").await, (None, Some("app-variable-type".to_owned())));
        }
        assert_eq!(read("own", "i32").await, (None, Some("app-variable-symbol".to_owned())));
        assert_eq!(read("no_such", "i32").await, (None, Some("app-variable-symbol".to_owned())));
    }
    let text = "[[variable]]\nname = \"v\"\nprocess = \"no-such-process\"\nsymbol = \"x\"\n";
    let found = once(&mut collectors(text)).await;
    assert_eq!(found.problem.map(|problem| problem.id), Some("app-variable-no-process".to_owned()));
}
