use super::conf::Configured;
use crate::Resolver;

/// So many domains above a host are looked at.
const MAX_DOMAINS: usize = 10;

/// The realm of a host, by `[domain_realm]` or, where that is silent and DNS may be asked, by TXT
/// records.
pub(super) async fn realm(conf: &Configured, host: &str) -> Option<String> {
    if let Some(realm) = conf.conf().host_realm(host) {
        return Some(realm.to_owned());
    }
    let resolver = conf.realms_in_dns().filter(|_| Resolver::literal(host).is_none())?;
    let mut domain = host.trim_end_matches('.');
    for _ in 0..MAX_DOMAINS {
        let texts = resolver.texts(&format!("_kerberos.{domain}")).await.unwrap_or_default();
        if let Some(realm) = texts.into_iter().find(|text| is_realm(text)) {
            return Some(realm);
        }
        domain = domain.split_once('.')?.1;
    }
    None
}

/// Is it what a realm may be called (RFC 4120 section 6.1), and short enough for one?
fn is_realm(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
}
