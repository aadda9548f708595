//! Who a ticket is really for: `cargo run -p krb-proto --example verify_pac -- CCACHE KEYTAB`
//!
//! Opens each ticket in the ccache whose service has a key in the keytab, verifies its PAC and
//! prints what the KDC sealed into it beside the name that the ticket shows.

use std::error::Error;
use std::fmt::Debug;

use krb_proto::exchange::open_ticket;
use krb_proto::formats::{CredentialCache, Keytab};
use krb_proto::iana::PacBufferType;
use krb_proto::pac::{
    Attributes, ClientClaims, ClientInfo, CredentialInfo, DelegationInfo, DeviceClaims, DeviceInfo,
    LogonInfo, Pac, PacBuffer, PacError, Requestor, UpnDnsInfo, VerifiedPac,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [ccache, keytab] = arguments.as_slice() else {
        return Err("usage: verify_pac CCACHE KEYTAB".into());
    };
    let cache = CredentialCache::from_bytes(&std::fs::read(ccache)?)?;
    let keytab = Keytab::from_bytes(&std::fs::read(keytab)?)?;
    for entry in cache.tickets() {
        let credential = entry.danger_credential()?;
        let server = &credential.server;
        let keys = |enctype, kvno| keytab.danger_keys(server, kvno, enctype);
        let (ticket, key) = match open_ticket(&credential, keys) {
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
        for (kind, buffer) in pac.as_pac().buffers() {
            say(&format!("  {kind}, {} bytes", buffer.len()));
            for line in describe(&pac, kind)?.lines() {
                say(&format!("    {line}"));
            }
        }
    }
    Ok(())
}

/// A buffer's contents; of a signature whoever has krbtgt's key could say more.
fn describe(pac: &VerifiedPac<'_>, kind: PacBufferType) -> Result<String, PacError> {
    fn show<B: PacBuffer + Debug>(pac: &VerifiedPac<'_>) -> Result<String, PacError> {
        Ok(pac.get::<B>()?.map(|buffer| format!("{buffer:#?}")).unwrap_or_default())
    }
    match kind {
        LogonInfo::TYPE => show::<LogonInfo>(pac),
        CredentialInfo::TYPE => show::<CredentialInfo>(pac),
        ClientInfo::TYPE => show::<ClientInfo>(pac),
        DelegationInfo::TYPE => show::<DelegationInfo>(pac),
        UpnDnsInfo::TYPE => show::<UpnDnsInfo>(pac),
        ClientClaims::TYPE => show::<ClientClaims>(pac),
        DeviceInfo::TYPE => show::<DeviceInfo>(pac),
        DeviceClaims::TYPE => show::<DeviceClaims>(pac),
        Attributes::TYPE => show::<Attributes>(pac),
        Requestor::TYPE => show::<Requestor>(pac),
        PacBufferType::SERVER_SIGNATURE
        | PacBufferType::KDC_SIGNATURE
        | PacBufferType::TICKET_SIGNATURE
        | PacBufferType::EXTENDED_KDC_SIGNATURE => {
            let signature = pac.as_pac().signature(kind)?;
            Ok(signature.map(|signature| signature.checksum_type.to_string()).unwrap_or_default())
        }
        _ => Ok(String::new()),
    }
}

#[allow(clippy::print_stdout)]
fn say(line: &str) {
    println!("{line}");
}
