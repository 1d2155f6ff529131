//! Samples that are branches, each with where it came from and where it led to, and the small parts of a sample's text that
//! only a few options want.

use perfuse_analyze::resolve::{FrameId, Names, Resolver};
use perfuse_format::perfdata::attr::sample_type;
use perfuse_format::perfdata::{EventAttr, Sample};

use super::code;
use super::fields::Fields;
use super::frames;
use super::sample::{self, Printer};

impl Printer {
    /// `leaf+0x16 (./work) => top_a+0x1d (./work)`, and the end of the line.
    pub(super) fn branch_trace<N: Names>(
        &mut self,
        resolver: &mut Resolver<N>,
        attr: &EventAttr,
        fields: Fields,
        sample: &Sample<'_>,
        out: &mut Vec<u8>,
    ) {
        // The depth of calls is known of instruction traces only; without it perf shows the file, and nothing else.
        if fields.has(Fields::CALLINDENT) && fields.has(Fields::DSO) && !fields.has(Fields::IP.and(Fields::ADDR)) {
            let place = resolver.place(sample);
            out.push(b'(');
            frames::dso(resolver, place, out);
            out.extend_from_slice(b")\t");
        }
        let chain = self.style.call_chains && attr.samples(sample_type::CALLCHAIN);
        // Without a call chain the source line comes last.
        let source_last = fields.has(Fields::SRCLINE) && fields.has(Fields::IP) && !chain;
        if fields.has(Fields::IP) {
            let shown = if source_last { fields.without(Fields::SRCLINE) } else { fields };
            self.place(resolver, attr, shown, sample, out);
        }
        if fields.has(Fields::ADDR) || attr.samples(sample_type::ADDR) && !self.by_user(sample.event) {
            out.extend_from_slice(b" => ");
            sample::address(resolver, attr, fields, sample, out);
        }
        if source_last {
            let place = resolver.place(sample);
            if let Some(source) = frames::source(resolver, frames::Shape::Tail, place, self.style.full_source_path) {
                out.extend_from_slice(b"\n  ");
                out.extend_from_slice(source.as_bytes());
            }
        }
        if fields.has(code::CODE) {
            self.code.write(resolver, fields, sample, out);
        }
        out.push(b'\n');
        if fields.has(Fields::SRCCODE) {
            self.source_text(resolver, sample, out);
        }
    }

    /// The text of the source line of a sample, as a line of its own.
    pub(super) fn source_text<N: Names>(&mut self, resolver: &mut Resolver<N>, sample: &Sample<'_>, out: &mut Vec<u8>) {
        let place = resolver.place(sample);
        if self.code.source(resolver, sample.tid, place, out) {
            out.push(b'\n');
        }
    }

    /// Whether a call chain is shown up to this frame only.
    pub(super) fn stops<N: Names>(&self, resolver: &Resolver<N>, frame: FrameId) -> bool {
        resolver.function(frame).is_some_and(|name| self.style.stop_at.contains(name))
    }
}
