use super::*;
use crate::iana::EncType;

/// MIT krb5 `src/lib/krb5/krb/t_deltat.c`, all of it.
#[test]
fn durations_are_mits() {
    const DAY: i32 = 86_400;
    const HOUR: i32 = 3600;
    const MIN: i32 = 60;
    for (text, seconds) in [
        ("3d", 3 * DAY),
        ("3h", 3 * HOUR),
        ("3m", 3 * MIN),
        ("3s", 3),
        ("3d4m    42s", 3 * DAY + 4 * MIN + 42),
        ("3d-1h", 3 * DAY - HOUR),
        ("3d -1h", 3 * DAY - HOUR),
        ("3d4h5m6s", 3 * DAY + 4 * HOUR + 5 * MIN + 6),
        ("12345s", 12_345),
        ("1m 12345s", MIN + 12_345),
        ("1m12345s", MIN + 12_345),
        ("3d 0m", 3 * DAY),
        ("3d 0m  ", 3 * DAY),
        ("3d \n\t 0m  ", 3 * DAY),
        ("42-13:42:47", 42 * DAY + 13 * HOUR + 42 * MIN + 47),
        ("12:34", 12 * HOUR + 34 * MIN),
        ("1:02:03", HOUR + 2 * MIN + 3),
        ("3:4", 3 * HOUR + 4 * MIN),
        ("42", 42),
        ("2147483647s", i32::MAX),
        ("24855d", 24_855 * DAY),
        ("24855d 3h", 24_855 * DAY + 3 * HOUR),
        ("24855d 11647s", 24_855 * DAY + 11_647),
        ("24855d 194m 7s", 24_855 * DAY + 194 * MIN + 7),
        ("24855d 3h 14m 7s", 24_855 * DAY + 3 * HOUR + 14 * MIN + 7),
        ("596523h", 596_523 * HOUR),
        ("596523h 847s", 596_523 * HOUR + 847),
        ("596523h 14m 7s", 596_523 * HOUR + 14 * MIN + 7),
        ("35791394m", 35_791_394 * MIN),
        ("35791394m7s", 35_791_394 * MIN + 7),
        ("-2147483647s", -i32::MAX),
        ("-24855d", -24_855 * DAY),
        ("-24855d -3h", -24_855 * DAY - 3 * HOUR),
        ("-24855d -11647s", -24_855 * DAY - 11_647),
        ("-24855d -194m -7s", -24_855 * DAY - 194 * MIN - 7),
        ("-24855d -3h -14m -7s", -24_855 * DAY - 3 * HOUR - 14 * MIN - 7),
        ("-596523h", -596_523 * HOUR),
        ("-596523h -847s", -596_523 * HOUR - 847),
        ("-596523h -848s", -596_523 * HOUR - 848),
        ("-596523h -14m -8s", -596_523 * HOUR - 14 * MIN - 8),
        ("-35791394m", -35_791_394 * MIN),
        ("-35791394m7s", -35_791_394 * MIN + 7),
    ] {
        assert_eq!(parse_duration(text), Some(seconds), "{text:?}");
    }
    for text in [
        "3dd",
        "3d4m5h",
        "3: 4",
        "13:0003",
        "3:-4",
        "1-2",
        "2147483648s",
        "24856d",
        "24855d 100000000h",
        "24855d 4h",
        "24855d 11648s",
        "24855d 194m 8s",
        "24855d 195m",
        "24855d 19500000000m",
        "24855d 3h 14m 8s",
        "596524h",
        "596523h 848s",
        "596523h 14m 8s",
        "35791394m8s",
        "-24856d",
        "-24855d -100000000h",
        "-24855d -4h",
        "-24855d -11649s",
        "-24855d -194m -9s",
        "-24855d -195m",
        "-24855d -19500000000m",
        "-24855d -3h -14m -9s",
        "-596524h",
        "-596523h -849s",
        "-596523h -14m -9s",
        "-35791394m-9s",
    ] {
        assert_eq!(parse_duration(text), None, "{text:?}");
    }
}

/// What `t_deltat.c` leaves out, as `krb5_string_to_deltat` of libkrb5 1.20.1 answered.
#[test]
fn durations_at_their_edges() {
    for (text, seconds) in [
        ("10hours", Some(36_000)),
        ("1days", Some(86_400)),
        ("7x", Some(7)),
        (" 7", Some(7)),
        ("1h30m", Some(5400)),
        ("10:00:00", Some(36_000)),
        ("", None),
        ("7 ", None),
        ("7s ", None),
        ("1 day", None),
        ("- 7", None),
        ("--7", None),
        ("h", None),
        ("1:2:3:4", None),
        ("1-2:3", None),
        ("1d2", None),
        ("2147483648", None),
    ] {
        assert_eq!(parse_duration(text), seconds, "{text:?}");
    }
}

/// MIT krb5 `src/lib/krb5/krb/t_etypes.c`: list, default, result without and with weak ones.
#[test]
fn enctype_lists_are_mits() {
    let (a256, a128) = (18, 17);
    let (s384, s256) = (20, 19);
    let (des3, rc4, rc4_exp, camellia128) = (16, 23, 24, 25);
    type Case<'a> = (&'a str, &'a [i32], &'a [i32], &'a [i32]);
    let cases: &[Case<'_>] = &[
        ("aes128-cts-hmac-sha1-96", &[], &[a128], &[a128]),
        ("default -aes128-cts -des-hmac-sha1", &[a256, a128], &[a256], &[a256]),
        (
            "aes des3-cbc-sha1-kd",
            &[],
            &[a256, a128, s384, s256, des3],
            &[a256, a128, s384, s256, des3],
        ),
        ("camellia -camellia256-cts-cmac", &[], &[camellia128], &[camellia128]),
        (
            "DEFAULT +aes -arcfour-hmac-md5",
            &[rc4, des3],
            &[des3, a256, a128, s384, s256],
            &[des3, a256, a128, s384, s256],
        ),
        (
            "DEFAULT -des3 rc4-hmac rc4-hmac-exp",
            &[a256, a128, des3, rc4],
            &[a256, a128, rc4],
            &[a256, a128, rc4, rc4_exp],
        ),
        ("des3 +DEFAULT", &[a256, a128, des3], &[des3, a256, a128], &[des3, a256, a128]),
        (
            "aes +rc4 -DEFaulT des3-hmac-sha1",
            &[a128, des3, rc4],
            &[a256, s384, s256, des3],
            &[a256, s384, s256, des3],
        ),
    ];
    for (text, default, strong, weak) in cases {
        let default: Vec<_> = default.iter().copied().map(EncType).collect();
        let list = |allow_weak| {
            let list = EnctypeList::parse(text, &default, allow_weak);
            list.enctypes.into_iter().map(|enctype| enctype.0).collect::<Vec<_>>()
        };
        assert_eq!(list(false), *strong, "{text}");
        assert_eq!(list(true), *weak, "{text}");
    }
    // No family has this name, and DES is forgotten.
    let list = EnctypeList::parse("aes-sha2,\taes256-sha2 -des-cbc-crc", &[], false);
    assert_eq!(list.enctypes, [EncType::AES256_CTS_HMAC_SHA384_192]);
    assert_eq!(list.unknown, ["aes-sha2", "des-cbc-crc"]);
}

#[test]
fn one_enctype_is_named_or_numbered() {
    for name in ["aes256-cts-hmac-sha1-96", "AES256-CTS", "18"] {
        assert_eq!(parse_enctype(name), Some(EncType::AES256_CTS_HMAC_SHA1_96), "{name}");
    }
    for name in ["rc4", "arcfour-hmac", "23"] {
        assert_eq!(parse_enctype(name), Some(EncType::RC4_HMAC), "{name}");
    }
    for name in ["", "aes", "-aes256-cts", "aes256-cts,aes256-sha1", "24", "des3-cbc-raw", "1"] {
        assert_eq!(parse_enctype(name), None, "{name}");
    }
}

/// MIT krb5 `src/lib/krb5/krb/t_parse_host_string.c`; what differs is said.
#[test]
fn server_addresses_are_mits() {
    use ServerAddressError::{BadHost, BadPort, NoHost};
    let v6 = "BEEF:CAFE:FEED:FACE:DEAD:BEEF:DEAF:BABE";
    let zone = std::format!("[{v6}%eth0]");
    for (text, default, host, port) in [
        ("test.example", 50, "test.example", 50),
        ("test.example:75", 0, "test.example", 75),
        ("192.168.1.1", 100, "192.168.1.1", 100),
        ("192.168.1.1:150", 0, "192.168.1.1", 150),
        (&*std::format!("[{v6}]"), 200, v6, 200),
        (&*std::format!("[{v6}]:250"), 0, v6, 250),
        (&*zone, 275, zone.trim_matches(['[', ']']), 275),
        ("host # not a comment, but cut off", 88, "host", 88),
        ("host:1", 88, "host", 1),
        ("host:65535", 88, "host", 65_535),
    ] {
        let expected =
            ServerAddress { host: host.into(), port, transport: ServerTransport::Direct };
        assert_eq!(ServerAddress::parse(text, default), Ok(expected), "{text}");
    }
    for (text, error) in [
        (v6, BadPort),
        (":300", NoHost),
        ("350", NoHost), // a port alone is for those who listen; locate_kdc.c refuses it
        ("", NoHost),
        ("70000", NoHost),
        ("test.example:F101", BadPort),
        ("host:65536", BadPort),
        ("host:0", BadPort), // MIT takes it, and nobody answers there
        ("host:", BadPort),
        ("host:+88", BadPort), // MIT takes whatever strtoul does
        ("host: 88", BadPort),
        ("[::1", BadHost),
        ("[::1]x", BadHost), // MIT ignores the rest
        ("[]:88", NoHost),
        ("tcp/host", BadHost), // Heimdal's; MIT looks for a host of that name
        ("http://host/", BadPort),
        ("https://", NoHost),
        ("https:///path", NoHost),
    ] {
        assert_eq!(ServerAddress::parse(text, 88), Err(error), "{text}");
    }
    let proxy = |text, port, path: &str| {
        let transport = ServerTransport::Https { path: path.into() };
        let expected = ServerAddress { host: "proxy.example".into(), port, transport };
        assert_eq!(ServerAddress::parse(text, 88), Ok(expected), "{text}");
    };
    proxy("https://proxy.example/KdcProxy", 443, "KdcProxy");
    proxy("https://proxy.example:8443/a/b", 8443, "a/b");
    proxy("https://proxy.example", 443, "");
}

#[test]
fn tokens_are_replaced_by_what_the_caller_says() {
    let expand = |name| {
        expand_tokens(name, |token| match token {
            "uid" => Some("1000".into()),
            "nested" => Some("%{uid}".into()),
            _ => None,
        })
    };
    assert_eq!(expand("FILE:/tmp/krb5cc_%{uid}").unwrap(), "FILE:/tmp/krb5cc_1000");
    assert_eq!(expand("%{uid}%{null}%{uid}%").unwrap(), "10001000%");
    assert_eq!(expand("100%").unwrap(), "100%");
    assert_eq!(expand("%{nested}").unwrap(), "%{uid}", "once");
    assert_eq!(expand("%{ui").unwrap_err(), TokenError::Unclosed);
    assert_eq!(expand("%{}").unwrap_err(), TokenError::Unknown("".into()));
    assert_eq!(expand("%{who}").unwrap_err(), TokenError::Unknown("who".into()));
}
