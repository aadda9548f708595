/// Declares SEQUENCEs whose members have context tags, so that the Rust definition reads like its
/// ASN.1 block:
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
/// Tags are EXPLICIT, as `[0]`, or IMPLICIT, as `[0 IMPLICIT]`; a member without one has `[]`.
/// `Option<T>` makes a member OPTIONAL. `: [APPLICATION n]` puts the type behind that tag. A `...`
/// behind the last member is ASN.1's extension marker: members with higher tags than its own, which
/// later versions have, are passed over. Where the ASN.1 has none the type is closed.
macro_rules! sequence {
    () => {};

    (
        $(#[$doc:meta])*
        pub struct $name:ident $(<$life:lifetime>)? $(: [APPLICATION $application:literal])? {
            $($(#[$member_doc:meta])*
            [$($tag:literal $($implicit:ident)?)?] $member:ident: $type:ty,)*
            ...
        }
        $($more:tt)*
    ) => {
        $crate::der::sequence! {
            @type finish_extensible
            $(#[$doc])*
            pub struct $name $(<$life>)? $(: [APPLICATION $application])? {
                $($(#[$member_doc])* [$($tag $($implicit)?)?] $member: $type,)*
            }
        }
        $crate::der::sequence! { $($more)* }
    };

    (
        $(#[$doc:meta])*
        pub struct $name:ident $(<$life:lifetime>)? $(: [APPLICATION $application:literal])? {
            $($(#[$member_doc:meta])*
            [$($tag:literal $($implicit:ident)?)?] $member:ident: $type:ty,)*
        }
        $($more:tt)*
    ) => {
        $crate::der::sequence! {
            @type finish_closed
            $(#[$doc])*
            pub struct $name $(<$life>)? $(: [APPLICATION $application])? {
                $($(#[$member_doc])* [$($tag $($implicit)?)?] $member: $type,)*
            }
        }
        $crate::der::sequence! { $($more)* }
    };

    (
        @type $finish:ident
        $(#[$doc:meta])*
        pub struct $name:ident $(<$life:lifetime>)? $(: [APPLICATION $application:literal])? {
            $($(#[$member_doc:meta])*
            [$($tag:literal $($implicit:ident)?)?] $member:ident: $type:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Debug)]
        #[allow(missing_docs)] // members are named as in the ASN.1 that the type's doc points to
        pub struct $name $(<$life>)? {
            $($(#[$member_doc])* pub $member: $type,)*
        }

        $crate::der::sequence! {
            @of $finish $name ($($life)?) ($($application)?) {
                $([$($tag $($implicit)?)?] $member,)*
            }
        }
    };

    (@of $finish:ident $name:ident () $application:tt $members:tt) => {
        $crate::der::sequence! { @impls $finish $name, $name, 'de, $application $members }
    };
    (@of $finish:ident $name:ident ($life:lifetime) $application:tt $members:tt) => {
        $crate::der::sequence! { @impls $finish $name, $name<$life>, $life, $application $members }
    };

    (@impls $finish:ident $name:ident, $self:ty, $life:lifetime, ($($application:literal)?) {
        $([$($tag:literal $($implicit:ident)?)?] $member:ident,)*
    }) => {
        impl<$life> $crate::der::DecodeContents<$life> for $self {
            fn decode_contents(
                contents: $crate::der::Reader<$life>,
            ) -> Result<Self, $crate::der::Fault> {
                let mut members = $crate::der::sequence!(@members contents, $($application)?);
                $(
                    let $member =
                        $crate::der::sequence!(@decode &mut members, $($tag $($implicit)?)?).map_err(
                            |fault| fault.in_field(concat!(stringify!($name), ".", stringify!($member))),
                        )?;
                )*
                const LAST: u8 = $crate::der::last(&[$($($tag,)?)*]);
                members.$finish(LAST).map_err(|fault| fault.in_field(stringify!($name)))?;
                Ok(Self { $($member,)* })
            }
        }

        $crate::der::sequence! { @sample $self, $life, $($member)* }

        impl<$life> $crate::der::EncodeContents for $self {
            const TAG: u8 = $crate::der::sequence!(@tag $($application)?);

            fn encode_contents(&self, writer: &mut $crate::der::Writer) {
                let _end = writer.mark();
                $crate::der::sequence!(@backward self, writer, $([$($tag $($implicit)?)?] $member)*);
                $($crate::der::sequence!(@close writer, _end, $application);)?
            }

            fn contents_len(&self) -> usize {
                let members =
                    0 $(+ $crate::der::sequence!(@len &self.$member, $($tag $($implicit)?)?))*;
                $crate::der::sequence!(@contents_len members, $($application)?)
            }
        }
    };

    (@sample $self:ty, $life:lifetime, $($member:ident)*) => {
        #[cfg(test)]
        impl<$life> $crate::der::Sample<$life> for $self {
            fn sample(source: &mut $crate::der::Source<$life>) -> Self {
                Self { $($member: $crate::der::Sample::sample(source),)* }
            }
        }
    };

    // Behind an APPLICATION tag stands the SEQUENCE with its own.
    (@tag) => { 0x30 };
    (@tag $application:literal) => { 0x60 | $application };
    (@members $contents:ident,) => { $contents };
    (@members $contents:ident, $application:literal) => { $contents.only(0x30)? };
    (@close $writer:ident, $end:ident, $application:literal) => { $writer.close(0x30, $end) };
    (@contents_len $members:ident,) => { $members };
    (@contents_len $members:ident, $application:literal) => { $crate::der::value_len($members) };

    (@decode $members:expr,) => {
        $crate::der::Decode::decode($members)
    };
    (@decode $members:expr, $tag:literal) => {
        $crate::der::Field::decode_field($members, 0xa0 | $tag)
    };
    (@decode $members:expr, $tag:literal IMPLICIT) => {
        $crate::der::ImplicitField::decode_implicit($members, 0x80 | $tag)
    };

    (@len $member:expr,) => { $crate::der::Encode::encoded_len($member) };
    (@len $member:expr, $tag:literal) => { $crate::der::EncodeField::field_len($member) };
    (@len $member:expr, $tag:literal IMPLICIT) => {
        $crate::der::EncodeImplicit::implicit_len($member)
    };

    (@backward $self:ident, $writer:ident,) => {};
    (@backward $self:ident, $writer:ident, [] $member:ident $($rest:tt)*) => {
        $crate::der::sequence!(@backward $self, $writer, $($rest)*);
        $crate::der::Encode::encode(&$self.$member, $writer);
    };
    (@backward $self:ident, $writer:ident, [$tag:literal] $member:ident $($rest:tt)*) => {
        $crate::der::sequence!(@backward $self, $writer, $($rest)*);
        $crate::der::EncodeField::encode_field(&$self.$member, $writer, 0xa0 | $tag);
    };
    (@backward $self:ident, $writer:ident, [$tag:literal IMPLICIT] $member:ident $($rest:tt)*) => {
        $crate::der::sequence!(@backward $self, $writer, $($rest)*);
        $crate::der::EncodeImplicit::encode_implicit(&$self.$member, $writer, 0x80 | $tag);
    };
}
pub(crate) use sequence;

/// Declares CHOICEs, with the tags of `sequence!`:
///
/// ```text
/// choice! {
///     /// PA-SPAKE (RFC 9588 section 4).
///     pub enum PaSpake<'a> {
///         [0] Support(SpakeSupport<'a>),
///         [1] Challenge(SpakeChallenge<'a>),
///         ...
///     }
/// }
/// ```
///
/// All of Kerberos's have the extension marker: an alternative of a later version is another error
/// than what is no alternative at all.
macro_rules! choice {
    ($(
        $(#[$doc:meta])*
        pub enum $name:ident<$life:lifetime> {
            $($(#[$arm_doc:meta])* [$tag:literal $($implicit:ident)?] $arm:ident($type:ty),)*
            ...
        }
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Debug)]
        #[allow(missing_docs)] // arms are named as in the ASN.1 that the type's doc points to
        pub enum $name<$life> {
            $($(#[$arm_doc])* $arm($type),)*
        }

        impl<$life> $crate::der::Decode<$life> for $name<$life> {
            fn decode(
                reader: &mut $crate::der::Reader<$life>,
            ) -> Result<Self, $crate::der::Fault> {
                $(
                    let value: Option<$type> =
                        $crate::der::sequence!(@decode reader, $tag $($implicit)?).map_err(
                            |fault| fault.in_field(concat!(stringify!($name), ".", stringify!($arm))),
                        )?;
                    if let Some(value) = value {
                        return Ok(Self::$arm(value));
                    }
                )*
                let fault = reader.no_alternative($crate::der::last(&[$($tag,)*]));
                Err(fault.in_field(stringify!($name)))
            }
        }

        #[cfg(test)]
        impl<$life> $crate::der::Sample<$life> for $name<$life> {
            fn sample(source: &mut $crate::der::Source<$life>) -> Self {
                let arms: &[fn(&mut $crate::der::Source<$life>) -> Self] =
                    &[$(|source| Self::$arm($crate::der::Sample::sample(source)),)*];
                arms[usize::from(source.octet()) % arms.len()](source)
            }
        }

        impl $crate::der::Encode for $name<'_> {
            fn encode(&self, writer: &mut $crate::der::Writer) {
                match self {
                    $(Self::$arm(value) => {
                        $crate::der::choice!(@encode value, writer, $tag $($implicit)?);
                    })*
                }
            }

            fn encoded_len(&self) -> usize {
                match self {
                    $(Self::$arm(value) => {
                        $crate::der::sequence!(@len value, $tag $($implicit)?)
                    })*
                }
            }
        }
    )*};

    (@encode $value:ident, $writer:ident, $tag:literal) => {
        $crate::der::EncodeField::encode_field($value, $writer, 0xa0 | $tag)
    };
    (@encode $value:ident, $writer:ident, $tag:literal IMPLICIT) => {
        $crate::der::EncodeImplicit::encode_implicit($value, $writer, 0x80 | $tag)
    };
}
pub(crate) use choice;
