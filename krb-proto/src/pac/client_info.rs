use alloc::string::String;
use alloc::vec::Vec;

use super::ndr::utf16;
use super::{FileTime, PacBuffer, PacError, PacErrorKind as Kind};
use crate::iana::PacBufferType;
use crate::{KerberosTime, Name, Principal};

/// PAC_CLIENT_INFO (MS-PAC 2.7): which ticket the PAC was made for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientInfo {
    /// ClientId: the authtime of the initial ticket.
    pub client_id: FileTime,
    /// Name: the ticket's cname as text; in S4U2Self referrals the user with a realm behind it.
    pub name: String,
}

const FIELD: &str = "PAC_CLIENT_INFO";

impl ClientInfo {
    /// For a client of the KDC's own realm. `None` if the name is not UTF-8.
    #[must_use]
    pub fn new(client: &Name, authtime: KerberosTime) -> Option<Self> {
        let components: Result<Vec<_>, _> =
            client.components.iter().map(|part| core::str::from_utf8(part)).collect();
        Some(Self { client_id: authtime.into(), name: components.ok()?.join("/") })
    }

    /// With the realm behind the name, as in a referral for S4U2Self (MS-SFU 3.2.5.1.1.1).
    #[must_use]
    pub fn with_realm(client: &Principal, authtime: KerberosTime) -> Option<Self> {
        let mut info = Self::new(&client.name, authtime)?;
        info.name.push('@');
        info.name.push_str(core::str::from_utf8(&client.realm).ok()?);
        Some(info)
    }

    /// Whether the PAC belongs into a ticket with this cname and authtime. A service that
    /// believes one ticket's name and another's PAC takes somebody for somebody else
    /// (CVE-2020-25719).
    ///
    /// # Errors
    /// [`Kind::NotThisClient`].
    pub fn check(&self, client: &Name, authtime: KerberosTime) -> Result<(), PacError> {
        if Self::new(client, authtime).as_ref() == Some(self) {
            Ok(())
        } else {
            Err(PacError::new(Kind::NotThisClient, 0, FIELD))
        }
    }
}

impl PacBuffer for ClientInfo {
    const TYPE: PacBufferType = PacBufferType::CLIENT_INFO;

    fn from_bytes(buffer: &[u8]) -> Result<Self, PacError> {
        let truncated = PacError::new(Kind::Truncated, buffer.len(), FIELD);
        let (client_id, rest) = buffer.split_first_chunk().ok_or(truncated)?;
        let (length, name) = rest.split_first_chunk().ok_or(truncated)?;
        if usize::from(u16::from_le_bytes(*length)) != name.len() || name.len() % 2 != 0 {
            return Err(PacError::new(Kind::BadLength, 8, FIELD));
        }
        Ok(Self {
            client_id: FileTime(u64::from_le_bytes(*client_id)),
            name: utf16(name).ok_or(PacError::new(Kind::BadText, 10, FIELD))?,
        })
    }

    fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        let name: Vec<u8> = self.name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let length = u16::try_from(name.len());
        let length = length.map_err(|_| PacError::new(Kind::TooLong, 8, FIELD))?;
        Ok([&self.client_id.0.to_le_bytes()[..], &length.to_le_bytes(), &name].concat())
    }
}
