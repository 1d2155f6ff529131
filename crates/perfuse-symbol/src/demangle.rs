//! Names as they are written in the source, in the spelling of perf (which has it of GNU libiberty).

use std::borrow::Cow;

/// How names are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demangle {
    /// Whether they are demangled at all (`--no-demangle`).
    pub on: bool,
    /// With the types of C++ parameters (`perf -v`): `f(int)`, not `f`.
    pub parameters: bool,
}

impl Default for Demangle {
    fn default() -> Self {
        Self { on: true, parameters: false }
    }
}

impl Demangle {
    /// The name for people; borrowed if it was not mangled.
    pub fn name(self, raw: &str) -> Cow<'_, str> {
        if !self.on {
            return Cow::Borrowed(raw);
        }
        if let Some(rust) = rust(raw) {
            return Cow::Owned(rust);
        }
        self.cpp(raw).map_or(Cow::Borrowed(raw), Cow::Owned)
    }

    fn cpp(self, raw: &str) -> Option<String> {
        if !raw.starts_with("_Z") && !raw.starts_with("_GLOBAL_") {
            return None;
        }
        let symbol = cpp_demangle::Symbol::new(raw).ok()?;
        let options = cpp_demangle::DemangleOptions::new();
        if self.parameters {
            return symbol.demangle_with_options(&options).ok();
        }
        let mut name = symbol.demangle_with_options(&options.no_params().no_return_type()).ok()?;
        // What a method asks of its object goes with the parameters.
        while let Some(kept) = [" const", " volatile", " &&", " &"].iter().find_map(|end| name.strip_suffix(end)) {
            name.truncate(kept.len());
        }
        Some(name)
    }
}

/// Rust, both manglings; the hash at the end of the old one is left out.
fn rust(raw: &str) -> Option<String> {
    let found = rustc_demangle::try_demangle(raw).ok()?;
    Some(format!("{found:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(raw: &str) -> String {
        Demangle::default().name(raw).into_owned()
    }

    #[test]
    fn names_are_spelled_as_perf_does() {
        assert_eq!(plain("malloc"), "malloc");
        assert_eq!(plain("_ZN4core3fmt5write17h0123456789abcdefE"), "core::fmt::write");
        assert_eq!(plain("_RNvMNtCs6GmmlP4bgsG_1r5innerINtB2_1ShE4workB4_"), "<r::inner::S<u8>>::work");
        assert_eq!(plain("_ZNSt6vectorIiSaIiEE9push_backERKi"), "std::vector<int, std::allocator<int> >::push_back");
        assert_eq!(plain("_ZZ4mainENKUliE_clEi"), "main::{lambda(int)#1}::operator()");
        let full = Demangle { parameters: true, ..Demangle::default() };
        assert_eq!(full.name("_Z6freefnRSt6vectorIiSaIiEE"), "freefn(std::vector<int, std::allocator<int> >&)");
        assert_eq!(Demangle { on: false, ..full }.name("_Z6freefnv"), "_Z6freefnv");
    }

    #[test]
    fn what_only_looks_mangled_stays() {
        for raw in ["_Z", "_ZN", "_Zgarbage", "_R", "_RNv", "", "_ZN4core", "__rust_alloc"] {
            assert_eq!(plain(raw), raw);
        }
    }
}
