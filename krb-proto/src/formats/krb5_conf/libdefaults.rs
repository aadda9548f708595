use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use super::profile::Value;
use super::{ConfError, ConfErrorKind, EnctypeList, Krb5Conf, parse_duration, value};
use crate::crypto::SUPPORTED;
use crate::iana::EncType;

/// MIT's default for `udp_preference_limit`, and its greatest value.
const UDP_PREFERENCE: (u32, u32) = (1465, 32_700);

/// May DNS say what a host is really called?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CanonicalizeHostname {
    /// Always.
    Yes,
    /// Never.
    No,
    /// Only if the KDC does not know the name as it was given.
    Fallback,
}

/// The `[libdefaults]` that a client can mean, with MIT's defaults where the file says nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LibDefaults {
    /// The realm of names that have none.
    pub default_realm: Option<String>,
    /// May KDCs be found by DNS? Default true.
    pub dns_lookup_kdc: bool,
    /// May a host's realm be found by DNS (TXT records, which nothing protects)? Default false.
    pub dns_lookup_realm: bool,
    /// URI records before SRV records? Default true.
    pub dns_uri_lookup: bool,
    /// `dns_canonicalize_hostname`, default [`CanonicalizeHostname::Yes`].
    pub dns_canonicalize_hostname: CanonicalizeHostname,
    /// Reverse look-up in canonicalization? Default true.
    pub rdns: bool,
    /// The domain of host names without a dot; an empty one adds nothing.
    pub qualify_shortname: Option<String>,
    /// Enctypes that may protect anything. Default [`SUPPORTED`].
    pub permitted_enctypes: EnctypeList,
    /// Session keys asked for in a TGS-REQ. Default `permitted_enctypes`.
    pub default_tgs_enctypes: EnctypeList,
    /// Enctypes asked for in an AS-REQ. Default `permitted_enctypes`.
    pub default_tkt_enctypes: EnctypeList,
    /// Lets enctypes that MIT's library calls weak into the lists. Default false.
    pub allow_weak_crypto: bool,
    /// May RC4 be used where a list names it? (In MIT 1.21: may a KDC issue such session keys?)
    /// Default false.
    pub allow_rc4: bool,
    /// Seconds by which clocks may differ. Default 300.
    pub clockskew: u32,
    /// Seconds that an initial ticket is asked for. Default one day.
    pub ticket_lifetime: i32,
    /// Seconds that it shall be renewable; 0, the default: not at all.
    pub renew_lifetime: i32,
    /// Ask for forwardable tickets? Default false.
    pub forwardable: bool,
    /// Ask for proxiable tickets? Default false.
    pub proxiable: bool,
    /// Ask for tickets without addresses? Default true.
    pub noaddresses: bool,
    /// Addresses to put into tickets besides the machine's own.
    pub extra_addresses: Vec<String>,
    /// Let the KDC say what the client is really called (RFC 6806)? Default false.
    pub canonicalize: bool,
    /// Messages longer than this, in bytes, go over TCP first. Default 1465, at most 32 700.
    pub udp_preference_limit: u32,
    /// Follow the KDC's clock? Default true.
    pub kdc_timesync: bool,
    /// Accept whatever principal the keytab has, whatever host name is asked for? Default false.
    pub ignore_acceptor_hostname: bool,
    /// Delegate only to services that the KDC marks `ok-as-delegate`? Default false.
    pub enforce_ok_as_delegate: bool,
    /// Is it a failure when initial credentials cannot be verified for want of a keytab? Default
    /// false.
    pub verify_ap_req_nofail: bool,
    /// Say in every AP-REQ that channel bindings are understood? Default false.
    pub client_aware_channel_bindings: bool,
    /// The cache to use; tokens in it are for [`expand_tokens`](super::expand_tokens).
    pub default_ccache_name: Option<String>,
    /// The keytab for accepting; tokens as above.
    pub default_keytab_name: Option<String>,
    /// The keytab for getting tickets; tokens as above.
    pub default_client_keytab_name: Option<String>,
}

impl Krb5Conf {
    /// The `[libdefaults]` for clients of a realm, if one is given: what MIT's library lets a
    /// realm's own subsection override (`REALM = { ticket_lifetime = 1h }`) comes from there.
    ///
    /// # Errors
    /// [`ConfError`] for a value that cannot be read, where libkrb5 would take its default
    /// silently.
    pub fn libdefaults(&self, realm: Option<&str>) -> Result<LibDefaults, ConfError> {
        let global = |name: &str| self.located(&["libdefaults", name]).next();
        let own = |name: &str| {
            realm
                .and_then(|realm| self.located(&["libdefaults", realm, name]).next())
                .or_else(|| global(name))
        };
        let text = |name: &str| global(name).map(|value| value.text.clone());
        let boolean = |value: Option<&Value>, default| self.boolean(value, default);
        let dns =
            |name: &str, default| boolean(global(name).or_else(|| global("dns_fallback")), default);
        let duration = |value: Option<&Value>, default| {
            self.parsed(value, default, ConfErrorKind::Duration, parse_duration)
        };
        let number = |name: &str, default| {
            self.parsed(global(name), default, ConfErrorKind::Number, |text| text.parse().ok())
        };

        let allow_weak_crypto = boolean(global("allow_weak_crypto"), false)?;
        let enctypes = |name: &str, default: EnctypeList| {
            let Some(value) = global(name) else { return Ok(default) };
            let list = EnctypeList::parse(&value.text, SUPPORTED, allow_weak_crypto);
            if list.enctypes.is_empty() {
                return Err(self.error(value, ConfErrorKind::NoEnctype));
            }
            Ok(list)
        };
        let default = EnctypeList { enctypes: SUPPORTED.to_vec(), unknown: Vec::new() };
        let permitted = enctypes("permitted_enctypes", default)?;

        Ok(LibDefaults {
            default_realm: text("default_realm"),
            dns_lookup_kdc: dns("dns_lookup_kdc", true)?,
            dns_lookup_realm: dns("dns_lookup_realm", false)?,
            dns_uri_lookup: boolean(global("dns_uri_lookup"), true)?,
            dns_canonicalize_hostname: self.parsed(
                global("dns_canonicalize_hostname"),
                CanonicalizeHostname::Yes,
                ConfErrorKind::Boolean,
                canonicalize_hostname,
            )?,
            rdns: boolean(global("rdns"), true)?,
            qualify_shortname: text("qualify_shortname"),
            default_tgs_enctypes: enctypes("default_tgs_enctypes", permitted.clone())?,
            default_tkt_enctypes: enctypes("default_tkt_enctypes", permitted.clone())?,
            permitted_enctypes: permitted,
            allow_weak_crypto,
            allow_rc4: boolean(global("allow_rc4"), false)?,
            clockskew: number("clockskew", 300u32)?,
            ticket_lifetime: duration(own("ticket_lifetime"), 86_400)?,
            renew_lifetime: duration(own("renew_lifetime"), 0)?,
            forwardable: boolean(own("forwardable"), false)?,
            proxiable: boolean(own("proxiable"), false)?,
            noaddresses: boolean(own("noaddresses"), true)?,
            extra_addresses: self.words(&["libdefaults", "extra_addresses"]),
            canonicalize: boolean(own("canonicalize"), false)?,
            udp_preference_limit: self.udp_preference_limit(global("udp_preference_limit"))?,
            kdc_timesync: self.parsed(
                global("kdc_timesync"),
                true,
                ConfErrorKind::Number,
                |text| text.parse::<i32>().ok().map(|number| number != 0),
            )?,
            ignore_acceptor_hostname: boolean(global("ignore_acceptor_hostname"), false)?,
            enforce_ok_as_delegate: boolean(global("enforce_ok_as_delegate"), false)?,
            verify_ap_req_nofail: boolean(own("verify_ap_req_nofail"), false)?,
            client_aware_channel_bindings: boolean(global("client_aware_channel_bindings"), false)?,
            default_ccache_name: text("default_ccache_name"),
            default_keytab_name: text("default_keytab_name"),
            default_client_keytab_name: text("default_client_keytab_name"),
        })
    }

    /// The enctypes for logins: `default_tkt_enctypes`, as far as they are permitted, and keys of them
    /// are used here; RC4 only where a list names it and `allow_rc4` or `allow_weak_crypto` stands
    /// beside it.
    ///
    /// # Errors
    /// [`ConfError`], also if none is left.
    pub fn login_enctypes(&self) -> Result<Vec<EncType>, ConfError> {
        self.enctypes("default_tkt_enctypes", |defaults| &defaults.default_tkt_enctypes)
    }

    /// The same for tickets that are got with a ticket-granting ticket: `default_tgs_enctypes`.
    ///
    /// # Errors
    /// [`ConfError`], also if none is left.
    pub fn ticket_enctypes(&self) -> Result<Vec<EncType>, ConfError> {
        self.enctypes("default_tgs_enctypes", |defaults| &defaults.default_tgs_enctypes)
    }

    fn enctypes(
        &self,
        relation: &str,
        list: fn(&LibDefaults) -> &EnctypeList,
    ) -> Result<Vec<EncType>, ConfError> {
        let defaults = self.libdefaults(None)?;
        let allows_rc4 = defaults.allow_rc4 || defaults.allow_weak_crypto;
        let used = |enctype: &EncType| {
            let is_permitted = defaults.permitted_enctypes.enctypes.contains(enctype);
            is_permitted
                && (SUPPORTED.contains(enctype) || *enctype == EncType::RC4_HMAC && allows_rc4)
        };
        let used: Vec<EncType> = list(&defaults).enctypes.iter().copied().filter(used).collect();
        let written = [relation, "permitted_enctypes"];
        let mut written =
            written.iter().filter_map(|name| self.located(&["libdefaults", name]).next());
        match written.next() {
            Some(value) if used.is_empty() => Err(self.error(value, ConfErrorKind::NoEnctype)),
            _ => Ok(used),
        }
    }

    /// A value as `parse` reads it.
    fn parsed<T>(
        &self,
        value: Option<&Value>,
        default: T,
        kind: ConfErrorKind,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfError> {
        let Some(value) = value else { return Ok(default) };
        parse(&value.text).ok_or_else(|| self.error(value, kind))
    }

    pub(super) fn boolean(&self, value: Option<&Value>, default: bool) -> Result<bool, ConfError> {
        self.parsed(value, default, ConfErrorKind::Boolean, value::boolean)
    }

    fn udp_preference_limit(&self, value: Option<&Value>) -> Result<u32, ConfError> {
        let (default, greatest) = UDP_PREFERENCE;
        let parse = |text: &str| text.parse::<i32>().ok();
        let given = self.parsed(value, -1, ConfErrorKind::Number, parse)?;
        // MIT: a negative one means the default.
        Ok(given.try_into().map_or(default, |given: u32| given.min(greatest)))
    }

    /// The words of the first value, between blanks or commas.
    fn words(&self, path: &[&str]) -> Vec<String> {
        let text = self.value(path).unwrap_or_default();
        let words = text.split([' ', '\t', '\r', '\n', ',']).filter(|word| !word.is_empty());
        words.map(str::to_owned).collect()
    }
}

fn canonicalize_hostname(text: &str) -> Option<CanonicalizeHostname> {
    if text.eq_ignore_ascii_case("fallback") {
        return Some(CanonicalizeHostname::Fallback);
    }
    Some(if value::boolean(text)? { CanonicalizeHostname::Yes } else { CanonicalizeHostname::No })
}
