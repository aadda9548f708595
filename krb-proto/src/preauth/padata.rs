use alloc::vec::Vec;

use crate::asn1::PaData;
use crate::der::List;
use crate::iana::PaType;

/// The value of the first element of this type.
pub(crate) fn find_padata<'a>(list: List<'a, PaData<'a>>, padata_type: PaType) -> Option<&'a [u8]> {
    list.iter().find(|pa| pa.padata_type == padata_type).map(|pa| pa.padata_value)
}

/// Types and values as PA-DATA, to be written.
pub(crate) fn borrow_padata(padata: &[(PaType, Vec<u8>)]) -> Vec<PaData<'_>> {
    padata
        .iter()
        .map(|(padata_type, value)| PaData { padata_type: *padata_type, padata_value: value })
        .collect()
}
