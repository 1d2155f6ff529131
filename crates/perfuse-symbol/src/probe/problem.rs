//! What debug information cannot answer, and why.

/// Why a place or a value was not found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DwarfProblem {
    /// No function, line or file of this name.
    #[error("nothing in the debug information matches")]
    NotFound,
    /// The parts of the debug information that could tell are in other files (`.dwo`), which are not read.
    #[error("the debug information is split into .dwo files, which are not read")]
    Split,
    /// The debug information is made in a way that no compiler makes it, and takes too long to read.
    #[error("the debug information refers to itself so often that it was given up: it is damaged")]
    Damaged,
    /// More places than asked for.
    #[error("more than {most} places match")]
    TooMany {
        /// The limit.
        most: usize,
    },
    /// The offset leads out of the function.
    #[error("the offset is outside of {function}")]
    OutsideFunction {
        /// The function.
        function: String,
    },
    /// No function covers the address.
    #[error("no function is at address {address:#x}")]
    NoFunction {
        /// The address.
        address: u64,
    },
    /// An inlined function has no return.
    #[error("{function} is inlined here: it has no return of its own")]
    InlinedReturn {
        /// The function.
        function: String,
    },
    /// The first instruction of the line belongs to another one.
    #[error("the line has no instruction of its own; the nearest is {place}")]
    SharedLine {
        /// Where to probe instead: `FUNCTION:LINE` or `FILE:LINE`.
        place: String,
    },
    /// The source file, which a pattern needs, cannot be read.
    #[error("the source file {path} cannot be read")]
    NoSource {
        /// The file, as the compiler was told.
        path: String,
    },
    /// No variable of this name is seen at the place.
    #[error("no variable {name} is seen here")]
    NoVariable {
        /// Its name.
        name: String,
    },
    /// The variable has no value at the place: it was optimized out, or lives elsewhere.
    #[error("variable {name} has no place at this address: it may have been optimized out")]
    NoLocation {
        /// Its name.
        name: String,
    },
    /// Its value is computed in a way that a probe cannot follow.
    #[error("variable {name} is {kind}, which a probe cannot fetch")]
    Unfetchable {
        /// Its name.
        name: String,
        /// How its place is told: the operation of DWARF.
        kind: String,
    },
    /// The type of something is not told.
    #[error("the type of {name} is not in the debug information")]
    NoType {
        /// Variable or member.
        name: String,
    },
    /// A member that the type does not have.
    #[error("{of} (type {kind}) has no member {name}")]
    NoMember {
        /// The variable or member before it.
        of: String,
        /// Its type.
        kind: String,
        /// The member that was asked for.
        name: String,
        /// The member whose name is nearest.
        nearest: Option<String>,
    },
    /// Members of something that has none.
    #[error("{name} is neither a structure nor a union")]
    NotStructure {
        /// Variable or member.
        name: String,
    },
    /// An index of something that is neither.
    #[error("{name} is neither an array nor a pointer")]
    NotArray {
        /// Variable or member.
        name: String,
    },
    /// A dot where an arrow belongs.
    #[error("{name} must be reached by an arrow (->): what is before it is a pointer")]
    NeedsArrow {
        /// The member.
        name: String,
    },
    /// An arrow where a dot belongs.
    #[error("{name} must be reached by a dot: what is before it is no pointer")]
    NeedsDot {
        /// The member.
        name: String,
    },
    /// A structure or array that is not in memory.
    #[error("{name} is in a register: its parts cannot be fetched")]
    InRegister {
        /// Variable or member.
        name: String,
    },
    /// `:string` of something that is no text.
    #[error("{name} is no text: neither a pointer to characters nor an array of them")]
    NotText {
        /// Variable or member.
        name: String,
    },
    /// A register that the kernel has no name for.
    #[error("register {number} of {name} has no name that the kernel knows")]
    Register {
        /// The variable.
        name: String,
        /// Its number in DWARF.
        number: u16,
    },
}

impl DwarfProblem {
    /// Whether something is not there, as opposed to being there in a form that cannot be used.
    pub(super) fn is_missing(&self) -> bool {
        matches!(
            self,
            Self::NoFunction { .. }
                | Self::SharedLine { .. }
                | Self::NoVariable { .. }
                | Self::NoLocation { .. }
                | Self::NoType { .. }
        )
    }
}
