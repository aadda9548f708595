use alloc::vec::Vec;

use crate::asn1::PaPacOptions;
use crate::der;
use crate::iana::PacOptions;

/// PA-PAC-OPTIONS (MS-KILE 2.2.10).
#[must_use]
pub fn pac_options(options: PacOptions) -> Vec<u8> {
    der::encode(&PaPacOptions { flags: options.0.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_based_delegation_as_kdcs_take_it() {
        assert_eq!(
            pac_options(PacOptions::RESOURCE_BASED_CONSTRAINED_DELEGATION),
            [0x30, 0x09, 0xa0, 0x07, 0x03, 0x05, 0x00, 0x10, 0x00, 0x00, 0x00],
        );
    }
}
