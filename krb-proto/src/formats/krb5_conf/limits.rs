/// Braces within braces. MIT's deepest use has three.
pub const MAX_DEPTH: usize = 32;
/// Files included by files that are included.
pub const MAX_INCLUDE_DEPTH: usize = 10;
/// Files in all.
pub const MAX_FILES: usize = 256;
/// Bytes in all files together.
pub const MAX_BYTES: usize = 4 << 20;
