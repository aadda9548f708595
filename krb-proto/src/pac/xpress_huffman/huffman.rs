use alloc::vec::Vec;

use super::{MAX_CODE_LENGTH, SYMBOLS, TABLE};

/// How many bits the code of each symbol has; 0 for one that does not occur. Shorter codes come
/// first, those of one length are in the order of their symbols (MS-XCA 2.2.4).
pub(super) struct CodeLengths(pub(super) [u8; SYMBOLS]);

/// What finds a symbol by its bits.
pub(super) struct Decoder {
    /// How many codes of each length there are.
    counts: [u16; MAX_CODE_LENGTH + 1],
    /// The symbols in the order of their codes.
    symbols: Vec<u16>,
}

impl CodeLengths {
    pub(super) fn from_table(table: &[u8; TABLE]) -> Self {
        let mut lengths = [0; SYMBOLS];
        for (pair, byte) in lengths.as_chunks_mut().0.iter_mut().zip(table) {
            *pair = [byte & 15, byte >> 4];
        }
        Self(lengths)
    }

    pub(super) fn to_table(&self) -> [u8; TABLE] {
        let mut table = [0; TABLE];
        for (byte, [low, high]) in table.iter_mut().zip(self.0.as_chunks().0) {
            *byte = low | high << 4;
        }
        table
    }

    /// The symbols that occur, in the order of their codes.
    fn in_order(&self) -> Vec<u16> {
        let mut symbols: Vec<u16> = (0..SYMBOLS as u16).filter(|&s| self.of(s) != 0).collect();
        symbols.sort_by_key(|&symbol| self.of(symbol));
        symbols
    }

    fn of(&self, symbol: u16) -> u8 {
        self.0.get(usize::from(symbol)).copied().unwrap_or_default()
    }

    /// The decoder, if every sequence of bits is a code or begins with one, and with one only.
    pub(super) fn decoder(&self) -> Option<Decoder> {
        let symbols = self.in_order();
        let mut counts = [0; MAX_CODE_LENGTH + 1];
        let mut room: u32 = 1 << MAX_CODE_LENGTH;
        for &symbol in &symbols {
            let length = usize::from(self.of(symbol));
            counts[length] += 1;
            room = room.checked_sub(1 << (MAX_CODE_LENGTH - length))?;
        }
        (room == 0).then_some(Decoder { counts, symbols })
    }

    /// The code of each symbol, in the lowest of its bits.
    pub(super) fn codes(&self) -> [u16; SYMBOLS] {
        let mut codes = [0; SYMBOLS];
        let (mut next, mut length) = (0_u16, 0);
        for symbol in self.in_order() {
            next <<= self.of(symbol) - length;
            length = self.of(symbol);
            codes[usize::from(symbol)] = next;
            next = next.wrapping_add(1);
        }
        codes
    }
}

impl Decoder {
    /// The symbol at the front of `bits`, whose first bit is bit 14, and how long its code is.
    pub(super) fn symbol(&self, bits: u16) -> Option<(usize, u32)> {
        let (mut code, mut first, mut index) = (0_u16, 0_u16, 0_u16);
        for length in 1..=MAX_CODE_LENGTH {
            code = code << 1 | bits >> (MAX_CODE_LENGTH - length) & 1;
            let count = self.counts[length];
            // Codes of one length are consecutive numbers from `first`.
            if let Some(nth) = code.checked_sub(first).filter(|&nth| nth < count) {
                let symbol = self.symbols.get(usize::from(index + nth))?;
                return Some((usize::from(*symbol), length as u32));
            }
            index += count;
            first = (first + count) << 1;
        }
        None
    }
}

/// Code lengths for symbols that occur so often. At least two must occur.
pub(super) fn code_lengths(mut counts: [u32; SYMBOLS]) -> CodeLengths {
    loop {
        if let Some(lengths) = huffman(&counts) {
            return CodeLengths(lengths);
        }
        // A code came out too long: with flatter counts it gets shorter. When all are 1, the
        // longest of 512 has 9 bits.
        for count in counts.iter_mut().filter(|count| **count > 1) {
            *count = count.div_ceil(2);
        }
    }
}

/// Huffman's own algorithm; `None` if a code is too long.
fn huffman(counts: &[u32; SYMBOLS]) -> Option<[u8; SYMBOLS]> {
    let mut leaves: Vec<(u32, usize)> = Vec::new();
    leaves.extend(counts.iter().enumerate().filter(|(_, n)| **n > 0).map(|(s, &n)| (n, s)));
    leaves.sort_unstable();
    // Leaves, then inner nodes in the order in which they come about, which is that of their
    // counts: so the smallest two nodes are always at the front of one row or the other.
    let mut weights: Vec<u32> = leaves.iter().map(|(count, _)| *count).collect();
    let mut parents = Vec::from_iter(core::iter::repeat_n(0, 2 * leaves.len() - 1));
    let (mut leaf, mut inner) = (0, leaves.len());
    while weights.len() < parents.len() {
        let mut sum = 0;
        for _ in 0..2 {
            let take_leaf =
                leaf < leaves.len() && (inner >= weights.len() || weights[leaf] <= weights[inner]);
            let front = if take_leaf { &mut leaf } else { &mut inner };
            sum += weights[*front];
            parents[*front] = weights.len();
            *front += 1;
        }
        weights.push(sum);
    }
    // From the root down.
    let mut depths = Vec::from_iter(core::iter::repeat_n(0_usize, parents.len()));
    for node in (0..parents.len() - 1).rev() {
        depths[node] = depths[parents[node]] + 1;
    }
    let mut lengths = [0; SYMBOLS];
    for (&(_, symbol), &depth) in leaves.iter().zip(&depths) {
        lengths[symbol] = u8::try_from(depth).ok().filter(|_| depth <= MAX_CODE_LENGTH)?;
    }
    Some(lengths)
}
