//! The authenticator checksum 0x8003, which carries channel bindings, flags and a delegated
//! credential (RFC 4121 section 4.1.1).

use alloc::vec::Vec;

use super::bindings::{ChannelBindings, UNBOUND};
use super::{GssError, GssFlags};

/// Lgth: the octets of Bnd.
const BINDINGS: [u8; 4] = [16, 0, 0, 0];
/// DlgOpt.
const DELEGATION: [u8; 2] = [1, 0];

/// A checksum's fields, as they were received.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Fields<'a> {
    /// Bnd.
    pub(super) bound: [u8; 16],
    pub(super) flags: GssFlags,
    /// Deleg: a KRB-CRED.
    pub(super) delegated: Option<&'a [u8]>,
    /// Exts.
    pub(super) extensions: Extensions<'a>,
}

/// Writes a checksum. An extension has a number and its value.
///
/// # Errors
/// [`GssError::DelegationTooLong`] for a KRB-CRED of 2^16 octets or more.
pub(super) fn encode(
    bindings: Option<&ChannelBindings>,
    flags: GssFlags,
    delegated: Option<&[u8]>,
    extension: Option<(u32, &[u8])>,
) -> Result<Vec<u8>, GssError> {
    let bound = bindings.map_or(UNBOUND, ChannelBindings::digest);
    let mut out = [&BINDINGS[..], &bound, &flags.0.to_le_bytes()].concat();
    if let Some(message) = delegated {
        let length = u16::try_from(message.len()).map_err(|_| GssError::DelegationTooLong)?;
        out.extend_from_slice(&DELEGATION);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(message);
    }
    if let Some((number, value)) = extension {
        let length = u32::try_from(value.len()).map_err(|_| GssError::DelegationTooLong)?;
        out.extend_from_slice(&number.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(value);
    }
    Ok(out)
}

/// Reads a checksum. The flag says whether a credential may be there; it may be absent all the
/// same, as MIT allows, and then the flag is taken away.
pub(super) fn parse(checksum: &[u8]) -> Result<Fields<'_>, GssError> {
    read(checksum).ok_or(GssError::BadChecksum)
}

fn read(checksum: &[u8]) -> Option<Fields<'_>> {
    let rest = checksum.strip_prefix(&BINDINGS)?;
    let (bound, rest) = rest.split_first_chunk()?;
    let (flags, mut rest) = rest.split_first_chunk()?;
    let mut flags = GssFlags(u32::from_le_bytes(*flags));
    let mut delegated = None;
    if flags.contains(GssFlags::DELEG) && !rest.is_empty() {
        let (length, option) = rest.strip_prefix(&DELEGATION)?.split_first_chunk()?;
        let (message, extensions) = option.split_at_checked(u16::from_le_bytes(*length).into())?;
        (delegated, rest) = (Some(message), extensions);
    } else {
        flags = flags.without(GssFlags::DELEG);
    }
    let extensions = Extensions(rest);
    // Each is read once here, so that later none can be cut short.
    let whole: usize = extensions.map(|(_, value)| 8 + value.len()).sum();
    (whole == rest.len()).then_some(Fields { bound: *bound, flags, delegated, extensions })
}

/// Exts: number and length, each four octets big-endian, then the value. Unknown ones are ignored.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Extensions<'a>(&'a [u8]);

impl<'a> Iterator for Extensions<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (number, rest) = self.0.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((u32::from_be_bytes(*number), value))
    }
}

#[cfg(test)]
mod tests;
