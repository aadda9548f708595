//! Message length, version and the AP message's length, each two octets (RFC 3244 section 2).

use alloc::vec::Vec;

use super::KpasswdError;

const HEADER: usize = 6;

pub(super) fn write(version: u16, ap_req: &[u8], private: &[u8]) -> Result<Vec<u8>, KpasswdError> {
    let octets = |length: usize| u16::try_from(length).map_err(|_| KpasswdError::TooLong);
    let length = octets(HEADER + ap_req.len() + private.len())?;
    let ap_length = octets(ap_req.len())?;
    let header = [length, version, ap_length].map(u16::to_be_bytes);
    Ok([header.as_flattened(), ap_req, private].concat())
}

/// Version, AP-REP and what follows.
pub(super) fn read(reply: &[u8]) -> Result<(u16, &[u8], &[u8]), KpasswdError> {
    let read = || {
        let (length, rest) = reply.split_first_chunk()?;
        let (version, rest) = rest.split_first_chunk()?;
        let (ap_length, rest) = rest.split_first_chunk()?;
        let [length, version, ap_length] =
            [length, version, ap_length].map(|n| u16::from_be_bytes(*n));
        let (ap_rep, rest) = rest.split_at_checked(ap_length.into())?;
        (usize::from(length) == reply.len()).then_some((version, ap_rep, rest))
    };
    read().ok_or(KpasswdError::Truncated)
}

/// Is the reply a KRB-ERROR without a frame? Its first octet would be the length of one of more
/// than 32,000 octets.
pub(super) fn is_error(reply: &[u8]) -> bool {
    reply.first() == Some(&0x7e) && read(reply).is_err()
}
