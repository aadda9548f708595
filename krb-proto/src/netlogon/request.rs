use alloc::vec::Vec;

use super::ber::element;

/// NETLOGON_NT_VERSION_5 and _5EX (MS-ADTS 6.3.1.1): the answer with names and sites.
const NT_VERSION: u32 = 0x2 | 0x4;

/// `(&(DnsDomain=…)(NtVer=…))` of the root, for the attribute Netlogon (MS-ADTS 6.3.3.2).
pub(super) fn write(message_id: u32, domain: &str) -> Vec<u8> {
    let equals = |attribute: &[u8], value: &[u8]| {
        element(0xa3, &[element(0x04, attribute), element(0x04, value)].concat())
    };
    let filter =
        [equals(b"DnsDomain", domain.as_bytes()), equals(b"NtVer", &NT_VERSION.to_le_bytes())];
    let search = [
        element(0x04, b""),  // the root
        element(0x0a, &[0]), // it alone
        element(0x0a, &[0]), // aliases are not followed
        element(0x02, &[0]), // no limit of entries
        element(0x02, &[0]), // nor of seconds
        element(0x01, &[0]), // values too
        element(0xa0, &filter.concat()),
        element(0x30, &element(0x04, b"Netlogon")),
    ];
    let message_id = element(0x02, &message_id.to_be_bytes());
    element(0x30, &[message_id, element(0x63, &search.concat())].concat())
}
