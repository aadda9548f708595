//! Which realm a user is of (MS-SFU 3.1.5.1.1.1, RFC 6806 section 4).

use alloc::vec::Vec;

use super::reply::is_error;
use super::{Exchange, ExchangeError, KdcRefusal, ReferralError, Step, TicketOptions, nonce};
use crate::asn1::{AsRep, AsReq, KdcReqBody, KrbError, PaData};
use crate::der::{self, Encoded, Int, KerberosString, List, UInt32};
use crate::iana::{ErrorCode, KdcOptions, NameType, PaType};
use crate::{Context, Name};

/// Realms beside the first. MIT's KRB5_REFERRAL_MAXHOPS.
const MAX_HOPS: usize = 10;

/// Asks KDCs which realm knows a user: the beginning of a login, in which nothing is proven and
/// nobody's password is tried. A KDC that knows better names another realm
/// (KDC_ERR_WRONG_REALM), which is asked next.
///
/// Nothing of it is authenticated. It says whom to ask: a ticket in the user's name that comes of it
/// is proven by the realm that makes it.
#[derive(Clone)]
pub struct UserRealm {
    user: Name,
    /// Or whose certificate it is.
    certificate: Option<Vec<u8>>,
    options: TicketOptions,
    /// Those that were asked, the one that is due last.
    realms: Vec<Vec<u8>>,
    pending: bool,
}

impl UserRealm {
    /// Begins with the KDCs of `realm`, the service's. `user` is an enterprise name
    /// ([`Name::enterprise`]): others are looked up in that realm alone.
    #[must_use]
    pub fn new(user: Name, realm: &[u8]) -> Self {
        let realms = Vec::from([realm.to_vec()]);
        Self { user, certificate: None, options: TicketOptions::default(), realms, pending: false }
    }

    /// The same of the user whom a certificate (its DER) is for.
    #[must_use]
    pub fn of_certificate(certificate: &[u8], realm: &[u8]) -> Self {
        let nobody = Name::new(NameType::X500_PRINCIPAL, [b""]);
        Self { certificate: Some(certificate.to_vec()), ..Self::new(nobody, realm) }
    }
}

impl Exchange for UserRealm {
    type Output = Vec<u8>;

    fn realm(&self) -> Result<&[u8], ExchangeError> {
        Ok(self.realms.last().map_or(&[], Vec::as_slice))
    }

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError> {
        let (realm, nonce) = (self.realm()?, nonce(cx));
        // The certificate itself, where a TGS-REQ has a structure (MS-SFU 2.2.2).
        let certified = self
            .certificate
            .as_deref()
            .map(|padata_value| [PaData { padata_type: PaType::S4U_X509_USER, padata_value }]);
        let body = der::encode(&KdcReqBody {
            kdc_options: KdcOptions::CANONICALIZE.0.into(),
            cname: Some((&self.user).into()),
            realm: KerberosString(realm),
            sname: Some((&Name::krbtgt(realm)).into()),
            from: None,
            till: cx.peer_time().seconds.plus_seconds(self.options.lifetime),
            rtime: None,
            nonce: UInt32::new(nonce),
            etype: List::of(&self.options.enctypes),
            addresses: None,
            enc_authorization_data: None,
            additional_tickets: None,
        });
        let request = der::encode(&AsReq {
            pvno: Int,
            msg_type: Int,
            padata: certified.as_ref().map(|padata| List::of(padata)),
            req_body: Encoded::from_der(&body).map_err(ExchangeError::OwnRequest)?,
        });
        self.pending = true;
        Ok(request)
    }

    fn receive(&mut self, _: &Context<'_>, reply: &[u8]) -> Result<Step<Vec<u8>>, ExchangeError> {
        if !core::mem::take(&mut self.pending) {
            return Err(ExchangeError::NoReplyDue);
        }
        let here = self.realm()?.to_vec();
        if !is_error(reply) {
            // A user whom it wants no proof of.
            der::decode::<AsRep<'_>>(reply).map_err(ExchangeError::Malformed)?;
            return Ok(Step::Done(here));
        }
        let error: KrbError<'_> = der::decode(reply).map_err(ExchangeError::Malformed)?;
        match (error.error_code, error.crealm) {
            (ErrorCode::PREAUTH_REQUIRED, _) => Ok(Step::Done(here)),
            (ErrorCode::WRONG_REALM, Some(realm)) => {
                if self.realms.iter().any(|asked| asked == realm.0) {
                    return Err(ReferralError::Loop(realm.0.to_vec()).into());
                }
                if self.realms.len() > MAX_HOPS {
                    return Err(ReferralError::TooLong.into());
                }
                self.realms.push(realm.0.to_vec());
                Ok(Step::Continue)
            }
            _ => Err(KdcRefusal::new(&error, error.method_data()).into()),
        }
    }
}
