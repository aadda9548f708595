//! KerberosFlags, each declared by its RFC bit number (bit 0 is the most significant).

use core::ops::{BitOr, BitOrAssign};

macro_rules! flags {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$item_doc:meta])* $constant:ident = bit $bit:literal, $text:literal;)*
    } $(also { $(bit $other:literal, $other_text:literal;)* })?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
        pub struct $name(pub u32);

        impl $name {
            /// No flag set.
            pub const NONE: Self = Self(0);
            $($(#[$item_doc])* pub const $constant: Self = Self(1 << (31 - $bit));)*

            /// Are all flags of `other` set?
            #[must_use]
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// These flags without those of `other`.
            #[must_use]
            pub const fn without(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }
        }

        impl BitOr for $name {
            type Output = Self;
            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl BitOrAssign for $name {
            fn bitor_assign(&mut self, other: Self) {
                self.0 |= other.0;
            }
        }

        /// The names of those that are set, and the rest in hexadecimal; `none`.
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                const NAMES: &[(u32, &str)] = &[
                    $((1 << (31 - $bit), $text),)*
                    $($((1 << (31 - $other), $other_text),)*)?
                ];
                names(self.0, NAMES, f)
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({:#010x} {self})", stringify!($name), self.0)
            }
        }
    };
}

fn names(
    mut bits: u32,
    names: &[(u32, &str)],
    f: &mut core::fmt::Formatter<'_>,
) -> core::fmt::Result {
    if bits == 0 {
        return f.write_str("none");
    }
    let mut separator = "";
    for (bit, name) in names {
        if bits & bit != 0 {
            write!(f, "{separator}{name}")?;
            bits &= !bit;
            separator = " ";
        }
    }
    if bits == 0 { Ok(()) } else { write!(f, "{separator}{bits:#010x}") }
}

flags! {
    /// TicketFlags (RFC 4120 section 5.3).
    TicketFlags {
        /// A TGT with another network address may be issued from this one.
        FORWARDABLE = bit 1, "forwardable";
        /// This ticket was forwarded.
        FORWARDED = bit 2, "forwarded";
        /// A proxy may be issued from this ticket.
        PROXIABLE = bit 3, "proxiable";
        /// This ticket is a proxy.
        PROXY = bit 4, "proxy";
        /// This ticket may be postdated.
        MAY_POSTDATE = bit 5, "may-postdate";
        /// This ticket was postdated.
        POSTDATED = bit 6, "postdated";
        /// This ticket must be validated before use.
        INVALID = bit 7, "invalid";
        /// This ticket may be renewed.
        RENEWABLE = bit 8, "renewable";
        /// This ticket came from an AS exchange.
        INITIAL = bit 9, "initial";
        /// The client was pre-authenticated.
        PRE_AUTHENT = bit 10, "pre-authent";
        /// Hardware took part in the pre-authentication.
        HW_AUTHENT = bit 11, "hw-authent";
        /// The KDC checked the transited field.
        TRANSITED_POLICY_CHECKED = bit 12, "transited-policy-checked";
        /// The service is trusted with forwarded credentials.
        OK_AS_DELEGATE = bit 13, "ok-as-delegate";
        /// Encrypted padata in the reply is used (RFC 6806 section 11).
        ENC_PA_REP = bit 15, "enc-pa-rep";
        /// An anonymous ticket (RFC 8062).
        ANONYMOUS = bit 16, "anonymous";
    }
}

flags! {
    /// KDCOptions (RFC 4120 section 5.4.1, RFC 6806, MS-SFU 2.2.3).
    KdcOptions {
        /// Ask for a forwardable ticket.
        FORWARDABLE = bit 1, "forwardable";
        /// Ask for a forwarded ticket.
        FORWARDED = bit 2, "forwarded";
        /// Ask for a proxiable ticket.
        PROXIABLE = bit 3, "proxiable";
        /// Ask for a proxy: a ticket for another address.
        PROXY = bit 4, "proxy";
        /// Ask for a ticket that may be postdated.
        ALLOW_POSTDATE = bit 5, "allow-postdate";
        /// Ask for a postdated ticket.
        POSTDATED = bit 6, "postdated";
        /// Ask for a renewable ticket.
        RENEWABLE = bit 8, "renewable";
        /// The client's name is in the additional ticket: S4U2Proxy.
        CNAME_IN_ADDL_TKT = bit 14, "cname-in-addl-tkt";
        /// Accept canonical names and referrals.
        CANONICALIZE = bit 15, "canonicalize";
        /// Ask for an anonymous ticket (RFC 8062).
        REQUEST_ANONYMOUS = bit 16, "request-anonymous";
        /// A renewable ticket will do instead of too long a life.
        RENEWABLE_OK = bit 27, "renewable-ok";
        /// Encrypt in the session key of the additional ticket: user-to-user.
        ENC_TKT_IN_SKEY = bit 28, "enc-tkt-in-skey";
        /// Renew the ticket in the request.
        RENEW = bit 30, "renew";
        /// Validate the postdated ticket in the request.
        VALIDATE = bit 31, "validate";
    } also {
        bit 11, "opt-hardware-auth";
        bit 26, "disable-transited-check";
    }
}

flags! {
    /// APOptions (RFC 4120 section 5.5.1).
    ApOptions {
        /// The ticket is encrypted in the session key of the server's TGT.
        USE_SESSION_KEY = bit 1, "use-session-key";
        /// The client wants an AP-REP.
        MUTUAL_REQUIRED = bit 2, "mutual-required";
    }
}

flags! {
    /// PA-PAC-OPTIONS flags (MS-KILE 2.2.10).
    PacOptions {
        /// Claims are wanted.
        CLAIMS = bit 0, "claims";
        /// The client knows branch-office KDCs.
        BRANCH_AWARE = bit 1, "branch-aware";
        /// Forward to a full DC.
        FORWARD_TO_FULL_DC = bit 2, "forward-to-full-dc";
        /// Resource-based constrained delegation is understood (MS-SFU 2.2.5).
        RESOURCE_BASED_CONSTRAINED_DELEGATION = bit 3, "resource-based-constrained-delegation";
    }
}

flags! {
    /// S4UUserID options (MS-SFU 2.2.2).
    S4uOptions {
        /// Check the user's logon hours.
        CHECK_LOGON_HOURS = bit 1, "check-logon-hours";
        /// Sign the reply's copy with key usage 27.
        SIGN_REPLY = bit 2, "sign-reply";
    }
}

flags! {
    /// FastOptions (RFC 6113 section 5.4.2).
    FastOptions {
        /// Hide the client's name: the KDC answers for WELLKNOWN/ANONYMOUS.
        HIDE_CLIENT_NAMES = bit 1, "hide-client-names";
        /// The KDC follows referrals itself.
        KDC_FOLLOW_REFERRALS = bit 16, "kdc-follow-referrals";
    }
}

flags! {
    /// OTPFlags (RFC 6560 section 4.1).
    OtpFlags {
        /// The OTP must be the next one of the sequence.
        NEXT_OTP = bit 1, "next-otp";
        /// OTP and password are combined in the key.
        COMBINE = bit 2, "combine";
        /// A PIN must be collected.
        COLLECT_PIN = bit 3, "collect-pin";
        /// A PIN must not be collected.
        DO_NOT_COLLECT_PIN = bit 4, "do-not-collect-pin";
        /// The nonce must be encrypted.
        MUST_ENCRYPT_NONCE = bit 5, "must-encrypt-nonce";
        /// The PIN is sent apart from the OTP.
        SEPARATE_PIN_REQUIRED = bit 6, "separate-pin-required";
        /// The last digit of the OTP checks the others.
        CHECK_DIGIT = bit 7, "check-digit";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_printed_by_their_names() {
        use std::string::ToString;
        assert_eq!(TicketFlags::NONE.to_string(), "none");
        assert_eq!(
            TicketFlags(0x40e1_0001).to_string(),
            "forwardable renewable initial pre-authent enc-pa-rep 0x00000001"
        );
        assert_eq!(
            KdcOptions(0x0000_8020).to_string(),
            "request-anonymous disable-transited-check"
        );
        assert_eq!(
            std::format!("{:?}", ApOptions::MUTUAL_REQUIRED),
            "ApOptions(0x20000000 mutual-required)"
        );
    }

    #[test]
    fn hex_of_each_flag_that_a_specification_prints() {
        assert_eq!(KdcOptions::FORWARDABLE.0, 0x4000_0000);
        assert_eq!(KdcOptions::PROXY.0, 0x0800_0000);
        assert_eq!(KdcOptions::ALLOW_POSTDATE.0, 0x0400_0000);
        assert_eq!(KdcOptions::POSTDATED.0, 0x0200_0000);
        assert_eq!(KdcOptions::CNAME_IN_ADDL_TKT.0, 0x0002_0000, "MS-SFU 2.2.3");
        assert_eq!(KdcOptions::CANONICALIZE.0, 0x0001_0000, "RFC 6806");
        assert_eq!(KdcOptions::RENEWABLE_OK.0, 0x0000_0010);
        assert_eq!(KdcOptions::ENC_TKT_IN_SKEY.0, 0x0000_0008);
        assert_eq!(KdcOptions::RENEW.0, 0x0000_0002);
        assert_eq!(TicketFlags::FORWARDABLE.0, 0x4000_0000);
        assert_eq!(TicketFlags::RENEWABLE.0, 0x0080_0000);
        assert_eq!(TicketFlags::INITIAL.0, 0x0040_0000);
        assert_eq!(TicketFlags::PRE_AUTHENT.0, 0x0020_0000);
        assert_eq!(TicketFlags::OK_AS_DELEGATE.0, 0x0004_0000);
        assert_eq!(TicketFlags::ENC_PA_REP.0, 0x0001_0000);
        assert_eq!(ApOptions::MUTUAL_REQUIRED.0, 0x2000_0000);
        assert_eq!(PacOptions::RESOURCE_BASED_CONSTRAINED_DELEGATION.0, 0x1000_0000);
        assert_eq!(S4uOptions::SIGN_REPLY.0, 0x2000_0000, "MS-SFU 2.2.2");
        assert_eq!(S4uOptions::CHECK_LOGON_HOURS.0, 0x4000_0000, "MS-SFU 2.2.2");
    }
}
