use super::{PaData, PrincipalName};
use crate::der::{self, Int, KerberosString, List, Microseconds, sequence};
use crate::iana::{ErrorCode, NtStatus, PaType};
use crate::{KerberosTime, Name, Timestamp};

sequence! {
    /// KRB-ERROR (RFC 4120 section 5.9.1).
    pub struct KrbError<'a>: [APPLICATION 30] {
        [0] pvno: Int<5>,
        [1] msg_type: Int<30>,
        [2] ctime: Option<KerberosTime>,
        [3] cusec: Option<Microseconds>,
        [4] stime: KerberosTime,
        [5] susec: Microseconds,
        [6] error_code: ErrorCode,
        [7] crealm: Option<KerberosString<'a>>,
        [8] cname: Option<PrincipalName<'a>>,
        [9] realm: KerberosString<'a>,
        [10] sname: PrincipalName<'a>,
        [11] e_text: Option<KerberosString<'a>>,
        [12] e_data: Option<&'a [u8]>,
    }

    /// One element of TYPED-DATA (RFC 4120 section 5.9.1).
    pub struct TypedData<'a> {
        [0] data_type: i32,
        [1] data_value: Option<&'a [u8]>,
    }

    /// KERB-ERROR-DATA (MS-KILE 2.2.2).
    pub struct KerbErrorData<'a> {
        [1] data_type: i32,
        [2] data_value: Option<&'a [u8]>,
    }
}

impl<'a> KrbError<'a> {
    /// An error of the server `sname` in `realm`, with nothing in it that may be left out.
    #[must_use]
    pub fn new(error_code: ErrorCode, now: Timestamp, realm: &'a [u8], sname: &'a Name) -> Self {
        Self {
            pvno: Int,
            msg_type: Int,
            ctime: None,
            cusec: None,
            stime: now.seconds,
            susec: Microseconds(now.microseconds),
            error_code,
            crealm: None,
            cname: None,
            realm: KerberosString(realm),
            sname: sname.into(),
            e_text: None,
            e_data: None,
        }
    }
}

/// KERB-EXT-ERROR (MS-KILE 2.2.1): twelve bytes, little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KerbExtError {
    /// Why, as Windows says it.
    pub status: NtStatus,
    /// Bit 0 is always set.
    pub flags: u32,
}

impl KerbExtError {
    /// Reads the twelve bytes; `None` for any other length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let &[a, b, c, d, _, _, _, _, e, f, g, h] = bytes else { return None };
        Some(Self {
            status: NtStatus(u32::from_le_bytes([a, b, c, d])),
            flags: u32::from_le_bytes([e, f, g, h]),
        })
    }

    /// The twelve bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 12] {
        let [a, b, c, d] = self.status.0.to_le_bytes();
        let [e, f, g, h] = self.flags.to_le_bytes();
        [a, b, c, d, 0, 0, 0, 0, e, f, g, h]
    }
}

/// What a KRB-ERROR's e-data holds. AD sends its reason in either form.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ErrorData<'a> {
    /// METHOD-DATA (RFC 4120 section 5.9.1).
    MethodData(List<'a, PaData<'a>>),
    /// KERB-ERROR-DATA (MS-KILE 2.2.2).
    Kerb(KerbErrorData<'a>),
}

impl<'a> ErrorData<'a> {
    /// The pre-authentication data of this type, if the e-data lists it.
    #[must_use]
    pub fn padata(&self, padata_type: PaType) -> Option<&'a [u8]> {
        let Self::MethodData(list) = self else { return None };
        list.iter().find(|pa| pa.padata_type == padata_type).map(|pa| pa.padata_value)
    }

    /// The NTSTATUS, if AD gave one: in KERB-ERROR-DATA of type 3, or in a METHOD-DATA element of
    /// type 3 (the number of PA-PW-SALT, reused) that is twelve bytes long.
    #[must_use]
    pub fn nt_status(&self) -> Option<NtStatus> {
        const KERB_ERR_TYPE_EXTENDED: i32 = 3;
        let bytes = match self {
            Self::MethodData(_) => self.padata(PaType::PW_SALT)?,
            Self::Kerb(data) if data.data_type == KERB_ERR_TYPE_EXTENDED => data.data_value?,
            Self::Kerb(_) => return None,
        };
        KerbExtError::from_bytes(bytes).map(|error| error.status)
    }
}

impl<'a> KrbError<'a> {
    /// The METHOD-DATA in the e-data; an empty list if there is none.
    #[must_use]
    pub fn method_data(&self) -> List<'a, PaData<'a>> {
        match self.data() {
            Some(ErrorData::MethodData(list)) => list,
            _ => List::of(&[]),
        }
    }

    /// The e-data, if it is present and of a form that this crate knows.
    #[must_use]
    pub fn data(&self) -> Option<ErrorData<'a>> {
        let bytes = self.e_data?;
        der::decode(bytes)
            .map(ErrorData::MethodData)
            .or_else(|_| der::decode(bytes).map(ErrorData::Kerb))
            .ok()
    }
}
