use krb_proto::iana::{ErrorCode, NtStatus};

use super::Step;

/// A refusal, and what it means. `{account}`, `{user}` and `{target}` are [`Names`](super::Names).
pub(super) struct Row {
    pub(super) code: ErrorCode,
    /// AD's reason; `None` for whatever it gave.
    pub(super) status: Option<NtStatus>,
    /// In these steps; in none for in all.
    pub(super) steps: &'static [Step],
    /// Only where the evidence was not forwardable, or only where it was.
    pub(super) not_forwardable: Option<bool>,
    /// Only where no more was asked for than the way to a realm, or only where more was.
    pub(super) no_way: bool,
    pub(super) cause: &'static str,
    pub(super) change: &'static str,
    pub(super) attribute: &'static str,
    pub(super) powershell: &'static str,
    pub(super) samba_tool: &'static str,
}

impl Row {
    const fn new(
        code: ErrorCode,
        steps: &'static [Step],
        cause: &'static str,
        change: &'static str,
    ) -> Self {
        Self {
            code,
            status: None,
            steps,
            not_forwardable: None,
            no_way: false,
            cause,
            change,
            attribute: "",
            powershell: "",
            samba_tool: "",
        }
    }

    const fn status(self, status: NtStatus) -> Self {
        Self { status: Some(status), ..self }
    }

    const fn evidence(self, forwardable: bool) -> Self {
        Self { not_forwardable: Some(!forwardable), ..self }
    }

    const fn without_a_way(self) -> Self {
        Self { no_way: true, ..self }
    }

    const fn by(
        self,
        attribute: &'static str,
        powershell: &'static str,
        samba_tool: &'static str,
    ) -> Self {
        Self { attribute, powershell, samba_tool, ..self }
    }
}

const LOGIN: &[Step] = &[Step::Login];
const TICKET: &[Step] = &[Step::Ticket];
const SELF: &[Step] = &[Step::S4uSelf];
const PROXY: &[Step] = &[Step::S4uProxy];
const IN_A_USERS_NAME: &[Step] = &[Step::S4uSelf, Step::S4uProxy];
const TO_THE_TARGET: &[Step] = &[Step::Ticket, Step::S4uProxy];
const ANY: &[Step] = &[];

/// The first that fits; those with AD's reason before those without.
pub(super) const ROWS: &[Row] = &[
    // The account that logs in.
    Row::new(
        ErrorCode::C_PRINCIPAL_UNKNOWN,
        LOGIN,
        "the KDC knows no account {account}",
        "Check the name (it is the sAMAccountName, not an SPN) and the realm.",
    )
    .by("sAMAccountName", "Get-ADUser {account}", "samba-tool user show {account}"),
    Row::new(
        ErrorCode::PREAUTH_FAILED,
        LOGIN,
        "the password or key is not the present one of {account}",
        "Give the present password, or export the keytab again. Repeated attempts may lock the \
         account.",
    )
    .by("", "", "samba-tool domain exportkeytab FILE --principal={account}"),
    Row::new(
        ErrorCode::BAD_INTEGRITY,
        LOGIN,
        "the password or key is not the present one of {account}",
        "Give the present password, or export the keytab again. Repeated attempts may lock the \
         account.",
    )
    .by("", "", "samba-tool domain exportkeytab FILE --principal={account}"),
    Row::new(ErrorCode::CLIENT_REVOKED, LOGIN, "{account} is locked out", "Unlock the account.")
        .status(NtStatus::ACCOUNT_LOCKED_OUT)
        .by("lockoutTime", "Unlock-ADAccount {account}", "samba-tool user unlock {account}"),
    Row::new(ErrorCode::CLIENT_REVOKED, LOGIN, "{account} is disabled", "Enable the account.")
        .status(NtStatus::ACCOUNT_DISABLED)
        .by(
            "userAccountControl (ACCOUNTDISABLE)",
            "Enable-ADAccount {account}",
            "samba-tool user enable {account}",
        ),
    Row::new(
        ErrorCode::CLIENT_REVOKED,
        LOGIN,
        "{account} has expired",
        "Let the account live longer.",
    )
    .status(NtStatus::ACCOUNT_EXPIRED)
    .by(
        "accountExpires",
        "Clear-ADAccountExpiration {account}",
        "samba-tool user setexpiry {account} --noexpiry",
    ),
    Row::new(
        ErrorCode::CLIENT_REVOKED,
        LOGIN,
        "{account} may not log in at this hour",
        "Change the hours, or come at another.",
    )
    .status(NtStatus::INVALID_LOGON_HOURS)
    .by("logonHours", "Set-ADUser {account} -Clear logonHours", ""),
    Row::new(
        ErrorCode::CLIENT_REVOKED,
        LOGIN,
        "{account} is disabled, locked out or expired",
        "Enable or unlock the account.",
    )
    .by(
        "userAccountControl (ACCOUNTDISABLE), lockoutTime, accountExpires",
        "Get-ADUser {account} -Properties LockedOut,Enabled,AccountExpirationDate",
        "samba-tool user show {account}",
    ),
    Row::new(
        ErrorCode::KEY_EXPIRED,
        LOGIN,
        "the password of {account} has expired, or must be changed first",
        "Set a new password, which a user can do with the old one (kpasswd); let a service's never expire.",
    )
    .by(
        "pwdLastSet, userAccountControl (DONT_EXPIRE_PASSWORD)",
        "Set-ADUser {account} -PasswordNeverExpires $true",
        "samba-tool user setexpiry {account} --noexpiry",
    ),
    Row::new(
        ErrorCode::ETYPE_NOSUPP,
        LOGIN,
        "{account} has no key of an enctype that is used here",
        "Set msDS-SupportedEncryptionTypes of the account to 24 (AES), set its password anew so that \
         AES keys exist, and export its keytab again.",
    )
    .by(
        "msDS-SupportedEncryptionTypes",
        "Set-ADUser {account} -KerberosEncryptionType AES128,AES256",
        "net ads enctypes set {account} 24",
    ),
    Row::new(
        ErrorCode::POLICY,
        LOGIN,
        "{account} may log in with a smart card only",
        "Log in with its certificate, or let it have a password.",
    )
    .status(NtStatus::SMARTCARD_LOGON_REQUIRED)
    .by(
        "userAccountControl (SMARTCARD_REQUIRED)",
        "Set-ADUser {account} -SmartcardLogonRequired $false",
        "",
    ),
    Row::new(
        ErrorCode::POLICY,
        LOGIN,
        "{account} is not allowed to log in here",
        "Look at the account's workstations, and any authentication policy or silo.",
    )
    .by("userWorkstations, msDS-AssignedAuthNPolicy", "", ""),
    Row::new(
        ErrorCode::CLIENT_NAME_MISMATCH,
        LOGIN,
        "the certificate is not for {account}",
        "Use the account's certificate, or map this one to the account.",
    )
    .by("altSecurityIdentities", "Set-ADUser {account} -Certificates @{Add=$certificate}", ""),
    Row::new(
        ErrorCode::CERTIFICATE_MISMATCH,
        LOGIN,
        "the certificate is mapped to {account} by a name alone, which no longer suffices \
         (KB5014754)",
        "Issue one with the account's SID, or map it by issuer and serial number.",
    )
    .by("altSecurityIdentities", "", ""),
    Row::new(
        ErrorCode::CANT_VERIFY_CERTIFICATE,
        LOGIN,
        "the KDC does not trust the CA of the certificate of {account}",
        "Give the KDC the CA, or send those between along with the certificate.",
    )
    .by("NTAuthCertificates", "certutil -dspublish -f CA.cer NTAuthCA", ""),
    Row::new(
        ErrorCode::CLIENT_NOT_TRUSTED,
        LOGIN,
        "the KDC does not trust the certificate of {account} for logging in",
        "Issue it by a CA in the NTAuth store.",
    )
    .by("NTAuthCertificates", "certutil -dspublish -f CA.cer NTAuthCA", ""),
    Row::new(
        ErrorCode::WRONG_REALM,
        LOGIN,
        "another realm knows {account}",
        "Name that realm and its KDCs, or ask for canonicalization.",
    ),
    // Users, in whose name something is asked.
    Row::new(
        ErrorCode::C_PRINCIPAL_UNKNOWN,
        SELF,
        "the KDC finds no account for {user}: it is unknown, or its UPN is not unique",
        "Check the user's sAMAccountName; give each account a userPrincipalName that no other account \
         has.",
    )
    .by(
        "sAMAccountName, userPrincipalName",
        "Get-ADUser {user} -Properties UserPrincipalName",
        "samba-tool user show {user}",
    ),
    Row::new(
        ErrorCode::C_PRINCIPAL_UNKNOWN,
        PROXY,
        "the account {user} was deleted or renamed meanwhile",
        "Check the user's account in the directory.",
    )
    .by("sAMAccountName", "Get-ADUser {user}", "samba-tool user show {user}"),
    Row::new(
        ErrorCode::POLICY,
        PROXY,
        "the KDC refuses {user} at {target}: disabled meanwhile, or refused by KDC policy",
        "Check userAccountControl (ACCOUNTDISABLE) and any authentication policy or silo.",
    )
    .by(
        "userAccountControl (ACCOUNTDISABLE)",
        "Enable-ADAccount {user}",
        "samba-tool user enable {user}",
    ),
    Row::new(
        ErrorCode::POLICY,
        SELF,
        "the KDC refuses {user}: the account is disabled, or refused by KDC policy",
        "Check userAccountControl (ACCOUNTDISABLE) and any authentication policy or silo of the \
         account.",
    )
    .by(
        "userAccountControl (ACCOUNTDISABLE)",
        "Enable-ADAccount {user}",
        "samba-tool user enable {user}",
    ),
    Row::new(
        ErrorCode::NAME_EXP,
        IN_A_USERS_NAME,
        "the account {user} has expired",
        "Change accountExpires of the account.",
    )
    .by(
        "accountExpires",
        "Clear-ADAccountExpiration {user}",
        "samba-tool user setexpiry {user} --noexpiry",
    ),
    Row::new(
        ErrorCode::CLIENT_REVOKED,
        IN_A_USERS_NAME,
        "the account {user} is locked out or disabled",
        "Check lockoutTime and userAccountControl (ACCOUNTDISABLE) of the account.",
    )
    .by(
        "lockoutTime, userAccountControl (ACCOUNTDISABLE)",
        "Unlock-ADAccount {user}",
        "samba-tool user unlock {user}",
    ),
    Row::new(
        ErrorCode::KEY_EXPIRED,
        IN_A_USERS_NAME,
        "{user} must change the password first",
        "The user has to log on once and change it (pwdLastSet), or an administrator resets it.",
    )
    .by("pwdLastSet", "Set-ADUser {user} -ChangePasswordAtLogon $false", ""),
    Row::new(
        ErrorCode::TGT_REVOKED,
        PROXY,
        "the KDC has revoked the evidence for {user}",
        "The account was probably deleted and created anew; try again.",
    )
    .by("objectSid", "", ""),
    // Their realms, and the targets'.
    Row::new(
        ErrorCode::S_PRINCIPAL_UNKNOWN,
        ANY,
        "the KDC knows no way to the realm that it was asked for",
        "Check the realm's name, and leave it out for whatever is in the realm of {account}. Another realm \
         has to be trusted, and [capaths] in krb5.conf names those between where the KDCs do not.",
    )
    .without_a_way()
    .by("", "Get-ADTrust -Filter *", "samba-tool domain trust list"),
    // The service account, and what it may.
    Row::new(
        ErrorCode::S_PRINCIPAL_UNKNOWN,
        SELF,
        "{account} cannot ask in users' names (S4U2Self): it has no SPN",
        "Register an SPN on the account.",
    )
    .by(
        "servicePrincipalName",
        "setspn -S SPN {account}",
        "samba-tool spn add SPN {account}",
    ),
    Row::new(
        ErrorCode::BADOPTION,
        SELF,
        "the KDC gives {account} no forwardable ticket",
        "The account may itself be marked \"sensitive and cannot be delegated\" (userAccountControl \
         NOT_DELEGATED) or be one of the Protected Users.",
    )
    .by(
        "userAccountControl (NOT_DELEGATED)",
        "Set-ADAccountControl {account} -AccountNotDelegated $false",
        "samba-tool user sensitive {account} off",
    ),
    Row::new(
        ErrorCode::SERVICE_REVOKED,
        SELF,
        "{account} is locked out",
        "Unlock it (lockoutTime).",
    )
    .by("lockoutTime", "Unlock-ADAccount {account}", "samba-tool user unlock {account}"),
    Row::new(
        ErrorCode::BADOPTION,
        PROXY,
        "{user} may not be delegated",
        "The user is marked \"sensitive and cannot be delegated\" (userAccountControl NOT_DELEGATED) \
         or is one of the Protected Users. That is the directory's decision; change it there if it is \
         not meant.",
    )
    .status(NtStatus::ACCOUNT_RESTRICTION)
    .by(
        "userAccountControl (NOT_DELEGATED)",
        "Set-ADAccountControl {user} -AccountNotDelegated $false",
        "samba-tool user sensitive {user} off",
    ),
    Row::new(
        ErrorCode::BADOPTION,
        PROXY,
        "{account} may not impersonate users by protocol transition, or {user} may not be delegated",
        "Set TRUSTED_TO_AUTH_FOR_DELEGATION in userAccountControl of {account} (\"Use any \
         authentication protocol\"), or grant resource-based delegation on the target \
         (msDS-AllowedToActOnBehalfOfOtherIdentity) where the KDC takes it.",
    )
    .evidence(false)
    .by(
        "userAccountControl (TRUSTED_TO_AUTH_FOR_DELEGATION)",
        "Set-ADAccountControl {account} -TrustedToAuthForDelegation $true",
        "samba-tool delegation for-any-protocol {account} on",
    ),
    Row::new(
        ErrorCode::BADOPTION,
        PROXY,
        "the target does not let {account} act for others (resource-based delegation)",
        "Let it (msDS-AllowedToActOnBehalfOfOtherIdentity of the target's account), or list {target} in \
         msDS-AllowedToDelegateTo of {account}.",
    )
    .status(NtStatus::NOT_FOUND)
    .by(
        "msDS-AllowedToActOnBehalfOfOtherIdentity",
        "Set-ADComputer TARGET -PrincipalsAllowedToDelegateToAccount {account}",
        "samba-tool delegation add-principal TARGET {account}",
    ),
    Row::new(
        ErrorCode::BADOPTION,
        PROXY,
        "{account} may not delegate to {target}",
        "Add {target} to msDS-AllowedToDelegateTo of {account}.",
    )
    .by(
        "msDS-AllowedToDelegateTo",
        "Set-ADUser {account} -Add @{'msDS-AllowedToDelegateTo'={target}}",
        "samba-tool delegation add-service {account} {target}",
    ),
    Row::new(
        ErrorCode::POLICY,
        TICKET,
        "the KDC refuses {account} at {target}",
        "Check userAccountControl, lockoutTime and accountExpires of {account}, and any \
         authentication policy or silo.",
    )
    .by("userAccountControl, lockoutTime, accountExpires", "Get-ADUser {account}", ""),
    // The target.
    Row::new(
        ErrorCode::S_PRINCIPAL_UNKNOWN,
        TO_THE_TARGET,
        "the service {target} has no key of its own: only user-to-user tickets are made for it",
        "Register the SPN on the account that runs it, or ask for a user-to-user ticket.",
    )
    .status(NtStatus::USER2USER_REQUIRED)
    .by("servicePrincipalName", "setspn -S {target} ACCOUNT", "samba-tool spn add {target} ACCOUNT"),
    Row::new(
        ErrorCode::S_PRINCIPAL_UNKNOWN,
        TO_THE_TARGET,
        "the KDC knows no account with the SPN {target}, or two have it",
        "Check the SPN, or register it: servicePrincipalName of the one account that runs the target \
         must list {target}.",
    )
    .by("servicePrincipalName", "setspn -S {target} ACCOUNT", "samba-tool spn add {target} ACCOUNT"),
    Row::new(
        ErrorCode::S_PRINCIPAL_UNKNOWN,
        LOGIN,
        "the KDC knows no service {target}",
        "Check its name and realm.",
    ),
    Row::new(
        ErrorCode::MUST_USE_USER2USER,
        ANY,
        "only user-to-user tickets are made for {target}",
        "Ask for one with the service's ticket-granting ticket, or register an SPN on its account.",
    )
    .by("servicePrincipalName", "setspn -S {target} ACCOUNT", "samba-tool spn add {target} ACCOUNT"),
    Row::new(
        ErrorCode::ETYPE_NOSUPP,
        TO_THE_TARGET,
        "the service {target} has no key of an enctype that is used here",
        "Set msDS-SupportedEncryptionTypes of its account to 24 (AES), and its password anew so that AES \
         keys exist.",
    )
    .by(
        "msDS-SupportedEncryptionTypes",
        "Set-ADUser ACCOUNT -KerberosEncryptionType AES128,AES256",
        "net ads enctypes set ACCOUNT 24",
    ),
    // Tickets and clocks.
    Row::new(
        ErrorCode::BADOPTION,
        &[Step::Renewal],
        "the ticket cannot be renewed or validated",
        "Ask for a renewable one when logging in (kinit -r), and renew it before it ends.",
    ),
    Row::new(
        ErrorCode::CANNOT_POSTDATE,
        ANY,
        "the KDC gives no postdated tickets",
        "Ask for the ticket when it is needed.",
    ),
    Row::new(
        ErrorCode::TKT_EXPIRED,
        ANY,
        "the ticket has ended",
        "Log in again; a renewable ticket is renewed before its end.",
    ),
    Row::new(
        ErrorCode::TKT_NYV,
        ANY,
        "the ticket is not good yet",
        "Wait until its time has come, then have it validated; or correct this machine's clock.",
    ),
    Row::new(
        ErrorCode::SKEW,
        ANY,
        "this machine's clock and the KDC's are too far apart",
        "Correct this machine's clock.",
    )
    .by("", "w32tm /resync", "net time system"),
    Row::new(
        ErrorCode::TGT_REVOKED,
        ANY,
        "the KDC no longer takes the ticket",
        "Log in again: the account was changed since, or the KDC's key was replaced.",
    ),
    Row::new(
        ErrorCode::PATH_NOT_ACCEPTED,
        ANY,
        "the way through the realms between is not trusted",
        "Look at the trusts between the realms, and whether they are transitive.",
    ),
    Row::new(
        ErrorCode::RESPONSE_TOO_BIG,
        ANY,
        "the answer does not fit a datagram",
        "Let TCP through to the KDC's port 88.",
    ),
];
