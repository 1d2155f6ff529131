//! The code at a place, and the text of its source line.

use super::{Code, FrameId, Instruction, Names, Resolver};

impl<N: Names> Resolver<N> {
    /// At most `most` bytes of the code at a frame, and on from there.
    pub fn code(&mut self, id: FrameId, most: usize) -> Option<Code> {
        let frame = self.frames.get(id.0 as usize)?;
        let dso = frame.dso?;
        self.names.code(dso, self.session.dso_of(dso)?, frame.address, most).filter(|code| !code.bytes.is_empty())
    }

    /// The instruction with which code begins.
    pub fn instruction(&self, bytes: &[u8], wide: bool) -> Option<Instruction> {
        self.names.instruction(bytes, wide)
    }

    /// A line of a source file.
    pub fn source_text(&mut self, file: &str, line: u32) -> Option<String> {
        self.names.source_text(file, line)
    }
}
