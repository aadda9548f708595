//! The page that tells administrators what to grant: its lines, run.

use krb_tests::{Server, Setup, issuer};

use crate::lab;

const PAGE: &str = include_str!("../../docs/active-directory.md");

/// The page's lines for a Samba domain controller, as they stand there.
fn lines() -> Vec<&'static str> {
    let blocks = PAGE.split("```sh\n").skip(1);
    blocks.flat_map(|block| block.split("```").next().unwrap_or_default().lines()).collect()
}

#[tokio::test]
async fn what_the_page_grants_is_what_a_call_needs() {
    let lab = lab!();
    let (realm, fileserver) = (lab.realm(), lab.var("FILESERVER_HOST"));
    let domain = realm.to_lowercase();
    let components: Vec<_> = domain.split('.').map(|part| format!("DC={part}")).collect();
    let private = format!("{}/dc/private", lab.var("LAB"));
    let keytab = lab.keytab("agents");
    // The page speaks of the realm that the lab has by default, and of a system's own Samba.
    let here = |line: &str| {
        line.replace("fileserver.w25ad.net", &fileserver)
            .replace("W25AD.NET", &realm)
            .replace("w25ad.net", &domain)
            .replace("DC=w25ad,DC=net", &components.join(","))
            .replace("/var/lib/samba/private", &private)
            .replace("agents.keytab", &keytab.display().to_string())
    };
    // With the lab's configuration, and the system's python, which has Samba's modules.
    let conf = format!("{}/dc/etc/smb.conf", lab.var("LAB"));
    let run = |line: &str| {
        lab.shell(&format!(
            "export PATH=/usr/sbin:/usr/bin:/sbin:/bin
             samba-tool() {{ command samba-tool \"$@\" -s '{conf}'; }}
             {line}"
        ))
    };
    assert_eq!(lines().len(), 10, "each line of the page is run");
    let said: Vec<_> = lines().into_iter().map(|line| run(&here(line))).collect();
    let said = said.concat();
    assert!(said.contains("UF_TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION: True"), "{said}");
    assert!(said.contains(&format!("msDS-AllowedToDelegateTo: cifs/{fileserver}")), "{said}");
    run("samba-tool user sensitive administrator off");

    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    (setup.account, setup.keytab) = ("svc-agents".into(), "agents".into());
    setup.change = |configuration| {
        let spn = configuration["kerberos"]["servicePrincipalName"].as_str().unwrap();
        let domain = spn.split_once('.').unwrap().1;
        configuration["kerberos"]["servicePrincipalName"] = format!("HTTP/agents.{domain}").into();
    };
    let server = Server::start(lab, &setup);
    let token = issuer.token("alice");
    assert!(server.read(&token, &lab.unc("reports/data.csv")).await.content().contains("1,42"));
    // The web application is not in its list.
    let refused = server.get(&token, &lab.url("/whoami")).await;
    assert_eq!(refused.code(), "TARGET_NOT_ALLOWED");
    run("samba-tool user delete svc-agents");
}
