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
