//! Servers in URI records: `krb5srv:FLAGS:TRANSPORT:RESIDUAL`, as MIT krb5 has them
//! (doc/admin/realm_config.rst, draft-mccallum-kitten-krb-service-discovery).

use krb_proto::formats::krb5_conf::{ServerAddress, ServerTransport};

use super::{Place, Service, Way};

/// What a record names; nothing if it is of another kind, or of one that is not known.
pub(super) fn place(uri: &str, realm: &str, service: Service) -> Option<Place> {
    let (scheme, rest) = uri.split_once(':')?;
    let (_flags, rest) = rest.split_once(':')?;
    let (transport, residual) = rest.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("krb5srv") {
        return None;
    }
    let server = ServerAddress::parse(residual, service.port()).ok()?;
    let way = match &*transport.to_ascii_lowercase() {
        "tcp" => Way::Tcp,
        "udp" => Way::Udp,
        "kkdcp" if server.transport != ServerTransport::Direct => {
            return Some(Place::configured(&server, realm));
        }
        _ => return None,
    };
    let host = server.host.trim_end_matches('.');
    let usable = server.transport == ServerTransport::Direct && !host.is_empty();
    usable.then(|| Place::of(host, server.port, way))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kdc::Endpoint;

    #[test]
    fn records_name_servers_and_how_to_speak_to_them() {
        let host = |host: &str, port, way| Some(Place::Host { host: host.into(), port, way });
        let read = |uri| place(uri, "R", Service::Kdc);
        assert_eq!(read("krb5srv:m:tcp:kdc.example.com"), host("kdc.example.com", 88, Way::Tcp));
        assert_eq!(
            read("krb5srv::udp:kdc.example.com.:750"),
            host("kdc.example.com", 750, Way::Udp)
        );
        assert_eq!(
            read("KRB5SRV:mx:TCP:a:1"),
            host("a", 1, Way::Tcp),
            "flags to come are no matter"
        );
        let at = Some(Place::At(Endpoint::Udp("[2001:db8::1]:88".parse().unwrap())));
        assert_eq!(read("krb5srv::udp:[2001:db8::1]"), at);
        let Some(Place::At(Endpoint::Proxy(proxy))) =
            read("krb5srv:m:kkdcp:https://login.example.com/TENANT/kerberos")
        else {
            panic!("a proxy")
        };
        assert_eq!(proxy.url(), "https://login.example.com/TENANT/kerberos");
        assert_eq!(proxy.realm, "R");
        for uri in [
            "",
            "krb5srv",
            "krb5srv:m:tcp",
            "krb5srv:m:tcp:",
            "krb5srv:m:tcp::88",
            "krb5srv:m:tcp:.",
            "krb5srv:m:tcp:https://a/",
            "krb5srv:m:kkdcp:a",
            "krb5srv:m:kkdcp:http://a/",
            "krb5srv:m:quic:a",
            "krb5srv:m:tcp:a:0",
            "https://a/",
        ] {
            assert_eq!(read(uri), None, "{uri}");
        }
        assert_eq!(place("krb5srv::tcp:a", "R", Service::Kpasswd), host("a", 464, Way::Tcp));
    }
}
