//! Changing a password, and setting somebody else's (RFC 3244).
//!
//! [`PasswordChange`] writes the one request and reads the one reply; over TCP both have a length
//! of four octets in front, over UDP none.

mod error;
mod frame;
mod reason;
#[cfg(any(feature = "kdc", test))]
mod server;
#[cfg(test)]
mod tests;

pub use error::{KpasswdError, KpasswdRefusal};
pub use reason::{PasswordPolicy, Reason};
#[cfg(any(feature = "kdc", test))]
pub use server::{
    Answerable, ChangeRequest, ChangeRequestError, ChangeResult, ContentError, MAX_PASSWORD,
    Target, unverified_answer,
};

use alloc::vec::Vec;

use crate::ap::{ApReqOptions, ApRequest, Due, Stamp, krb_priv, open_krb_priv};
use crate::asn1::{ChangePasswdData, HostAddress, KrbError, SecretOctets};
use crate::crypto::Key;
use crate::der::{self, KerberosString};
use crate::gss::first_number;
use crate::iana::{ApOptions, KeyUsage, KpasswdResult};
use crate::{Context, Credential, Name, Principal};

/// The version of a change of one's own password, and of every reply.
const CHANGE: u16 = 1;
/// The version of RFC 3244's own request, which names whose password is set.
const SET: u16 = 0xff80;

/// Is it a request to kpasswd, and none to a KDC? For whoever is sent both, as an MS-KKDCP proxy is:
/// those to a KDC have a tag where the length stands here, and no version.
#[must_use]
pub fn is_request(message: &[u8]) -> bool {
    frame::read(message).is_ok_and(|(version, ..)| [CHANGE, SET].contains(&version))
}

/// A request that was sent: what its reply is verified with.
pub struct PasswordChange {
    request: ApRequest,
    session_key: Key,
    subkey: Key,
}

impl PasswordChange {
    /// The service that the credential must be for: `kadmin/changepw`. To change one's own password
    /// it must come of an AS exchange.
    #[must_use]
    pub fn service() -> Name {
        Name::new(crate::iana::NameType::SRV_INST, ["kadmin", "changepw"])
    }

    /// Asks for a new password of the credential's client. `sender` is the address that the request
    /// is sent from; peers across NAT do not look at it.
    ///
    /// # Errors
    /// [`KpasswdError::BadTicket`], [`KpasswdError::TooLong`].
    pub fn change(
        credential: &Credential,
        new_password: &str,
        sender: HostAddress<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(Self, Vec<u8>), KpasswdError> {
        Self::new(credential, CHANGE, new_password.as_bytes(), sender, cx)
    }

    /// Asks for a new password of `target`, for which the credential's client needs the right.
    ///
    /// # Errors
    /// As [`Self::change`].
    pub fn set(
        credential: &Credential,
        target: &Principal,
        new_password: &str,
        sender: HostAddress<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(Self, Vec<u8>), KpasswdError> {
        let data = der::encode_secret(&ChangePasswdData {
            newpasswd: SecretOctets(new_password.as_bytes()),
            targname: Some((&target.name).into()),
            targrealm: Some(KerberosString(&target.realm)),
        });
        Self::new(credential, SET, &data, sender, cx)
    }

    fn new(
        credential: &Credential,
        version: u16,
        user_data: &[u8],
        sender: HostAddress<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(Self, Vec<u8>), KpasswdError> {
        let session_key = credential.session_key.clone();
        let subkey = session_key.generate_alike(cx.rng);
        let sequence_number = Some(first_number(cx.rng));
        let options = ApReqOptions {
            usage: KeyUsage::AP_REQ_AUTHENTICATOR,
            ap_options: ApOptions::NONE,
            checksum: None,
            subkey: Some(&subkey),
            sequence_number,
            authorization_data: None,
        };
        let request = ApRequest::new(credential, &options, cx).map_err(KpasswdError::BadTicket)?;
        let stamp = Stamp { time: Some(request.time), sequence_number };
        let private = krb_priv(&subkey, user_data, stamp, sender, cx.rng);
        let message = frame::write(version, &request.message, &private)?;
        Ok((Self { request, session_key, subkey }, message))
    }

    /// Takes the server's reply: the password is changed, or the error says why not.
    ///
    /// # Errors
    /// [`KpasswdError::Refused`] with the server's reason, and what is wrong with the reply.
    pub fn receive(self, reply: &[u8]) -> Result<(), KpasswdError> {
        if frame::is_error(reply) {
            return Err(refused(reply));
        }
        let (version, ap_rep, rest) = frame::read(reply)?;
        if ![CHANGE, SET].contains(&version) {
            return Err(KpasswdError::Version(version));
        }
        if ap_rep.is_empty() {
            return Err(refused(rest));
        }
        let ap_rep = self
            .request
            .verify_reply(&self.session_key, ap_rep)
            .map_err(KpasswdError::Authentication)?;
        // With our subkey, whatever the AP-REP's (RFC 3244 section 2).
        let due = Due::Number(ap_rep.sequence_number.unwrap_or(0));
        let result = open_krb_priv(&self.subkey, rest, due).map_err(KpasswdError::Protection)?;
        match KpasswdRefusal::new(&result, true).ok_or(KpasswdError::Truncated)? {
            KpasswdRefusal { result: KpasswdResult::SUCCESS, .. } => Ok(()),
            refusal => Err(KpasswdError::Refused(refusal)),
        }
    }
}

/// The reason in a KRB-ERROR. Nobody vouches for it, so it can be no success.
fn refused(message: &[u8]) -> KpasswdError {
    let error: KrbError<'_> = match der::decode(message) {
        Ok(error) => error,
        Err(error) => return KpasswdError::Malformed(error),
    };
    match error.e_data.and_then(|data| KpasswdRefusal::new(data, false)) {
        Some(refusal) if refusal.result != KpasswdResult::SUCCESS => KpasswdError::Refused(refusal),
        _ => KpasswdError::Kerberos { code: error.error_code, server_time: error.stime },
    }
}
