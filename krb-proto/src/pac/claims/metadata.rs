use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::ClaimsSet;
use crate::pac::ndr::{Reader, Writer};
use crate::pac::xpress_huffman::{compress, decompress};
use crate::pac::{PacError, PacErrorKind as Kind};

/// The most bytes that claims may decompress to. They come in a ticket, which Windows bounds at
/// 64 KB (MaxTokenSize) and in which text shrinks to a fifth or so, but a hostile KDC could let a
/// few hundred bytes stand for gigabytes.
pub const MAX_UNCOMPRESSED_CLAIMS: usize = 1 << 20;

/// AD compresses claims of this many bytes, never those of less than 368 (Samba's tests against
/// Windows), and between the two as it happens.
const COMPRESSION_THRESHOLD: usize = 384;

/// CLAIMS_COMPRESSION_FORMAT (MS-ADTS 2.2.18.7): not at all, and COMPRESSION_FORMAT_XPRESS_HUFF.
const PLAIN: u16 = 0;
const XPRESS_HUFFMAN: u16 = 4;

pub(super) fn read(buffer: &[u8]) -> Result<ClaimsSet, PacError> {
    let mut ndr = Reader::open(buffer)?;
    let size = ndr.u32("ulClaimsSetSize")?;
    let set = ndr.pointer("ClaimsSet")?;
    let format = ndr.u16("usCompressionFormat")?;
    let uncompressed = ndr.u32("ulUncompressedClaimsSetSize")? as usize;
    ndr.reserved()?;
    let set = ndr.octets(set, size, "ClaimsSet")?;
    let malformed = ndr.error(Kind::BadCompression, "ClaimsSet");
    let set = match format {
        _ if uncompressed > MAX_UNCOMPRESSED_CLAIMS => {
            return Err(ndr.error(Kind::TooLarge, "ulUncompressedClaimsSetSize"));
        }
        PLAIN if set.len() == uncompressed => Cow::Borrowed(set),
        PLAIN => return Err(ndr.error(Kind::BadLength, "ulUncompressedClaimsSetSize")),
        XPRESS_HUFFMAN => decompress(set, uncompressed).map_err(|_| malformed)?.into(),
        _ => return Err(ndr.error(Kind::UnsupportedCompression, "usCompressionFormat")),
    };
    ndr.finish("CLAIMS_SET_METADATA")?;
    ClaimsSet::from_ndr(&set)
}

pub(super) fn write(claims: &ClaimsSet) -> Result<Vec<u8>, PacError> {
    let plain = claims.to_ndr()?;
    let size = plain.len();
    if size > MAX_UNCOMPRESSED_CLAIMS {
        return Err(PacError::new(Kind::TooLarge, 0, "ClaimsSet"));
    }
    let (format, set) = if size < COMPRESSION_THRESHOLD {
        (PLAIN, plain)
    } else {
        (XPRESS_HUFFMAN, compress(&plain))
    };
    let mut ndr = Writer::new();
    let pointer = ndr.counted_pointer(set.len(), "ulClaimsSetSize");
    ndr.u16(format);
    let size = ndr.count(size, "ulUncompressedClaimsSetSize");
    ndr.u32(size);
    ndr.reserved();
    ndr.octets(pointer, &set);
    ndr.finish()
}
