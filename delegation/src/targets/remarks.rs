//! What an operator should know of the targets, since no part of a ticket says it: the SPN in a ticket
//! is not protected. Whoever holds one to a service can present it to every other service of the
//! account that the SPN is registered on.

use super::{Target, Targets};

impl Targets {
    /// Targets that are one to Kerberos, though they are two here, and targets on a domain
    /// controller, one of these KDCs (`host` or `host:port`). Two hosts' names that are one account's
    /// are known to the directory alone; it is not asked.
    pub(crate) fn remarks(&self, kdcs: &[&str]) -> Vec<String> {
        let mut remarks = Vec::new();
        let targets: Vec<&Target> = self.iter().collect();
        for (number, one) in targets.iter().enumerate() {
            let others = targets.iter().skip(number + 1);
            for other in others.filter(|other| is_same(spn_host(one), spn_host(other))) {
                remarks.push(format!(
                    "targets {} ({}) and {} ({}) are one to Kerberos: SPNs of one host are one \
                     account's as a rule, and a ticket for one opens the other. A policy that \
                     permits one and not the other holds in this server alone; where it must hold \
                     beyond, give each service an account of its own",
                    one.name(),
                    one.spn(),
                    other.name(),
                    other.spn(),
                ));
            }
            let kdc = kdcs
                .iter()
                .map(|kdc| without_port(kdc))
                .find(|kdc| is_same(kdc, spn_host(one)) || is_same(kdc, one.host()));
            if let Some(kdc) = kdc {
                remarks.push(format!(
                    "target {} ({}) is on the domain controller {kdc}: a ticket for it opens the \
                     directory as well (ldap, SYSVOL, RPC) in the name of whoever calls. Move what \
                     users need to a member server, and take the SPN out of the service account's \
                     list",
                    one.name(),
                    one.spn(),
                ));
            }
        }
        remarks
    }
}

fn spn_host(target: &Target) -> &str {
    let instance = target.spn().split_once('/').map_or("", |(_, instance)| instance);
    without_port(instance)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.contains(':') => {
            name
        }
        _ => host,
    }
}

/// A name without a domain is that of the host in any.
fn is_same(one: &str, other: &str) -> bool {
    let first = |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_whole = one.contains('.') && other.contains('.');
    let is_address = |name: &str| name.parse::<std::net::IpAddr>().is_ok();
    if is_whole || is_address(one) || is_address(other) {
        one.eq_ignore_ascii_case(other)
    } else {
        first(one) == first(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remarks(spns: &[(&str, &str)], kdcs: &[&str]) -> Vec<String> {
        let targets = spns.iter().map(|(name, spn)| {
            serde_json::json!({
                "name": name, "kind": "smb", "host": format!("{name}.lan"), "spn": spn,
                "names": [name], "shares": ["x"]
            })
        });
        let targets = serde_json::from_value(targets.collect()).unwrap();
        Targets::new(targets).unwrap().remarks(kdcs)
    }

    #[test]
    fn spns_of_one_host_are_one_target() {
        for (one, other, same) in [
            ("cifs/files.example.com", "HTTP/files.example.com", true),
            ("cifs/files.example.com", "HTTP/FILES.example.com:8080", true),
            ("cifs/files", "HTTP/files.example.com", true),
            ("cifs/files.example.com", "cifs/files.example.com", true),
            ("cifs/files.example.com", "HTTP/files.example.org", false),
            ("cifs/files.example.com", "HTTP/web.example.com", false),
            ("cifs/files", "HTTP/file", false),
            ("cifs/10.0.0.1", "HTTP/10.0.0.2", false),
        ] {
            let found = remarks(&[("a", one), ("b", other)], &[]);
            assert_eq!(found.len(), usize::from(same), "{one} {other}: {found:?}");
            assert!(found.iter().all(|remark| remark.contains(one) && remark.contains(other)));
        }
    }

    #[test]
    fn a_target_on_a_domain_controller_is_said() {
        let kdcs = ["dc1.example.com", "DC2.example.com:88", "192.0.2.1", "[2001:db8::1]:88"];
        for (spn, on_a_dc) in [
            ("cifs/dc1.example.com", true),
            ("cifs/DC2", true),
            ("HTTP/dc2.example.com:8443", true),
            ("cifs/192.0.2.1", true),
            ("cifs/dc3.example.com", false),
            ("cifs/dc1.example.org", false),
        ] {
            assert_eq!(remarks(&[("a", spn)], &kdcs).len(), usize::from(on_a_dc), "{spn}");
        }
        // By where it is, whatever the SPN says.
        assert_eq!(remarks(&[("dc9", "cifs/files.example.com")], &["dc9.lan"]).len(), 1);
    }
}
