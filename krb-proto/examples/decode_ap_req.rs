//! Who knocked: `cargo run -p krb-proto --example decode_ap_req -- TOKEN KEYTAB`
//!
//! TOKEN is a file with what an initiator sent (as cut from a capture): an AP-REQ, bare, in its
//! GSS-API framing or in a negotiation. Opens the ticket with a key from the keytab and prints what is in it.

use std::error::Error;

use krb_proto::asn1::{ApReq, EncTicketPart};
use krb_proto::der;
use krb_proto::formats::Keytab;
use krb_proto::iana::{KeyUsage, TicketFlags};
use krb_proto::spnego;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [token, keytab] = arguments.as_slice() else {
        return Err("usage: decode_ap_req TOKEN KEYTAB".into());
    };
    let token = std::fs::read(token)?;
    let keytab = Keytab::from_bytes(&std::fs::read(keytab)?)?;

    let request: ApReq<'_> = der::decode(spnego::ap_req_in(&token)?)?;
    let service = request.ticket.sname.in_realm(request.ticket.realm);
    say(&format!("service    {service}"));

    let sealed = request.ticket.enc_part;
    let kvno = sealed.kvno.map(|kvno| kvno.get());
    say(&format!("sealed in  {}, kvno {kvno:?}", sealed.etype));
    let keys = keytab.danger_keys(&service, kvno, sealed.etype);
    let mut opened = keys.iter().map(|key| key.decrypt(KeyUsage::TICKET, sealed.cipher));
    let plaintext = opened.find_map(Result::ok).ok_or("no key of the keytab opens the ticket")?;
    let ticket: EncTicketPart<'_> = der::decode(&plaintext)?;
    say(&format!("client     {}", ticket.cname.in_realm(ticket.crealm)));
    say(&format!("until      {}", ticket.endtime));
    say(&format!("flags      {}", TicketFlags(ticket.flags.bits())));
    for element in ticket.authorization_data.iter().flatten() {
        say(&format!("data       {}, {} bytes", element.ad_type, element.ad_data.len()));
    }
    Ok(())
}

#[allow(clippy::print_stdout)]
fn say(line: &str) {
    println!("{line}");
}
