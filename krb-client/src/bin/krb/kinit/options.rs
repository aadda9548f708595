use krb_client::{Clock as _, SystemClock};
use krb_proto::KerberosTime;
use krb_proto::exchange::TicketOptions;
use krb_proto::formats::krb5_conf::parse_duration;

use super::Kinit;
use crate::Failure;
use crate::environment::Environment;

/// A duration as MIT's programs write it: `10h`, `1d12h`, `36000`, `10:00`.
pub(super) fn duration(text: &str) -> Result<i64, String> {
    match parse_duration(text) {
        Some(seconds) if seconds > 0 => Ok(seconds.into()),
        _ => Err("write a duration such as 10h, 1d12h or 90m".to_owned()),
    }
}

/// A duration from now on, or a time as MIT's programs write it, `20261130030759`; here in UTC, as
/// everything that is shown.
pub(super) fn start(text: &str) -> Result<KerberosTime, String> {
    let absolute = format!("{text}Z");
    match KerberosTime::from_generalized(absolute.as_bytes()) {
        Some(time) => Ok(time),
        None => Ok(SystemClock.now().seconds.plus_seconds(duration(text)?)),
    }
}

/// What is asked for: what the command line says, else what the configuration does.
pub(super) fn asked(
    arguments: &Kinit,
    environment: &Environment,
    realm: &str,
) -> Result<TicketOptions, Failure> {
    let mut options = environment.ticket_options(realm)?;
    options.lifetime = arguments.lifetime.unwrap_or(options.lifetime);
    options.renewable = arguments.renewable.or(options.renewable);
    options.start = arguments.start;
    options.canonicalize |= arguments.canonicalize || arguments.enterprise;
    options.forwardable =
        switched(options.forwardable, arguments.forwardable, arguments.not_forwardable);
    options.proxiable = switched(options.proxiable, arguments.proxiable, arguments.not_proxiable);
    let defaults = environment.libdefaults(realm)?;
    if switched(!defaults.noaddresses, arguments.addresses, arguments.no_addresses) {
        return Err("-a: tickets for addresses are not asked for; a ticket without any (-A, or \
                    noaddresses = true in krb5.conf) is good behind address translation too"
            .into());
    }
    Ok(options)
}

const fn switched(default: bool, on: bool, off: bool) -> bool {
    (default || on) && !off
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_a_time_or_so_long_from_now() {
        assert_eq!(start("20261130030759").unwrap().to_string(), "2026-11-30T03:07:59Z");
        let now = SystemClock.now().seconds.unix();
        assert!((now + 7200..now + 7260).contains(&start("2h").unwrap().unix()));
        for text in ["soon", "20261330030759", "0"] {
            assert!(start(text).is_err(), "{text}");
        }
    }
}
