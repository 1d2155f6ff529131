//! One JSON object a line: a hit, or what was computed.

use perfuse_analyze::live::{Order, Total, Totals};
use perfuse_format::live::{KeyPart, bucket_range};
use serde_json::{Map, Value, json};

use super::{Computed, HitLine};

/// A hit, with its end of line. `fields` are its numbers and texts; [`HitLine::fields`] is its text.
pub fn hit(hit: &HitLine<'_>, fields: &Map<String, Value>) -> String {
    let object = json!({
        "time_ns": hit.time,
        "event": hit.event,
        "comm": hit.comm,
        "pid": hit.pid,
        "tid": hit.tid,
        "cpu": hit.cpu,
        "fields": fields,
        "text": hit.fields,
    });
    format!("{object}\n")
}

/// What was computed, with what is to be known of it (`about`: hits, cost and the like) and its end of line.
pub fn totals(of: &Computed<'_>, about: &Value) -> String {
    let order = if of.sums { Order::Sum } else { Order::Count };
    let rows = of.totals.ordered(order).into_iter().map(|(key, total)| row(of, key, total));
    let object = json!({
        "event": of.event,
        "value": of.value,
        "by": of.by,
        "rows": rows.collect::<Vec<_>>(),
        "about": about,
    });
    format!("{object}\n")
}

fn row(of: &Computed<'_>, key: &[KeyPart], total: &Total) -> Value {
    let part = |part: &KeyPart| match part {
        KeyPart::Number(number) => json!(number),
        KeyPart::Unsigned(number) => json!(number),
        KeyPart::Text(text) => json!(text),
    };
    let key: Map<String, Value> = of.by.iter().zip(key).map(|(name, value)| (name.clone(), part(value))).collect();
    let mut object = Map::new();
    object.insert("key".to_owned(), Value::Object(key));
    object.insert("count".to_owned(), json!(total.cell.count));
    if of.value.is_some() {
        let number = |value: i64| if of.totals.is_signed() { json!(value) } else { json!(value.cast_unsigned()) };
        object.insert("sum".to_owned(), number(total.cell.sum));
        object.insert("min".to_owned(), number(total.cell.min));
        object.insert("max".to_owned(), number(total.cell.max));
        object.insert("mean".to_owned(), json!(of.totals.mean(total)));
    }
    if of.totals.parts().is_some() {
        object.insert("buckets".to_owned(), buckets(of.totals, total));
    }
    Value::Object(object)
}

/// Buckets with their edges, both inside; edges beyond 64 bits are those of 64 bits.
fn buckets(totals: &Totals, total: &Total) -> Value {
    let parts = totals.parts().unwrap_or(0);
    let each = total.buckets.iter().map(|(index, count)| {
        let (low, high) = bucket_range(*index, parts);
        let edge = |value: i128| i64::try_from(value).map_or_else(|_| json!(value as f64), |value| json!(value));
        json!({ "from": edge(low), "to": edge(high), "count": count })
    });
    Value::Array(each.collect())
}

#[cfg(test)]
mod tests {
    use perfuse_format::live::{Cell, Row};

    use super::*;

    #[test]
    fn every_line_is_an_object() {
        let row = Row { key: vec![KeyPart::Text("a\"b".to_owned())], bucket: 4, cell: Cell::of(5) };
        let totals_of = Totals::of([row], true, Some(0));
        let by = ["comm".to_owned()];
        let of = Computed { event: "x:y", value: Some("len"), by: &by, sums: false, totals: &totals_of };
        let text = totals(&of, &json!({"hits": 1}));
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read["rows"][0]["key"]["comm"], "a\"b");
        assert_eq!(read["rows"][0]["buckets"][0], json!({"from": 4, "to": 7, "count": 1}));
        assert_eq!(text.lines().count(), 1);
        let line = HitLine { time: 1, comm: "c", pid: 1, tid: 2, cpu: 3, event: "x:y", fields: "a=\n1" };
        let text = hit(&line, &Map::from_iter([("a".to_owned(), json!(1))]));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["fields"]["a"], 1);
        assert_eq!(text.lines().count(), 1);
    }
}
