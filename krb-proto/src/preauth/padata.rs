use alloc::vec::Vec;

use crate::asn1::PaData;
use crate::der::List;
use crate::iana::PaType;

/// The value of the first element of this type.
///
/// ```
/// use krb_proto::asn1::PaData;
/// use krb_proto::der::List;
/// use krb_proto::iana::PaType;
/// use krb_proto::preauth::find_padata;
///
/// let elements = [PaData { padata_type: PaType::FX_COOKIE, padata_value: b"MIT" }];
/// assert_eq!(find_padata(List::of(&elements), PaType::FX_COOKIE), Some(&b"MIT"[..]));
/// assert_eq!(find_padata(List::of(&elements), PaType::SPAKE), None);
/// ```
#[must_use]
pub fn find_padata<'a>(list: List<'a, PaData<'a>>, padata_type: PaType) -> Option<&'a [u8]> {
    list.iter().find(|pa| pa.padata_type == padata_type).map(|pa| pa.padata_value)
}

/// Types and values as PA-DATA, to be written.
pub(crate) fn borrow_padata(padata: &[(PaType, Vec<u8>)]) -> Vec<PaData<'_>> {
    padata
        .iter()
        .map(|(padata_type, value)| PaData { padata_type: *padata_type, padata_value: value })
        .collect()
}
