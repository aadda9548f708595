use super::{EncryptedData, EncryptionKey, HostAddress, PrincipalName, Ticket};
use crate::der::{
    Encoded, Int, KerberosFlags, KerberosString, List, Microseconds, UInt32, sequence,
};
use crate::{KerberosTime, Principal};

sequence! {
    /// KRB-CRED (RFC 4120 section 5.8.1).
    pub struct KrbCred<'a>: [APPLICATION 22] {
        [0] pvno: Int<5>,
        [1] msg_type: Int<22>,
        [2] tickets: List<'a, Encoded<'a, Ticket<'a>>>,
        [3] enc_part: EncryptedData<'a>,
    }

    /// KrbCredInfo (RFC 4120 section 5.8.1): what belongs to the ticket in the same place.
    pub struct KrbCredInfo<'a> {
        [0] key: EncryptionKey<'a>,
        [1] prealm: Option<KerberosString<'a>>,
        [2] pname: Option<PrincipalName<'a>>,
        [3] flags: Option<KerberosFlags<'a>>,
        [4] authtime: Option<KerberosTime>,
        [5] starttime: Option<KerberosTime>,
        [6] endtime: Option<KerberosTime>,
        [7] renew_till: Option<KerberosTime>,
        [8] srealm: Option<KerberosString<'a>>,
        [9] sname: Option<PrincipalName<'a>>,
        [10] caddr: Option<List<'a, HostAddress<'a>>>,
    }

    /// EncKrbCredPart (RFC 4120 section 5.8.1).
    pub struct EncKrbCredPart<'a>: [APPLICATION 29] {
        [0] ticket_info: List<'a, KrbCredInfo<'a>>,
        [1] nonce: Option<UInt32>,
        [2] timestamp: Option<KerberosTime>,
        [3] usec: Option<Microseconds>,
        [4] s_address: Option<HostAddress<'a>>,
        [5] r_address: Option<HostAddress<'a>>,
    }
}

impl<'a> KrbCred<'a> {
    /// Each ticket with its description. `None` unless there are as many of the ones as of the
    /// others: each list says its own length, and a peer may make them differ (CVE-2026-107778).
    pub fn described_by(
        &self,
        part: &EncKrbCredPart<'a>,
    ) -> Option<impl Iterator<Item = (Encoded<'a, Ticket<'a>>, KrbCredInfo<'a>)> + use<'a>> {
        let (tickets, infos) = (self.tickets.iter(), part.ticket_info.iter());
        let equal = self.tickets.iter().count() == part.ticket_info.iter().count();
        equal.then(|| tickets.zip(infos))
    }
}

impl KrbCredInfo<'_> {
    /// Whose the ticket is and for which service; `None` if a name or a realm is absent.
    #[must_use]
    pub fn client_and_server(&self) -> Option<(Principal, Principal)> {
        Some((self.pname?.in_realm(self.prealm?), self.sname?.in_realm(self.srealm?)))
    }
}
