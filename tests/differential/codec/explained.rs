//! Where another implementation takes something else than krb-proto, and why. Each of these must
//! still happen: an explanation that is not needed any more fails the test.

use krb_proto::asn1::*;
use krb_proto::der::{self, KerberosString, List};
use krb_proto::iana::{EncType, KdcOptions, TicketFlags};

use super::oracles::Oracle::{self, *};
use super::source::Unusual::{self, *};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deviation {
    /// It does not read the message.
    Refuses,
    /// It reads the message and writes another one.
    Rewrites,
}
use Deviation::{Refuses, Rewrites};

pub enum When {
    /// The message was made with one of these.
    Made(&'static [Unusual]),
    /// The message is so.
    Holds(fn(&[u8]) -> bool),
}
use When::{Holds, Made};

pub struct Explained {
    pub oracle: Oracle,
    pub deviation: Deviation,
    /// In these messages; in all if none is named.
    pub messages: &'static [&'static str],
    pub when: When,
    pub why: &'static str,
}

/// Whether the message is of this type, and so.
macro_rules! holds {
    ($type:ty, $condition:expr) => {
        Holds(|bytes| {
            let condition: fn($type) -> bool = $condition;
            der::decode(bytes).is_ok_and(condition)
        })
    };
}

fn body(bytes: &[u8]) -> Option<KdcReqBody<'_>> {
    let as_req = der::decode::<AsReq<'_>>(bytes).map(|request| *request.req_body);
    let tgs_req = || der::decode::<TgsReq<'_>>(bytes).map(|request| *request.req_body);
    as_req.or_else(|_| tgs_req()).or_else(|_| der::decode(bytes)).ok()
}

/// The realm that MIT keeps of a request: none is its own.
fn realm_of<'a>(body: &KdcReqBody<'a>) -> Option<KerberosString<'a>> {
    if KdcOptions(body.kdc_options.bits()).contains(KdcOptions::ENC_TKT_IN_SKEY) {
        Some(body.additional_tickets?.iter().next()?.realm)
    } else {
        body.sname.map(|_| body.realm)
    }
}

/// Has one of the numbers of an OTP structure the value -1?
fn has_minus_one(bytes: &[u8]) -> bool {
    let in_info = |info: OtpTokenInfo<'_>| {
        [info.otp_length, info.otp_format, info.iteration_count].contains(&Some(-1))
    };
    let in_request = |request: PaOtpRequest<'_>| {
        [request.iteration_count, request.otp_format].contains(&Some(-1))
    };
    der::decode(bytes).is_ok_and(in_info)
        || der::decode(bytes).is_ok_and(in_request)
        || der::decode(bytes)
            .is_ok_and(|challenge: PaOtpChallenge<'_>| challenge.otp_token_info.iter().any(in_info))
}

pub static EXPLAINED: &[Explained] = &[
    // rasn-kerberos
    Explained {
        oracle: RasnKerberos,
        deviation: Refuses,
        messages: &[],
        when: Made(&[Utf8]),
        why: "its GeneralString takes no UTF-8 beyond ASCII",
    },
    Explained {
        oracle: RasnKerberos,
        deviation: Refuses,
        messages: &[],
        when: Made(&[Negative]),
        why: "its UInt32 is never negative; read-only DCs write kvno so",
    },
    Explained {
        oracle: RasnKerberos,
        deviation: Refuses,
        messages: &["AdCammac"],
        when: holds!(AdCammac<'_>, |cammac| cammac.other_verifiers.is_none()),
        why: "its other-verifiers is not OPTIONAL",
    },
    // picky-krb
    Explained {
        oracle: PickyKrb,
        deviation: Refuses,
        messages: &[],
        when: Made(&[Utf8, Octets]),
        why: "its GeneralString takes ASCII only",
    },
    Explained {
        oracle: PickyKrb,
        deviation: Rewrites,
        messages: &[],
        when: Made(&[Utf8, Octets]),
        why: "an OPTIONAL member that it cannot read it leaves out",
    },
    Explained {
        oracle: PickyKrb,
        deviation: Refuses,
        messages: &["ChangePasswdData"],
        when: holds!(ChangePasswdData<'_>, |data| data.targname.is_none()
            || data.targrealm.is_none()),
        why: "its targname and targrealm are not OPTIONAL",
    },
    Explained {
        oracle: PickyKrb,
        deviation: Refuses,
        messages: &["KerbTgtRequest"],
        when: holds!(KerbTgtRequest<'_>, |request| request.server_name.is_none()),
        why: "its server-name is not OPTIONAL",
    },
    Explained {
        oracle: PickyKrb,
        deviation: Rewrites,
        messages: &["KerbTgtRequest"],
        when: holds!(KerbTgtRequest<'_>, |request| request.realm.is_some()),
        why: "it has no realm",
    },
    Explained {
        oracle: PickyKrb,
        deviation: Refuses,
        messages: &["KrbError"],
        when: holds!(KrbError<'_>, |error| error.error_code.0 < 0),
        why: "its error-code is unsigned",
    },
    Explained {
        oracle: PickyKrb,
        deviation: Rewrites,
        messages: &["KrbError"],
        when: holds!(KrbError<'_>, |error| error.cusec.is_some()),
        why: "its cusec is a KerberosTime, and so left out",
    },
    Explained {
        oracle: PickyKrb,
        deviation: Rewrites,
        messages: &["EncKrbPrivPart"],
        when: holds!(EncKrbPrivPart<'_>, |part| part.usec.is_some()),
        why: "its usec is a KerberosTime, and so left out",
    },
    Explained {
        oracle: PickyKrb,
        deviation: Rewrites,
        messages: &["KerbErrorData"],
        when: holds!(KerbErrorData<'_>, |data| data.data_value.is_some()),
        why: "it writes data-value as a BIT STRING",
    },
    // kerberos_asn1
    Explained {
        oracle: KerberosAsn1,
        deviation: Refuses,
        messages: &[],
        when: Made(&[Octets]),
        why: "its strings are UTF-8",
    },
    Explained {
        oracle: KerberosAsn1,
        deviation: Refuses,
        messages: &[],
        when: Made(&[Above31Bits]),
        why: "it reads a UInt32 as an Int32, and refuses what has five octets",
    },
    Explained {
        oracle: KerberosAsn1,
        deviation: Rewrites,
        messages: &[],
        when: Made(&[FlagsLength]),
        why: "its flags are 32 bits",
    },
    Explained {
        oracle: KerberosAsn1,
        deviation: Refuses,
        messages: &["EncApRepPart"],
        when: holds!(EncApRepPart<'_>, |part| part.subkey.is_none() || part.seq_number.is_none()),
        why: "its subkey and seq-number are not OPTIONAL",
    },
    // MIT krb5 1.20
    Explained {
        oracle: Mit,
        deviation: Refuses,
        messages: &[],
        when: Made(&[Above31Bits]),
        why: "it reads kvno and nonce as Int32, and refuses what has five octets",
    },
    Explained {
        oracle: Mit,
        deviation: Rewrites,
        messages: &[],
        when: Made(&[Negative]),
        why: "it writes sequence numbers as unsigned, however they came",
    },
    Explained {
        oracle: Mit,
        deviation: Rewrites,
        messages: &[],
        when: Made(&[FlagsLength]),
        why: "its flags are 32 bits",
    },
    Explained {
        oracle: Mit,
        deviation: Rewrites,
        messages: &[],
        when: Made(&[FarTime]),
        why: "its times are seconds in 32 bits",
    },
    Explained {
        oracle: Mit,
        deviation: Rewrites,
        messages: &[],
        when: Made(&[EmptyList, EmptyOctets]),
        why: "many of its members are absent when they are empty",
    },
    Explained {
        oracle: Mit,
        deviation: Refuses,
        messages: &[],
        when: Made(&[EmptyList]),
        why: "its lists of tickets, names and authorization data are never empty",
    },
    Explained {
        oracle: Mit,
        deviation: Refuses,
        messages: &["AsReq", "TgsReq", "KdcReqBody"],
        when: Holds(|bytes| body(bytes).is_some_and(|body| realm_of(&body).is_none())),
        why: "it writes as realm that of sname, or of the additional ticket",
    },
    Explained {
        oracle: Mit,
        deviation: Rewrites,
        messages: &["AsReq", "TgsReq", "KdcReqBody"],
        when: Holds(|bytes| body(bytes).is_some_and(|body| realm_of(&body) != Some(body.realm))),
        why: "it writes as realm that of sname, or of the additional ticket",
    },
    Explained {
        oracle: Mit,
        deviation: Rewrites,
        messages: &["EncTgsRepPart"],
        when: Holds(|bytes| {
            let renewable = |part: &EncKdcRepPart<'_>| {
                TicketFlags(part.flags.bits()).contains(TicketFlags::RENEWABLE)
            };
            EncKdcRepPart::from_der(bytes).is_ok_and(|part| {
                part.starttime.is_none() || part.renew_till.is_some() != renewable(&part)
            })
        }),
        why: "it writes renew-till by the flag, and authtime for an absent starttime",
    },
    Explained {
        oracle: Mit,
        deviation: Refuses,
        messages: &["EncTicketPart"],
        when: holds!(EncTicketPart<'_>, |part| !(0..=255).contains(&part.transited.tr_type)),
        why: "its tr-type is one octet",
    },
    Explained {
        oracle: Mit,
        deviation: Refuses,
        messages: &["KrbError"],
        when: holds!(KrbError<'_>, |error| !(0..=127).contains(&error.error_code.0)),
        why: "its error-code goes to 127",
    },
    Explained {
        oracle: Mit,
        deviation: Rewrites,
        messages: &["KrbError"],
        when: holds!(KrbError<'_>, |error| {
            error.ctime.is_some() != error.cusec.is_some()
                || error.crealm.is_some() != error.cname.is_some()
        }),
        why: "a time without microseconds or a name without realm is not among its values",
    },
    Explained {
        oracle: Mit,
        deviation: Rewrites,
        messages: &["AdKdcIssued"],
        when: holds!(AdKdcIssued<'_>, |issued| issued.i_realm.is_some()
            != issued.i_sname.is_some()),
        why: "a name without realm is not among its values",
    },
    Explained {
        oracle: Mit,
        deviation: Rewrites,
        messages: &["AdCammac"],
        when: holds!(AdCammac<'_>, |cammac| {
            let others = cammac.other_verifiers.iter().flatten().filter_map(|other| match other {
                Verifier::Mac(mac) => Some(mac),
                _ => None,
            });
            let mut all = cammac.kdc_verifier.into_iter().chain(cammac.svc_verifier).chain(others);
            all.any(|mac| mac.enctype == Some(EncType(0)))
        }),
        why: "an absent enctype is 0 among its values",
    },
    Explained {
        oracle: Mit,
        deviation: Rewrites,
        messages: &["EncKrbPrivPart"],
        when: holds!(EncKrbPrivPart<'_>, |part| part.timestamp.is_some() != part.usec.is_some()),
        why: "a time without microseconds is not among its values",
    },
    Explained {
        oracle: Mit,
        deviation: Rewrites,
        messages: &["EncKrbCredPart"],
        when: holds!(EncKrbCredPart<'_>, |part| {
            part.timestamp.is_some() != part.usec.is_some()
                || part.ticket_info.iter().any(|info| {
                    info.prealm.is_some() != info.pname.is_some()
                        || info.srealm.is_some() != info.sname.is_some()
                        || info.flags.is_some_and(|flags| flags.bits() == 0)
                })
        }),
        why: "a time without microseconds, a name without realm and empty flags are not among its values",
    },
    Explained {
        oracle: Mit,
        deviation: Rewrites,
        messages: &["PaS4uX509User"],
        when: holds!(PaS4uX509User<'_>, |pa| pa
            .user_id
            .options
            .is_some_and(|flags| flags.bits() == 0)),
        why: "empty options are not among its values",
    },
    Explained {
        oracle: Mit,
        deviation: Rewrites,
        messages: &["OtpTokenInfo", "PaOtpChallenge", "PaOtpRequest"],
        when: Holds(has_minus_one),
        why: "an absent number is -1 among its values",
    },
    Explained {
        oracle: Mit,
        deviation: Rewrites,
        messages: &["KdcProxyMessage"],
        when: holds!(KdcProxyMessage<'_>, |message| message.dclocator_hint == Some(0)),
        why: "an absent hint is 0 among its values",
    },
    Explained {
        oracle: Mit,
        deviation: Refuses,
        messages: &["TypedData"],
        when: holds!(List<'_, TypedData<'_>>, |list| list
            .iter()
            .any(|data| data.data_value.is_none())),
        why: "its data-value is not OPTIONAL",
    },
    // Heimdal 7.8
    Explained {
        oracle: Heimdal,
        deviation: Rewrites,
        messages: &[],
        when: Made(&[Above31Bits, Negative]),
        why: "it writes kvno as signed and sequence numbers as unsigned, however they came",
    },
    Explained {
        oracle: Heimdal,
        deviation: Rewrites,
        messages: &[],
        when: Made(&[Flags, FlagsLength]),
        why: "it writes back the flags that it knows",
    },
    Explained {
        oracle: Heimdal,
        deviation: Rewrites,
        messages: &["KrbFastReq"],
        when: holds!(KrbFastReq<'_>, |request| request.fast_options.bits() & 0x2000_0000 != 0),
        why: "it writes back the flags that it knows",
    },
    Explained {
        oracle: Heimdal,
        deviation: Rewrites,
        messages: &[],
        when: Made(&[FarTime]),
        why: "it writes times outside of its range as 1970",
    },
    Explained {
        oracle: Heimdal,
        deviation: Refuses,
        messages: &[],
        when: Made(&[Control]),
        why: "a NUL ends its strings",
    },
    Explained {
        oracle: Heimdal,
        deviation: Rewrites,
        messages: &[],
        when: Made(&[Control]),
        why: "it cuts off a NUL at the end of a string",
    },
    Explained {
        oracle: Heimdal,
        deviation: Refuses,
        messages: &["EtypeInfo2"],
        when: Made(&[EmptyList]),
        why: "its ETYPE-INFO2 has at least one entry, as RFC 4120 says",
    },
    Explained {
        oracle: Heimdal,
        deviation: Refuses,
        messages: &["AdAndOr", "KdcProxyMessage"],
        when: Holds(|bytes| {
            der::decode(bytes).is_ok_and(|and_or: AdAndOr<'_>| and_or.condition_count < 0)
                || der::decode(bytes).is_ok_and(|message: KdcProxyMessage<'_>| {
                    message.dclocator_hint.is_some_and(|hint| hint < 0)
                })
        }),
        why: "it counts the octets of some negative numbers wrong",
    },
];
