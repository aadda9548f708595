//! The `krb5.conf` with which other programs find a [`DevKdc`](super::DevKdc).

use std::fmt::Write;

use super::{Addresses, Realms};

/// The whole file. Names are taken as they are written: DNS, forwards or backwards, would make
/// others of them, and ask servers elsewhere about realms that only exist here.
pub(super) fn write(realms: &Realms, addresses: Addresses) -> String {
    let names = realms.names();
    let mut text = format!(
        "# For a KDC for development and tests.\n\
         [libdefaults]\n\
         \tdefault_realm = {}\n\
         \tdns_lookup_kdc = false\n\
         \tdns_lookup_realm = false\n\
         \tdns_canonicalize_hostname = false\n\
         \tdns_uri_lookup = false\n\
         \trdns = false\n\
         \tforwardable = true\n\
         \tudp_preference_limit = 1\n\
         \n[realms]\n",
        names.first().map_or("", String::as_str)
    );
    let Addresses { kdc, kpasswd, .. } = addresses;
    for name in &names {
        // Writing to a string does not fail. MIT's programs ask admin_server where there is no
        // kpasswd_server, others know that one only.
        let _ = write!(
            text,
            "\t{name} = {{\n\t\tkdc = {kdc}\n\t\tkpasswd_server = {kpasswd}\n\
             \t\tadmin_server = {kpasswd}\n\t}}\n"
        );
    }
    text.push_str("\n[domain_realm]\n");
    for name in &names {
        let domain = name.to_ascii_lowercase();
        let _ = write!(text, "\t.{domain} = {name}\n\t{domain} = {name}\n");
    }
    text
}
