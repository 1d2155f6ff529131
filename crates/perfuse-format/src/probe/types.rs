//! Arguments of kernel functions by the kernel's own types (BTF): `size`, `sk->__sk_common.skc_state`, without any debug
//! information. BTF has the parameters of a function and its return type; it has no local variables and no lines.

use super::argument::{Access, Argument, Base};
use super::cast::{Cast, Sign};
use super::fetch::Fetch;
use super::machine::Machine;
use super::trace::TraceArgument;
use crate::btf::{Btf, Kind, Member, Type};
use std::fmt::Write as _;
use thiserror::Error;

/// How deep anonymous structures may lie in each other.
const MAX_NESTING: usize = 16;

/// Why an argument cannot be fetched.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages say what each means")]
pub enum TypeProblem {
    #[error("`{name}` is no parameter of the function; it has {}", list(known))]
    NoParameter { name: String, known: Vec<String> },
    #[error("`{of}` has no member `{name}`")]
    NoMember { of: String, name: String, known: Vec<String> },
    #[error("what comes before is a pointer: its members are reached by ->")]
    NeedsArrow,
    #[error("what comes before is no pointer: its members are reached by a dot")]
    NeedsDot,
    #[error("`{of}` is no structure")]
    NoStructure { of: String },
    #[error("`{of}` is no array and no pointer")]
    NoArray { of: String },
    #[error("`{of}` is no pointer to characters and no array of them, and cannot be shown as a string")]
    NoText { of: String },
    #[error("the structure is passed in registers, and its members cannot be reached")]
    InRegisters,
    #[error("the size of `{of}` is not known")]
    NoSize { of: String },
    #[error("at the return of a function its parameters are gone; there is $retval")]
    AtReturn,
}

/// Names between commas.
fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// A mistake with the byte of the definition.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("at character {}: {problem}", at + 1)]
pub struct TypeError {
    /// Byte of the definition.
    pub at: usize,
    /// What is wrong.
    pub problem: TypeProblem,
}

/// A function of the kernel, by its types.
#[derive(Debug, Clone)]
pub struct KernelFunction<'a> {
    btf: &'a Btf<'a>,
    parameters: Vec<(String, Type<'a>)>,
    places: Vec<Fetch>,
}

impl<'a> KernelFunction<'a> {
    /// The function of a name; `None` if the kernel's types do not have it. Of types that were joined it is the module's.
    pub fn find(btf: &'a Btf<'a>, name: &str, machine: Machine) -> Option<Self> {
        let prototype = btf.last_function(name)?.target().filter(|of| of.kind() == Kind::FuncProto)?;
        let parameters: Vec<_> = prototype
            .parameters()
            .filter_map(|(name, id)| Some((String::from_utf8_lossy(name).into_owned(), btf.by_id(id)?)))
            .collect();
        // Three dots have no type; what is not known is a word.
        let sizes: Vec<u32> = parameters.iter().map(|(_, of)| of.byte_size().unwrap_or(8)).collect();
        Some(Self { btf, parameters, places: machine.arguments(&sizes) })
    }

    /// The parameters of a prototype, by their numbers (`$arg1`): as programs that are attached with types see them, eight
    /// bytes each. The first `skip` of them are not told to programs.
    pub fn of_prototype(btf: &'a Btf<'a>, prototype: Type<'a>, skip: usize) -> Self {
        let parameters: Vec<_> = prototype
            .parameters()
            .skip(skip)
            .filter_map(|(name, id)| Some((String::from_utf8_lossy(name).into_owned(), btf.by_id(id)?)))
            .collect();
        let mut number = 1;
        let place = |(_, of): &(String, Type<'a>)| {
            let place = Fetch::Argument(number);
            number = of.byte_size().unwrap_or(8).div_ceil(8).max(1).saturating_add(number);
            place
        };
        let places = parameters.iter().map(place).collect();
        Self { btf, parameters, places }
    }

    /// Its parameters, `TYPE\tNAME` each, as `perf probe -V` shows variables, sorted as there.
    pub fn variables(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .parameters
            .iter()
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, of)| format!("{}\t{name}", type_name(*of)))
            .collect();
        lines.sort();
        lines
    }

    /// Names of its parameters in their order.
    pub fn parameters(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().map(|(name, _)| name.as_str()).filter(|name| !name.is_empty())
    }

    /// What the kernel fetches for an argument: one, or for `$vars` and `$params` as many as the function has.
    pub fn fetches(&self, argument: &Argument, ret: bool) -> Result<Vec<TraceArgument>, TypeError> {
        match &argument.base {
            Base::Fetch { fetch, text } => Ok(vec![TraceArgument::given(argument, fetch, text)]),
            Base::Vars | Base::Params if ret => Ok(Vec::new()),
            Base::Vars | Base::Params => self
                .parameters
                .iter()
                .zip(&self.places)
                .filter(|((name, _), _)| !name.is_empty())
                .map(|((name, of), place)| {
                    let named = Argument { name: Some(name.clone()), ..argument.clone() };
                    Walk::new(self.btf, *of, place, argument).finish(&named)
                })
                .collect(),
            Base::Variable(_) if ret => Err(TypeError { at: argument.value_at, problem: TypeProblem::AtReturn }),
            Base::Variable(name) => {
                let known = || self.parameters().map(str::to_owned).collect();
                let missing = || TypeProblem::NoParameter { name: name.clone(), known: known() };
                let found = self.parameters.iter().zip(&self.places).find(|((known, _), _)| known == name);
                let ((_, of), place) = found.ok_or_else(|| TypeError { at: argument.value_at, problem: missing() })?;
                let mut walk = Walk::new(self.btf, *of, place, argument);
                for (index, (field, at)) in argument.fields.iter().zip(&argument.field_at).enumerate() {
                    walk.step(field, index > 0).map_err(|problem| TypeError { at: *at, problem })?;
                }
                Ok(vec![walk.finish(argument)?])
            }
        }
    }
}

/// On the way from a parameter to the value that is asked for.
struct Walk<'a> {
    btf: &'a Btf<'a>,
    /// The type of what was reached.
    of: Type<'a>,
    /// Where a register or the stack holds the start.
    base: Fetch,
    /// Offsets to go from there, each behind a pointer; none while it is the register itself.
    offsets: Vec<i64>,
    /// Bits of a bit field and its offset, when that was reached.
    bits: Option<(u32, u32)>,
    user: bool,
}

impl<'a> Walk<'a> {
    fn new(btf: &'a Btf<'a>, of: Type<'a>, place: &Fetch, argument: &Argument) -> Self {
        let (base, offsets) = match place {
            Fetch::Deref { offset, of, .. } => ((**of).clone(), vec![*offset]),
            place => (place.clone(), Vec::new()),
        };
        Self { btf, of, base, offsets, bits: None, user: argument.user }
    }

    /// Goes into a structure or array. `member` tells that what was reached is itself a part of something.
    fn step(&mut self, access: &Access, member: bool) -> Result<(), TypeProblem> {
        let of = self.of.resolved().ok_or_else(|| TypeProblem::NoSize { of: type_name(self.of) })?;
        match access {
            Access::Index(index) => self.index(of, *index),
            Access::Member { name, arrow } => {
                let inside = if of.kind() == Kind::Ptr {
                    if !arrow {
                        return Err(TypeProblem::NeedsArrow);
                    }
                    self.offsets.push(0);
                    of.target().and_then(|of| of.resolved())
                } else {
                    if *arrow {
                        return Err(TypeProblem::NeedsDot);
                    }
                    if self.offsets.is_empty() && !member {
                        return Err(TypeProblem::InRegisters);
                    }
                    Some(of)
                };
                let inside = inside.filter(|of| of.kind().is_composite());
                let inside = inside.ok_or_else(|| TypeProblem::NoStructure { of: type_name(self.of) })?;
                self.member(inside, name)
            }
        }
    }

    fn member(&mut self, of: Type<'a>, name: &str) -> Result<(), TypeProblem> {
        let Some((bit, found)) = find_member(self.btf, of, name, 0) else {
            let known = of.members().map(|member| String::from_utf8_lossy(member.name).into_owned());
            let known = known.filter(|name| !name.is_empty()).collect();
            return Err(TypeProblem::NoMember { of: type_name(of), name: name.to_owned(), known });
        };
        let of = self.btf.by_id(found.type_id).ok_or_else(|| TypeProblem::NoSize { of: name.to_owned() })?;
        let mut byte = bit / 8;
        if found.bit_size != 0 {
            // The integer around a bit field: as wide as its type, and aligned to that.
            let size = of.byte_size().filter(|size| [1, 2, 4, 8].contains(size));
            let size = size.ok_or_else(|| TypeProblem::NoSize { of: type_name(of) })?;
            byte = byte / size * size;
            self.bits = Some((found.bit_size, bit - byte * 8));
        }
        self.add(i64::from(byte));
        self.of = of;
        Ok(())
    }

    fn index(&mut self, of: Type<'a>, index: i64) -> Result<(), TypeProblem> {
        let element = match of.kind() {
            Kind::Array => of.array().and_then(|array| self.btf.by_id(array.element)),
            Kind::Ptr => {
                self.offsets.push(0);
                of.target()
            }
            _ => None,
        };
        let element = element.ok_or_else(|| TypeProblem::NoArray { of: type_name(of) })?;
        let size = element.byte_size().ok_or_else(|| TypeProblem::NoSize { of: type_name(element) })?;
        self.add(i64::from(size).saturating_mul(index));
        self.of = element;
        Ok(())
    }

    fn add(&mut self, bytes: i64) {
        if let Some(offset) = self.offsets.last_mut() {
            *offset = offset.saturating_add(bytes);
        }
    }

    /// The fetch of what was reached, with its type.
    fn finish(mut self, argument: &Argument) -> Result<TraceArgument, TypeError> {
        let cast = self.cast(argument.cast.as_ref()).map_err(|problem| TypeError { at: argument.value_at, problem })?;
        let user = self.user;
        let deref = |of: Fetch, offset: i64| Fetch::Deref { offset, user, of: Box::new(of) };
        let fetch = self.offsets.drain(..).fold(self.base, deref);
        Ok(TraceArgument { name: Some(argument.event_name()), fetch, text: None, cast })
    }

    fn cast(&mut self, wanted: Option<&Cast>) -> Result<Option<Cast>, TypeProblem> {
        let sign = match wanted {
            Some(Cast::Sign(sign)) => Some(*sign),
            Some(cast) if !cast.is_text() => return Ok(Some(cast.clone())),
            _ => None,
        };
        let of = self.of.resolved().ok_or_else(|| TypeProblem::NoSize { of: type_name(self.of) })?;
        if let Some(cast) = wanted.filter(|cast| cast.is_text()) {
            let inner = match of.kind() {
                Kind::Ptr => of.target(),
                Kind::Array => of.array().and_then(|array| self.btf.by_id(array.element)),
                _ => None,
            };
            let one_byte = inner.and_then(|inner| inner.resolved()).is_some_and(|inner| {
                inner.kind() == Kind::Int && inner.byte_size() == Some(1) || inner.kind() == Kind::Void
            });
            if !one_byte {
                return Err(TypeProblem::NoText { of: type_name(self.of) });
            }
            if of.kind() == Kind::Ptr {
                self.offsets.push(0);
            }
            return Ok(Some(cast.clone()));
        }
        let size = of.byte_size();
        if let (Some((width, offset)), Some(size)) = (self.bits, size) {
            let small = |value: u32| u8::try_from(value).ok();
            if let (Some(width), Some(offset), Some(container)) = (small(width), small(offset), small(size * 8)) {
                return Ok(Some(Cast::BitField { width, offset, container }));
            }
        }
        let sign = sign.unwrap_or(if of.kind() == Kind::Int && of.is_signed() { Sign::Signed } else { Sign::Hex });
        Ok(size.filter(|size| *size > 0).map(|size| Cast::integer(sign, u8::try_from(size.min(8) * 8).unwrap_or(64))))
    }
}

/// The member of a name, in the structure itself or in one without a name in it, with its offset in bits from the start.
fn find_member<'a>(btf: &'a Btf<'a>, of: Type<'a>, name: &str, depth: usize) -> Option<(u32, Member<'a>)> {
    if let Some(found) = of.members().find(|member| member.name == name.as_bytes()) {
        return Some((found.bit_offset, found));
    }
    if depth == MAX_NESTING {
        return None;
    }
    of.members().filter(|member| member.name.is_empty()).find_map(|member| {
        let inner = btf.by_id(member.type_id)?.resolved().filter(|inner| inner.kind().is_composite())?;
        let (bit, found) = find_member(btf, inner, name, depth + 1)?;
        Some((member.bit_offset.checked_add(bit)?, found))
    })
}

/// A type as perf writes it: `struct sock*`, `size_t`, `char*`; without `const` and its like.
pub fn type_name(of: Type<'_>) -> String {
    let mut suffix = String::new();
    let mut of = of;
    // Pointers to pointers and arrays of arrays: hostile types may go round in circles.
    for _ in 0..MAX_NESTING {
        match of.kind() {
            Kind::Const | Kind::Volatile | Kind::Restrict | Kind::TypeTag => {}
            Kind::Ptr => suffix.insert(0, '*'),
            Kind::Array => suffix.insert_str(0, "[]"),
            _ => break,
        }
        let next = match of.kind() {
            Kind::Array => of.element(),
            _ => of.target(),
        };
        let Some(next) = next else { break };
        of = next;
    }
    let name = of.name();
    let mut text = match of.kind() {
        Kind::FuncProto => "(function_type)".to_owned(),
        Kind::Void => "void".to_owned(),
        _ if name.is_empty() => "(unknown_type)".to_owned(),
        Kind::Struct | Kind::Fwd => format!("struct {name}"),
        Kind::Union => format!("union {name}"),
        Kind::Enum | Kind::Enum64 => format!("enum {name}"),
        _ => name,
    };
    let _ = write!(text, "{suffix}");
    text
}

#[cfg(test)]
mod tests {
    use super::super::Definition;
    use super::*;
    use crate::btf::tests::Writer;

    /// `long f(struct sock *sk, const char *name, unsigned long size, int flags)` with what it needs.
    fn blob() -> Vec<u8> {
        let mut out = Writer::new();
        let byte = out.int("unsigned char", 1, false);
        let letter = out.int("char", 1, true);
        let int = out.int("int", 4, true);
        let long = out.int("unsigned long", 8, false);
        let names = out.add("", 3, 0, false, 0, &[letter, int, 16]);
        let inner = out.structure("", 8, &[("port", int, 0), ("other", int, 32)]);
        let common = out.structure("sock_common", 24, &[("addr", long, 0), ("", inner, 64), ("skc_state", byte, 144)]);
        // Bits 3 to 5 of a byte at offset 24: the flag of the kind says that offsets hold widths.
        let bits = out.composite(4, "bits", 4, &[("low", byte, 3 << 24), ("high", byte, 5 << 24 | 3)], true);
        let sock = out.structure("sock", 64, &[("__sk_common", common, 0), ("bits", bits, 192), ("name", names, 256)]);
        let to_sock = out.add("", 2, 0, false, sock, &[]);
        let constant = out.add("", 10, 0, false, letter, &[]);
        let text = out.add("", 2, 0, false, constant, &[]);
        let size = out.add("size_t", 8, 0, false, long, &[]);
        let parameters: Vec<u32> = [("sk", to_sock), ("name", text), ("size", size), ("flags", int)]
            .iter()
            .flat_map(|(name, of)| [out.name(name), *of])
            .collect();
        let prototype = out.add("", 13, 4, false, long, &parameters);
        out.add("f", 12, 0, false, prototype, &[]);
        out.finish()
    }

    fn fetched(text: &str) -> Result<String, TypeError> {
        let blob = blob();
        let btf = Btf::parse(&blob).unwrap();
        let function = KernelFunction::find(&btf, "f", Machine::X86_64).unwrap();
        let definition = Definition::parse(text).unwrap();
        let ret = definition.place.is_return();
        let mut shown = Vec::new();
        for argument in &definition.arguments {
            shown.extend(function.fetches(argument, ret)?.iter().map(ToString::to_string));
        }
        Ok(shown.join(" "))
    }

    #[test]
    fn members_are_reached_as_perf_reaches_them() {
        let cases = [
            // As perf 6.1 writes it for tcp_sendmsg with the DWARF of the kernel.
            ("f size sk->__sk_common.skc_state", "size=%dx:x64 skc_state=+18(%di):x8"),
            ("f name:string flags", "name_string=+0(%si):string flags=%cx:s32"),
            ("f sk->name:string", "name=+32(%di):string"),
            ("f sk->name[2]", "name=+34(%di):s8"),
            ("f sk->__sk_common.other", "other=+12(%di):s32"),
            ("f sk->bits.high", "high=+24(%di):b5@3/8"),
            ("f size:u32 size:u", "size_u32=%dx:u32 size_u=%dx:u64"),
            ("f name[3]", "name=+3(%si):s8"),
            ("f sk->name:string@user", "name=+32(%di):string"),
            ("f bytes=%cx +0x8(%di):u16", "bytes=%cx +0x8(%di):u16"),
            ("f $params", "sk=%di:x64 name=%si:x64 size=%dx:x64 flags=%cx:s32"),
            ("f%return $retval:s64 $vars", "$retval:s64"),
        ];
        for (text, expected) in cases {
            let expected = if text.contains("@user") { "name=+u32(%di):string" } else { expected };
            assert_eq!(fetched(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn mistakes_have_their_place_and_the_names_there_are() {
        let problem = |text: &str| fetched(text).expect_err(text);
        let none = problem("f a sz");
        assert_eq!(none.at, 2);
        assert!(matches!(&none.problem, TypeProblem::NoParameter { known, .. } if known.len() == 4));
        let member = problem("f sk->bits.hgh");
        assert_eq!(member.at, 10);
        assert!(matches!(&member.problem, TypeProblem::NoMember { known, .. } if known == &["low", "high"]));
        assert_eq!(problem("f sk.bits").problem, TypeProblem::NeedsArrow);
        assert_eq!(problem("f sk->bits->low").problem, TypeProblem::NeedsDot);
        assert!(matches!(problem("f size.x").problem, TypeProblem::InRegisters));
        assert!(matches!(problem("f size[1]").problem, TypeProblem::NoArray { .. }));
        assert!(matches!(problem("f sk->name.x").problem, TypeProblem::NoStructure { .. }));
        assert!(matches!(problem("f size:string").problem, TypeProblem::NoText { .. }));
        assert_eq!(problem("f%return size").problem, TypeProblem::AtReturn);
    }

    #[test]
    fn variables_are_shown_as_perf_shows_them() {
        let blob = blob();
        let btf = Btf::parse(&blob).unwrap();
        let function = KernelFunction::find(&btf, "f", Machine::X86_64).unwrap();
        assert_eq!(function.variables(), ["char*\tname", "int\tflags", "size_t\tsize", "struct sock*\tsk"]);
        assert!(KernelFunction::find(&btf, "g", Machine::X86_64).is_none());
    }
}
