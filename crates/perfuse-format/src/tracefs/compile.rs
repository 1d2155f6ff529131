//! From the text of a `print fmt` to a [`Program`].

use super::field::Field;
use super::lex::Token;
use super::parse::{Parser, Unparsable};
use super::tree::{Ip, NodeId, Piece, Program, Spec, Width};

/// Deepest tree that is evaluated: a chain of operators is as deep as it is long.
const DEEPEST_TREE: u32 = 512;

/// Compiles a format; its fields are those of the record, the event's own first.
pub(super) fn compile(print_fmt: &str, fields: &[Field], long_size: u8) -> Result<Program, Unparsable> {
    let mut parser = Parser::new(print_fmt, fields, long_size);
    let mut format = String::new();
    let mut strings = 0;
    while let Token::Text(part) = parser.lexer.peek() {
        parser.lexer.next();
        format.push_str(part);
        strings += 1;
    }
    if strings == 0 {
        return Err(Unparsable);
    }
    let mut arguments = Vec::new();
    while parser.lexer.eat(",") {
        arguments.push(parser.expression()?);
    }
    if parser.lexer.next() != Token::End {
        return Err(Unparsable);
    }
    if !arguments.iter().all(|argument| parser.program.is_shallow(*argument, DEEPEST_TREE)) {
        return Err(Unparsable);
    }
    let mut pieces = Pieces {
        rest: format.as_str(),
        arguments: arguments.into_iter(),
        plain: String::new(),
        program: parser.program,
    };
    pieces.all()?;
    Ok(pieces.program)
}

struct Pieces<'f, I> {
    rest: &'f str,
    arguments: I,
    plain: String,
    program: Program,
}

impl<I: Iterator<Item = NodeId>> Pieces<'_, I> {
    fn take(&mut self) -> Option<char> {
        let first = self.rest.chars().next()?;
        self.rest = self.rest.get(first.len_utf8()..).unwrap_or_default();
        Some(first)
    }

    fn eat(&mut self, letter: char) -> bool {
        let found = self.rest.starts_with(letter);
        if found {
            self.take();
        }
        found
    }

    fn argument(&mut self) -> Result<NodeId, Unparsable> {
        self.arguments.next().ok_or(Unparsable)
    }

    fn push(&mut self, piece: Piece) {
        self.flush();
        self.program.pieces.push(piece);
    }

    fn flush(&mut self) {
        if !self.plain.is_empty() {
            let span = self.program.intern(&std::mem::take(&mut self.plain));
            self.program.pieces.push(Piece::Text(span));
        }
    }

    fn all(&mut self) -> Result<(), Unparsable> {
        while let Some(letter) = self.take() {
            match letter {
                '\\' => match self.take() {
                    Some('n') => self.plain.push('\n'),
                    Some('t') => self.plain.push('\t'),
                    Some('r') => self.plain.push('\r'),
                    Some(other) => self.plain.push(other),
                    None => {}
                },
                '%' => self.conversion()?,
                other => self.plain.push(other),
            }
        }
        self.flush();
        Ok(())
    }

    /// What follows a percent sign.
    fn conversion(&mut self) -> Result<(), Unparsable> {
        let mut spec = Spec::default();
        let mut precise = false;
        let mut longs = 0_i8;
        while let Some(letter) = self.take() {
            match letter {
                '%' => {
                    self.plain.push('%');
                    return Ok(());
                }
                '#' => spec.alternate = true,
                '-' => spec.left = true,
                '+' | ' ' => {}
                '.' => (precise, spec.precision) = (true, Some(0)),
                '0' if !precise && spec.width == 0 => spec.zero = true,
                '0'..='9' => {
                    let digit = letter as usize - '0' as usize;
                    let number = if precise { spec.precision.get_or_insert(0) } else { &mut spec.width };
                    *number = number.saturating_mul(10).saturating_add(digit);
                }
                '*' => spec.star = Some((precise, self.argument()?)),
                'h' => longs = (longs - 1).max(-2),
                'l' => longs = (longs + 1).min(2),
                'L' | 'z' | 'Z' | 'j' | 't' => longs = 2,
                _ => {
                    spec.size = match longs {
                        -2 => Width::Char,
                        -1 => Width::Short,
                        0 => Width::Int,
                        1 => Width::Long,
                        _ => Width::LongLong,
                    };
                    return self.letter(letter, spec);
                }
            }
        }
        Ok(())
    }

    fn letter(&mut self, letter: char, spec: Spec) -> Result<(), Unparsable> {
        match letter {
            'd' | 'i' | 'u' | 'x' | 'X' | 'o' => {
                let argument = self.argument()?;
                self.push(Piece::Number { spec, letter: letter as u8, argument });
            }
            'c' => {
                let argument = self.argument()?;
                self.push(Piece::Character { argument });
            }
            's' => {
                let argument = self.argument()?;
                self.push(Piece::Str { spec, argument });
            }
            'p' => self.pointer(spec)?,
            other => {
                self.plain.push('>');
                self.plain.push(other);
                self.plain.push('<');
            }
        }
        Ok(())
    }

    /// What follows `%p`.
    fn pointer(&mut self, spec: Spec) -> Result<(), Unparsable> {
        let argument = self.argument()?;
        let letter = self.rest.bytes().next().filter(u8::is_ascii_alphanumeric);
        if letter.is_some() {
            self.take();
        }
        let piece = match letter {
            Some(letter @ (b'S' | b's' | b'F' | b'f')) => Piece::Symbol { letter, argument },
            Some(letter @ (b'M' | b'm')) => Piece::Mac { colons: letter == b'M', argument },
            Some(letter @ (b'I' | b'i')) => match self.ip(letter == b'i') {
                Some(ip) => Piece::Ip { ip, argument },
                None => Piece::Pointer { letter: Some(letter), argument },
            },
            Some(b'U') => {
                let kind = self.rest.bytes().next().filter(|kind| b"bBlL".contains(kind));
                if kind.is_some() {
                    self.take();
                }
                let little = matches!(kind, Some(b'l' | b'L'));
                Piece::Uuid { little, upper: matches!(kind, Some(b'B' | b'L')), argument }
            }
            Some(b'b') => Piece::Mask { list: self.eat('l'), bits: spec.star.map(|(_, bits)| bits), argument },
            letter => Piece::Pointer { letter, argument },
        };
        self.push(piece);
        Ok(())
    }

    /// What follows `%pI` and `%pi`.
    fn ip(&mut self, padded: bool) -> Option<Ip> {
        if self.eat('4') {
            return Some(Ip::V4 { padded });
        }
        if self.eat('6') {
            return Some(Ip::V6 { short: !padded && self.eat('c'), colons: !padded });
        }
        if !self.eat('S') {
            return None;
        }
        let port = !padded && self.eat('p');
        let short = !padded && self.eat('c');
        Some(Ip::Socket { padded, port, short })
    }
}
