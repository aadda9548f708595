use aws_lc_rs::digest::{Context, SHA256, digest};

/// SHA-256 (FIPS 180-4).
pub(crate) fn sha256(octets: &[u8]) -> [u8; 32] {
    first_32(digest(&SHA256, octets).as_ref())
}

/// SHA-256 of what was given to this context.
pub(crate) fn finish(context: Context) -> [u8; 32] {
    first_32(context.finish().as_ref())
}

/// Of a digest that has as many, at least.
pub(crate) fn first_32(octets: &[u8]) -> [u8; 32] {
    octets.first_chunk().copied().unwrap_or_default()
}
