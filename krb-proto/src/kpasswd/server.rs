//! The server's side: what was asked, by whom, and the answer (RFC 3244 section 2).

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use super::{CHANGE, PasswordPolicy, SET, frame};
use crate::ap::{
    ApRequestError, Due, ProtectedError, RequestPolicy, Stamp, VerifiedRequest, ap_reply, krb_priv,
    open_krb_priv,
};
use crate::asn1::{ChangePasswdData, HostAddress, KrbError};
use crate::crypto::Key;
use crate::der::{self, DecodeError};
use crate::gss::first_number;
use crate::iana::{ErrorCode, KpasswdResult, TicketFlags};
use crate::{Context, Principal, Random, Timestamp};

/// The longest password that is taken, in octets.
pub const MAX_PASSWORD: usize = 1024;

/// Whose password is to be another one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// The client's own, in a change (version 1), or in a request to set one that names nobody.
    Own,
    /// This account's.
    Of(Principal),
}

/// A request that was verified: its client is who it says, now, and asks for this.
pub struct ChangeRequest {
    request: VerifiedRequest,
    /// Whom the answer is for.
    pub answerable: Answerable,
    /// Whose password.
    pub target: Target,
    /// The new one, in the encoding of the client.
    pub password: Zeroizing<Vec<u8>>,
}

impl ChangeRequest {
    /// Verifies a request. `policy` has the keys of `kadmin/changepw` and of nobody else.
    ///
    /// # Errors
    /// [`ChangeRequestError`]: of those after the AP-REQ the client learns under its own key.
    pub fn verify(
        message: &[u8],
        policy: &RequestPolicy<'_>,
        now: Timestamp,
    ) -> Result<Self, ChangeRequestError> {
        let (version, ap_req, private) =
            frame::read(message).map_err(|_| ChangeRequestError::Truncated)?;
        if ![CHANGE, SET].contains(&version) {
            return Err(ChangeRequestError::Version(version));
        }
        let request = VerifiedRequest::verify(ap_req, policy, now)
            .map_err(ChangeRequestError::Authentication)?;
        let answerable = Answerable::new(&request);
        // Windows numbers its messages, MIT's client does without, others may go by the time alone.
        // That nothing comes twice is the replay cache's business.
        let time = Due::Time { now, skew: policy.skew };
        let (due, or) = match request.sequence_number {
            Some(number) => (Due::Number(number), None),
            None => (Due::Unnumbered, Some(time)),
        };
        let key = &answerable.key;
        let content = match (read(key, version, private, due), or) {
            (Err(ContentError::Protection(ProtectedError::NotDue)), Some(or)) => {
                read(key, version, private, or)
            }
            (content, _) => content,
        };
        match content {
            Ok((target, password)) => Ok(Self { request, answerable, target, password }),
            Err(error) => Err(ChangeRequestError::Content(answerable, error)),
        }
    }

    /// Who asks.
    #[must_use]
    pub fn client(&self) -> &Principal {
        &self.request.client
    }

    /// Does the ticket come of an AS exchange, in which the client proved to know its password?
    #[must_use]
    pub fn is_initial(&self) -> bool {
        self.request.flags.contains(TicketFlags::INITIAL)
    }

    /// The verified AP-REQ, for the replay cache.
    #[must_use]
    pub fn request(&self) -> &VerifiedRequest {
        &self.request
    }
}

/// Whose password is to be another one, and which.
fn read(
    key: &Key,
    version: u16,
    private: &[u8],
    due: Due,
) -> Result<(Target, Zeroizing<Vec<u8>>), ContentError> {
    let data = open_krb_priv(key, private, due).map_err(ContentError::Protection)?;
    let (target, password) = match version {
        CHANGE => (Target::Own, data),
        _ => read_data(&data)?,
    };
    if password.len() > MAX_PASSWORD {
        return Err(ContentError::TooLong);
    }
    Ok((target, password))
}

/// A set-password request's user data.
fn read_data(data: &[u8]) -> Result<(Target, Zeroizing<Vec<u8>>), ContentError> {
    let data: ChangePasswdData<'_> = der::decode(data).map_err(ContentError::Malformed)?;
    let target = match (data.targname, data.targrealm) {
        (Some(name), Some(realm)) => Target::Of(name.in_realm(realm)),
        (None, None) => Target::Own,
        (Some(_), None) | (None, Some(_)) => return Err(ContentError::HalfATarget),
    };
    Ok((target, Zeroizing::new(data.newpasswd.0.to_vec())))
}

/// How a request ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChangeResult<'a> {
    /// With a result and words for it.
    Text(KpasswdResult, &'a str),
    /// The password is not good enough for this policy, in AD's form.
    Policy(&'a PasswordPolicy),
}

impl ChangeResult<'_> {
    /// The user data of the reply: the code, then the reason.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Text(code, text) => [&code.0.to_be_bytes()[..], text.as_bytes()].concat(),
            Self::Policy(policy) => {
                [&KpasswdResult::SOFT_ERROR.0.to_be_bytes()[..], &policy.to_bytes()].concat()
            }
        }
    }
}

/// A client that proved its identity, and so gets answers that nobody else makes.
#[derive(Debug)]
pub struct Answerable {
    time: Timestamp,
    session_key: Key,
    key: Key,
}

impl Answerable {
    fn new(request: &VerifiedRequest) -> Self {
        let key = request.subkey.as_ref().unwrap_or(&request.session_key).clone();
        Self { time: request.time, session_key: request.session_key.clone(), key }
    }

    /// The reply with this result. `sender` is the server's address, which MIT's client compares
    /// with where it sent its request.
    #[must_use]
    pub fn answer(
        &self,
        result: &ChangeResult<'_>,
        sender: HostAddress<'_>,
        rng: &mut dyn Random,
    ) -> Vec<u8> {
        let number = Some(first_number(rng));
        let ap_rep = ap_reply(self.time, &self.session_key, None, number, rng);
        let stamp = Stamp { time: None, sequence_number: number };
        let private = krb_priv(&self.key, &result.to_bytes(), stamp, sender, rng);
        // Results are far shorter than 64 KiB.
        frame::write(CHANGE, &ap_rep, &private).unwrap_or_default()
    }
}

/// A reply to who could not be verified: a KRB-ERROR that anybody could have made, with the result
/// in its e-data. `server` is `kadmin/changepw` of the realm.
#[must_use]
pub fn unverified_answer(
    code: ErrorCode,
    result: &ChangeResult<'_>,
    server: &Principal,
    cx: &Context<'_>,
) -> Vec<u8> {
    let error = der::encode(&KrbError {
        e_data: Some(&result.to_bytes()),
        ..KrbError::new(code, cx.now, &server.realm, &server.name)
    });
    frame::write(CHANGE, &[], &error).unwrap_or_default()
}

/// Why a request was refused. All are the client's fault, or an attacker's.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChangeRequestError {
    /// The lengths do not fit.
    Truncated,
    /// A version that does not exist.
    Version(u16),
    /// The client did not prove its identity.
    Authentication(ApRequestError),
    /// The client did, and what it asks for makes no sense.
    Content(Answerable, ContentError),
}

/// What is wrong with what a client asks for.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum ContentError {
    /// The KRB-PRIV does not hold.
    Protection(ProtectedError),
    /// No ChangePasswdData.
    Malformed(DecodeError),
    /// A name without a realm, or a realm without a name, which Samba's server does not take.
    HalfATarget,
    /// The password is longer than [`MAX_PASSWORD`].
    TooLong,
}

impl ChangeRequestError {
    /// The result that says so (RFC 3244 section 2), as MIT's server gives it.
    #[must_use]
    pub const fn result(&self) -> KpasswdResult {
        match self {
            Self::Truncated
            | Self::Content(
                _,
                ContentError::Malformed(_) | ContentError::HalfATarget | ContentError::TooLong,
            ) => KpasswdResult::MALFORMED,
            Self::Version(_) => KpasswdResult::BAD_VERSION,
            Self::Authentication(_) => KpasswdResult::AUTH_ERROR,
            Self::Content(_, ContentError::Protection(_)) => KpasswdResult::HARD_ERROR,
        }
    }

    /// The code of the KRB-ERROR where nobody can be answered otherwise.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Truncated => ErrorCode::MODIFIED,
            Self::Version(_) => ErrorCode::BAD_PVNO,
            Self::Authentication(error) => error.code(),
            Self::Content(..) => ErrorCode::GENERIC,
        }
    }
}

impl fmt::Display for ChangeRequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the request is longer or shorter than it says"),
            Self::Version(version) => {
                write!(f, "the request has the unknown version {version:#x}")
            }
            Self::Authentication(error) => write!(f, "the request: {error}"),
            Self::Content(_, ContentError::Protection(error)) => {
                write!(f, "the new password: {error}")
            }
            Self::Content(_, ContentError::Malformed(error)) => {
                write!(f, "the new password is malformed: {error}")
            }
            Self::Content(_, ContentError::HalfATarget) => {
                f.write_str("whose password it is needs a name and a realm")
            }
            Self::Content(_, ContentError::TooLong) => {
                write!(f, "the new password is longer than {MAX_PASSWORD} octets")
            }
        }
    }
}

impl core::error::Error for ChangeRequestError {}
