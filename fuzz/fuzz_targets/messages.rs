//! Whatever decodes encodes back byte for byte, and an error lies within the input.
#![no_main]

use krb_proto::asn1::{
    ApRep, ApReq, AsRep, AsReq, Authenticator, EncApRepPart, EncKdcRepPart, EncTicketPart,
    EtypeInfo2Entry, KrbError, PaData, PaForUser, PaS4uX509User, TgsRep, TgsReq,
};
use krb_proto::der::{self, List, Writer};
use libfuzzer_sys::fuzz_target;

macro_rules! round_trip {
    ($input:ident: $($type:ty),+ $(,)?) => {$(
        match der::decode::<$type>($input) {
            Ok(value) => assert_eq!(der::encode(&value), $input, stringify!($type)),
            Err(error) => assert!(error.offset <= $input.len(), "{error}"),
        }
    )+};
}

fuzz_target!(|input: &[u8]| {
    round_trip!(
        input: AsReq<'_>, AsRep<'_>, TgsReq<'_>, TgsRep<'_>, ApReq<'_>, ApRep<'_>,
        Authenticator<'_>, EncApRepPart<'_>, EncTicketPart<'_>, PaForUser<'_>, PaS4uX509User<'_>,
        List<'_, PaData<'_>>, List<'_, EtypeInfo2Entry<'_>>, KrbError<'_>,
    );
    if let Ok(error) = der::decode::<KrbError<'_>>(input) {
        let _ = error.data().and_then(|data| data.nt_status());
    }
    if let Ok(part) = EncKdcRepPart::from_der(input) {
        let mut writer = Writer::new();
        part.write(input[0], &mut writer);
        assert_eq!(writer.as_slice(), input);
    }
});
