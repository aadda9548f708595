//! LOGIN7 (MS-TDS 2.2.6.4).

use zeroize::Zeroizing;

use super::cursor::to_utf16;

/// With what a session is begun.
pub(in super::super) struct Login<'a> {
    /// TDS 8, whose encryption stands outside of it.
    pub(in super::super) strict: bool,
    pub(in super::super) server: &'a str,
    pub(in super::super) database: &'a str,
    pub(in super::super) proof: Proof<'a>,
}

/// Who somebody is.
pub(in super::super) enum Proof<'a> {
    /// A SPNEGO token.
    Token(&'a [u8]),
    /// A login of the server's own.
    Password(&'a str, &'a str),
}

const FIXED: usize = 94;
/// Nine fields of four bytes.
const BEFORE_CLIENT_ID: usize = 36;
const PACKET_SIZE: u32 = 16_384;
/// USE_DB and its failure is fatal, SET_LANG says so.
const FLAGS1: u8 = 0b1110_0000;
/// fLanguage fatal, and fODBC: ANSI settings.
const FLAGS2: u8 = 0b0000_0011;
const INTEGRATED: u8 = 0x80;
const APPLICATION: &str = "krb-mcp";

impl Login<'_> {
    /// The message; `None` if a name is too long for it.
    pub(in super::super) fn encode(&self) -> Option<Zeroizing<Vec<u8>>> {
        let (user, password, token) = match self.proof {
            Proof::Token(token) => ("", "", token),
            Proof::Password(user, password) => (user, password, &[][..]),
        };
        // 2.2.6.4: at most 128 characters each.
        let is_short = |text: &str| text.encode_utf16().count() <= 128;
        if ![user, password, self.server, self.database].into_iter().all(is_short) {
            return None;
        }
        let mut places = Vec::new();
        let mut content = Zeroizing::new(Vec::new());
        // All that comes before the token is short, so its offset fits.
        let mut put = |bytes: &mut dyn Iterator<Item = u8>, length: usize| {
            let offset = u16::try_from(FIXED + content.len()).unwrap_or(u16::MAX);
            places.extend_from_slice(&offset.to_le_bytes());
            places.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
            content.extend(bytes);
        };
        let text = |text: &str| (to_utf16(text).collect::<Vec<_>>(), text.encode_utf16().count());
        // HostName, UserName.
        for name in ["", user] {
            let (bytes, length) = text(name);
            put(&mut bytes.into_iter(), length);
        }
        // Each half of a byte in the other's place, then 0xA5.
        let hidden = &mut to_utf16(password).map(|byte| byte.rotate_left(4) ^ 0xa5);
        put(hidden, password.encode_utf16().count());
        // AppName, ServerName, Extension, CltIntName, Language, Database.
        for name in [APPLICATION, self.server, "", APPLICATION, "", self.database] {
            let (bytes, length) = text(name);
            put(&mut bytes.into_iter(), length);
        }
        // SSPI, AtchDBFile, ChangePassword.
        put(&mut token.iter().copied(), token.len());
        put(&mut std::iter::empty(), 0);
        put(&mut std::iter::empty(), 0);
        // ClientID stands between the database and the token.
        places.splice(BEFORE_CLIENT_ID..BEFORE_CLIENT_ID, [0; 6]);
        let long = u32::try_from(token.len()).ok()?;
        let long = if long >= u32::from(u16::MAX) { long } else { 0 };

        let total = u32::try_from(FIXED + content.len()).ok()?;
        let version = if self.strict { 0x0800_0000_u32 } else { 0x7400_0004 };
        let flags2 = FLAGS2 | if token.is_empty() { 0 } else { INTEGRATED };
        let mut message = Zeroizing::new(Vec::with_capacity(FIXED + content.len()));
        for number in [total, version, PACKET_SIZE, 0, 0, 0] {
            message.extend_from_slice(&number.to_le_bytes());
        }
        message.extend_from_slice(&[FLAGS1, flags2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        message.extend_from_slice(&places);
        message.extend_from_slice(&long.to_le_bytes());
        message.extend_from_slice(&content);
        Some(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(proof: Proof<'_>) -> Option<Zeroizing<Vec<u8>>> {
        Login { strict: false, server: "db.example.com", database: "app", proof }.encode()
    }

    #[test]
    fn a_token_of_any_length_has_its_length_where_it_fits() {
        let length_at = |message: &[u8]| {
            (
                message[80..82].to_vec(),
                message[90..94].to_vec(),
                u32::from_le_bytes([message[0], message[1], message[2], message[3]]),
            )
        };
        for (length, short, long) in [
            (3000, 3000_u16, 0_u32),
            (65_534, 65_534, 0),
            (65_535, 65_535, 65_535),
            (70_000, 65_535, 70_000),
        ] {
            let message = encode(Proof::Token(&vec![7; length])).unwrap();
            let (found_short, found_long, total) = length_at(&message);
            assert_eq!(found_short, short.to_le_bytes(), "{length}");
            assert_eq!(found_long, long.to_le_bytes(), "{length}");
            assert_eq!(total as usize, message.len());
            let start = usize::from(u16::from_le_bytes([message[78], message[79]]));
            assert!(message[start..].iter().take(length).all(|byte| *byte == 7), "{length}");
            assert_eq!(message[25], 0x83, "integrated security");
        }
    }

    #[test]
    fn what_is_too_long_for_it_is_refused() {
        let long = "x".repeat(129);
        assert!(encode(Proof::Password("sa", &long[..128])).is_some());
        assert!(encode(Proof::Password("sa", &long)).is_none());
        assert!(encode(Proof::Password(&long, "")).is_none());
    }
}
