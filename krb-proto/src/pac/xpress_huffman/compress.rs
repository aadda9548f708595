use alloc::vec;
use alloc::vec::Vec;

use super::huffman::code_lengths;
use super::{BLOCK, END, MIN_MATCH, SYMBOLS};

/// Compresses (MS-XCA 2.1.4): for each place the nearest earlier one with the same three bytes,
/// found by their hash, is the one that is copied from. No match is longer than its block.
#[must_use]
pub fn compress(input: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    let mut matcher = Matcher { input, last: vec![usize::MAX; 1 << HASH_BITS] };
    let mut start = 0;
    while start < input.len() {
        let end = input.len().min(start + BLOCK);
        let mut elements = matcher.elements(start, end);
        if end == input.len() {
            elements.push(Element { symbol: END, length: 0, distance: 0 });
        }
        write_block(&elements, &mut output);
        start = end;
    }
    output
}

/// A byte or a match, as its symbol and, of a match, the length less [`MIN_MATCH`].
struct Element {
    symbol: usize,
    length: usize,
    distance: usize,
}

const HASH_BITS: u32 = 13;
const MAX_DISTANCE: usize = (1 << 16) - 1;

struct Matcher<'a> {
    input: &'a [u8],
    /// Where the three bytes of a hash stood last.
    last: Vec<usize>,
}

impl Matcher<'_> {
    fn elements(&mut self, start: usize, end: usize) -> Vec<Element> {
        let mut elements = Vec::new();
        let mut at = start;
        while at < end {
            let (distance, length) = self.find(at, end);
            if length < MIN_MATCH {
                elements.push(Element { symbol: self.input[at].into(), length: 0, distance: 0 });
                at += 1;
            } else {
                let rest = length - MIN_MATCH;
                let symbol = END | (distance.ilog2() as usize) << 4 | rest.min(15);
                elements.push(Element { symbol, length: rest, distance });
                (at + 1..at + length).for_each(|inner| {
                    self.place(inner);
                });
                at += length;
            }
        }
        elements
    }

    /// Remembers the place and returns the last one with the same hash.
    fn place(&mut self, at: usize) -> Option<usize> {
        let bytes = self.input.get(at..at + MIN_MATCH)?;
        let number = bytes.iter().fold(0_u32, |number, &byte| number << 8 | u32::from(byte));
        let hash = number.wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS);
        let last = self.last.get_mut(hash as usize)?;
        Some(core::mem::replace(last, at)).filter(|&last| last != usize::MAX)
    }

    fn find(&mut self, at: usize, end: usize) -> (usize, usize) {
        let Some(earlier) = self.place(at).filter(|earlier| at - earlier <= MAX_DISTANCE) else {
            return (0, 0);
        };
        let pairs = self.input[earlier..].iter().zip(&self.input[at..end]);
        (at - earlier, pairs.take_while(|(a, b)| a == b).count())
    }
}

fn write_block(elements: &[Element], output: &mut Vec<u8>) {
    let mut counts = [0; SYMBOLS];
    for element in elements {
        counts[element.symbol] += 1;
    }
    // A code needs two symbols: one that occurs alone gets a neighbour that does not.
    if counts.iter().filter(|count| **count > 0).count() == 1 {
        counts[if counts[0] == 0 { 0 } else { 1 }] = 1;
    }
    let lengths = code_lengths(counts);
    let codes = lengths.codes();
    output.extend(lengths.to_table());
    let mut bits = Bits::new(output);
    for &Element { symbol, length, distance } in elements {
        bits.write(codes[symbol].into(), lengths.0[symbol].into());
        let Some(found) = symbol.checked_sub(END) else { continue };
        if distance == 0 {
            continue; // the mark of the end
        }
        if found & 15 == 15 {
            bits.long_length(length);
        }
        let magnitude = distance.ilog2();
        bits.write(distance as u32 - (1 << magnitude), magnitude);
    }
    bits.flush();
}

/// Bits in words of 16. The reader is always two words ahead, so the places of the next two are
/// kept free where it comes past them, and bytes go behind.
struct Bits<'o> {
    output: &'o mut Vec<u8>,
    places: [usize; 2],
    word: u32,
    free: u32,
}

impl<'o> Bits<'o> {
    fn new(output: &'o mut Vec<u8>) -> Self {
        let place = output.len();
        output.extend([0; 4]);
        Self { output, places: [place, place + 2], word: 0, free: 16 }
    }

    /// At most 15.
    fn write(&mut self, bits: u32, count: u32) {
        if count <= self.free {
            self.free -= count;
            self.word = self.word << count | bits;
            return;
        }
        let over = count - self.free;
        self.word = self.word << self.free | bits >> over;
        self.put_word();
        self.places = [self.places[1], self.output.len()];
        self.output.extend([0; 2]);
        self.free = 16 - over;
        self.word = bits & ((1 << over) - 1);
    }

    fn put_word(&mut self) {
        let place = self.places[0];
        self.output[place..place + 2].copy_from_slice(&(self.word as u16).to_le_bytes());
    }

    fn long_length(&mut self, length: usize) {
        if let Some(byte) = u8::try_from(length - 15).ok().filter(|&byte| byte < 255) {
            self.output.push(byte);
            return;
        }
        // A block is 64 KB, so two bytes are always enough.
        self.output.push(255);
        self.output.extend((length as u16).to_le_bytes());
    }

    fn flush(mut self) {
        self.word <<= self.free;
        self.put_word();
    }
}
