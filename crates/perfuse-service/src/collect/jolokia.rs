//! Java virtual machines anywhere, by their Jolokia agent (Jolokia's reference manual, "Jolokia Protocol"): one bulk request
//! of what the platform's own beans know of heap, garbage collection, threads and classes.
//!
//! The series are those of the machines of this host. Generations are here the pools of memory, by their own names.

use perfuse_analyze::Msg;
use perfuse_analyze::app::AppWhat;
use serde_json::{Value, json};

use super::jvm::{MUCH_PAUSE, NEARLY_FULL, main_of};
use super::rates::Rates;
use super::sheet::Sheet;
use crate::check::Clients;
use crate::client::web::{self, Access};

/// Pools of memory and collectors that are looked at.
const MOST: usize = 40;

/// One agent.
pub(super) struct Source {
    url: String,
    access: Access,
    rates: Rates,
}

/// What is asked, in this order.
fn requests() -> Value {
    let read = |bean: &str, attributes: &[&str]| json!({"type": "read", "mbean": bean, "attribute": attributes});
    json!([
        read("java.lang:type=Memory", &["HeapMemoryUsage"]),
        read("java.lang:type=MemoryPool,*", &["Type", "Usage", "CollectionUsage"]),
        read("java.lang:type=GarbageCollector,*", &["CollectionCount", "CollectionTime"]),
        read("java.lang:type=Threading", &["ThreadCount", "DaemonThreadCount", "PeakThreadCount"]),
        read("java.lang:type=ClassLoading", &["LoadedClassCount"]),
        // Of the properties this one alone: others may be secrets.
        {"type": "read", "mbean": "java.lang:type=Runtime", "attribute": "SystemProperties", "path": "sun.java.command"},
    ])
}

/// A number somewhere inside; what is not defined is -1 there.
fn number(value: &Value, pointer: &str) -> Option<f64> {
    value.pointer(pointer)?.as_f64().filter(|number| *number >= 0.0)
}

/// The beans of a pattern with their names, in the order of these.
fn beans(value: &Value) -> Vec<(&str, &Value)> {
    let name = |bean: &'_ str| -> Option<(usize, usize)> {
        let properties = bean.find(':')? + 1;
        let at = bean[properties..].split(',').scan(properties, |at, part| {
            let begin = *at;
            *at += part.len() + 1;
            Some((begin, part))
        });
        let (begin, part) = at.into_iter().find(|(_, part)| part.starts_with("name="))?;
        Some((begin + 5, begin + part.len()))
    };
    let all = value.as_object().into_iter().flatten();
    let named = all.filter_map(|(bean, value)| name(bean).map(|(from, to)| (&bean[from..to], value)));
    let mut named: Vec<_> = named.collect();
    named.sort_by_key(|(name, _)| *name);
    named.truncate(MOST);
    named
}

/// What is counted as collections but goes on beside the program.
fn concurrent(collector: &str) -> bool {
    ["Cycles", "Concurrent"].iter().any(|word| collector.contains(word))
}

impl Source {
    pub(super) fn new(url: &str, access: Access) -> Self {
        Self { url: format!("{}/", url.trim_end_matches('/')), access, rates: Rates::default() }
    }

    pub(super) async fn gather(&mut self, clients: &Clients, sheet: &mut Sheet) -> Result<(), Msg> {
        let asked = web::post(clients, &self.url, &self.access, requests().to_string()).await;
        let answers = asked.map_err(|said| said.message)?;
        self.tell(sheet, &answers)?;
        self.rates.turn();
        Ok(())
    }

    fn tell(&mut self, sheet: &mut Sheet, answers: &Value) -> Result<(), Msg> {
        let Some([memory, pools, collectors, threads, classes, main]) = answers.as_array().map(Vec::as_slice) else {
            // One answer instead of many says why there are none.
            let error = answers.get("error").and_then(Value::as_str).unwrap_or_default();
            return Err(Msg::new("app-jolokia-odd").with("problem", short(error)));
        };
        for answer in [memory, pools, collectors, threads, classes] {
            // What the agent's policy does not allow is told, and the rest is there all the same.
            if let Some(error) = answer.get("error").and_then(Value::as_str) {
                sheet.problem(Msg::new("app-jolokia-refused").with("problem", short(error)));
            }
        }
        let Some(heap) = memory.pointer("/value/HeapMemoryUsage") else {
            return Err(Msg::new("app-jolokia-odd").with("problem", "java.lang:type=Memory"));
        };
        let main = main_of(main.get("value").and_then(Value::as_str).unwrap_or_default());
        let labels = [("main", main.as_str())];
        sheet.maybe("jvm_heap_used_bytes", &labels, number(heap, "/used"));
        sheet.maybe("jvm_heap_capacity_bytes", &labels, number(heap, "/committed"));
        sheet.maybe("jvm_heap_max_bytes", &labels, number(heap, "/max"));
        for (answer, pointer, series) in [
            (threads, "/value/ThreadCount", "jvm_threads"),
            (threads, "/value/DaemonThreadCount", "jvm_daemon_threads"),
            (threads, "/value/PeakThreadCount", "jvm_threads_peak"),
            (classes, "/value/LoadedClassCount", "jvm_classes_loaded"),
        ] {
            sheet.maybe(series, &labels, number(answer, pointer));
        }
        let old = pools_of(sheet, &main, pools);
        let pauses = self.collections(sheet, &main, collectors);
        let pause_share = pauses.unwrap_or(0.0).min(1.0);
        let most = number(heap, "/max").filter(|max| *max > 0.0);
        if let Some((used, max)) = old.and_then(|(used, max)| Some((used, max.or(most)?))) {
            if used >= max * NEARLY_FULL || pause_share >= MUCH_PAUSE {
                sheet.fact(None, AppWhat::Heap { used, max, pause_share, all: None });
            }
        } else if let (Some(used), Some(max), true) = (number(heap, "/used"), most, pause_share >= MUCH_PAUSE) {
            sheet.fact(None, AppWhat::Heap { used, max, pause_share, all: None });
        }
        Ok(())
    }

    /// Collections, and the part of the time for which they stopped the program, once it is known.
    fn collections(&mut self, sheet: &mut Sheet, main: &str, answer: &Value) -> Option<f64> {
        let mut pauses = None;
        for (name, collector) in beans(answer.get("value").unwrap_or(&Value::Null)) {
            let labels = [("main", main), ("gc", name)];
            let count = number(collector, "/CollectionCount");
            let rate = count.and_then(|count| self.rates.of(format!("count {name}"), count));
            sheet.maybe("jvm_gc_collections_per_second", &labels, rate);
            let milliseconds = number(collector, "/CollectionTime").filter(|_| !concurrent(name));
            let share = milliseconds.and_then(|time| self.rates.of(format!("time {name}"), time / 1000.0));
            if let Some(share) = share {
                sheet.number("jvm_gc_pause_share", &labels, share.min(1.0));
                pauses = Some(pauses.unwrap_or(0.0) + share);
            }
        }
        pauses
    }
}

/// The pools; of the one that outlives collections how much the last one left in it, and how much it can have.
fn pools_of(sheet: &mut Sheet, main: &str, answer: &Value) -> Option<(f64, Option<f64>)> {
    let mut old = None;
    let mut heaps = 0;
    for (name, pool) in beans(answer.get("value").unwrap_or(&Value::Null)) {
        let used = number(pool, "/Usage/used");
        if pool.get("Type").and_then(Value::as_str) != Some("HEAP") {
            if name == "Metaspace" {
                sheet.maybe("jvm_metaspace_used_bytes", &[("main", main)], used);
            }
            continue;
        }
        heaps += 1;
        let labels = [("main", main), ("generation", name)];
        let max = number(pool, "/Usage/max").filter(|max| *max > 0.0);
        sheet.maybe("jvm_generation_used_bytes", &labels, used);
        sheet.maybe("jvm_generation_max_bytes", &labels, max);
        let left = number(pool, "/CollectionUsage/used");
        if ["Old", "Tenured"].iter().any(|word| name.contains(word)) || heaps == 1 {
            old = left.map(|left| (left, number(pool, "/CollectionUsage/max").filter(|max| *max > 0.0).or(max)));
        }
    }
    old
}

/// Words of an agent, which may quote what it was asked, but no more than a line of them.
fn short(words: &str) -> String {
    words.lines().next().unwrap_or_default().chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use perfuse_analyze::app::AppKind;

    use super::*;
    use crate::config::trust::Trust;

    /// Answers in the form of the manual's chapter on the protocol, written by hand.
    fn answers(left: u64, seconds: u64) -> Value {
        json!([
            {"request": {}, "value": {"HeapMemoryUsage": {"init": 16, "committed": 800, "max": 1000, "used": 700}}, "status": 200},
            {"value": {
                "java.lang:name=G1 Old Gen,type=MemoryPool": {"Type": "HEAP", "Usage": {"used": 650, "max": 1000}, "CollectionUsage": {"used": left, "max": 1000}},
                "java.lang:name=G1 Eden Space,type=MemoryPool": {"Type": "HEAP", "Usage": {"used": 50, "max": -1}, "CollectionUsage": {"used": 0, "max": -1}},
                "java.lang:name=Metaspace,type=MemoryPool": {"Type": "NON_HEAP", "Usage": {"used": 30, "max": -1}, "CollectionUsage": null}
            }, "status": 200},
            {"value": {
                "java.lang:name=G1 Young Generation,type=GarbageCollector": {"CollectionCount": seconds, "CollectionTime": seconds * 1000},
                "java.lang:name=G1 Concurrent GC,type=GarbageCollector": {"CollectionCount": 3, "CollectionTime": seconds * 5000}
            }, "status": 200},
            {"value": {"ThreadCount": 22, "DaemonThreadCount": 20, "PeakThreadCount": 23}, "status": 200},
            {"status": 403, "error_type": "java.lang.SecurityException", "error": "java.lang.Exception : Reading attribute LoadedClassCount is forbidden\n at x"},
            {"value": "shop.Main --password x", "status": 200}
        ])
    }

    fn source() -> Source {
        Source::new("http://127.0.0.1:1/jolokia", Access::nobody(&Trust::default()))
    }

    #[test]
    fn heap_collections_and_what_is_forbidden() {
        let mut source = source();
        let mut sheet = Sheet::new(&"j".into(), AppKind::Jvm, None);
        source.tell(&mut sheet, &answers(500, 0)).unwrap();
        source.rates.turn();
        let first = sheet.done(Duration::ZERO);
        assert_eq!(first.facts.len(), 0, "{first:?}");
        assert_eq!(first.problem.as_ref().map(|problem| problem.id.as_str()), Some("app-jolokia-refused"));
        assert!(!format!("{first:?}").contains("password"), "{first:?}");
        let value = |gathered: &crate::collect::Gathered, name: &str| {
            gathered.series.iter().filter(|(key, _)| key.name() == name).map(|(_, value)| *value).collect::<Vec<_>>()
        };
        for (name, wanted) in [
            ("jvm_heap_used_bytes", vec![700.0]),
            ("jvm_heap_capacity_bytes", vec![800.0]),
            ("jvm_generation_used_bytes", vec![50.0, 650.0]),
            ("jvm_generation_max_bytes", vec![1000.0]),
            ("jvm_metaspace_used_bytes", vec![30.0]),
            ("jvm_threads", vec![22.0]),
            ("jvm_classes_loaded", vec![]),
        ] {
            assert_eq!(value(&first, name), wanted, "{name}");
        }
        std::thread::sleep(Duration::from_millis(5));
        let mut sheet = Sheet::new(&"j".into(), AppKind::Jvm, None);
        source.tell(&mut sheet, &answers(900, 1)).unwrap();
        let second = sheet.done(Duration::ZERO);
        // A second of pauses within milliseconds is all of the time; what goes on beside the program is none.
        assert_eq!(value(&second, "jvm_gc_pause_share"), [1.0]);
        assert_eq!(second.facts[0].what, AppWhat::Heap { used: 900.0, max: 1000.0, pause_share: 1.0, all: None });
    }

    #[test]
    fn an_answer_that_is_none_is_a_problem() {
        let mut sheet = Sheet::new(&"j".into(), AppKind::Jvm, None);
        for odd in [json!({"status": 400, "error": "Invalid JSON"}), json!([]), json!(null), json!([1, 2, 3, 4, 5, 6])]
        {
            assert_eq!(source().tell(&mut sheet, &odd).unwrap_err().id, "app-jolokia-odd", "{odd}");
        }
        assert_eq!(beans(&json!({"java.lang:type=MemoryPool,name=A b": 1, "x": 2})), [("A b", &json!(1))]);
        assert_eq!(requests().as_array().map(Vec::len), Some(6));
    }
}
