//! `/etc/hosts`, which the C library's resolver goes by before DNS.

use std::collections::HashMap;
use std::io::Read;
use std::net::IpAddr;

use super::Resolver;

const FILE: &str = "/etc/hosts";
const MAX_BYTES: u64 = 1 << 20;

impl Resolver {
    /// The names in `/etc/hosts`, to be given to a resolver; none if it cannot be read. They are as
    /// they are now.
    #[must_use]
    pub fn hosts_of_machine() -> HashMap<String, Vec<IpAddr>> {
        let mut text = String::new();
        let read = std::fs::File::open(FILE)
            .and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text));
        if let Err(error) = read {
            tracing::debug!(%error, "{FILE} is not used");
        }
        parse(&text)
    }
}

/// Address and names on each line, up to a `#`. Lines that begin with no address say nothing.
fn parse(text: &str) -> HashMap<String, Vec<IpAddr>> {
    let mut hosts: HashMap<_, Vec<_>> = HashMap::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_ascii_whitespace();
        let Some(address) = words.next().and_then(|word| word.parse::<IpAddr>().ok()) else {
            continue;
        };
        for name in words {
            let addresses = hosts.entry(name.to_ascii_lowercase()).or_default();
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_name_hosts() {
        let text = "# comment\n127.0.0.1\tlocalhost\n::1 localhost ip6-localhost # v6\n\n\
            192.0.2.1 DC1.w25ad.net dc1\nfe80::1%eth0 linked\nnonsense name\n192.0.2.1 dc1\n";
        let hosts = parse(text);
        assert_eq!(hosts["localhost"].len(), 2);
        for name in ["dc1.w25ad.net", "dc1"] {
            assert_eq!(hosts[name], [IpAddr::from([192, 0, 2, 1])], "{name}");
        }
        assert_eq!(hosts.len(), 4, "{hosts:?}");
    }
}
