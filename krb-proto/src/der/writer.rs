use alloc::vec;
use alloc::vec::Vec;

use zeroize::{Zeroize, Zeroizing};

/// Writes DER from its end to its beginning, so that every length is known when it is written and
/// nothing is measured twice. A writer can be reused: [`Writer::clear`] keeps its memory.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    buffer: Vec<u8>,
    start: usize,
    /// Are keys written here, so that no copy may stay in memory that was outgrown?
    secret: bool,
}

impl Writer {
    /// An empty writer.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: Vec::new(), start: 0, secret: false }
    }

    /// An empty writer with room for this much.
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self { buffer: vec![0; capacity], start: capacity, secret: false }
    }

    /// An empty writer for keys: it wipes what it outgrows.
    pub(crate) fn for_secrets(capacity: usize) -> Self {
        Self { secret: true, ..Self::with_capacity(capacity) }
    }

    /// What was written, alone in a vector of its own; nothing of it stays behind.
    pub(crate) fn into_secret(mut self) -> Zeroizing<Vec<u8>> {
        let written = Zeroizing::new(self.as_slice().to_vec());
        self.buffer.zeroize();
        written
    }

    /// Forgets what was written, keeps the memory.
    #[inline]
    pub fn clear(&mut self) {
        self.start = self.buffer.len();
    }

    /// What was written.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// What was written, as a vector of its own.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<u8> {
        self.buffer.drain(..self.start);
        self.buffer
    }

    /// How much is written: the end of a value that is about to be put in front.
    #[inline]
    #[must_use]
    pub fn mark(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Puts bytes in front.
    #[inline]
    pub fn prepend(&mut self, bytes: &[u8]) {
        if self.start < bytes.len() {
            self.grow(bytes.len());
        }
        let start = self.start - bytes.len();
        self.buffer[start..self.start].copy_from_slice(bytes);
        self.start = start;
    }

    /// Puts a few bytes in front, whose number the compiler knows.
    #[inline]
    pub(super) fn prepend_array<const N: usize>(&mut self, bytes: [u8; N]) {
        let free = self.buffer.get_mut(..self.start).and_then(|free| free.last_chunk_mut());
        match free {
            Some(free) => {
                *free = bytes;
                self.start -= N;
            }
            None => self.prepend_growing(&bytes),
        }
    }

    #[cold]
    fn prepend_growing(&mut self, bytes: &[u8]) {
        self.prepend(bytes);
    }

    /// Puts identifier and length in front of all that was written since `mark`.
    #[inline]
    pub fn close(&mut self, tag: u8, mark: usize) {
        match self.mark() - mark {
            length @ 0..0x80 => self.prepend_array([tag, length as u8]),
            length => self.close_long(tag, length),
        }
    }

    /// [`Writer::close`] twice: a value of tag `inner` that alone fills one of tag `outer`.
    #[inline]
    pub(super) fn close_explicit(&mut self, outer: u8, inner: u8, mark: usize) {
        match self.mark() - mark {
            length @ 0..0x7e => {
                self.prepend_array([outer, length as u8 + 2, inner, length as u8]);
            }
            _ => {
                self.close(inner, mark);
                self.close(outer, mark);
            }
        }
    }

    fn close_long(&mut self, tag: u8, length: usize) {
        match length {
            0..0x100 => self.prepend_array([tag, 0x81, length as u8]),
            0x100..0x1_0000 => {
                let [a, b] = (length as u16).to_be_bytes();
                self.prepend_array([tag, 0x82, a, b]);
            }
            _ => {
                let octets = (length as u64).to_be_bytes();
                let skip = octets.iter().take_while(|&&octet| octet == 0).count();
                self.prepend(&octets[skip..]);
                self.prepend_array([tag, 0x80 | (octets.len() - skip) as u8]);
            }
        }
    }

    #[cold]
    fn grow(&mut self, wanted: usize) {
        let written = self.mark();
        let capacity = (2 * self.buffer.len()).max(written + wanted).max(256);
        let mut larger = vec![0; capacity];
        larger[capacity - written..].copy_from_slice(self.as_slice());
        self.start = capacity - written;
        if self.secret {
            self.buffer.zeroize();
        }
        self.buffer = larger;
    }
}

/// How many octets a value takes with its identifier and length.
#[inline]
pub(crate) const fn value_len(contents: usize) -> usize {
    let length_octets = match contents {
        0..0x80 => 1,
        0x80..0x100 => 2,
        0x100..0x1_0000 => 3,
        0x1_0000..0x100_0000 => 4,
        _ => 5,
    };
    1 + length_octets + contents
}
