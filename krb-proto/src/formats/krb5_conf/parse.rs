use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::limits::{MAX_BYTES, MAX_DEPTH, MAX_FILES, MAX_INCLUDE_DEPTH};
use super::profile::{SectionId, Value};
use super::{ConfError, ConfErrorKind, Krb5Conf};

/// Where `include` and `includedir` find what they name: the caller's files, or whatever it has
/// in place of them. What is read from a disk should stop at [`MAX_BYTES`]: more is refused.
pub trait Includes {
    /// The bytes of a file, or why there are none.
    ///
    /// # Errors
    /// A few words for the person who wrote the file.
    fn file(&mut self, name: &str) -> Result<Vec<u8>, String>;

    /// The names of the entries of a directory, in any order, without the directory itself.
    ///
    /// # Errors
    /// A few words for the person who wrote the file.
    fn directory(&mut self, name: &str) -> Result<Vec<String>, String>;
}

/// Includes nothing: a file that wants to is refused.
#[derive(Clone, Copy, Debug)]
pub struct NoIncludes;

impl Includes for NoIncludes {
    fn file(&mut self, _: &str) -> Result<Vec<u8>, String> {
        Err("other files are not read here".to_owned())
    }

    fn directory(&mut self, _: &str) -> Result<Vec<String>, String> {
        Err("other files are not read here".to_owned())
    }
}

impl Krb5Conf {
    /// Reads one file. `name` is for error messages.
    ///
    /// # Errors
    /// [`ConfError`].
    pub fn parse(name: &str, bytes: &[u8], includes: &mut dyn Includes) -> Result<Self, ConfError> {
        Self::default().with_file(name, bytes, includes)
    }

    /// Reads one more file, whose values come after those of the files before it (MIT's
    /// `KRB5_CONFIG=FILE:FILE`), unless they are in a section that an earlier file marked final.
    ///
    /// # Errors
    /// [`ConfError`].
    pub fn with_file(
        mut self,
        name: &str,
        bytes: &[u8],
        includes: &mut dyn Includes,
    ) -> Result<Self, ConfError> {
        let root = self.new_root();
        let mut reader = Reader { conf: self, includes, root, open: Vec::new() };
        reader.file(name, bytes)?;
        Ok(reader.conf)
    }
}

/// What C's `isspace` says.
fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn skip_blanks(line: &[u8]) -> &[u8] {
    let start = line.iter().position(|&byte| !blank(byte)).unwrap_or(line.len());
    line.get(start..).unwrap_or_default()
}

fn strip_end(mut line: &[u8], strip: impl Fn(u8) -> bool) -> &[u8] {
    while let Some((&last, rest)) = line.split_last() {
        if !strip(last) {
            break;
        }
        line = rest;
    }
    line
}

fn strip_newline(line: &[u8]) -> &[u8] {
    strip_end(line, |byte| matches!(byte, b'\r' | b'\n'))
}

/// What stands behind a directive at the beginning of a line.
fn directive<'a>(line: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(word)?;
    rest.first().is_some_and(|&byte| blank(byte)).then(|| strip_newline(skip_blanks(rest)))
}

/// MIT's rule for the files of an `includedir`: letters, digits, `-` and `_`, or any name that ends
/// in `.conf`; never one that begins with a dot.
fn is_included(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty()
        && !name.starts_with('.')
        && (name.ends_with(".conf") || name.bytes().all(plain))
}

/// What the next line of a file may be.
enum State {
    /// Anything: MIT ignores what comes before the first section.
    Preamble,
    /// A section, a relation, a closing brace or a comment.
    Lines,
    /// The brace after `name =`.
    Brace,
}

struct Reader<'a> {
    conf: Krb5Conf,
    includes: &'a mut dyn Includes,
    root: SectionId,
    /// The files being read, each included by the one before it.
    open: Vec<String>,
}

/// How far a file was read. Each included file has a state of its own: it cannot end in the middle
/// of a section that the including file goes on with.
struct Place {
    source: usize,
    line: u32,
    state: State,
    /// The section, and the subsections within it that are open.
    section: Vec<SectionId>,
    /// What was final before it was opened again, as a length of `section`: up to its end nothing
    /// counts. 0 if there is none.
    ignored_from: usize,
}

impl Reader<'_> {
    fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), ConfError> {
        let source = self.conf.sources.len();
        self.conf.sources.push(name.to_owned());
        self.conf.bytes = self.conf.bytes.saturating_add(bytes.len());
        self.open.push(name.to_owned());
        let mut place =
            Place { source, line: 1, state: State::Preamble, section: Vec::new(), ignored_from: 0 };
        let fail = |kind, line| ConfError { file: name.to_owned(), line, kind };
        if self.conf.bytes > MAX_BYTES {
            return Err(fail(ConfErrorKind::TooLong, 1));
        }
        // Windows editors put a byte order mark in front, which would hide the first section.
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        for line in text.split_inclusive(|&byte| byte == b'\n') {
            match self.line(&mut place, line) {
                Ok(()) => place.line += 1,
                Err(Failed::Here(kind)) => return Err(fail(kind, place.line)),
                Err(Failed::Inside(error)) => return Err(error),
            }
        }
        self.open.pop();
        Ok(())
    }

    fn line(&mut self, place: &mut Place, line: &[u8]) -> Result<(), Failed> {
        if line.contains(&0) {
            return Err(ConfErrorKind::NotText.into());
        }
        if let Some(name) = directive(line, b"include") {
            return self.include(text(name)?);
        }
        if let Some(directory) = directive(line, b"includedir") {
            let directory = text(directory)?;
            let names = self.includes.directory(directory).map_err(unreadable(directory))?;
            let mut names: Vec<_> = names.into_iter().filter(|name| is_included(name)).collect();
            names.sort_unstable();
            return names.iter().try_for_each(|name| self.include(&format!("{directory}/{name}")));
        }
        match place.state {
            State::Preamble if directive(line, b"module").is_some() => {
                Err(ConfErrorKind::Module.into())
            }
            State::Preamble if !line.starts_with(b"[") => Ok(()),
            State::Preamble | State::Lines => {
                place.state = State::Lines;
                Ok(self.standard_line(place, line)?)
            }
            State::Brace if skip_blanks(line).starts_with(b"{") => {
                place.state = State::Lines;
                Ok(())
            }
            State::Brace => Err(ConfErrorKind::MissingBrace.into()),
        }
    }

    fn include(&mut self, name: &str) -> Result<(), Failed> {
        if self.open.iter().any(|open| open == name) {
            return Err(ConfErrorKind::IncludeLoop(name.to_owned()).into());
        }
        if self.open.len() > MAX_INCLUDE_DEPTH {
            return Err(ConfErrorKind::IncludeDepth.into());
        }
        if self.conf.sources.len() >= MAX_FILES {
            return Err(ConfErrorKind::TooManyFiles.into());
        }
        let bytes = self.includes.file(name).map_err(unreadable(name))?;
        self.file(name, &bytes).map_err(Failed::Inside)
    }

    fn standard_line(&mut self, place: &mut Place, line: &[u8]) -> Result<(), ConfErrorKind> {
        let line = strip_newline(skip_blanks(line));
        match line {
            [] | [b';' | b'#', ..] => Ok(()),
            [b'[', header @ ..] => self.section_header(place, header),
            [b'}', rest @ ..] => match place.section.as_slice() {
                [_, .., last] => {
                    if rest.starts_with(b"*") {
                        self.conf.make_final(*last);
                    }
                    place.section.pop();
                    if place.section.len() < place.ignored_from {
                        place.ignored_from = 0;
                    }
                    Ok(())
                }
                _ => Err(ConfErrorKind::ExtraBrace),
            },
            _ => self.relation(place, line),
        }
    }

    fn section_header(&mut self, place: &mut Place, header: &[u8]) -> Result<(), ConfErrorKind> {
        if place.section.len() > 1 {
            return Err(ConfErrorKind::SectionInBraces);
        }
        let end = header.iter().position(|&byte| byte == b']');
        let (name, rest) = header.split_at(end.ok_or(ConfErrorKind::SectionSyntax)?);
        let section = self.conf.enter(self.root, text(name)?);
        place.section = Vec::from([section]);
        place.ignored_from = usize::from(self.conf.is_final(section));
        let rest = rest.strip_prefix(b"]").unwrap_or(rest);
        let rest = match rest.strip_prefix(b"*") {
            Some(rest) => {
                self.conf.make_final(section);
                rest
            }
            None => rest,
        };
        if skip_blanks(rest).is_empty() { Ok(()) } else { Err(ConfErrorKind::SectionSyntax) }
    }

    fn relation(&mut self, place: &mut Place, line: &[u8]) -> Result<(), ConfErrorKind> {
        let equals = line.iter().position(|&byte| byte == b'=').filter(|&at| at > 0);
        let (name, value) = line.split_at(equals.ok_or(ConfErrorKind::NotARelation)?);
        let name = strip_end(name, blank);
        if name.iter().any(|&byte| blank(byte)) {
            return Err(ConfErrorKind::BlankInName);
        }
        // What follows a star in the name is of no account; the star makes it final.
        let name = text(name)?;
        let (name, is_final) = name.split_once('*').map_or((name, false), |(name, _)| (name, true));
        let value = skip_blanks(value.strip_prefix(b"=").unwrap_or(value));
        let section = place.section.last().copied().unwrap_or(self.root);
        let opens = match value {
            [] => {
                place.state = State::Brace;
                true
            }
            [b'{', rest @ ..] => skip_blanks(rest).is_empty(),
            _ => false,
        };
        if opens {
            if place.section.len() > MAX_DEPTH {
                return Err(ConfErrorKind::TooDeep);
            }
            if place.ignored_from > 0 {
                place.section.push(section);
                return Ok(());
            }
            let subsection = self.conf.enter(section, name);
            place.section.push(subsection);
            if self.conf.is_final(subsection) {
                place.ignored_from = place.section.len();
            }
            if is_final {
                self.conf.make_final(subsection);
            }
            return Ok(());
        }
        let text = match value {
            [b'"', quoted @ ..] => unquote(text(quoted)?),
            plain => text(strip_end(plain, blank))?.to_owned(),
        };
        let value = Value { text, source: place.source, line: place.line };
        if place.ignored_from == 0 {
            self.conf.insert(section, name, value, is_final);
        }
        Ok(())
    }
}

/// Something is wrong with this line, or in a file that it includes.
enum Failed {
    Here(ConfErrorKind),
    Inside(ConfError),
}

impl From<ConfErrorKind> for Failed {
    fn from(kind: ConfErrorKind) -> Self {
        Self::Here(kind)
    }
}

fn unreadable(name: &str) -> impl FnOnce(String) -> ConfErrorKind {
    move |reason| ConfErrorKind::Include(name.to_owned(), reason)
}

fn text(bytes: &[u8]) -> Result<&str, ConfErrorKind> {
    core::str::from_utf8(bytes).map_err(|_| ConfErrorKind::NotText)
}

/// A quoted value up to its closing quote, or to the end of the line. What follows is ignored.
fn unquote(quoted: &str) -> String {
    let mut value = String::new();
    let mut rest = quoted.chars().peekable();
    while let Some(c) = rest.next().filter(|&c| c != '"') {
        value.push(match c {
            '\\' if rest.peek().is_some() => match rest.next().unwrap_or(c) {
                'n' => '\n',
                't' => '\t',
                'b' => '\u{8}',
                escaped => escaped,
            },
            c => c,
        });
    }
    value
}
