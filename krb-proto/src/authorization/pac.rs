use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::asn1::{AuthorizationData, AuthorizationDataElement, EncTicketPart};
use crate::der::{self, DecodeError, List};
use crate::iana::AdType;

/// The PAC: it stands in an AD-IF-RELEVANT element (MS-KILE 3.3.5.6.4), and the first one counts.
///
/// # Errors
/// If an AD-IF-RELEVANT element before it is malformed.
pub fn find_pac<'a>(data: &AuthorizationData<'a>) -> Result<Option<&'a [u8]>, DecodeError> {
    for element in data.iter().filter(|element| element.ad_type == AdType::IF_RELEVANT) {
        let inner: AuthorizationData<'a> = der::decode(element.ad_data)?;
        if let Some(pac) = inner.iter().find(|inner| inner.ad_type == AdType::WIN2K_PAC) {
            return Ok(Some(pac.ad_data));
        }
    }
    Ok(None)
}

/// The DER of a ticket in which `pac` stands in the place of its PAC or, if it has none, in an
/// AD-IF-RELEVANT element in front of the others.
///
/// # Errors
/// If an AD-IF-RELEVANT element before the PAC is malformed.
pub fn with_pac(ticket: &EncTicketPart<'_>, pac: &[u8]) -> Result<Zeroizing<Vec<u8>>, DecodeError> {
    let ours = AuthorizationDataElement { ad_type: AdType::WIN2K_PAC, ad_data: pac };
    let mut elements: Vec<_> = ticket.authorization_data.iter().flatten().collect();
    let mut container = None;
    for (index, element) in elements.iter().enumerate() {
        if element.ad_type == AdType::IF_RELEVANT {
            let mut inner: Vec<_> =
                der::decode::<AuthorizationData<'_>>(element.ad_data)?.iter().collect();
            let old = inner.iter_mut().find(|inner| inner.ad_type == AdType::WIN2K_PAC);
            if let Some(old) = old {
                *old = ours;
                container = Some((index, der::encode(&List::of(&inner))));
                break;
            }
        }
    }
    let (index, container) = match container {
        Some((index, container)) => (index, container),
        None => {
            let place = AuthorizationDataElement { ad_type: AdType::IF_RELEVANT, ad_data: &[] };
            elements.insert(0, place);
            (0, der::encode(&List::of(&[ours])))
        }
    };
    if let Some(element) = elements.get_mut(index) {
        element.ad_data = &container;
    }
    let authorization_data = Some(List::of(&elements));
    Ok(der::encode_secret(&EncTicketPart { authorization_data, ..*ticket }))
}
