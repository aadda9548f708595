//! The other implementations: each reads a message and writes it again.

use std::fmt;

use crate::peer::{self, Peer};

/// Another implementation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Oracle {
    RasnKerberos,
    PickyKrb,
    KerberosAsn1,
    Mit,
    Heimdal,
}

/// What another implementation makes of a message.
#[derive(PartialEq, Eq, Debug)]
pub enum Answer {
    /// It reads it and writes this.
    Written(Vec<u8>),
    /// It does not read it.
    Refused(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(written) => f.write_str(&peer::hex(written)),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

/// An [`Oracle`] that answers.
pub enum Running {
    Rust(fn(&str, &[u8]) -> Option<Answer>),
    C(Peer),
}

impl Oracle {
    pub const ALL: [Self; 5] =
        [Self::RasnKerberos, Self::PickyKrb, Self::KerberosAsn1, Self::Mit, Self::Heimdal];

    /// `None` with a loud word if it is not installed.
    pub fn start(self) -> Option<Running> {
        Some(match self {
            Self::RasnKerberos => Running::Rust(rasn_kerberos),
            Self::PickyKrb => Running::Rust(picky_krb),
            Self::KerberosAsn1 => Running::Rust(kerberos_asn1),
            Self::Mit => Running::C(Peer::start(&peer::MIT_ASN1)?),
            Self::Heimdal => Running::C(Peer::start(&peer::HEIMDAL_ASN1)?),
        })
    }
}

impl Running {
    /// `None` if it does not know this type of message.
    pub fn reencode(&mut self, message: &str, bytes: &[u8]) -> Option<Answer> {
        match self {
            // Some panic where they should refuse.
            Self::Rust(reencode) => std::panic::catch_unwind(|| reencode(message, bytes))
                .unwrap_or_else(|_| Some(Answer::Refused("panic".to_owned()))),
            Self::C(peer) => match peer.ask(&[message, &peer::hex(bytes)]) {
                Ok(written) => Some(Answer::Written(written)),
                Err(why) if why == "unknown" => None,
                Err(why) => Some(Answer::Refused(why)),
            },
        }
    }
}

/// The types of one implementation, by the names of [`super::messages::MESSAGES`].
macro_rules! oracle {
    ($function:ident by $reencode:ident { $($name:ident: $type:ty;)* }) => {
        fn $function(message: &str, bytes: &[u8]) -> Option<Answer> {
            let written: Result<Vec<u8>, String> = match message {
                $(stringify!($name) => $reencode!($type, bytes),)*
                _ => return None,
            };
            Some(written.map_or_else(Answer::Refused, Answer::Written))
        }
    };
}

macro_rules! rasn {
    ($type:ty, $bytes:ident) => {
        rasn::der::decode::<$type>($bytes)
            .map_err(|error| error.to_string())
            .and_then(|value| rasn::der::encode(&value).map_err(|error| error.to_string()))
    };
}

oracle! {
    rasn_kerberos by rasn {
        AsReq: rasn_kerberos::AsReq;
        TgsReq: rasn_kerberos::TgsReq;
        KdcReqBody: rasn_kerberos::KdcReqBody;
        AsRep: rasn_kerberos::AsRep;
        TgsRep: rasn_kerberos::TgsRep;
        EncAsRepPart: rasn_kerberos::EncAsRepPart;
        EncTgsRepPart: rasn_kerberos::EncTgsRepPart;
        Ticket: rasn_kerberos::Ticket;
        EncTicketPart: rasn_kerberos::EncTicketPart;
        ApReq: rasn_kerberos::ApReq;
        Authenticator: rasn_kerberos::Authenticator;
        ApRep: rasn_kerberos::ApRep;
        EncApRepPart: rasn_kerberos::EncApRepPart;
        KrbSafe: rasn_kerberos::KrbSafe;
        KrbPriv: rasn_kerberos::KrbPriv;
        EncKrbPrivPart: rasn_kerberos::EncKrbPrivPart;
        KrbCred: rasn_kerberos::KrbCred;
        EncKrbCredPart: rasn_kerberos::EncKrbCredPart;
        KrbError: rasn_kerberos::KrbError;
        MethodData: rasn_kerberos::MethodData;
        TypedData: rasn_kerberos::TypedData;
        AuthorizationData: rasn_kerberos::AuthorizationData;
        EncryptedData: rasn_kerberos::EncryptedData;
        EncryptionKey: rasn_kerberos::EncryptionKey;
        EtypeInfo: rasn_kerberos::EtypeInfo;
        EtypeInfo2: rasn_kerberos::EtypeInfo2;
        PaEncTsEnc: rasn_kerberos::PaEncTsEnc;
        AdKdcIssued: rasn_kerberos::AdKdcIssued;
        AdAndOr: rasn_kerberos::AdAndOr;
        AdCammac: rasn_kerberos::AdCammac;
    }
}

macro_rules! picky {
    ($type:ty, $bytes:ident) => {
        picky_asn1_der::from_bytes::<$type>($bytes)
            .and_then(|value| picky_asn1_der::to_vec(&value))
            .map_err(|error| error.to_string())
    };
}

oracle! {
    picky_krb by picky {
        AsReq: picky_krb::messages::AsReq;
        TgsReq: picky_krb::messages::TgsReq;
        KdcReqBody: picky_krb::messages::KdcReqBody;
        AsRep: picky_krb::messages::AsRep;
        TgsRep: picky_krb::messages::TgsRep;
        EncAsRepPart: picky_krb::messages::EncAsRepPart;
        EncTgsRepPart: picky_krb::messages::EncTgsRepPart;
        Ticket: picky_krb::data_types::Ticket;
        EncTicketPart: picky_krb::data_types::EncTicketPart;
        ApReq: picky_krb::messages::ApReq;
        Authenticator: picky_krb::data_types::Authenticator;
        ApRep: picky_krb::messages::ApRep;
        EncApRepPart: picky_krb::data_types::EncApRepPart;
        KrbPriv: picky_krb::messages::KrbPriv;
        EncKrbPrivPart: picky_krb::data_types::EncKrbPrivPart;
        KrbCred: picky_krb::messages::KrbCred;
        EncKrbCredPart: picky_krb::data_types::EncKrbCredPart;
        KrbError: picky_krb::messages::KrbError;
        KerbErrorData: picky_krb::data_types::KerbErrorData;
        AuthorizationData: picky_krb::data_types::AuthorizationData;
        EncryptedData: picky_krb::data_types::EncryptedData;
        EncryptionKey: picky_krb::data_types::EncryptionKey;
        EtypeInfo2: picky_krb::data_types::EtypeInfo2;
        PaEncTsEnc: picky_krb::data_types::PaEncTsEnc;
        PaPacRequest: picky_krb::data_types::KerbPaPacRequest;
        PaPacOptions: picky_krb::data_types::PaPacOptions;
        KerbAdRestrictionEntry: picky_krb::data_types::KerbAdRestrictionEntry;
        ChangePasswdData: picky_krb::data_types::ChangePasswdData;
        KdcProxyMessage: picky_krb::messages::KdcProxyMessage;
        KerbTgtRequest: picky_krb::messages::TgtReq;
        KerbTgtReply: picky_krb::messages::TgtRep;
    }
}

macro_rules! red_asn1 {
    ($type:ty, $bytes:ident) => {
        <$type as kerberos_asn1::Asn1Object>::parse($bytes)
            .map_err(|error| error.to_string())
            .and_then(|(rest, value)| match rest {
                [] => Ok(kerberos_asn1::Asn1Object::build(&value)),
                _ => Err("bytes are left".to_owned()),
            })
    };
}

oracle! {
    kerberos_asn1 by red_asn1 {
        AsReq: kerberos_asn1::AsReq;
        TgsReq: kerberos_asn1::TgsReq;
        KdcReqBody: kerberos_asn1::KdcReqBody;
        AsRep: kerberos_asn1::AsRep;
        TgsRep: kerberos_asn1::TgsRep;
        EncAsRepPart: kerberos_asn1::EncAsRepPart;
        EncTgsRepPart: kerberos_asn1::EncTgsRepPart;
        Ticket: kerberos_asn1::Ticket;
        EncTicketPart: kerberos_asn1::EncTicketPart;
        ApReq: kerberos_asn1::ApReq;
        Authenticator: kerberos_asn1::Authenticator;
        ApRep: kerberos_asn1::ApRep;
        EncApRepPart: kerberos_asn1::EncApRepPart;
        KrbSafe: kerberos_asn1::KrbSafe;
        KrbPriv: kerberos_asn1::KrbPriv;
        EncKrbPrivPart: kerberos_asn1::EncKrbPrivPart;
        KrbCred: kerberos_asn1::KrbCred;
        EncKrbCredPart: kerberos_asn1::EncKrbCredPart;
        KrbError: kerberos_asn1::KrbError;
        MethodData: kerberos_asn1::MethodData;
        TypedData: kerberos_asn1::TypedData;
        KerbErrorData: kerberos_asn1::KerbErrorData;
        AuthorizationData: kerberos_asn1::AuthorizationData;
        EncryptedData: kerberos_asn1::EncryptedData;
        EncryptionKey: kerberos_asn1::EncryptionKey;
        EtypeInfo: kerberos_asn1::EtypeInfo;
        EtypeInfo2: kerberos_asn1::EtypeInfo2;
        PaEncTsEnc: kerberos_asn1::PaEncTsEnc;
        PaPacRequest: kerberos_asn1::KerbPaPacRequest;
        PaPacOptions: kerberos_asn1::PaPacOptions;
        PaForUser: kerberos_asn1::PaForUser;
        PaS4uX509User: kerberos_asn1::PaS4uX509User;
        AdKdcIssued: kerberos_asn1::AdKdcIssued;
        AdAndOr: kerberos_asn1::AdAndOr;
        KerbAdRestrictionEntry: kerberos_asn1::KerbAdRestrictionEntry;
    }
}
