//! Every message of krb-proto: made at random, and read and written again.

use krb_proto::asn1::*;
use krb_proto::der::{self, DecodeError, Encode, List, Writer};

use super::source::{Random, Source, Unusual};

/// One type of message under the name that all implementations' tables use.
pub struct Message {
    pub name: &'static str,
    make: fn(&mut Source<'_>) -> Vec<u8>,
    /// Reads and writes it with krb-proto.
    pub reencode: fn(&[u8]) -> Result<Vec<u8>, DecodeError>,
}

impl Message {
    /// The message that these octets decide on; `None` if nothing in it is unusual in the way
    /// asked for.
    pub fn make(&self, entropy: &[u8], unusual: Option<Unusual>) -> Option<Vec<u8>> {
        let mut source = Source::new(entropy, unusual);
        let bytes = (self.make)(&mut source);
        (source.used || unusual.is_none()).then_some(bytes)
    }
}

macro_rules! structs {
    ($($name:ident $(<$life:lifetime>)? { $($member:ident)* })*) => {$(
        impl Random for $name $(<$life>)? {
            fn random(source: &mut Source<'_>) -> Self {
                Self { $($member: Random::random(source),)* }
            }
        }
    )*};
}

structs! {
    PrincipalName<'static> { name_type name_string }
    HostAddress<'static> { addr_type address }
    AuthorizationDataElement<'static> { ad_type ad_data }
    PaData<'static> { padata_type padata_value }
    EncryptedData<'static> { etype kvno cipher }
    EncryptionKey<'static> { keytype keyvalue }
    Checksum<'static> { cksumtype checksum }
    Ticket<'static> { tkt_vno realm sname enc_part }
    TransitedEncoding<'static> { tr_type contents }
    EncTicketPart<'static> {
        flags key crealm cname transited authtime starttime endtime renew_till caddr
        authorization_data
    }
    LastReqEntry { lr_type lr_value }
    EncKdcRepPart<'static> {
        key last_req nonce key_expiration flags authtime starttime endtime renew_till srealm sname
        caddr encrypted_pa_data
    }
    KdcReqBody<'static> {
        kdc_options cname realm sname from till rtime nonce etype addresses enc_authorization_data
        additional_tickets
    }
    AsReq<'static> { pvno msg_type padata req_body }
    TgsReq<'static> { pvno msg_type padata req_body }
    AsRep<'static> { pvno msg_type padata crealm cname ticket enc_part }
    TgsRep<'static> { pvno msg_type padata crealm cname ticket enc_part }
    ApReq<'static> { pvno msg_type ap_options ticket authenticator }
    Authenticator<'static> {
        authenticator_vno crealm cname cksum cusec ctime subkey seq_number authorization_data
    }
    ApRep<'static> { pvno msg_type enc_part }
    EncApRepPart<'static> { ctime cusec subkey seq_number }
    KrbSafeBody<'static> { user_data timestamp usec seq_number s_address r_address }
    KrbSafe<'static> { pvno msg_type safe_body cksum }
    KrbPriv<'static> { pvno msg_type enc_part }
    EncKrbPrivPart<'static> { user_data timestamp usec seq_number s_address r_address }
    KrbCred<'static> { pvno msg_type tickets enc_part }
    KrbCredInfo<'static> {
        key prealm pname flags authtime starttime endtime renew_till srealm sname caddr
    }
    EncKrbCredPart<'static> { ticket_info nonce timestamp usec s_address r_address }
    KrbError<'static> {
        pvno msg_type ctime cusec stime susec error_code crealm cname realm sname e_text e_data
    }
    TypedData<'static> { data_type data_value }
    KerbErrorData<'static> { data_type data_value }
    PaEncTsEnc { patimestamp pausec }
    EtypeInfoEntry<'static> { etype salt }
    EtypeInfo2Entry<'static> { etype salt s2kparams }
    PaPacRequest { include_pac }
    PaPacOptions<'static> { flags }
    PaForUser<'static> { user_name user_realm cksum auth_package }
    S4uUserId<'static> { nonce cname crealm subject_certificate options }
    PaS4uX509User<'static> { user_id checksum }
    AdKdcIssued<'static> { ad_checksum i_realm i_sname elements }
    AdAndOr<'static> { condition_count elements }
    VerifierMac<'static> { identifier kvno enctype mac }
    AdCammac<'static> { elements kdc_verifier svc_verifier other_verifiers }
    KerbAdRestrictionEntry<'static> { restriction_type restriction }
    KrbFastArmor<'static> { armor_type armor_value }
    KrbFastArmoredReq<'static> { armor req_checksum enc_fast_req }
    KrbFastReq<'static> { fast_options padata req_body }
    KrbFastArmoredRep<'static> { enc_fast_rep }
    KrbFastFinished<'static> { timestamp usec crealm cname ticket_checksum }
    KrbFastResponse<'static> { padata strengthen_key finished nonce }
    ChangePasswdData<'static> { newpasswd targname targrealm }
    KdcProxyMessage<'static> { kerb_message target_domain dclocator_hint }
    OtpTokenInfo<'static> {
        flags otp_vendor otp_challenge otp_length otp_format otp_token_id otp_alg_id
        supported_hash_alg iteration_count
    }
    PaOtpChallenge<'static> { nonce otp_service otp_token_info salt s2kparams }
    PaOtpRequest<'static> {
        flags nonce enc_data hash_alg iteration_count otp_value otp_pin otp_challenge otp_time
        otp_counter otp_format otp_token_id otp_alg_id otp_vendor
    }
    PaOtpEncRequest<'static> { nonce }
    PaOtpPinChange<'static> { flags pin min_length max_length last_req format }
    KerbTgtRequest<'static> { pvno msg_type server_name realm }
    KerbTgtReply<'static> { pvno msg_type ticket }
}

impl Random for Verifier<'static> {
    fn random(source: &mut Source<'_>) -> Self {
        Self::Mac(Random::random(source))
    }
}

impl Random for PaFxFastRequest<'static> {
    fn random(source: &mut Source<'_>) -> Self {
        Self::ArmoredData(Random::random(source))
    }
}

impl Random for PaFxFastReply<'static> {
    fn random(source: &mut Source<'_>) -> Self {
        Self::ArmoredData(Random::random(source))
    }
}

impl Random for AlgorithmIdentifier<'static> {
    fn random(source: &mut Source<'_>) -> Self {
        const NULL: &[u8] = &[5, 0];
        let parameters: Option<bool> = Random::random(source);
        Self { algorithm: Random::random(source), parameters: parameters.map(|_| NULL) }
    }
}

fn make<T: Random + Encode>(source: &mut Source<'_>) -> Vec<u8> {
    der::encode(&T::random(source))
}

fn enc_kdc_rep_part(part: &EncKdcRepPart<'_>, tag: u8) -> Vec<u8> {
    let mut writer = Writer::new();
    part.write(tag, &mut writer);
    writer.into_vec()
}

macro_rules! messages {
    ($($name:ident: $type:ty;)*) => {
        [$(Message {
            name: stringify!($name),
            make: make::<$type>,
            reencode: |bytes| der::decode::<$type>(bytes).map(|value| der::encode(&value)),
        },)*
        Message {
            name: "EncAsRepPart",
            make: |source| enc_kdc_rep_part(&Random::random(source), EncKdcRepPart::AS_REP),
            reencode: |bytes| {
                EncKdcRepPart::from_der(bytes).map(|part| enc_kdc_rep_part(&part, bytes[0]))
            },
        },
        Message {
            name: "EncTgsRepPart",
            make: |source| enc_kdc_rep_part(&Random::random(source), EncKdcRepPart::TGS_REP),
            reencode: |bytes| {
                EncKdcRepPart::from_der(bytes).map(|part| enc_kdc_rep_part(&part, bytes[0]))
            },
        }]
    };
}

pub static MESSAGES: &[Message] = &messages! {
    AsReq: AsReq<'_>;
    TgsReq: TgsReq<'_>;
    KdcReqBody: KdcReqBody<'_>;
    AsRep: AsRep<'_>;
    TgsRep: TgsRep<'_>;
    Ticket: Ticket<'_>;
    EncTicketPart: EncTicketPart<'_>;
    ApReq: ApReq<'_>;
    Authenticator: Authenticator<'_>;
    ApRep: ApRep<'_>;
    EncApRepPart: EncApRepPart<'_>;
    KrbSafe: KrbSafe<'_>;
    KrbPriv: KrbPriv<'_>;
    EncKrbPrivPart: EncKrbPrivPart<'_>;
    KrbCred: KrbCred<'_>;
    EncKrbCredPart: EncKrbCredPart<'_>;
    KrbError: KrbError<'_>;
    MethodData: List<'_, PaData<'_>>;
    TypedData: List<'_, TypedData<'_>>;
    KerbErrorData: KerbErrorData<'_>;
    AuthorizationData: AuthorizationData<'_>;
    EncryptedData: EncryptedData<'_>;
    EncryptionKey: EncryptionKey<'_>;
    EtypeInfo: List<'_, EtypeInfoEntry<'_>>;
    EtypeInfo2: List<'_, EtypeInfo2Entry<'_>>;
    PaEncTsEnc: PaEncTsEnc;
    PaPacRequest: PaPacRequest;
    PaPacOptions: PaPacOptions<'_>;
    PaForUser: PaForUser<'_>;
    PaS4uX509User: PaS4uX509User<'_>;
    AdKdcIssued: AdKdcIssued<'_>;
    AdAndOr: AdAndOr<'_>;
    AdCammac: AdCammac<'_>;
    KerbAdRestrictionEntry: KerbAdRestrictionEntry<'_>;
    KrbFastArmor: KrbFastArmor<'_>;
    PaFxFastRequest: PaFxFastRequest<'_>;
    KrbFastReq: KrbFastReq<'_>;
    PaFxFastReply: PaFxFastReply<'_>;
    KrbFastResponse: KrbFastResponse<'_>;
    ChangePasswdData: ChangePasswdData<'_>;
    KdcProxyMessage: KdcProxyMessage<'_>;
    OtpTokenInfo: OtpTokenInfo<'_>;
    PaOtpChallenge: PaOtpChallenge<'_>;
    PaOtpRequest: PaOtpRequest<'_>;
    PaOtpEncRequest: PaOtpEncRequest<'_>;
    PaOtpPinChange: PaOtpPinChange<'_>;
    KerbTgtRequest: KerbTgtRequest<'_>;
    KerbTgtReply: KerbTgtReply<'_>;
};
