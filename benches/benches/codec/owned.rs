//! Messages of ours as a caller has them who lets go of the received octets.

use krb_proto::asn1::{
    ApReq, AsRep, EncKdcRepPart, EncTicketPart, EncryptedData, KrbError, PrincipalName, TgsRep,
    Ticket,
};
use krb_proto::credential::TicketTimes;
use krb_proto::crypto::Key;
use krb_proto::der::{Encoded, KerberosString};
use krb_proto::{KerberosTime, Principal};

/// Copies what the message is read for.
pub(crate) trait Owned {
    type Owned;
    fn owned(&self) -> Self::Owned;
}

/// Of a reply or an AP-REQ: whose ticket, for which service, the ticket, the encrypted part.
type OwnedTicket = (Option<Principal>, Principal, Vec<u8>, Vec<u8>);

fn ticket(
    client: Option<(PrincipalName<'_>, KerberosString<'_>)>,
    ticket: &Encoded<'_, Ticket<'_>>,
    encrypted: EncryptedData<'_>,
) -> OwnedTicket {
    (
        client.map(|(name, realm)| name.in_realm(realm)),
        ticket.sname.in_realm(ticket.realm),
        ticket.der().to_vec(),
        encrypted.cipher.to_vec(),
    )
}

impl Owned for AsRep<'_> {
    type Owned = OwnedTicket;
    fn owned(&self) -> OwnedTicket {
        ticket(Some((self.cname, self.crealm)), &self.ticket, self.enc_part)
    }
}

impl Owned for TgsRep<'_> {
    type Owned = OwnedTicket;
    fn owned(&self) -> OwnedTicket {
        ticket(Some((self.cname, self.crealm)), &self.ticket, self.enc_part)
    }
}

impl Owned for ApReq<'_> {
    type Owned = OwnedTicket;
    fn owned(&self) -> OwnedTicket {
        ticket(None, &self.ticket, self.authenticator)
    }
}

impl Owned for KrbError<'_> {
    type Owned = (Option<Principal>, Principal, Option<Vec<u8>>, Option<Vec<u8>>);
    fn owned(&self) -> Self::Owned {
        (
            self.cname.zip(self.crealm).map(|(name, realm)| name.in_realm(realm)),
            self.sname.in_realm(self.realm),
            self.e_text.map(|text| text.0.to_vec()),
            self.e_data.map(<[u8]>::to_vec),
        )
    }
}

impl Owned for EncTicketPart<'_> {
    type Owned = (Principal, Key, Vec<Vec<u8>>, KerberosTime);
    fn owned(&self) -> Self::Owned {
        let authorization = self.authorization_data.iter().flat_map(|list| list.iter());
        (
            self.cname.in_realm(self.crealm),
            Key::new(self.key.keytype, self.key.keyvalue.0).expect("AES-256"),
            authorization.map(|element| element.ad_data.to_vec()).collect(),
            self.endtime,
        )
    }
}

impl Owned for EncKdcRepPart<'_> {
    type Owned = (Principal, Key, TicketTimes);
    fn owned(&self) -> Self::Owned {
        let times = TicketTimes {
            authtime: self.authtime,
            starttime: self.starttime.unwrap_or(self.authtime),
            endtime: self.endtime,
            renew_till: self.renew_till,
        };
        let key = Key::new(self.key.keytype, self.key.keyvalue.0).expect("AES-256");
        (self.sname.in_realm(self.srealm), key, times)
    }
}
