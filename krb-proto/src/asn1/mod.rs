//! The messages of RFC 4120 and its extensions, as they stand on the wire.
//!
//! Every type borrows from the message it was read from and is named, member by member, as in its
//! ASN.1 module. What a member *means* (names, times, keys) is for the types at the crate's root.

mod algorithm;
mod ap;
mod authorization;
mod base;
mod cms;
mod cred;
mod encrypted_part;
mod error;
mod fast;
mod iakerb;
mod kdc;
mod kpasswd;
mod otp;
mod pa_data;
mod pkinit;
mod protected;
mod proxy;
mod s4u;
mod spake;
mod user_to_user;

pub use algorithm::{AlgorithmIdentifier, SubjectPublicKeyInfo};
pub use ap::{ApRep, ApReq, Authenticator, EncApRepPart};
pub use authorization::{
    AdAndOr, AdCammac, AdKdcIssued, KerbAdRestrictionEntry, LsapTokenInfoIntegrity, Verifier,
    VerifierMac,
};
pub use base::{
    AuthorizationData, AuthorizationDataElement, Checksum, EncryptedData, EncryptionKey,
    HostAddress, NameString, PaData, PrincipalName, SecretOctets, Ticket,
};
pub use cms::{
    Attribute, ContentInfo, EncapsulatedContentInfo, IssuerAndSerialNumber, SignedData,
    SignerIdentifier, SignerInfo,
};
pub use cred::{EncKrbCredPart, KrbCred, KrbCredInfo};
pub use encrypted_part::{EncKdcRepPart, EncTicketPart, LastReqEntry, TransitedEncoding};
pub use error::{ErrorData, KerbErrorData, KerbExtError, KrbError, TypedData};
pub use fast::{
    KrbFastArmor, KrbFastArmoredRep, KrbFastArmoredReq, KrbFastFinished, KrbFastReq,
    KrbFastResponse, PaFxFastReply, PaFxFastRequest,
};
pub use iakerb::{IakerbFinished, IakerbHeader, IakerbRealm};
pub use kdc::{AsRep, AsReq, KdcReqBody, TgsRep, TgsReq};
pub use kpasswd::ChangePasswdData;
pub use otp::{OtpTokenInfo, PaOtpChallenge, PaOtpEncRequest, PaOtpPinChange, PaOtpRequest};
pub use pa_data::{EtypeInfo2Entry, EtypeInfoEntry, PaEncTsEnc, PaPacOptions, PaPacRequest};
pub use pkinit::{
    AdInitialVerifiedCas, AuthPack, DhRepInfo, ExternalPrincipalIdentifier, KdcDhKeyInfo,
    KdfAlgorithmId, Krb5PrincipalName, OtherInfo, PaChecksum2, PaPkAsRep, PaPkAsReq,
    PkAuthenticator, PkinitSuppPubInfo, ReplyKeyPack, TdCertDigestAlgorithmsData,
    TdCmsDigestAlgorithmsData, TdDhParameters, TdInvalidCertificates, TdTrustedCertifiers,
};
pub use protected::{EncKrbPrivPart, KrbPriv, KrbSafe, KrbSafeBody};
pub use proxy::KdcProxyMessage;
pub use s4u::{PaForUser, PaS4uX509User, S4uUserId};
pub use spake::{PaSpake, SpakeChallenge, SpakeResponse, SpakeSecondFactor, SpakeSupport};
pub use user_to_user::{KerbTgtReply, KerbTgtRequest};

#[cfg(test)]
mod tests;
