use alloc::vec::Vec;

use super::refusal::Padata;
use crate::asn1::{
    AsRep, Checksum, EncKdcRepPart, EncryptedData, EncryptionKey, HostAddress, LastReqEntry,
    SecretOctets, TgsRep,
};
use crate::credential::TicketTimes;
use crate::crypto::Key;
use crate::der::{self, DecodeError, Encoded, Int, KerberosString, List, UInt32};
use crate::iana::{EncType, KeyUsage, PaType, TicketFlags};
use crate::preauth::borrow_padata;
use crate::{KerberosTime, Principal, Random};

/// Addresses that a ticket may be used from, with their types.
pub(super) type Addresses = Vec<(i32, Vec<u8>)>;

/// Them, to be written.
pub(super) fn borrow_addresses(addresses: &Addresses) -> Vec<HostAddress<'_>> {
    let pairs = addresses.iter();
    pairs.map(|(addr_type, address)| HostAddress { addr_type: *addr_type, address }).collect()
}

/// A ticket, and all that the reply says with it.
pub(super) struct Granted {
    /// The client, as in the ticket.
    pub(super) client: Principal,
    /// The service, as in the ticket.
    pub(super) server: Principal,
    /// The ticket, DER.
    pub(super) ticket: Vec<u8>,
    /// What it is sealed with.
    pub(super) ticket_enctype: EncType,
    /// Its session key.
    pub(super) session_key: Key,
    /// Its flags.
    pub(super) flags: TicketFlags,
    /// Its times.
    pub(super) times: TicketTimes,
    /// The addresses that it may be used from; none for all.
    pub(super) addresses: Addresses,
    /// When the client's password expires.
    pub(super) key_expiration: Option<KerberosTime>,
    /// What the reply is encrypted with.
    pub(super) reply_key: Key,
    /// The version of that key, where it is the client's.
    pub(super) kvno: Option<u32>,
    /// What for: which reply this is.
    pub(super) usage: KeyUsage,
    /// The request's nonce.
    pub(super) nonce: UInt32,
    /// What stands beside the ticket in the clear.
    pub(super) padata: Padata,
    /// What stands beside it in the encrypted part.
    pub(super) encrypted_padata: Padata,
}

impl Granted {
    /// The AS-REP or TGS-REP to `request`, of whose bytes a checksum goes with the reply where the
    /// flag says so (RFC 6806 section 11).
    ///
    /// # Errors
    /// None: the error is that of reading our own ticket.
    pub(super) fn message(
        &self,
        request: &[u8],
        rng: &mut dyn Random,
    ) -> Result<Vec<u8>, DecodeError> {
        let is_as = self.usage == KeyUsage::AS_REP;
        let cipher = self.sealed_part(request, is_as, rng);
        let enc_part = EncryptedData {
            etype: self.reply_key.enctype(),
            kvno: self.kvno.map(UInt32::new),
            cipher: &cipher,
        };
        let padata = borrow_padata(&self.padata);
        let padata = (!padata.is_empty()).then(|| List::of(&padata));
        let (crealm, cname) = (KerberosString(&self.client.realm), (&self.client.name).into());
        let ticket = Encoded::from_der(&self.ticket)?;
        Ok(if is_as {
            der::encode(&AsRep {
                pvno: Int,
                msg_type: Int,
                padata,
                crealm,
                cname,
                ticket,
                enc_part,
            })
        } else {
            der::encode(&TgsRep {
                pvno: Int,
                msg_type: Int,
                padata,
                crealm,
                cname,
                ticket,
                enc_part,
            })
        })
    }

    fn sealed_part(&self, request: &[u8], is_as: bool, rng: &mut dyn Random) -> Vec<u8> {
        let mut encrypted = borrow_padata(&self.encrypted_padata);
        let checksum;
        if is_as && self.flags.contains(TicketFlags::ENC_PA_REP) {
            checksum = der::encode(&Checksum {
                cksumtype: self.reply_key.checksum_type(),
                checksum: &self.reply_key.checksum(KeyUsage::AS_REQ_CHECKSUM, request),
            });
            encrypted.push(crate::asn1::PaData {
                padata_type: PaType::REQ_ENC_PA_REP,
                padata_value: &checksum,
            });
            // Said where nobody can change it: FAST is to be had (RFC 6806 section 11).
            let fast = crate::asn1::PaData { padata_type: PaType::FX_FAST, padata_value: &[] };
            encrypted.push(fast);
        }
        let last_req = [LastReqEntry { lr_type: 0, lr_value: self.times.authtime }];
        let addresses = borrow_addresses(&self.addresses);
        let part = EncKdcRepPart {
            key: EncryptionKey {
                keytype: self.session_key.enctype(),
                keyvalue: SecretOctets(self.session_key.as_bytes()),
            },
            last_req: List::of(&last_req),
            nonce: self.nonce,
            key_expiration: self.key_expiration,
            flags: self.flags.0.into(),
            authtime: self.times.authtime,
            starttime: Some(self.times.starttime),
            endtime: self.times.endtime,
            renew_till: self.times.renew_till,
            srealm: KerberosString(&self.server.realm),
            sname: (&self.server.name).into(),
            caddr: (!addresses.is_empty()).then(|| List::of(&addresses)),
            encrypted_pa_data: (!encrypted.is_empty()).then(|| List::of(&encrypted)),
        };
        let mut writer = der::Writer::for_secrets(512);
        part.write(if is_as { EncKdcRepPart::AS_REP } else { EncKdcRepPart::TGS_REP }, &mut writer);
        self.reply_key.encrypt(self.usage, &writer.into_secret(), rng)
    }
}
