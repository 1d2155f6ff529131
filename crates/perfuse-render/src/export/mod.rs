//! The forms that other programs read: `OpenMetrics` and the line of a Nagios plug-in.

pub mod nagios;
pub mod openmetrics;
