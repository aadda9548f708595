//! What is in a credential cache: `cargo run -p krb-proto --example read_ccache -- CCACHE`
//!
//! Prints what `klist -ef` does, from the bytes alone.

use std::error::Error;

use krb_proto::KerberosTime;
use krb_proto::asn1::Ticket;
use krb_proto::der;
use krb_proto::formats::CredentialCache;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: read_ccache CCACHE")?;
    let cache = CredentialCache::from_bytes(&std::fs::read(path)?)?;
    say(&format!("default principal {}", cache.default_principal));
    for entry in cache.tickets() {
        let [_, start, end, _] = entry.times.map(|time| KerberosTime::from_unix(time.into()));
        let ticket: Ticket<'_> = der::decode(&entry.ticket)?;
        say(&format!("{}", entry.server));
        say(&format!("  for     {}", entry.client));
        say(&format!("  valid   {start} to {end}"));
        say(&format!("  flags   {}", entry.flags));
        say(&format!("  skey    {}", entry.enctype));
        say(&format!("  ticket  {}, {} bytes", ticket.enc_part.etype, entry.ticket.len()));
    }
    Ok(())
}

#[allow(clippy::print_stdout)]
fn say(line: &str) {
    println!("{line}");
}
