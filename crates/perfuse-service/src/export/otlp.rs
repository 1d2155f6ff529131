//! Metrics of the OpenTelemetry protocol 1.x: `ExportMetricsServiceRequest` as protobuf over HTTP.
//!
//! Only gauges with doubles are written. A field of a `oneof` is written as an optional one; the bytes are the same.

use prost::Message;

use super::buffer::{Point, by_series};
use super::wire;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Request {
    #[prost(message, repeated, tag = "1")]
    pub(super) resource_metrics: Vec<ResourceMetrics>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ResourceMetrics {
    #[prost(message, optional, tag = "1")]
    pub(super) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub(super) scope_metrics: Vec<ScopeMetrics>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub(super) attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ScopeMetrics {
    #[prost(message, optional, tag = "1")]
    pub(super) scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    pub(super) metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Scope {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) version: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Metric {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    /// Of the `oneof data`.
    #[prost(message, optional, tag = "5")]
    pub(super) gauge: Option<Gauge>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Gauge {
    #[prost(message, repeated, tag = "1")]
    pub(super) data_points: Vec<NumberDataPoint>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NumberDataPoint {
    /// Nanoseconds since 1970.
    #[prost(fixed64, tag = "3")]
    pub(super) time_unix_nano: u64,
    /// Of the `oneof value`.
    #[prost(double, optional, tag = "4")]
    pub(super) as_double: Option<f64>,
    #[prost(message, repeated, tag = "7")]
    pub(super) attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct KeyValue {
    #[prost(string, tag = "1")]
    pub(super) key: String,
    #[prost(message, optional, tag = "2")]
    pub(super) value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AnyValue {
    /// Of the `oneof value`.
    #[prost(string, optional, tag = "1")]
    pub(super) string_value: Option<String>,
}

/// `ExportMetricsServiceResponse`: what of a request was not taken although it was answered with success.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Response {
    #[prost(message, optional, tag = "1")]
    pub(super) partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(super) rejected_data_points: i64,
    #[prost(string, tag = "2")]
    pub(super) error_message: String,
}

fn pair(key: &str, value: &str) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { string_value: Some(value.to_owned()) }) }
}

/// The request for points of a host: one metric a name, with all its series.
pub(super) fn request(points: &[Point], host: &str) -> Request {
    let mut metrics: Vec<Metric> = Vec::new();
    // Sorted by name first, so series of one name follow each other.
    for (key, points) in by_series(points) {
        let attributes: Vec<KeyValue> = wire::labels(key).iter().map(|(name, value)| pair(name, value)).collect();
        let points = points.into_iter().map(|(at, value)| NumberDataPoint {
            time_unix_nano: u64::try_from(at).unwrap_or(0).saturating_mul(1_000_000_000),
            as_double: Some(value),
            attributes: attributes.clone(),
        });
        let name = wire::metric(key.name());
        match metrics.last_mut().filter(|last| last.name == name).and_then(|last| last.gauge.as_mut()) {
            Some(gauge) => gauge.data_points.extend(points),
            None => metrics.push(Metric { name, gauge: Some(Gauge { data_points: points.collect() }) }),
        }
    }
    let resource = Resource { attributes: vec![pair("service.name", "perfuse"), pair("host.name", host)] };
    let scope = Scope { name: "perfuse".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics }];
    Request { resource_metrics: vec![ResourceMetrics { resource: Some(resource), scope_metrics }] }
}

/// The body of the request.
pub(super) fn body(points: &[Point], host: &str) -> Vec<u8> {
    request(points, host).encode_to_vec()
}

/// What a successful answer says of points that were not taken after all.
pub(super) fn rejected(body: &[u8]) -> Option<(u64, String)> {
    let partial = Response::decode(body).ok()?.partial_success?;
    let count = u64::try_from(partial.rejected_data_points).ok().filter(|count| *count > 0)?;
    Some((count, partial.error_message.lines().next().unwrap_or_default().chars().take(200).collect()))
}

/// Headers of the protocol.
pub(super) const HEADERS: &[(&str, &str)] = &[("Content-Type", "application/x-protobuf")];

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::SeriesKey;

    #[test]
    fn series_of_one_name_are_one_metric() {
        let point = |cpu: &str, value: f64| Point {
            series: Arc::new(SeriesKey::new("cpu", [("cpu", cpu)])),
            at: 1_795_734_900,
            value,
        };
        let bytes = body(&[point("0", 0.5), point("1", 0.0)], "web1");
        let request = Request::decode(bytes.as_slice()).expect("protobuf");
        let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
        assert_eq!((metrics.len(), metrics[0].name.as_str()), (1, "perfuse_cpu"));
        let points = &metrics[0].gauge.as_ref().expect("a gauge").data_points;
        assert_eq!(points.len(), 2);
        assert_eq!((points[0].time_unix_nano, points[0].as_double), (1_795_734_900_000_000_000, Some(0.5)));
        // Zero is a value, and is written.
        assert_eq!((points[1].as_double, points[1].attributes[0].clone()), (Some(0.0), pair("cpu", "1")));
    }

    #[test]
    fn what_was_rejected_is_told() {
        let partial = PartialSuccess { rejected_data_points: 3, error_message: "too old\nand more".to_owned() };
        let body = Response { partial_success: Some(partial) }.encode_to_vec();
        assert_eq!(rejected(&body), Some((3, "too old".to_owned())));
        assert_eq!(rejected(b""), None);
        assert_eq!(rejected(b"\xff\xff\xff"), None);
    }
}
