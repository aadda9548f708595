use smb2::types::status::NtStatus;
use smb2::{Error, ErrorKind};

use crate::targets::Target;
use crate::{Code, Failure};

/// MS-ERREF 2.3.1: the user has no right to log in over the network here.
const LOGON_TYPE_NOT_GRANTED: NtStatus = NtStatus(0xc000_015b);
/// MS-ERREF 2.3.1: a trust with selective authentication, and the user is not let through.
const AUTHENTICATION_FIREWALL_FAILED: NtStatus = NtStatus(0xc000_0413);

/// Where something is done, for the words of its failure.
pub(super) struct Place<'a> {
    pub(super) target: &'a Target,
    pub(super) share: &'a str,
    pub(super) path: &'a str,
}

impl Place<'_> {
    /// The path as `smb2` takes it: it would escape a backslash as part of a name.
    pub(super) fn slashed(&self) -> String {
        self.path.replace('\\', "/")
    }

    /// What an error of the file server means to the user.
    pub(super) fn failure(&self, doing: &str, error: &Error) -> Failure {
        let host = self.target.host();
        let at = match self.path {
            "" => format!("the share {}", self.share),
            path => format!("{path} on the share {}", self.share),
        };
        let (code, message, remedy) = match error.kind() {
            ErrorKind::AccessDenied => (
                Code::AccessDenied,
                format!("the file server {host} denied the user access to {at}"),
                "The user's own rights do not suffice: they are the file's ACL and the share's \
                 permissions on the file server.",
            ),
            ErrorKind::NotFound => (
                Code::NotFound,
                format!("the file server {host} has no {at}"),
                "Check the path; list the directory above it.",
            ),
            ErrorKind::IsADirectory => (
                Code::InvalidArgument,
                format!("{at} is a directory"),
                "List it with kerberos-list-directory.",
            ),
            ErrorKind::NotADirectory => (
                Code::InvalidArgument,
                format!("{at} is no directory"),
                "Read it with kerberos-file-read.",
            ),
            ErrorKind::InvalidName => (
                Code::InvalidArgument,
                format!("{at} is no name that the file server takes"),
                "Check the path.",
            ),
            ErrorKind::DfsReferral => (
                Code::ResourceRefused,
                format!("{at} lies on another file server (DFS)"),
                "Name the file server that holds it; DFS links are not followed.",
            ),
            ErrorKind::SharingViolation => (
                Code::ResourceBusy,
                format!("{at} is held open by somebody else"),
                "Try again later.",
            ),
            ErrorKind::SignatureInvalid => (
                Code::ResourceRefused,
                format!("an answer of the file server {host} is not signed as agreed: {error}"),
                "It was not believed. Something on the way changes messages, or another server \
                 answers in the file server's place.",
            ),
            ErrorKind::TimedOut => (
                Code::ResourceTimeout,
                format!("the file server {host} gave no answer in time while {doing}: {error}"),
                "Try again; check that the file server runs and how busy it is.",
            ),
            ErrorKind::ConnectionLost | ErrorKind::Io => (
                Code::ResourceUnreachable,
                format!("the connection to the file server {host} failed while {doing}: {error}"),
                "Try again; check that the file server runs.",
            ),
            _ => (
                Code::ResourceRefused,
                format!("the file server {host} failed while {doing} ({at}): {error}"),
                "Look at the file server's log for the time of this call.",
            ),
        };
        Failure::new(code, message, remedy)
    }
    /// What it means that the file server refused the session.
    pub(super) fn login_refused(&self, status: NtStatus) -> Failure {
        let (code, what, remedy) = match status {
            NtStatus::LOGON_FAILURE => (
                Code::ResourceRefused,
                "took no ticket for",
                "Check that the SPN is registered on the file server's own account \
                 (servicePrincipalName), that the file server is joined to the domain, and its \
                 clock.",
            ),
            NtStatus::ACCESS_DENIED
            | LOGON_TYPE_NOT_GRANTED
            | AUTHENTICATION_FIREWALL_FAILED
            | NtStatus::ACCOUNT_RESTRICTION
            | NtStatus::INVALID_LOGON_HOURS
            | NtStatus::INVALID_WORKSTATION
            | NtStatus::PASSWORD_EXPIRED
            | NtStatus::PASSWORD_MUST_CHANGE
            | NtStatus::ACCOUNT_DISABLED
            | NtStatus::ACCOUNT_EXPIRED
            | NtStatus::ACCOUNT_LOCKED_OUT => (
                Code::AccessDenied,
                "does not let the user log in to",
                "Check the user's account (userAccountControl, accountExpires, pwdLastSet, \
                 logonHours, userWorkstations) and who may log in to the file server at all \
                 (Windows: \"Access this computer from the network\", \"Allowed to \
                 Authenticate\").",
            ),
            _ => (
                Code::ResourceRefused,
                "did not log the user in to",
                "Look at the file server's log for the time of this call.",
            ),
        };
        let (host, spn) = (self.target.host(), self.target.spn());
        Failure::new(code, format!("the file server {host} {what} {spn}: {status}"), remedy)
    }
}

/// A place for tests.
#[cfg(test)]
pub(super) fn with_place<T>(path: &str, run: impl FnOnce(&Place<'_>) -> T) -> T {
    use super::Config;
    use crate::targets::{TargetConfig, Targets};
    let config = Config {
        name: "files".into(),
        host: "files.example.com".into(),
        port: 445,
        spn: "cifs/files.example.com".into(),
        names: vec!["files".into()],
        shares: vec!["corp".into()],
    };
    let targets = Targets::new(vec![TargetConfig::Smb(config)]).unwrap();
    let target = targets.iter().next().unwrap();
    run(&Place { target, share: "corp", path })
}

#[cfg(test)]
mod tests {
    use smb2::types::Command;

    use super::*;

    #[test]
    fn each_status_says_whose_doing_it_is() {
        let expected = [
            (NtStatus::ACCESS_DENIED, Code::AccessDenied, "denied the user access"),
            (NtStatus::OBJECT_NAME_NOT_FOUND, Code::NotFound, "has no"),
            (NtStatus::OBJECT_PATH_NOT_FOUND, Code::NotFound, "has no"),
            (NtStatus::BAD_NETWORK_NAME, Code::NotFound, "has no"),
            (NtStatus::FILE_IS_A_DIRECTORY, Code::InvalidArgument, "is a directory"),
            (NtStatus::NOT_A_DIRECTORY, Code::InvalidArgument, "is no directory"),
            (NtStatus::PATH_NOT_COVERED, Code::ResourceRefused, "DFS"),
            (NtStatus::SHARING_VIOLATION, Code::ResourceBusy, "held open"),
            (NtStatus::USER_SESSION_DELETED, Code::ResourceUnreachable, "files.example.com"),
            (NtStatus::INSUFFICIENT_RESOURCES, Code::ResourceRefused, "while reading"),
        ];
        for (status, code, words) in expected {
            let error = Error::Protocol { status, command: Command::Create };
            let failure = with_place("a\\b.csv", |place| place.failure("reading", &error));
            assert_eq!(failure.code, code, "{status}");
            assert!(failure.message.contains(words), "{status}: {}", failure.message);
            assert!(!failure.remedy.is_empty(), "{status}");
        }
    }

    #[test]
    fn a_failure_names_file_server_path_and_share() {
        let error =
            Error::Protocol { status: NtStatus::ACCESS_DENIED, command: Command::TreeConnect };
        let denied = with_place("a\\b.csv", |place| place.failure("reading", &error)).message;
        for name in ["file server files.example.com", "a\\b.csv", "share corp"] {
            assert!(denied.contains(name), "{name}: {denied}");
        }
        let share = with_place("", |place| place.failure("opening the share", &error)).message;
        assert!(share.ends_with("the share corp"), "{share}");
    }

    #[test]
    fn a_refused_session_tells_a_bad_ticket_from_a_user_who_may_not_log_in() {
        let refused = |status| with_place("x", |place| place.login_refused(status));
        let ticket = refused(NtStatus::LOGON_FAILURE);
        assert_eq!(ticket.code, Code::ResourceRefused);
        assert!(ticket.message.contains("cifs/files.example.com"), "{}", ticket.message);
        assert!(ticket.remedy.contains("servicePrincipalName"), "{}", ticket.remedy);
        for status in [NtStatus::ACCOUNT_DISABLED, LOGON_TYPE_NOT_GRANTED] {
            assert_eq!(refused(status).code, Code::AccessDenied, "{status}");
        }
        let unknown = refused(NtStatus(0xc000_005e));
        assert_eq!(unknown.code, Code::ResourceRefused);
        assert!(unknown.message.contains("0xC000005E"), "{}", unknown.message);
    }
}
