//! Who a ticket is really for: `cargo run --example verify_pac -- CCACHE KEYTAB`
//!
//! Opens each ticket in the ccache whose service has a key in the keytab, verifies its PAC and
//! prints the account that the KDC sealed into it beside the name that the ticket shows.

use std::error::Error;

use krb_proto::exchange::open_ticket;
use krb_proto::formats::{CredentialCache, Keytab};
use krb_proto::pac::Pac;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [ccache, keytab] = arguments.as_slice() else {
        return Err("usage: verify_pac CCACHE KEYTAB".into());
    };
    let cache = CredentialCache::from_bytes(&std::fs::read(ccache)?)?;
    let keytab = Keytab::from_bytes(&std::fs::read(keytab)?)?;
    for entry in cache.tickets() {
        let credential = entry.credential()?;
        let server = &credential.server;
        let find = |enctype, kvno| keytab.find(server, kvno, enctype)?.key().ok();
        let (ticket, key) = match open_ticket(&credential, find) {
            Ok(opened) => opened,
            Err(error) => {
                say(&format!("{server}: {error}"));
                continue;
            }
        };
        let pac = Pac::parse(&ticket.pac)?.verify_server_signature(&key)?;
        let logon = pac.logon_info()?;
        say(&format!("{server}: ticket for {}", ticket.client));
        say(&format!("  account {}\\{}", logon.logon_domain_name, logon.effective_name));
        say(&format!("  SID     {}", logon.user_sid()?));
        if let Some(upn) = pac.upn_dns_info()? {
            say(&format!("  UPN     {}", upn.upn));
        }
        say(&format!("  groups  {}", logon.group_sids().count()));
    }
    Ok(())
}

#[allow(clippy::print_stdout)]
fn say(line: &str) {
    println!("{line}");
}
