//! Prometheus remote write 1.0: `prometheus.WriteRequest` as protobuf in one Snappy block.
//!
//! The fields are those of `prompb/remote.proto` and `prompb/types.proto` that version 1.0 demands.

use prost::Message;

use super::buffer::{Point, by_series};
use super::wire;

#[derive(Clone, PartialEq, Message)]
pub(super) struct WriteRequest {
    #[prost(message, repeated, tag = "1")]
    pub(super) timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(super) labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    pub(super) samples: Vec<Sample>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Label {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) value: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Sample {
    #[prost(double, tag = "1")]
    pub(super) value: f64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub(super) timestamp: i64,
}

/// The request for points of a host.
pub(super) fn request(points: &[Point], host: &str) -> WriteRequest {
    let label = |name: &str, value: &str| Label { name: name.to_owned(), value: value.to_owned() };
    let series = |(key, points): (&crate::store::SeriesKey, Vec<(i64, f64)>)| {
        let mut labels =
            vec![label("__name__", &wire::metric(key.name())), label("instance", host), label("job", "perfuse")];
        labels.extend(wire::labels(key).into_iter().map(|(name, value)| Label { name, value: value.to_owned() }));
        // Receivers may refuse labels that are not sorted.
        labels.sort_by(|one, other| one.name.cmp(&other.name));
        let sample = |(at, value): (i64, f64)| Sample { value, timestamp: at.saturating_mul(1000) };
        TimeSeries { labels, samples: points.into_iter().map(sample).collect() }
    };
    WriteRequest { timeseries: by_series(points).into_iter().map(series).collect() }
}

/// The body of the request.
pub(super) fn body(points: &[Point], host: &str) -> Result<Vec<u8>, String> {
    let plain = request(points, host).encode_to_vec();
    snap::raw::Encoder::new().compress_vec(&plain).map_err(|error| error.to_string())
}

/// Headers that version 1.0 demands.
pub(super) const HEADERS: &[(&str, &str)] = &[
    ("Content-Type", "application/x-protobuf"),
    ("Content-Encoding", "snappy"),
    ("X-Prometheus-Remote-Write-Version", "0.1.0"),
];

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::SeriesKey;

    #[test]
    fn the_bytes_are_those_of_the_protocol() {
        let series = Arc::new(SeriesKey::new("cpu", [("zone", "0"), ("cpu", "1")]));
        let points = [Point { series: Arc::clone(&series), at: 2, value: 0.5 }, Point { series, at: 1, value: 0.25 }];
        let bytes = body(&points, "web1").expect("it fits");
        let plain = snap::raw::Decoder::new().decompress_vec(&bytes).expect("Snappy");
        let request = WriteRequest::decode(plain.as_slice()).expect("protobuf");
        let names: Vec<&str> = request.timeseries[0].labels.iter().map(|label| label.name.as_str()).collect();
        assert_eq!(names, ["__name__", "cpu", "instance", "job", "zone"]);
        let times: Vec<i64> = request.timeseries[0].samples.iter().map(|sample| sample.timestamp).collect();
        assert_eq!(times, [1000, 2000]);
        // Field 1 of the request, field 1 of the series, field 1 of the label: `__name__`.
        assert_eq!((plain[0], plain[2], plain[4], plain[5]), (0x0a, 0x0a, 0x0a, 8));
        assert_eq!(&plain[6..14], b"__name__");
    }
}
