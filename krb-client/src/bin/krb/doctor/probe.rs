use krb_client::remedy::{Names, Refused, of_refusal};
use krb_client::{Clock as _, SystemClock};
use krb_proto::asn1::{EtypeInfo2Entry, KrbError};
use krb_proto::crypto::SUPPORTED;
use krb_proto::der::{self, List};
use krb_proto::exchange::{AsExchange, ClientSecret, Exchange, ExchangeError, Step, TicketOptions};
use krb_proto::iana::{EncType, ErrorCode, NtStatus, PaType};
use krb_proto::preauth::find_padata;
use krb_proto::{Context, KerberosTime, Principal};

use super::{Finding, Findings};
use crate::environment::{Environment, driver};
use crate::s4u::Service;
use crate::{Failure, remedy};

/// MIT's and AD's tolerance.
const TOLERANCE: i64 = 300;
/// What is off by so much soon is off by more.
const SUSPICIOUS: i64 = 60;

/// Asks for a ticket and shows nothing that proves anything: no KDC counts it as a try at the password,
/// and its refusal says what time it is there, and which keys the account has.
#[derive(Clone)]
struct Probe(AsExchange);

/// What the KDC answered.
struct Answer {
    /// `None`: it gave a ticket to whoever asks.
    refused: Option<(ErrorCode, KerberosTime)>,
    /// AD's reason, where it gave one.
    status: Option<NtStatus>,
    enctypes: Vec<EncType>,
}

impl Exchange for Probe {
    type Output = Answer;

    fn realm(&self) -> Result<&[u8], ExchangeError> {
        self.0.realm()
    }

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError> {
        self.0.request(cx)
    }

    fn receive(&mut self, _: &Context<'_>, reply: &[u8]) -> Result<Step<Answer>, ExchangeError> {
        const AS_REP: u8 = 0x6b;
        if reply.first() == Some(&AS_REP) {
            return Ok(Step::Done(Answer { refused: None, status: None, enctypes: Vec::new() }));
        }
        let error: KrbError<'_> = der::decode(reply).map_err(ExchangeError::Malformed)?;
        let hints = find_padata(error.method_data(), PaType::ETYPE_INFO2);
        let hints =
            hints.and_then(|hints| der::decode::<List<'_, EtypeInfo2Entry<'_>>>(hints).ok());
        let enctypes = hints.iter().flatten().map(|entry| entry.etype).collect();
        let status = error.data().and_then(|data| data.nt_status());
        let refused = Some((error.error_code, error.stime));
        Ok(Step::Done(Answer { refused, status, enctypes }))
    }
}

/// The clock, the account and its enctypes, as far as anybody may ask. `false` if there is no use in
/// going on.
pub(super) async fn look(
    environment: &Environment,
    service: &Service,
    account: &Principal,
    findings: &mut Findings,
) -> Result<bool, Failure> {
    // To be told what else there is.
    let enctypes = SUPPORTED.iter().copied().chain([EncType::RC4_HMAC]).collect();
    let options = TicketOptions { enctypes, ..TicketOptions::default() };
    let exchange = AsExchange::new(account.clone(), ClientSecret::Keys(Vec::new()), options);
    let realms = service.realms(environment, &account.realm);
    let driver = driver(realms);
    let answer = match driver.run(Probe(exchange)).await {
        Ok(answer) => answer,
        Err(error) => {
            let remedy = "see to the servers and ports above";
            findings.add(Finding::red("KDC", error.to_string(), remedy))?;
            return Ok(false);
        }
    };
    let Some((code, time)) = answer.refused else {
        let remedy = "whoever asks can guess at its password: switch DONT_REQ_PREAUTH off in \
                      userAccountControl (Set-ADAccountControl ACCOUNT -DoesNotRequirePreAuth $false)";
        findings.add(Finding::yellow(
            "account",
            format!("{account} needs no pre-authentication"),
            remedy,
        ))?;
        return Ok(true);
    };
    findings.add(clock_finding(time.unix() - SystemClock.now().seconds.unix()))?;
    let name = account.name.to_string();
    let names = Names { account: &name, ..Names::default() };
    let said = Refused::new(krb_client::remedy::Step::Login, code, answer.status);
    match code {
        ErrorCode::C_PRINCIPAL_UNKNOWN | ErrorCode::CLIENT_REVOKED => {
            let says = if code == ErrorCode::CLIENT_REVOKED {
                format!("{account} may not log in")
            } else {
                format!("the KDC knows no {account}")
            };
            let remedy = remedy::text(of_refusal(&said, &names));
            findings.add(Finding::red("account", says, remedy))?;
            return Ok(false);
        }
        _ => findings.add(Finding::green("account", format!("the KDC knows {account}")))?,
    }
    findings.add(enctypes_finding(code, &answer.enctypes))?;
    Ok(true)
}

fn clock_finding(offset: i64) -> Finding {
    let said = match offset {
        0 => "as the KDC's".to_owned(),
        1.. => format!("{offset} s behind the KDC's"),
        _ => format!("{} s ahead of the KDC's", -offset),
    };
    let remedy = "let this machine take its time from where the KDC does (chrony, systemd-timesyncd; \
                  `w32tm /resync` on Windows)";
    if offset.abs() <= SUSPICIOUS {
        Finding::green("clock", said)
    } else if offset.abs() <= TOLERANCE {
        Finding::yellow("clock", said, remedy)
    } else {
        Finding::red("clock", said, remedy)
    }
}

fn enctypes_finding(code: ErrorCode, enctypes: &[EncType]) -> Finding {
    const REMEDY: &str = "set msDS-SupportedEncryptionTypes of the account to 24 (AES) and its password \
                          anew, which makes the keys: Set-ADUser ACCOUNT -KerberosEncryptionType \
                          AES128,AES256";
    let names: Vec<_> = enctypes.iter().map(ToString::to_string).collect();
    let has_aes = enctypes.iter().any(|enctype| SUPPORTED.contains(enctype));
    if has_aes {
        Finding::green("enctypes", names.join(", "))
    } else if code == ErrorCode::ETYPE_NOSUPP || !enctypes.is_empty() {
        Finding::red(
            "enctypes",
            format!("the account has no AES key ({})", names.join(", ")),
            REMEDY,
        )
    } else {
        Finding::yellow("enctypes", "the KDC does not say which keys the account has", REMEDY)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Light;
    use super::*;

    #[test]
    fn clocks_are_judged_as_kdcs_do() {
        for (offset, light) in
            [(0, "green"), (-60, "green"), (61, "yellow"), (-300, "yellow"), (301, "red")]
        {
            assert_eq!(clock_finding(offset).light.name(), light, "{offset}");
        }
    }

    #[test]
    fn rc4_alone_is_no_key_to_go_on_with() {
        let (aes, rc4) = (EncType::AES256_CTS_HMAC_SHA1_96, EncType::RC4_HMAC);
        let preauth = ErrorCode::PREAUTH_REQUIRED;
        assert!(enctypes_finding(preauth, &[rc4, aes]).light == Light::Green);
        assert!(enctypes_finding(preauth, &[rc4]).light == Light::Red);
        assert!(enctypes_finding(ErrorCode::ETYPE_NOSUPP, &[]).light == Light::Red);
        assert!(enctypes_finding(preauth, &[]).light == Light::Yellow);
    }
}
