//! The files of one log: the one that is written, and those that were put aside beside it.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use krb_client::proto::KerberosTime;
use serde::Deserialize;
use serde_json::Value;

use super::chain::ChainKey;
use super::config::Keys;
use super::head::{End, Head};
use super::stamp::{MOST, Stamp};

/// No record is longer, nor is what a run could leave behind a last record.
pub(super) const MAX_LINE: u64 = 4 << 20;
const MAX_HEAD: u64 = 64 << 10;
/// Digits of the number in the name of a file that was put aside.
const DIGITS: usize = 12;

/// What a file ends with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tail {
    /// Nothing.
    Empty,
    /// A record of before there was a chain, and so many bytes that are none.
    Unchained(u64),
    /// A record of the chain, and so many bytes that are none.
    Chained(End, u64),
    /// Neither.
    Unreadable,
}

impl Tail {
    /// Looks at the end of a file.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        if length == 0 {
            return Ok(Self::Empty);
        }
        let window = length.min(MAX_LINE);
        file.seek(SeekFrom::Start(length - window))?;
        let mut text = Vec::new();
        file.take(window).read_to_end(&mut text)?;
        Ok(Self::read(&text, window == length))
    }

    fn read(text: &[u8], is_whole: bool) -> Self {
        let mut rest = text;
        while let Some(end) = rest.iter().rposition(|&byte| byte == b'\n') {
            let start = rest[..end].iter().rposition(|&byte| byte == b'\n').map(|at| at + 1);
            let Some(start) = start.or(is_whole.then_some(0)) else { break };
            let (line, torn) = (&rest[start..end], (text.len() - end - 1) as u64);
            if let Some(Stamp { seq, chain, .. }) = Stamp::of(line) {
                return Self::Chained(End { seq, chain }, torn);
            }
            match serde_json::from_slice(line) {
                Ok(Value::Object(record)) if record.contains_key("chain") => break,
                Ok(Value::Object(_)) => return Self::Unchained(torn),
                _ => rest = &rest[..start],
            }
        }
        // The first record of all, which a run could not end. A power cut leaves zeros.
        let is_begun = is_whole && !text.contains(&b'\n') && matches!(text[0], b'{' | 0);
        if is_begun { Self::Unchained(text.len() as u64) } else { Self::Unreadable }
    }
}

/// Where a file that ends with this record is put aside.
pub(super) fn aside(path: &Path, last: u64) -> PathBuf {
    with_suffix(path, &format!(".{last:0DIGITS$}"))
}

/// Where the end of the chain is noted beside the log.
pub(super) fn head_file(path: &Path) -> PathBuf {
    with_suffix(path, ".head")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whether a file is the log, or has a name that its parts are given: by whatever way it is named.
pub(super) fn has_as_its_own(log: &Path, file: &Path) -> bool {
    let is_part = |log: &Path, file: &Path| {
        let name =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (log_name, file_name) = (name(log), name(file));
        let rest = file_name.strip_prefix(&log_name).filter(|_| log.parent() == file.parent());
        rest.is_some_and(|rest| {
            let number = rest.strip_prefix(['.', '-']).unwrap_or_default();
            matches!(rest, "" | ".head" | ".head.new")
                || number.starts_with(|c: char| c.is_ascii_digit())
        })
    };
    places(log).iter().any(|log| places(file).iter().any(|file| is_part(log, file)))
}

/// Where a file is, by the name that it has here and by the one that it has where a link leads.
fn places(file: &Path) -> [PathBuf; 2] {
    let named = |file: &Path| {
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        let directory = directory.unwrap_or(Path::new(".")).canonicalize();
        directory
            .ok()
            .zip(file.file_name())
            .map_or_else(|| file.to_owned(), |(at, name)| at.join(name))
    };
    let here = named(file);
    let there = here.canonicalize().or_else(|_| {
        // What is not there yet is made where a link leads.
        let to = here.read_link()?;
        io::Result::Ok(named(&here.parent().unwrap_or(Path::new("/")).join(to)))
    });
    [there.unwrap_or_else(|_| here.clone()), here]
}

/// What was put aside beside the log, by this server (`FILE.000000000123`) or by others
/// (`FILE.1`, `FILE-20261129`, `FILE.2.gz`).
pub(super) fn others(path: &Path) -> io::Result<Vec<PathBuf>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut found = Vec::new();
    for entry in fs::read_dir(directory.unwrap_or(Path::new(".")))? {
        let entry = entry?;
        let other = entry.file_name().to_string_lossy().into_owned();
        let is_ours = other.strip_prefix(&name).is_some_and(|rest| {
            rest.starts_with(['.', '-']) && !matches!(rest, ".head" | ".head.new")
        });
        if is_ours && entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Those that this server has put aside, the oldest first.
pub(super) fn put_aside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let is_ours = |other: &PathBuf| {
        let digits = other.extension().map(|digits| digits.to_string_lossy().into_owned());
        digits.is_some_and(|digits| {
            digits.len() >= DIGITS
                && digits.parse().is_ok_and(|last: u64| aside(path, last) == *other)
        })
    };
    Ok(others(path)?.into_iter().filter(is_ours).collect())
}

/// Replaces a small file as a whole.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = with_suffix(path, ".new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&new)?.write_all(content)?;
    fs::rename(new, path)
}

/// When the first record of a file was written, if it has one.
pub(super) fn first_time(path: &Path) -> Option<KerberosTime> {
    #[derive(Deserialize)]
    struct First {
        #[serde(alias = "time")]
        timestamp: String,
    }

    let mut line = Vec::new();
    BufReader::new(File::open(path).ok()?).take(MAX_LINE).read_until(b'\n', &mut line).ok()?;
    let First { timestamp } = serde_json::from_slice(&line).ok()?;
    time(timestamp.split('.').next()?)
}

/// A time of RFC 3339 in UTC, without a part of a second.
pub(super) fn time(text: &str) -> Option<KerberosTime> {
    let digits = text.bytes().filter(u8::is_ascii_digit);
    KerberosTime::from_generalized(&digits.chain([b'Z']).collect::<Vec<_>>())
}

/// The heads in a file, as far as they are signed by one of the keys.
pub(super) fn last_head(file: &Path, keys: &Keys) -> io::Result<Option<End>> {
    let mut text = Vec::new();
    let mut file = match File::open(file) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_HEAD)))?;
    file.take(MAX_HEAD).read_to_end(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let none = ChainKey::none();
    let known: Vec<&ChainKey> = [&keys.key, &none].into_iter().chain(&keys.previous).collect();
    let heads = text.lines().filter_map(Head::of);
    let signed = heads.filter(|head| known.iter().any(|key| head.is_by(key)));
    Ok(signed.map(|head| head.end).max_by_key(|end| end.seq))
}

/// Where the chain of a log ends, whose own file ends with this: there, or in what was put aside, or
/// as its heads say, whichever is last.
///
/// # Errors
/// If what was put aside cannot be read, so that nobody can say where the chain ends.
pub(super) fn end(
    path: &Path,
    tail: Tail,
    keys: &Keys,
    checkpoints: Option<&Path>,
) -> io::Result<End> {
    let noted = last_head(&head_file(path), keys)?;
    let kept = checkpoints.map(|file| last_head(file, keys)).transpose()?.flatten();
    let mut ends: Vec<End> = Vec::new();
    match tail {
        Tail::Chained(end, _) => ends.push(end),
        Tail::Unreadable => {
            let problem = "its end is no record, so what follows could not be chained to it; look \
                           who wrote there, put the file aside under another name, and start again";
            return Err(io::Error::other(problem));
        }
        Tail::Empty | Tail::Unchained(_) => {
            let noted_at = head_file(path).metadata().and_then(|metadata| metadata.modified()).ok();
            let others = others(path)?.into_iter();
            // Heads may be kept beside it, for want of another place.
            for other in others.filter(|other| Some(&**other) != checkpoints) {
                match Tail::of(&other)? {
                    Tail::Chained(end, _) => ends.push(end),
                    Tail::Empty | Tail::Unchained(_) => {}
                    Tail::Unreadable => {
                        let at = other.metadata().and_then(|metadata| metadata.modified()).ok();
                        if noted.is_none() || noted_at < at {
                            let problem = format!(
                                "{} may hold the end of the chain and cannot be read; decompress \
                                 it, or put it elsewhere if it is none of this log's",
                                other.display()
                            );
                            return Err(io::Error::other(problem));
                        }
                    }
                }
            }
        }
    }
    let found = ends.into_iter().max_by_key(|end| end.seq).unwrap_or(End::GENESIS);
    // What was signed goes before what stands in a file that has just been found.
    let signed = noted.into_iter().chain(kept).max_by_key(|end| end.seq).unwrap_or(End::GENESIS);
    if signed.seq > found.seq {
        tracing::error!(
            from = found.seq + 1,
            to = signed.seq,
            "records are missing from the audit log; `krb-mcp audit verify` shows where"
        );
    }
    let end = if signed.seq >= found.seq { signed } else { found };
    if end.seq > MOST / 2 {
        let problem = "its last record has a number that no log reaches: look who wrote there, put \
                       the file and its head aside, and start again";
        return Err(io::Error::other(problem));
    }
    Ok(end)
}
