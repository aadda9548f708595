//! The one place in which tickets are made.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use crate::asn1::{
    AuthorizationDataElement, EncTicketPart, EncryptedData, EncryptionKey, HostAddress,
    SecretOctets, Ticket, TransitedEncoding,
};
use crate::authorization;
use crate::credential::TicketTimes;
use crate::crypto::Key;
use crate::der::{self, Int, KerberosString, List, UInt32};
use crate::iana::{KeyUsage, TicketFlags};
use crate::pac::{PacBuilder, PacError, PacKeys};
use crate::{Credential, Principal, Random};

/// What a ticket says.
#[derive(Clone, Copy)]
pub struct NewTicket<'a> {
    /// Its client.
    pub client: &'a Principal,
    /// The service that it is for.
    pub server: &'a Principal,
    /// Its session key.
    pub session_key: &'a Key,
    /// Its flags.
    pub flags: TicketFlags,
    /// Its times.
    pub times: TicketTimes,
    /// The realms that it passed through, compressed (RFC 4120 section 3.3.3.2).
    pub transited: &'a [u8],
    /// The addresses that it may be used from; none for all.
    pub addresses: &'a [HostAddress<'a>],
    /// Authorization data beside the PAC.
    pub authorization_data: &'a [AuthorizationDataElement<'a>],
    /// Its PAC.
    pub pac: Option<&'a PacBuilder>,
}

/// What a ticket is sealed and its PAC signed with.
#[derive(Clone, Copy)]
pub struct TicketKeys<'a> {
    /// The key of the service.
    pub server: &'a Key,
    /// That key's version.
    pub kvno: Option<u32>,
    /// The key of krbtgt.
    pub krbtgt: &'a Key,
}

impl NewTicket<'_> {
    /// The ticket with what its client needs to use it.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn issue(
        &self,
        keys: &TicketKeys<'_>,
        rng: &mut dyn Random,
    ) -> Result<Credential, PacError> {
        Ok(Credential {
            client: self.client.clone(),
            server: self.server.clone(),
            session_key: self.session_key.clone(),
            times: self.times,
            flags: self.flags,
            ticket: self.seal(keys, rng)?,
        })
    }

    /// The ticket, DER, sealed, its PAC signed: in a service's all four signatures, in tickets for a
    /// KDC of this realm or of another those of the server and of the KDC (MS-PAC 2.8).
    ///
    /// # Errors
    /// [`PacError`], if the PAC cannot be written.
    pub fn seal(&self, keys: &TicketKeys<'_>, rng: &mut dyn Random) -> Result<Vec<u8>, PacError> {
        let part = EncTicketPart {
            flags: self.flags.0.into(),
            key: EncryptionKey {
                keytype: self.session_key.enctype(),
                keyvalue: SecretOctets(self.session_key.as_bytes()),
            },
            crealm: KerberosString(&self.client.realm),
            cname: (&self.client.name).into(),
            transited: TransitedEncoding { tr_type: 1, contents: self.transited },
            authtime: self.times.authtime,
            starttime: Some(self.times.starttime),
            endtime: self.times.endtime,
            renew_till: self.times.renew_till,
            caddr: (!self.addresses.is_empty()).then(|| List::of(self.addresses)),
            authorization_data: (!self.authorization_data.is_empty())
                .then(|| List::of(self.authorization_data)),
        };
        let plaintext = self.with_pac(&part, keys)?;
        let cipher = keys.server.encrypt(KeyUsage::TICKET, &plaintext, rng);
        Ok(der::encode(&Ticket {
            tkt_vno: Int,
            realm: KerberosString(&self.server.realm),
            sname: (&self.server.name).into(),
            enc_part: EncryptedData {
                etype: keys.server.enctype(),
                kvno: keys.kvno.map(UInt32::new),
                cipher: &cipher,
            },
        }))
    }

    fn with_pac(
        &self,
        part: &EncTicketPart<'_>,
        keys: &TicketKeys<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, PacError> {
        let Some(pac) = self.pac else { return Ok(der::encode_secret(part)) };
        let pac_keys = PacKeys { server: keys.server, krbtgt: keys.krbtgt, rodc_identifier: None };
        if !self.server.name.is_krbtgt() {
            return pac.sign_into(part, &pac_keys);
        }
        let pac = pac.sign(&pac_keys)?;
        authorization::with_pac(part, &pac).map_err(PacError::in_ticket)
    }
}
