//! The messages, as an AD domain sends them.

use krb_proto::asn1::{
    ApReq, AsRep, AuthorizationData, AuthorizationDataElement, Checksum, EncKdcRepPart,
    EncTicketPart, EncryptedData, EncryptionKey, EtypeInfo2Entry, KdcReqBody, KrbError,
    LastReqEntry, PaData, PaForUser, PrincipalName, SecretOctets, TgsRep, TgsReq, Ticket,
    TransitedEncoding,
};
use krb_proto::der::{self, Encoded, Int, KerberosString, List, Microseconds, UInt32, Writer};
use krb_proto::iana::{
    AdType, ChecksumType, EncType, ErrorCode, KdcOptions, NameType, PaType, PacOptions, TicketFlags,
};
use krb_proto::{KerberosTime, Name, preauth};

/// A message of the codec's cases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message {
    /// AS-REP with ETYPE-INFO2.
    AsRep,
    /// TGS-REP with a ticket of 1.5 KB.
    TgsRep1500,
    /// TGS-REP with a ticket of 12 KB.
    TgsRep12000,
    /// TGS-REQ for S4U: PA-TGS-REQ, PA-FOR-USER, PA-PAC-OPTIONS, an additional ticket.
    TgsReq,
    /// KRB-ERROR with e-data.
    KrbError,
    /// EncTicketPart with a PAC of 1.2 KB.
    EncTicketPart,
    /// AP-REQ.
    ApReq,
    /// EncTGSRepPart.
    EncTgsRepPart,
}

const REALM: KerberosString<'_> = KerberosString(b"W25AD.NET");
const ENCTYPE: EncType = EncType::AES256_CTS_HMAC_SHA1_96;
const AUTHTIME: KerberosTime = KerberosTime::from_unix(1_790_000_000);
const ENDTIME: KerberosTime = AUTHTIME.plus_seconds(36_000);
const RENEW_TILL: KerberosTime = AUTHTIME.plus_seconds(604_800);
const TICKET_FLAGS: TicketFlags =
    TicketFlags(TicketFlags::FORWARDABLE.0 | TicketFlags::RENEWABLE.0 | TicketFlags::PRE_AUTHENT.0);
const TICKET: usize = 1_500;
const REPLY_PART: usize = 300;
const AUTHENTICATOR: usize = 280;
const PAC: usize = 1_200;

impl Message {
    /// All of them, as columns of a table.
    pub const ALL: [Self; 8] = [
        Self::AsRep,
        Self::TgsRep1500,
        Self::TgsRep12000,
        Self::TgsReq,
        Self::KrbError,
        Self::EncTicketPart,
        Self::ApReq,
        Self::EncTgsRepPart,
    ];

    /// Its name in case lists and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AsRep => "AS-REP",
            Self::TgsRep1500 => "TGS-REP-1.5K",
            Self::TgsRep12000 => "TGS-REP-12K",
            Self::TgsReq => "TGS-REQ",
            Self::KrbError => "KRB-ERROR",
            Self::EncTicketPart => "EncTicketPart",
            Self::ApReq => "AP-REQ",
            Self::EncTgsRepPart => "EncTGSRepPart",
        }
    }

    /// Its octets.
    #[must_use]
    pub fn der(self) -> Vec<u8> {
        match self {
            Self::AsRep => as_rep(),
            Self::TgsRep1500 => tgs_rep(1_500),
            Self::TgsRep12000 => tgs_rep(12_000),
            Self::TgsReq => tgs_req(),
            Self::KrbError => krb_error(),
            Self::EncTicketPart => enc_ticket_part(),
            Self::ApReq => ap_req(),
            Self::EncTgsRepPart => enc_tgs_rep_part(),
        }
    }
}

fn client() -> Name {
    Name::user("ALICE_ADMIN")
}

fn file_server() -> Name {
    Name::new(NameType::SRV_INST, ["cifs", "fileserver.w25ad.net"])
}

fn sealed(kvno: Option<u32>, cipher: &[u8]) -> EncryptedData<'_> {
    EncryptedData { etype: ENCTYPE, kvno: kvno.map(UInt32::new), cipher }
}

/// Octets that stand for a ciphertext: nothing here looks into one.
fn cipher(length: usize) -> Vec<u8> {
    vec![0xa5; length]
}

fn ticket(server: &Name, length: usize) -> Vec<u8> {
    der::encode(&Ticket {
        tkt_vno: Int,
        realm: REALM,
        sname: server.into(),
        enc_part: sealed(Some(2), &cipher(length)),
    })
}

fn encoded(ticket: &[u8]) -> Encoded<'_, Ticket<'_>> {
    Encoded::from_der(ticket).expect("our own ticket")
}

fn as_rep() -> Vec<u8> {
    let info = der::encode(&List::of(&[EtypeInfo2Entry {
        etype: ENCTYPE,
        salt: Some(KerberosString(b"W25AD.NETALICE_ADMIN")),
        s2kparams: Some(&4_096_u32.to_be_bytes()),
    }]));
    der::encode(&AsRep {
        pvno: Int,
        msg_type: Int,
        padata: Some(List::of(&[PaData { padata_type: PaType::ETYPE_INFO2, padata_value: &info }])),
        crealm: REALM,
        cname: PrincipalName::from(&client()),
        ticket: encoded(&ticket(&Name::krbtgt(REALM.0), 1_100)),
        enc_part: sealed(Some(2), &cipher(REPLY_PART)),
    })
}

fn tgs_rep(ticket_length: usize) -> Vec<u8> {
    der::encode(&TgsRep {
        pvno: Int,
        msg_type: Int,
        padata: None,
        crealm: REALM,
        cname: PrincipalName::from(&client()),
        ticket: encoded(&ticket(&file_server(), ticket_length)),
        enc_part: sealed(None, &cipher(REPLY_PART)),
    })
}

fn ap_req() -> Vec<u8> {
    der::encode(&ApReq {
        pvno: Int,
        msg_type: Int,
        ap_options: 0x2000_0000.into(), // mutual-required
        ticket: encoded(&ticket(&file_server(), TICKET)),
        authenticator: sealed(None, &cipher(AUTHENTICATOR)),
    })
}

fn tgs_req() -> Vec<u8> {
    let for_user = der::encode(&PaForUser {
        user_name: PrincipalName::from(&client()),
        user_realm: REALM,
        cksum: Checksum { cksumtype: ChecksumType::HMAC_MD5, checksum: &[0x5a; 16] },
        auth_package: KerberosString(b"Kerberos"),
    });
    let body = der::encode(&KdcReqBody {
        kdc_options: (KdcOptions::FORWARDABLE.0 | KdcOptions::CNAME_IN_ADDL_TKT.0).into(),
        cname: None,
        realm: REALM,
        sname: Some(PrincipalName::from(&file_server())),
        from: None,
        till: ENDTIME,
        rtime: None,
        nonce: UInt32::new(0x1234_5678),
        etype: List::of(&[18, 17, 20, 19].map(EncType)),
        addresses: None,
        enc_authorization_data: None,
        additional_tickets: Some(List::of(&[encoded(&ticket(&file_server(), 1_200))])),
    });
    der::encode(&TgsReq {
        pvno: Int,
        msg_type: Int,
        padata: Some(List::of(&[
            PaData { padata_type: PaType::TGS_REQ, padata_value: &ap_req() },
            PaData { padata_type: PaType::FOR_USER, padata_value: &for_user },
            PaData {
                padata_type: PaType::PAC_OPTIONS,
                padata_value: &preauth::pac_options(
                    PacOptions::RESOURCE_BASED_CONSTRAINED_DELEGATION,
                ),
            },
        ])),
        req_body: Encoded::from_der(&body).expect("our own body"),
    })
}

fn krb_error() -> Vec<u8> {
    der::encode(&KrbError {
        pvno: Int,
        msg_type: Int,
        ctime: None,
        cusec: None,
        stime: AUTHTIME,
        susec: Microseconds(123_456),
        error_code: ErrorCode::PREAUTH_REQUIRED,
        crealm: Some(REALM),
        cname: Some(PrincipalName::from(&client())),
        realm: REALM,
        sname: PrincipalName::from(&Name::krbtgt(REALM.0)),
        e_text: Some(KerberosString(b"need preauth")),
        e_data: Some(&[0x42; 80]),
    })
}

fn enc_ticket_part() -> Vec<u8> {
    let pac = vec![0x50; PAC];
    let elements = [AuthorizationDataElement { ad_type: AdType::WIN2K_PAC, ad_data: &pac }];
    let relevant = der::encode::<AuthorizationData<'_>>(&List::of(&elements));
    der::encode(&EncTicketPart {
        flags: TICKET_FLAGS.0.into(),
        key: EncryptionKey { keytype: ENCTYPE, keyvalue: SecretOctets(&[7; 32]) },
        crealm: REALM,
        cname: PrincipalName::from(&client()),
        transited: TransitedEncoding { tr_type: 1, contents: b"" },
        authtime: AUTHTIME,
        starttime: Some(AUTHTIME),
        endtime: ENDTIME,
        renew_till: Some(RENEW_TILL),
        caddr: None,
        authorization_data: Some(List::of(&[AuthorizationDataElement {
            ad_type: AdType::IF_RELEVANT,
            ad_data: &relevant,
        }])),
    })
}

fn enc_tgs_rep_part() -> Vec<u8> {
    let mut writer = Writer::new();
    EncKdcRepPart {
        key: EncryptionKey { keytype: ENCTYPE, keyvalue: SecretOctets(&[7; 32]) },
        last_req: List::of(&[LastReqEntry { lr_type: 0, lr_value: AUTHTIME }]),
        nonce: UInt32::new(0x1234_5678),
        key_expiration: None,
        flags: TICKET_FLAGS.0.into(),
        authtime: AUTHTIME,
        starttime: Some(AUTHTIME),
        endtime: ENDTIME,
        renew_till: Some(RENEW_TILL),
        srealm: REALM,
        sname: PrincipalName::from(&file_server()),
        caddr: None,
        encrypted_pa_data: Some(List::of(&[PaData {
            padata_type: PaType::SUPPORTED_ENCTYPES,
            padata_value: &[0x1f, 0, 0, 0],
        }])),
    }
    .write(EncKdcRepPart::TGS_REP, &mut writer);
    writer.into_vec()
}
