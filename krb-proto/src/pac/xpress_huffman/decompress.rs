use alloc::vec::Vec;
use core::fmt;

use super::huffman::{CodeLengths, Decoder};
use super::{BLOCK, END, MAX_CODE_LENGTH, MIN_MATCH};

/// Data that are not XPRESS-Huffman, or not of the length that they should have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MalformedCompression;

impl fmt::Display for MalformedCompression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed XPRESS-Huffman data")
    }
}

impl core::error::Error for MalformedCompression {}

/// Decompresses data that stand for exactly `length` bytes (MS-XCA 2.2.4). A few bytes can stand
/// for gigabytes: bounding `length` is for the caller, and no more than that is ever allocated.
///
/// # Errors
/// Also if data are left over, or the mark at their end is missing.
pub fn decompress(input: &[u8], length: usize) -> Result<Vec<u8>, MalformedCompression> {
    if length == 0 {
        return if input.is_empty() { Ok(Vec::new()) } else { Err(MalformedCompression) };
    }
    let mut rest = input;
    let mut output = Vec::new();
    loop {
        let (table, data) = rest.split_first_chunk().ok_or(MalformedCompression)?;
        let decoder = CodeLengths::from_table(table).decoder().ok_or(MalformedCompression)?;
        let mut bits = Bits::new(data)?;
        let end = length.min(output.len() + BLOCK);
        while output.len() < end {
            element(&decoder, &mut bits, &mut output, length)?;
        }
        if output.len() == length {
            return bits.finish(&decoder).map(|()| output);
        }
        rest = bits.rest;
    }
}

/// One byte, or one match copied.
fn element(
    decoder: &Decoder,
    bits: &mut Bits<'_>,
    output: &mut Vec<u8>,
    length: usize,
) -> Result<(), MalformedCompression> {
    let symbol = bits.symbol(decoder)?;
    let Some(found) = symbol.checked_sub(END) else {
        output.push(symbol as u8);
        return Ok(());
    };
    let match_length = match found & 15 {
        15 => bits.long_length()?,
        short => short,
    };
    let match_length = match_length.checked_add(MIN_MATCH).ok_or(MalformedCompression)?;
    let magnitude = (found >> 4) as u32;
    let distance = (1 << magnitude) + bits.take(magnitude)? as usize;
    let start = output.len().checked_sub(distance).ok_or(MalformedCompression)?;
    if match_length > length - output.len() {
        return Err(MalformedCompression);
    }
    // The match may overlap what it makes: then it repeats, twice as much at a time.
    let mut missing = match_length;
    while missing > 0 {
        let ready = missing.min(output.len() - start);
        output.extend_from_within(start..start + ready);
        missing -= ready;
    }
    Ok(())
}

/// Bits in words of 16, the highest first, with whole bytes between the words: they are read where
/// the words read ahead end.
struct Bits<'a> {
    rest: &'a [u8],
    /// The next bits, from the highest on. There are always at least 16.
    window: u32,
    available: u32,
}

impl<'a> Bits<'a> {
    fn new(data: &'a [u8]) -> Result<Self, MalformedCompression> {
        let mut bits = Self { rest: data, window: 0, available: 0 };
        bits.refill()?;
        bits.refill()?;
        Ok(bits)
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], MalformedCompression> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(MalformedCompression)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn refill(&mut self) -> Result<(), MalformedCompression> {
        let word = u32::from(u16::from_le_bytes(self.bytes()?));
        self.window |= word << (16 - self.available);
        self.available += 16;
        Ok(())
    }

    /// At most 15.
    fn take(&mut self, count: u32) -> Result<u32, MalformedCompression> {
        let taken = self.window.checked_shr(32 - count).unwrap_or_default();
        self.window <<= count;
        self.available -= count;
        if self.available < 16 {
            self.refill()?;
        }
        Ok(taken)
    }

    fn symbol(&mut self, decoder: &Decoder) -> Result<usize, MalformedCompression> {
        let ahead = (self.window >> (32 - MAX_CODE_LENGTH)) as u16;
        let (symbol, length) = decoder.symbol(ahead).ok_or(MalformedCompression)?;
        self.take(length)?;
        Ok(symbol)
    }

    /// The length of a match, less [`MIN_MATCH`], that is too long for its symbol: a byte, 16 or 32
    /// bits, and only as many as it needs.
    fn long_length(&mut self) -> Result<usize, MalformedCompression> {
        let [byte] = self.bytes()?;
        if byte < 255 {
            return Ok(usize::from(byte) + 15);
        }
        let length = match u16::from_le_bytes(self.bytes()?) {
            0 => u32::from_le_bytes(self.bytes()?),
            length => length.into(),
        };
        usize::try_from(length).ok().filter(|&length| length >= 15).ok_or(MalformedCompression)
    }

    /// Nothing may follow but the mark of the end and zeros.
    fn finish(mut self, decoder: &Decoder) -> Result<(), MalformedCompression> {
        // What the mark makes us read ahead need not be there.
        let ahead = (self.window >> (32 - MAX_CODE_LENGTH)) as u16;
        let (symbol, length) = decoder.symbol(ahead).ok_or(MalformedCompression)?;
        self.window <<= length;
        if symbol == END && self.window == 0 && self.rest.iter().all(|&byte| byte == 0) {
            Ok(())
        } else {
            Err(MalformedCompression)
        }
    }
}
