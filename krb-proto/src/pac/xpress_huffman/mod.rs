//! XPRESS-Huffman, the LZ77+Huffman variant of MS-XCA, which AD compresses claims with.
//!
//! The data are blocks that stand for 64 KB of plaintext each (the last one for less), and a
//! block is a Huffman code for 512 symbols, then bits. Symbols below 256 are bytes; the others are
//! a match's length and the magnitude of its distance. 256 also marks the end of the data.

mod compress;
mod decompress;
mod huffman;

pub use compress::compress;
pub use decompress::{MalformedCompression, decompress};

/// Bytes of plaintext that one block stands for; a match may run over the end.
const BLOCK: usize = 1 << 16;
const SYMBOLS: usize = 512;
/// The bytes of a code: a nibble for each symbol.
const TABLE: usize = SYMBOLS / 2;
const MAX_CODE_LENGTH: usize = 15;
/// The symbol behind the last one of the data.
const END: usize = 256;
const MIN_MATCH: usize = 3;

#[cfg(test)]
mod tests;
