//! What a KDC says no with: every KRB-ERROR (RFC 4120 section 5.9.1) is written here.

use alloc::vec::Vec;
use core::fmt;

use super::realm::Realm;
use crate::asn1::{KerbErrorData, KerbExtError, KrbError, PrincipalName, TypedData};
use crate::der::{self, KerberosString, List};
use crate::iana::{ErrorCode, NtStatus, PaType};
use crate::pac::PacError;
use crate::preauth::borrow_padata;
use crate::{Name, Principal, Timestamp};

/// PA-DATA to be written.
pub(super) type Padata = Vec<(PaType, Vec<u8>)>;

/// Why a request was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// The error's code.
    pub code: ErrorCode,
    /// What AD says beside it in the e-data (MS-KILE 2.2.1).
    pub status: Option<NtStatus>,
    /// The reason in words, which becomes the e-text.
    pub text: &'static str,
    /// The e-data's METHOD-DATA.
    pub(super) padata: Padata,
    /// The realm to turn to, with KDC_ERR_WRONG_REALM.
    pub(super) realm: Option<Vec<u8>>,
}

impl Refusal {
    pub(super) const fn new(code: ErrorCode, text: &'static str) -> Self {
        Self { code, status: None, text, padata: Vec::new(), realm: None }
    }

    pub(super) const fn with_status(mut self, status: NtStatus) -> Self {
        self.status = Some(status);
        self
    }

    pub(super) fn with_padata(mut self, padata: Padata) -> Self {
        self.padata = padata;
        self
    }

    pub(super) fn wrong_realm(realm: &str) -> Self {
        let text = "the client is of another realm";
        Self { realm: Some(realm.into()), ..Self::new(ErrorCode::WRONG_REALM, text) }
    }

    /// The e-data: METHOD-DATA if there is any, and the status as an element of it (AD's older way);
    /// else the status alone as KERB-ERROR-DATA.
    pub(super) fn e_data(&self) -> Option<Vec<u8>> {
        /// KERB_ERR_TYPE_EXTENDED (MS-KILE 2.2.2).
        const EXTENDED: i32 = 3;
        if self.padata.is_empty() {
            let status = self.status_bytes()?;
            let data = KerbErrorData { data_type: EXTENDED, data_value: Some(&status) };
            return Some(der::encode(&data));
        }
        if self.padata.iter().all(|(kind, _)| *kind == PaType::TD_DH_PARAMETERS) {
            return Some(self.typed_data());
        }
        Some(der::encode(&List::of(&borrow_padata(&self.method_data()))))
    }

    fn status_bytes(&self) -> Option<[u8; 12]> {
        self.status.map(|status| KerbExtError { status, flags: 1 }.to_bytes())
    }

    /// METHOD-DATA, the status among it.
    pub(super) fn method_data(&self) -> Padata {
        let status = self.status_bytes().map(|status| (PaType::PW_SALT, status.to_vec()));
        self.padata.iter().cloned().chain(status).collect()
    }

    /// What PKINIT says beside an error stands in TYPED-DATA (RFC 4556 section 3.2.2).
    fn typed_data(&self) -> Vec<u8> {
        let data: Vec<TypedData<'_>> = self
            .padata
            .iter()
            .map(|(kind, value)| TypedData { data_type: kind.0, data_value: Some(value) })
            .collect();
        der::encode(&List::of(&data))
    }

    /// The KRB-ERROR. `e_data` in its place is what FAST makes of the refusal.
    pub(super) fn message(
        &self,
        realm: &Realm,
        client: Option<&Principal>,
        server: Option<&Name>,
        now: Timestamp,
        e_data: Option<&[u8]>,
    ) -> Vec<u8> {
        let krbtgt;
        let server = match server {
            Some(server) => server,
            None => {
                krbtgt = Name::krbtgt(realm.name().as_bytes());
                &krbtgt
            }
        };
        let crealm = self.realm.as_ref().or(client.map(|client| &client.realm));
        der::encode(&KrbError {
            crealm: crealm.map(|realm| KerberosString(realm)),
            cname: client.map(|client| PrincipalName::from(&client.name)),
            e_text: (!self.text.is_empty()).then_some(KerberosString(self.text.as_bytes())),
            e_data,
            ..KrbError::new(self.code, now, realm.name().as_bytes(), server)
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.code, self.code.0)?;
        if let Some(status) = self.status {
            write!(f, " {status}")?;
        }
        write!(f, ": {}", self.text)
    }
}

/// What a realm holds makes no PAC: a name of 32 000 characters, or the like.
impl From<PacError> for Refusal {
    fn from(_: PacError) -> Self {
        Self::new(ErrorCode::GENERIC, "the account's names or groups are too long for a PAC")
    }
}
