use alloc::string::String;
use alloc::vec::Vec;

use super::ndr::{Reader, Room, Writer};
use super::{PacBuffer, PacError};
use crate::iana::PacBufferType;

/// S4U_DELEGATION_INFO (MS-PAC 2.9): through whose hands a delegated ticket came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DelegationInfo {
    /// S4U2proxyTarget: the service that the ticket is for.
    pub proxy_target: String,
    /// S4UTransitedServices: those who delegated, the first one first.
    pub transited_services: Vec<String>,
}

/// The bytes of an RPC_UNICODE_STRING without its characters.
const STRING_HEADER: usize = 8;

impl PacBuffer for DelegationInfo {
    const TYPE: PacBufferType = PacBufferType::DELEGATION_INFO;

    fn from_bytes(buffer: &[u8]) -> Result<Self, PacError> {
        const SERVICES: &str = "S4UTransitedServices";
        let mut ndr = Reader::open(buffer)?;
        let proxy_target = ndr.string_header("S4U2proxyTarget")?;
        let count = ndr.u32("TransitedListSize")?;
        let services = ndr.pointer(SERVICES)?;
        let proxy_target = ndr.string(proxy_target, "S4U2proxyTarget")?;
        let services =
            ndr.array(services, count, STRING_HEADER, SERVICES, |ndr| ndr.string_header(SERVICES))?;
        let transited_services = services
            .into_iter()
            .map(|service| ndr.string(service, SERVICES))
            .collect::<Result<_, _>>()?;
        ndr.finish("S4U_DELEGATION_INFO")?;
        Ok(Self { proxy_target, transited_services })
    }

    fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        const SERVICES: &str = "S4UTransitedServices";
        let mut ndr = Writer::new();
        let target = ndr.string_header(&self.proxy_target, Room::ForNul, "S4U2proxyTarget");
        let services = ndr.counted_pointer(self.transited_services.len(), "TransitedListSize");
        ndr.string(target);
        ndr.target(services, |ndr| {
            let count = ndr.count(self.transited_services.len(), SERVICES);
            ndr.u32(count);
            let headers: Vec<_> = self
                .transited_services
                .iter()
                .map(|service| ndr.string_header(service, Room::ForNul, SERVICES))
                .collect();
            headers.into_iter().for_each(|header| ndr.string(header));
        });
        ndr.finish()
    }
}
