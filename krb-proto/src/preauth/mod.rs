//! Builders and readers of pre-authentication data, one file per kind.

mod enc_timestamp;
mod etype_info;
pub mod fast;
mod for_user;
mod otp;
mod pac_options;
mod padata;
mod s4u_x509_user;
#[cfg(feature = "spake")]
pub mod spake;

pub use enc_timestamp::enc_timestamp;
pub use etype_info::{KeyHint, default_salt, directory_salt};
#[cfg(any(feature = "kdc", test, fuzzing))]
pub(crate) use for_user::for_user_octets;
pub use for_user::{for_user, for_user_checksum_input};
pub(crate) use otp::otp_lacks_pin;
pub use otp::{OneTimePassword, otp_request};
pub use pac_options::pac_options;
pub(crate) use padata::borrow_padata;
pub use padata::find_padata;
pub use s4u_x509_user::{
    S4uReplyError, named_in_reply, s4u_x509_certificate, s4u_x509_user, verify_s4u_x509_user_reply,
};
