use krb_client::{Clock as _, SystemClock};
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

/// What is asked for: what the command line says, else what the configuration does.
pub(super) fn asked(
    arguments: &Kinit,
    environment: &Environment,
    realm: &str,
) -> Result<TicketOptions, Failure> {
    let mut options = environment.ticket_options(realm)?;
    options.lifetime = arguments.lifetime.unwrap_or(options.lifetime);
    options.renewable = arguments.renewable.or(options.renewable);
    options.start = arguments.start.map(|later| SystemClock.now().seconds.plus_seconds(later));
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
