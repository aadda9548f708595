/// Declares SEQUENCEs whose members have explicit context tags, so that the Rust definition reads
/// like its ASN.1 block:
///
/// ```text
/// sequence! {
///     /// Ticket (RFC 4120 section 5.3).
///     pub struct Ticket<'a>: [APPLICATION 1] {
///         [0] tkt_vno: Int<5>,
///         [1] realm: KerberosString<'a>,
///         [2] sname: PrincipalName<'a>,
///         [3] enc_part: EncryptedData<'a>,
///     }
/// }
/// ```
///
/// `Option<T>` makes a member OPTIONAL. `: [APPLICATION n]` puts the type behind that tag.
macro_rules! sequence {
    ($(
        $(#[$doc:meta])*
        pub struct $name:ident $(<$life:lifetime>)? $(: [APPLICATION $application:literal])? {
            $($(#[$member_doc:meta])* [$tag:literal] $member:ident: $type:ty,)*
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Debug)]
        #[allow(missing_docs)] // members are named as in the ASN.1 that the type's doc points to
        pub struct $name $(<$life>)? {
            $($(#[$member_doc])* pub $member: $type,)*
        }

        $crate::der::sequence! {
            @of $name ($($life)?) ($($application)?) { $([$tag] $member: $type,)* }
        }
    )*};

    (@of $name:ident () $application:tt $members:tt) => {
        $crate::der::sequence! { @impls $name, $name, 'de, $application $members }
    };
    (@of $name:ident ($life:lifetime) $application:tt $members:tt) => {
        $crate::der::sequence! { @impls $name, $name<$life>, $life, $application $members }
    };

    (@impls $name:ident, $self:ty, $life:lifetime, ($($application:literal)?) {
        $([$tag:literal] $member:ident: $type:ty,)*
    }) => {
        impl<$life> $crate::der::Decode<$life> for $self {
            fn decode(
                reader: &mut $crate::der::Reader<$life>,
            ) -> Result<Self, $crate::der::DecodeError> {
                $(
                    let mut application = reader.enter(0x60 | $application)?;
                    let reader = &mut application;
                )?
                let mut members = reader.enter(0x30)?;
                $(
                    let $member = $crate::der::Field::decode_field(&mut members, 0xa0 | $tag)
                        .map_err(|error| {
                            error.in_field(concat!(stringify!($name), ".", stringify!($member)))
                        })?;
                )*
                members.finish().map_err(|error| error.in_field(stringify!($name)))?;
                $crate::der::sequence!(@finish reader $($application)?);
                Ok(Self { $($member,)* })
            }
        }

        impl<$life> $crate::der::Encode for $self {
            fn encode(&self, writer: &mut $crate::der::Writer) {
                let end = writer.mark();
                $crate::der::sequence!(@backward self, writer, $([$tag] $member)*);
                writer.close(0x30, end);
                $(writer.close(0x60 | $application, end);)?
            }
        }
    };

    (@finish $reader:ident) => {};
    (@finish $reader:ident $application:literal) => { $reader.finish()? };

    (@backward $self:ident, $writer:ident,) => {};
    (@backward $self:ident, $writer:ident, [$tag:literal] $member:ident $($rest:tt)*) => {
        $crate::der::sequence!(@backward $self, $writer, $($rest)*);
        $crate::der::EncodeField::encode_field(&$self.$member, $writer, 0xa0 | $tag);
    };
}
pub(crate) use sequence;
