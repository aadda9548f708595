//! The protocol's numbers, each registry in one file.
//!
//! Every number that may arrive from a peer is a newtype, not a closed enum: an unknown value is
//! carried and printed, never an error of its own.

mod ad_type;
mod checksum_type;
mod enctype;
mod error_code;
mod flags;
mod key_usage;
mod kpasswd_result;
mod message_type;
mod name_type;
mod nt_status;
mod pa_type;
mod pac_buffer_type;

pub use ad_type::AdType;
pub use checksum_type::ChecksumType;
pub use enctype::EncType;
pub use error_code::ErrorCode;
pub use flags::{
    ApOptions, FastOptions, KdcOptions, OtpFlags, PacOptions, S4uOptions, TicketFlags,
};
pub use key_usage::KeyUsage;
pub use kpasswd_result::KpasswdResult;
pub use message_type::MessageType;
pub use name_type::NameType;
pub use nt_status::NtStatus;
pub use pa_type::PaType;
pub use pac_buffer_type::PacBufferType;

/// Declares an open registry: a newtype with named constants, whose `Display` is the registered
/// name or, for an unknown number, the number. Numbers that nobody here has a use for have a name
/// only, behind `also`.
macro_rules! registry {
    ($(#[$doc:meta])* $name:ident($int:ty) {
        $($(#[$item_doc:meta])* $constant:ident = $value:expr, $text:literal;)*
    } $(also { $($other:literal = $other_text:literal;)* })?) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $int);

        impl $name {
            $($(#[$item_doc])* pub const $constant: Self = Self($value);)*

            /// The registered name, if this crate knows the number.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    $($($other => Some($other_text),)*)?
                    _ => None,
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}", self.0),
                }
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({})", stringify!($name), self)
            }
        }
    };
}
pub(crate) use registry;

#[cfg(test)]
mod tests;
