//! MIT's tools and ours take each other's files.

use krb_tests::lab::program;

use crate::lab;

#[test]
fn mit_tools_accept_our_ccache_and_we_accept_their_keytab() {
    let lab = lab!();
    let cache = lab.scratch("alice.cc");
    let (cache, krb) = (cache.display(), program("krb"));
    let account = lab.principal(&lab.var("SVC_ACCOUNT"));
    let spn = format!("cifs/{}", lab.var("FILESERVER_HOST"));

    // A keytab that MIT's ktutil wrote, from the password.
    let keytab = lab.scratch("mit.keytab");
    let keytab = keytab.display();
    let salt = format!("{}{}", lab.realm(), lab.var("SVC_ACCOUNT"));
    lab.shell(&format!(
        "printf 'addent -password -p {account} -k 2 -e aes256-cts-hmac-sha1-96 -s {salt}\n%s\n\
         wkt {keytab}\n' \"$SVC_PASSWORD\" | ktutil >/dev/null"
    ));
    lab.shell(&format!(
        "{} s4u --client {account} --kdc $DC_IP -k {keytab} -c {cache} ALICE_ADMIN {spn}",
        krb.display()
    ));
    let list = lab.shell(&format!("klist -ef FILE:{cache}"));
    assert!(list.contains(&format!("Default principal: {}", lab.principal("ALICE_ADMIN"))));
    assert!(list.contains(&format!("{spn}@{}", lab.realm())), "{list}");
    assert!(list.contains("Flags: FA"), "forwardable and pre-authenticated: {list}");
    let kvno = lab.shell(&format!("KRB5CCNAME=FILE:{cache} kvno {spn}"));
    assert!(kvno.contains("kvno = "), "{kvno}");
    let file = lab.shell(&format!(
        "KRB5CCNAME=FILE:{cache} smbclient //$FILESERVER_HOST/corp --use-kerberos=required -N \
         -c 'get reports/data.csv -'"
    ));
    assert!(file.contains("1,42"), "{file}");
}

/// A cache of each kind that holds one ticket in a user's name and nothing else: to programs that know
/// MIT's library it is the user's.
#[test]
fn programs_of_all_kinds_come_as_the_user_with_caches_of_all_kinds() {
    let lab = lab!();
    let krb = program("krb");
    let (krb, account) = (krb.display(), lab.principal(&lab.var("SVC_ACCOUNT")));
    let keytab = lab.keytab("mcp");
    let folder = lab.scratch("caches");
    std::fs::create_dir_all(&folder).unwrap();
    let here = folder.display();
    let unique = std::process::id();
    for (kind, cache) in [
        ("file", format!("FILE:{here}/cc")),
        ("folder", format!("DIR:{here}/folder")),
        ("keyring", format!("KEYRING:session:krb-e2e-{unique}")),
    ] {
        let with = |spn: &str, command: &str| {
            lab.shell(&format!(
                "{krb} s4u --client {account} --kdc $DC_IP -k {} -c {cache} ALICE_ADMIN {spn} && \
                 export KRB5CCNAME={cache} && {command}",
                keytab.display()
            ))
        };
        let file = with(
            "cifs/$FILESERVER_HOST",
            "smbclient //$FILESERVER_HOST/corp --use-kerberos=required -N -c 'get reports/data.csv -'",
        );
        assert!(file.contains("1,42"), "{kind}: {file}");
        let page = with(
            "HTTP/$WEB_HOST",
            "curl -s -m 30 --noproxy '*' --negotiate -u : http://$WEB_HOST/whoami",
        );
        assert!(page.contains("ALICE_ADMIN"), "{kind}: {page}");
        let user = with(
            "postgres/$POSTGRES_HOST",
            "psql -X -At -c 'SELECT principal FROM pg_stat_gssapi WHERE pid = pg_backend_pid()' \
             \"host=$POSTGRES_HOST dbname=app user=ALICE_ADMIN gssencmode=require\"",
        );
        assert!(user.contains("ALICE_ADMIN@"), "{kind}: {user}");
        // What MIT's kvno has put beside it, ours finds, and ours takes all of it away.
        let list = lab.shell(&format!("KRB5CCNAME={cache} {krb} klist"));
        assert!(list.contains("postgres/"), "{kind}: {list}");
        lab.shell(&format!("KRB5CCNAME={cache} {krb} kdestroy"));
        let gone = lab.shell(&format!("KRB5CCNAME={cache} klist -s || echo gone"));
        assert_eq!(gone.trim(), "gone", "{kind}");
    }
}

#[test]
fn krb_takes_a_password_file_of_any_editor_and_an_address_without_dns() {
    let lab = lab!();
    let krb = program("krb");
    let (krb, account) = (krb.display(), lab.principal(&lab.var("SVC_ACCOUNT")));
    let spn = format!("cifs/{}", lab.var("FILESERVER_HOST"));
    let password = lab.var("SVC_PASSWORD");
    let utf16 = |mark: [u8; 2], octets: fn(u16) -> [u8; 2]| {
        let text = format!("{password}\r\nwhat follows is not read\r\n");
        mark.into_iter().chain(text.encode_utf16().flat_map(octets)).collect::<Vec<u8>>()
    };
    for (editor, content) in [
        ("unix", format!("{password}\n").into_bytes()),
        ("windows", format!("\u{feff}{password}\r\n").into_bytes()),
        ("notepad", utf16([0xff, 0xfe], u16::to_le_bytes)),
        ("big-endian", utf16([0xfe, 0xff], u16::to_be_bytes)),
    ] {
        let (file, cache) = (lab.scratch(editor), lab.scratch(&format!("{editor}.cc")));
        std::fs::write(&file, content).unwrap();
        // The machine names no DNS server: an address needs none, a name says what is missing.
        let said = |kdc: &str| {
            lab.shell(&format!(
                "unshare -m sh -c 'mount --bind /dev/null /etc/resolv.conf && {krb} s4u --client \
                 {account} --kdc {kdc} --password-file {} -c {} ALICE_ADMIN {spn}' 2>&1 || true",
                file.display(),
                cache.display(),
            ))
        };
        let said_to_address = said("$DC_IP");
        assert!(said_to_address.contains("ALICE_ADMIN"), "{editor}: {said_to_address}");
        let said_to_name = said("dc1.example.com");
        assert!(said_to_name.contains("/etc/resolv.conf"), "{editor}: {said_to_name}");
    }
}
