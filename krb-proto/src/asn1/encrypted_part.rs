use super::{AuthorizationData, EncryptionKey, HostAddress, PaData, PrincipalName};
use crate::KerberosTime;
use crate::der::{
    self, Decode, DecodeError, KerberosFlags, KerberosString, List, UInt32, sequence,
};

sequence! {
    /// TransitedEncoding (RFC 4120 section 5.3).
    pub struct TransitedEncoding<'a> {
        [0] tr_type: i32,
        [1] contents: &'a [u8],
    }

    /// EncTicketPart (RFC 4120 section 5.3).
    pub struct EncTicketPart<'a>: [APPLICATION 3] {
        [0] flags: KerberosFlags<'a>,
        [1] key: EncryptionKey<'a>,
        [2] crealm: KerberosString<'a>,
        [3] cname: PrincipalName<'a>,
        [4] transited: TransitedEncoding<'a>,
        [5] authtime: KerberosTime,
        [6] starttime: Option<KerberosTime>,
        [7] endtime: KerberosTime,
        [8] renew_till: Option<KerberosTime>,
        [9] caddr: Option<List<'a, HostAddress<'a>>>,
        [10] authorization_data: Option<AuthorizationData<'a>>,
    }

    /// One entry of LastReq (RFC 4120 section 5.4.2).
    pub struct LastReqEntry {
        [0] lr_type: i32,
        [1] lr_value: KerberosTime,
    }

    /// EncKDCRepPart (RFC 4120 section 5.4.2, RFC 6806 section 11): the SEQUENCE behind the
    /// APPLICATION tag of EncASRepPart or EncTGSRepPart.
    pub struct EncKdcRepPart<'a> {
        [0] key: EncryptionKey<'a>,
        [1] last_req: List<'a, LastReqEntry>,
        [2] nonce: UInt32,
        [3] key_expiration: Option<KerberosTime>,
        [4] flags: KerberosFlags<'a>,
        [5] authtime: KerberosTime,
        [6] starttime: Option<KerberosTime>,
        [7] endtime: KerberosTime,
        [8] renew_till: Option<KerberosTime>,
        [9] srealm: KerberosString<'a>,
        [10] sname: PrincipalName<'a>,
        [11] caddr: Option<List<'a, HostAddress<'a>>>,
        [12] encrypted_pa_data: Option<List<'a, PaData<'a>>>,
    }
}

impl<'a> EncKdcRepPart<'a> {
    /// The tag of EncASRepPart.
    pub const AS_REP: u8 = 0x79;
    /// The tag of EncTGSRepPart; MIT uses it in AS replies too.
    pub const TGS_REP: u8 = 0x7a;

    /// Reads EncASRepPart or EncTGSRepPart: MIT KDCs tag both as the latter, so either is taken.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_der(input: &'a [u8]) -> Result<Self, DecodeError> {
        der::read(input, |reader| {
            let as_rep = reader.peek_tag() == Some(Self::AS_REP);
            Self::decode_explicit(reader, if as_rep { Self::AS_REP } else { Self::TGS_REP })
        })
    }

    /// Writes the part behind [`Self::AS_REP`] or [`Self::TGS_REP`].
    pub fn write(&self, tag: u8, writer: &mut der::Writer) {
        let mark = writer.mark();
        der::Encode::encode(self, writer);
        writer.close(tag, mark);
    }
}
