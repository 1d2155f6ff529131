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
        let rest = raw.strip_prefix("_Z").or_else(|| raw.starts_with("_GLOBAL_").then_some(""))?;
        let full = Self { parameters: true, ..self };
        // What stands for a function is named after it with its parameters, even where those are left out.
        for (mark, kinds, text) in THUNKS {
            if let Some(function) = rest.strip_prefix(mark).and_then(|rest| behind_offsets(rest, kinds)) {
                let name = full.cpp(&format!("_Z{function}"))?;
                let shown = if self.parameters { &name[..] } else { name.split(" [clone ").next().unwrap_or(&name) };
                return Some(format!("{text}{shown}"));
            }
        }
        let symbol = cpp_demangle::Symbol::new(raw).ok()?;
        let options = cpp_demangle::DemangleOptions::new();
        let options = if self.parameters { options } else { options.no_params().no_return_type() };
        let mut name = abbreviate(symbol.demangle_with_options(&options).ok()?);
        for (before, text) in [("{vtable(", "vtable for "), ("{vtt(", "VTT for ")] {
            if let Some(class) = name.strip_prefix(before).and_then(|class| class.strip_suffix(")}")) {
                name = format!("{text}{class}");
            }
        }
        if self.parameters {
            return Some(name);
        }
        // What a method asks of its object goes with the parameters.
        while let Some(kept) = [" const", " volatile", " &&", " &"].iter().find_map(|end| name.strip_suffix(end)) {
            name.truncate(kept.len());
        }
        Some(name)
    }
}

/// Marks of code that stands for a function, the offsets that come behind (`h` one number, `v` two, `?` tells itself), and
/// what it is called.
const THUNKS: &[(&str, &str, &str)] = &[
    ("Th", "h", "non-virtual thunk to "),
    ("Tv", "v", "virtual thunk to "),
    ("Tc", "??", "covariant return thunk to "),
    ("GTt", "", "transaction clone for "),
    ("GTn", "", "non-transaction clone for "),
];

/// What follows behind offsets such as `n16_`.
fn behind_offsets<'a>(mut rest: &'a str, kinds: &str) -> Option<&'a str> {
    for kind in kinds.bytes() {
        let kind = if kind == b'?' {
            let kind = *rest.as_bytes().first()?;
            rest = rest.get(1..)?;
            kind
        } else {
            kind
        };
        let numbers = match kind {
            b'h' => 1,
            b'v' => 2,
            _ => return None,
        };
        for _ in 0..numbers {
            let (number, behind) = rest.split_once('_')?;
            let digits = number.strip_prefix('n').unwrap_or(number);
            rest = Some(behind).filter(|_| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        }
    }
    Some(rest)
}

/// Integers in template arguments: how `cpp_demangle` begins them, and how libiberty ends them.
const INTEGERS: &[(&str, &str)] = &[
    ("(unsigned long long)", "ull"),
    ("(unsigned long)", "ul"),
    ("(unsigned int)", "u"),
    ("(long long)", "ll"),
    ("(long)", "l"),
];

/// `(unsigned long)0` becomes `0ul`.
fn suffix_integers(mut name: String) -> String {
    for (before, after) in INTEGERS {
        let mut from = 0;
        while let Some(at) = name.get(from..).and_then(|rest| rest.find(before)).map(|at| at + from) {
            let number = at + before.len();
            let rest = name[number..].strip_prefix('-').unwrap_or(&name[number..]);
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let end = name.len() - rest.len() + digits;
            from = number;
            if digits > 0 {
                name.insert_str(end, after);
                name.replace_range(at..number, "");
                from = end + after.len() - before.len();
            }
        }
    }
    name
}

/// Templates of the standard library that have a letter of their own in mangled names, and a short name for people. Their
/// constructors and destructors are called after the template.
const SHORT: &[(&str, &str, &str)] = &[
    ("std::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string", "basic_string"),
    ("std::basic_istream<char, std::char_traits<char> >", "std::istream", "basic_istream"),
    ("std::basic_ostream<char, std::char_traits<char> >", "std::ostream", "basic_ostream"),
    ("std::basic_iostream<char, std::char_traits<char> >", "std::iostream", "basic_iostream"),
];

fn abbreviate(mut name: String) -> String {
    for (long, short, own) in SHORT {
        let kind = short.trim_start_matches("std::");
        for mark in ["", "~"] {
            let member = format!("{short}::{mark}{kind}");
            if name.contains(&member) {
                name = name.replace(&member, &format!("{long}::{mark}{own}"));
            }
        }
    }
    // An empty pack at the end of template arguments leaves no comma.
    if name.contains(", >") {
        name = name.replace(", >", ">");
    }
    if name.contains(')') {
        name = suffix_integers(name);
    }
    if name.contains("std::nullptr_t") {
        name = name.replace("std::nullptr_t", "decltype(nullptr)");
    }
    for (long, short, own) in SHORT {
        let mut from = 0;
        while let Some(at) = name.get(from..).and_then(|rest| rest.find(long)).map(|at| at + from) {
            let behind = &name[at + long.len()..];
            let member = behind.strip_prefix("::").map(|member| member.strip_prefix('~').unwrap_or(member));
            if member.is_some_and(|member| member.starts_with(own)) {
                from = at + long.len();
            } else {
                name.replace_range(at..at + long.len(), short);
                from = at + short.len();
            }
        }
    }
    name
}

/// Rust, both manglings; the hash at the end of the old one is left out. Of the new one libiberty leaves out what the linker
/// put behind it as well: `.warm`, `.llvm.123`.
fn rust(raw: &str) -> Option<String> {
    let found = match raw.split_once('.') {
        Some((own, _)) if raw.starts_with("_R") => rustc_demangle::try_demangle(own),
        _ => rustc_demangle::try_demangle(raw),
    };
    let found = found.ok()?;
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
        assert_eq!(plain("_RNvMNtCs6GmmlP4bgsG_1r5innerINtB2_1ShE4workB4_.llvm.1.cold"), "<r::inner::S<u8>>::work");
        assert_eq!(plain("_ZNSt6vectorIiSaIiEE9push_backERKi"), "std::vector<int, std::allocator<int> >::push_back");
        assert_eq!(plain("_ZZ4mainENKUliE_clEi"), "main::{lambda(int)#1}::operator()");
        let full = Demangle { parameters: true, ..Demangle::default() };
        assert_eq!(full.name("_Z6freefnRSt6vectorIiSaIiEE"), "freefn(std::vector<int, std::allocator<int> >&)");
        assert_eq!(Demangle { on: false, ..full }.name("_Z6freefnv"), "_Z6freefnv");
    }

    #[test]
    fn template_arguments_are_written_as_libiberty_does() {
        let raw = "_ZNSt10_Head_baseILm0EZ4mainEUlvE1_Lb1EE7_M_headERS1_";
        assert_eq!(plain(raw), "std::_Head_base<0ul, main::{lambda()#3}, true>::_M_head");
        assert_eq!(
            plain("_ZSt13__invoke_implIvZ4mainEUlvE1_JEET_St14__invoke_otherOT0_DpOT1_"),
            "std::__invoke_impl<void, main::{lambda()#3}>"
        );
        assert_eq!(plain("_ZTch0_v0_n40_N2X12meEv"), "covariant return thunk to X1::me()");
        assert_eq!(suffix_integers("f<(long)-12, (unsigned int)3, (long)x>".to_owned()), "f<-12l, 3u, (long)x>");
    }

    #[test]
    fn the_short_names_of_libiberty_are_used() {
        assert_eq!(plain("_ZNSi6ignoreEl"), "std::istream::ignore");
        assert_eq!(
            plain("_ZNSsC1Ev"),
            "std::basic_string<char, std::char_traits<char>, std::allocator<char> >::basic_string"
        );
        assert_eq!(plain("_ZNSo6sentryC1ERSo"), "std::ostream::sentry::sentry");
        assert_eq!(plain("_ZTVSt9bad_alloc"), "vtable for std::bad_alloc");
        assert_eq!(plain("_ZTv0_n24_NSt10istrstreamD0Ev"), "virtual thunk to std::istrstream::~istrstream()");
        assert_eq!(plain("_ZThn16_NSt9strstreamD1Ev"), "non-virtual thunk to std::strstream::~strstream()");
        assert_eq!(plain("_ZGTtNKSt9exception4whatEv"), "transaction clone for std::exception::what() const");
    }

    #[test]
    fn what_only_looks_mangled_stays() {
        for raw in ["_Z", "_ZN", "_Zgarbage", "_R", "_RNv", "", "_ZN4core", "__rust_alloc", "_ZTh", "_ZTv0_", "_ZGTt"] {
            assert_eq!(plain(raw), raw);
        }
    }
}
