use super::*;
use crate::Principal;
use crate::crypto::SUPPORTED;
use crate::iana::EncType;

/// The sample file of MIT's krb5.conf(5), and its `[capaths]` for ANL.GOV.
const SAMPLE: &str = "
[libdefaults]
    default_realm = ATHENA.MIT.EDU
    dns_lookup_kdc = true
    dns_lookup_realm = false

[realms]
    ATHENA.MIT.EDU = {
        kdc = kerberos.mit.edu
        kdc = kerberos-1.mit.edu:8088
        kdc = https://proxy.mit.edu/KdcProxy
        admin_server = kerberos.mit.edu
        primary_kdc = kerberos.mit.edu
        auth_to_local = DEFAULT
        v4_realm = ATHENA
        v4_instance_convert = {
            mit = mit.edu
        }
    }
    EXAMPLE.COM = {
        kdc = kerberos.example.com
        master_kdc = [2001:db8::1]
        kpasswd_server = kerberos.example.com
        disable_encrypted_timestamp = true
        http_anchors = FILE:/etc/proxy.pem
        pkinit_anchors = FILE:/realm.pem
    }

[domain_realm]
    crash.mit.edu = TEST.ATHENA.MIT.EDU
    .dev.mit.edu = TEST.ATHENA.MIT.EDU
    mit.edu = ATHENA.MIT.EDU

[capaths]
    ANL.GOV = {
        TEST.ANL.GOV = .
        PNL.GOV = ES.NET
        HAL.COM = K5.MOON  ignored
        HAL.COM = K5.JUPITER
    }

[dbmodules]
    LDAP = {
        db_library = kldap
    }
";

#[test]
fn a_file_that_says_nothing_leaves_mits_defaults() {
    let defaults = conf("").libdefaults(None).unwrap();
    assert_eq!(defaults.default_realm, None);
    assert!(defaults.dns_lookup_kdc && !defaults.dns_lookup_realm && defaults.dns_uri_lookup);
    assert_eq!(defaults.dns_canonicalize_hostname, CanonicalizeHostname::Yes);
    assert!(defaults.rdns && defaults.noaddresses && defaults.kdc_timesync);
    assert!(!defaults.forwardable && !defaults.proxiable && !defaults.canonicalize);
    assert!(!defaults.allow_weak_crypto && !defaults.allow_rc4);
    assert_eq!((defaults.clockskew, defaults.udp_preference_limit), (300, 1465));
    assert_eq!((defaults.ticket_lifetime, defaults.renew_lifetime), (86_400, 0));
    for list in [&defaults.default_tgs_enctypes, &defaults.default_tkt_enctypes] {
        assert_eq!((&*list.enctypes, list.unknown.len()), (SUPPORTED, 0));
        assert_eq!(*list, defaults.permitted_enctypes);
    }
}

#[test]
fn every_libdefault_is_read() {
    let conf = conf(
        "[libdefaults]
        default_realm = EXAMPLE.COM
        dns_fallback = no
        dns_lookup_realm = on
        dns_uri_lookup = 0
        dns_canonicalize_hostname = Fallback
        rdns = False
        qualify_shortname = \"\"
        permitted_enctypes = aes256-sha2 rc4 des-cbc-crc
        default_tgs_enctypes = DEFAULT -aes128-sha2
        allow_weak_crypto = yes
        allow_rc4 = true
        clockskew = 30
        ticket_lifetime = 10h
        renew_lifetime = 7d
        forwardable = TRUE
        proxiable = t
        noaddresses = nil
        extra_addresses = 192.0.2.1, 2001:db8::1
        canonicalize = y
        udp_preference_limit = 1
        kdc_timesync = 0
        ignore_acceptor_hostname = true
        enforce_ok_as_delegate = true
        verify_ap_req_nofail = true
        client_aware_channel_bindings = true
        default_ccache_name = FILE:/tmp/krb5cc_%{uid}
        default_keytab_name = /etc/k
        default_client_keytab_name = /etc/c
        plugin_base_dir = /lib
        EXAMPLE.COM = {
            ticket_lifetime = 1h
            forwardable = false
        }
    ",
    );
    let of = |realm| conf.libdefaults(realm).unwrap();
    let defaults = of(None);
    assert_eq!(defaults.default_realm.as_deref(), Some("EXAMPLE.COM"));
    assert!(!defaults.dns_lookup_kdc, "by dns_fallback");
    assert!(defaults.dns_lookup_realm && !defaults.dns_uri_lookup && !defaults.rdns);
    assert_eq!(defaults.dns_canonicalize_hostname, CanonicalizeHostname::Fallback);
    assert_eq!(defaults.qualify_shortname.as_deref(), Some(""));
    let permitted = &defaults.permitted_enctypes;
    assert_eq!(permitted.enctypes, [EncType::AES256_CTS_HMAC_SHA384_192, EncType::RC4_HMAC]);
    assert_eq!(permitted.unknown, ["des-cbc-crc"]);
    assert_eq!(defaults.default_tgs_enctypes.enctypes, SUPPORTED[..3]);
    assert_eq!(&defaults.default_tkt_enctypes, permitted);
    assert!(defaults.allow_weak_crypto && defaults.allow_rc4);
    assert_eq!((defaults.clockskew, defaults.udp_preference_limit), (30, 1));
    assert_eq!((defaults.ticket_lifetime, defaults.renew_lifetime), (36_000, 604_800));
    assert!(defaults.forwardable && defaults.proxiable && defaults.canonicalize);
    assert!(!defaults.noaddresses && !defaults.kdc_timesync);
    assert_eq!(defaults.extra_addresses, ["192.0.2.1", "2001:db8::1"]);
    assert!(defaults.ignore_acceptor_hostname && defaults.enforce_ok_as_delegate);
    assert!(defaults.verify_ap_req_nofail && defaults.client_aware_channel_bindings);
    assert_eq!(defaults.default_ccache_name.as_deref(), Some("FILE:/tmp/krb5cc_%{uid}"));
    assert_eq!(defaults.default_keytab_name.as_deref(), Some("/etc/k"));
    assert_eq!(defaults.default_client_keytab_name.as_deref(), Some("/etc/c"));
    let own = of(Some("EXAMPLE.COM"));
    assert_eq!((own.ticket_lifetime, own.renew_lifetime), (3600, 604_800));
    assert!(!own.forwardable && own.proxiable);
    assert_eq!(of(Some("OTHER.COM")), defaults);
}

#[test]
fn the_first_value_counts() {
    let first = conf("[libdefaults]\ndefault_realm = A\n");
    let both = first.with_file("b", b"[libdefaults]\ndefault_realm = B\n", &mut NoIncludes);
    assert_eq!(both.unwrap().libdefaults(None).unwrap().default_realm.as_deref(), Some("A"));
}

#[test]
fn values_of_the_wrong_kind_are_refused() {
    use ConfErrorKind as K;
    for (relation, kind) in [
        ("rdns = maybe", K::Boolean),
        ("rdns = \"\"", K::Boolean),
        ("dns_canonicalize_hostname = sometimes", K::Boolean),
        ("clockskew = 5m", K::Number),
        ("clockskew = -1", K::Number),
        ("kdc_timesync = true", K::Number),
        ("udp_preference_limit = 2147483648", K::Number),
        ("ticket_lifetime = 1 day", K::Duration),
        ("renew_lifetime = forever", K::Duration),
        ("permitted_enctypes = des-cbc-crc", K::NoEnctype),
        ("default_tkt_enctypes = arcfour-hmac-exp", K::NoEnctype),
    ] {
        let text = std::format!("[libdefaults]\n\n{relation}\n");
        let error = conf(&text).libdefaults(Some("R")).unwrap_err();
        assert_eq!((error.line, error.kind), (3, kind), "{relation}");
    }
    let limit = |text| {
        let text = std::format!("[libdefaults]\nudp_preference_limit = {text}\n");
        conf(&text).libdefaults(None).unwrap().udp_preference_limit
    };
    assert_eq!(
        [limit("-1"), limit("32699"), limit("32700"), limit("32701")],
        [1465, 32_699, 32_700, 32_700]
    );
}

/// One that MIT krb5 1.22 knows and we do not, and typing errors.
#[test]
fn a_bad_server_spoils_no_other_line() {
    use ServerAddressError as E;
    let text = "[realms]\nR = {\nkdc = /var/run/krb5kdc.sock\nkdc = host:http\nkdc = good.example\n\
                kdc = 88\nadmin_server = [::1\nkpasswd_server = tcp/host\nprimary_kdc = :\n}\n";
    let realm = conf(text).realm("R").unwrap();
    let hosts: Vec<_> = realm.kdc.iter().map(|kdc| kdc.host.as_str()).collect();
    assert_eq!(hosts, ["good.example"]);
    assert!(realm.primary_kdc.is_empty() && realm.admin_server.is_empty());
    let unusable: Vec<_> = realm.unusable.iter().map(|e| (e.line, e.kind.clone())).collect();
    let server = |line, error| (line, ConfErrorKind::Server(error));
    assert_eq!(
        unusable,
        [
            server(3, E::UnixSocket),
            server(4, E::BadPort),
            server(6, E::NoHost),
            server(9, E::BadPort),
            server(8, E::BadHost),
            server(7, E::BadHost),
        ]
    );
    let said = std::string::ToString::to_string(&realm.unusable[0]);
    assert!(said.starts_with("krb5.conf line 3: a UNIX domain socket"), "{said}");
}

#[test]
fn realms_have_servers() {
    let conf = conf(SAMPLE);
    let direct = |host: &str, port| ServerAddress {
        host: host.into(),
        port,
        transport: ServerTransport::Direct,
    };
    let athena = conf.realm("ATHENA.MIT.EDU").unwrap();
    assert_eq!(
        athena.kdc[..2],
        [direct("kerberos.mit.edu", 88), direct("kerberos-1.mit.edu", 8088)]
    );
    assert_eq!(athena.kdc[2].transport, ServerTransport::Https { path: "KdcProxy".into() });
    assert_eq!(athena.kdc.len(), 3);
    assert_eq!(athena.admin_server, [direct("kerberos.mit.edu", 749)]);
    assert_eq!(athena.primary_kdc, [direct("kerberos.mit.edu", 88)]);
    assert!(athena.kpasswd_server.is_empty() && !athena.disable_encrypted_timestamp);
    let example = conf.realm("EXAMPLE.COM").unwrap();
    assert_eq!(example.primary_kdc, [direct("2001:db8::1", 88)], "by its older name");
    assert_eq!(example.kpasswd_server, [direct("kerberos.example.com", 464)]);
    assert!(example.disable_encrypted_timestamp);
    assert_eq!(example.http_anchors, ["FILE:/etc/proxy.pem"]);
    assert!(conf.realm("UNKNOWN").unwrap().kdc.is_empty());
    assert_eq!(conf.section_names(&["realms"]), ["ATHENA.MIT.EDU", "EXAMPLE.COM"]);
    assert!(conf.relation_names(&["realms"]).is_empty());
    assert!(conf.relation_names(&["realms", "ATHENA.MIT.EDU"]).contains(&"v4_realm"));
    assert!(athena.unusable.is_empty() && example.unusable.is_empty());
    assert_eq!(conf.value(&["dbmodules", "LDAP", "db_library"]), Some("kldap"));
    assert_eq!(conf.value(&["realms", "ATHENA.MIT.EDU", "v4_realm"]), Some("ATHENA"));
}

/// MIT's krb5.conf(5), "[domain_realm]", and `hostrealm_profile.c`.
#[test]
fn hosts_have_realms() {
    let conf = conf(SAMPLE);
    for (host, realm) in [
        ("crash.mit.edu", Some("TEST.ATHENA.MIT.EDU")),
        ("CRASH.MIT.EDU.", Some("TEST.ATHENA.MIT.EDU")),
        ("a.crash.mit.edu", Some("TEST.ATHENA.MIT.EDU")),
        ("a.dev.mit.edu", Some("TEST.ATHENA.MIT.EDU")),
        ("dev.mit.edu", Some("ATHENA.MIT.EDU")),
        ("mit.edu", Some("ATHENA.MIT.EDU")),
        ("other.mit.edu", Some("ATHENA.MIT.EDU")),
        ("notmit.edu", None),
        ("edu", None),
        ("", None),
        (".", None),
        ("mit.edu:80", None),
    ] {
        assert_eq!(conf.host_realm(host), realm, "{host}");
    }
    let numbers = super::conf("[domain_realm]\n1 = R\n::1 = R\n2.1 = S\n");
    assert_eq!(numbers.host_realm("1.1.1.1"), None, "an address has no domain");
    assert_eq!(numbers.host_realm("::1"), None);
    assert_eq!(numbers.host_realm("3.2.1"), Some("S"), "but this is no address");
}

/// MIT's krb5.conf(5), "[capaths]", and `walk_rtree.c`.
#[test]
fn realms_have_paths() {
    let conf = conf(SAMPLE);
    let path = |server| conf.capath("ANL.GOV", server);
    assert_eq!(path("TEST.ANL.GOV"), Some([].into()), "direct");
    assert_eq!(path("PNL.GOV"), Some(["ES.NET"].into()));
    assert_eq!(path("HAL.COM"), Some(["K5.MOON", "K5.JUPITER"].into()), "in order, cut at blanks");
    assert_eq!(path("ELSEWHERE"), None);
    assert_eq!(conf.capath("PNL.GOV", "ANL.GOV"), None, "one direction says nothing of the other");
}

/// MIT's krb5.conf(5), "[appdefaults]".
#[test]
fn applications_have_defaults() {
    let conf = conf(
        "[appdefaults]
        telnet = {
            ATHENA.MIT.EDU = {
                option1 = false
            }
        }
        telnet = {
            option1 = true
            option2 = true
        }
        ATHENA.MIT.EDU = {
            option2 = false
        }
        option2 = true
    ",
    );
    let of = |application, realm, option| conf.appdefault(application, realm, option);
    assert_eq!(of("telnet", Some("EXAMPLE.COM"), "option1"), Some("true"));
    assert_eq!(of("telnet", Some("EXAMPLE.COM"), "option2"), Some("true"));
    assert_eq!(of("telnet", Some("ATHENA.MIT.EDU"), "option1"), Some("false"));
    assert_eq!(of("telnet", Some("ATHENA.MIT.EDU"), "option2"), Some("true"));
    assert_eq!(of("other", Some("ATHENA.MIT.EDU"), "option2"), Some("false"));
    assert_eq!(of("other", Some("EXAMPLE.COM"), "option2"), Some("true"));
    assert_eq!(of("other", None, "option2"), Some("true"));
    assert_eq!(of("other", None, "option1"), None);
}

/// MIT's krb5.conf(5), "PKINIT options".
#[test]
fn pkinit_relations_have_an_order() {
    let mut text = SAMPLE.to_owned();
    let of = |text: &str, realm| {
        let conf = conf(text);
        conf.pkinit(realm, "pkinit_anchors").into_iter().map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert!(of(&text, "ATHENA.MIT.EDU").is_empty());
    text.push_str("[libdefaults]\npkinit_anchors = DIR:/a\npkinit_anchors = DIR:/b\n");
    assert_eq!(of(&text, "ATHENA.MIT.EDU"), ["DIR:/a", "DIR:/b"]);
    assert_eq!(of(&text, "EXAMPLE.COM"), ["FILE:/realm.pem"]);
    text.push_str("EXAMPLE.COM = {\npkinit_anchors = FILE:/own.pem\n}\n");
    assert_eq!(of(&text, "EXAMPLE.COM"), ["FILE:/own.pem"]);
}

#[test]
fn principals_have_local_names() {
    use ConfErrorKind::{LocalNameRegex, LocalNameSyntax};
    let local = |rules: &[&str], principal: &str| {
        let rules: String =
            rules.iter().map(|rule| std::format!("auth_to_local = {rule}\n")).collect();
        let text = std::format!(
            "[realms]\nR = {{\nauth_to_local_names = {{\nboss = first\nboss = root\n\
             a@b = at\n}}\n{rules}}}\n"
        );
        let principal = Principal::parse(principal, None).unwrap();
        let local = conf(&text).local_name(&principal, "R");
        local.map(|name| name.map(|name| String::from_utf8(name).unwrap())).map_err(|e| e.kind)
    };
    let some = |name: &str| Ok(Some(name.to_owned()));
    // By default.
    assert_eq!(local(&[], "alice@R"), some("alice"));
    assert_eq!(local(&[], "alice/R@R"), some("alice"));
    assert_eq!(local(&[], "alice/admin@R"), Ok(None));
    assert_eq!(local(&[], "alice@S"), Ok(None));
    assert_eq!(local(&["DEFAULT"], "alice@R"), some("alice"));
    // By name, the last one.
    assert_eq!(local(&["RULE:nonsense"], "boss@R"), some("root"));
    assert_eq!(local(&[], "a\\@b@R"), some("at"));
    // By rule.
    assert_eq!(local(&["RULE:[2:$2$1foo]"], "johndoe/admin@R"), some("adminjohndoefoo"));
    assert_eq!(local(&["RULE:[1:$1@$0]"], "alice@S"), some("alice@S"));
    assert_eq!(local(&["RULE:[2:$1]"], "alice@R"), Ok(None), "rules, but none for her");
    assert_eq!(local(&["RULE:[2:$1]", "DEFAULT"], "alice@R"), some("alice"));
    assert_eq!(local(&["RULE:"], "alice/admin@S"), some("alice/admin"));
    // A regular expression counts if the principal has as many components.
    let regex = ["RULE:[2:$1](johndoe)s/^.*$/guest/", "DEFAULT"];
    assert_eq!(local(&regex, "alice@R"), some("alice"));
    assert_eq!(local(&regex, "alice/admin@R"), Err(LocalNameRegex));
    assert_eq!(local(&["RULE:[1:$1]s/a/b/g"], "alice@R"), Err(LocalNameRegex));
    assert_eq!(local(&["RULE:(a)"], "alice@R"), Err(LocalNameRegex));
    for rule in [
        "RULE",
        "NAME:x",
        "RULE:[1]",
        "RULE:[x:$1]",
        "RULE:[1:$1",
        "RULE:[1:$2]",
        "RULE:[1:$]",
        "RULE:[1:$1]x",
        "RULE:[1:$99999999999999999999]",
    ] {
        assert_eq!(local(&[rule], "alice@R"), Err(LocalNameSyntax), "{rule}");
    }
}
