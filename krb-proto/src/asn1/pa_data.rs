use crate::KerberosTime;
use crate::der::{KerberosFlags, KerberosString, Microseconds, sequence};
use crate::iana::EncType;

sequence! {
    /// PA-ENC-TS-ENC (RFC 4120 section 5.2.7.2).
    pub struct PaEncTsEnc {
        [0] patimestamp: KerberosTime,
        [1] pausec: Option<Microseconds>,
    }

    /// ETYPE-INFO-ENTRY (RFC 4120 section 5.2.7.4), which ETYPE-INFO2 replaced.
    pub struct EtypeInfoEntry<'a> {
        [0] etype: EncType,
        [1] salt: Option<&'a [u8]>,
    }

    /// ETYPE-INFO2-ENTRY (RFC 4120 section 5.2.7.5).
    pub struct EtypeInfo2Entry<'a> {
        [0] etype: EncType,
        [1] salt: Option<KerberosString<'a>>,
        [2] s2kparams: Option<&'a [u8]>,
    }

    /// KERB-PA-PAC-REQUEST (MS-KILE 2.2.3).
    pub struct PaPacRequest {
        [0] include_pac: bool,
    }

    /// PA-PAC-OPTIONS (MS-KILE 2.2.10). MS-SFU 2.2.5 prints a bare BIT STRING; KDCs send and want
    /// this SEQUENCE.
    pub struct PaPacOptions<'a> {
        [0] flags: KerberosFlags<'a>,
    }
}
