//! What may go wrong with files, before, at and after a file server is asked.

use smb2::types::status::NtStatus;
use smb2::{Error, ErrorKind};

use super::super::content::MAX_CONTENT;
use super::super::failure::NotProven;
use crate::targets::Target;
use crate::{Blame, Code, Failure};

/// MS-ERREF 2.3.1: the user has no right to log in over the network here.
const LOGON_TYPE_NOT_GRANTED: NtStatus = NtStatus(0xc000_015b);
/// MS-ERREF 2.3.1: a trust with selective authentication, and the user is not let through.
const AUTHENTICATION_FIREWALL_FAILED: NtStatus = NtStatus(0xc000_0413);

/// What is wrong with what the caller asks for.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Misasked {
    /// A UNC path. What is wrong with it, to be read behind "the UNC path".
    Unc(&'static str),
    /// A share where a file is wanted.
    Share,
}

impl From<Misasked> for Failure {
    fn from(misasked: Misasked) -> Self {
        let (message, remedy) = match misasked {
            Misasked::Unc(problem) => (
                format!("the UNC path {problem}"),
                "Write \\\\host\\share\\directory\\file with the full names, without wildcards, \
                 streams, empty components or '..'.",
            ),
            Misasked::Share => (
                "the path names a share, not a file".to_owned(),
                "Add the file's path after the share, or list the share's directory.",
            ),
        };
        Self::new(Code::InvalidArgument, message, remedy)
    }
}

/// What goes wrong at a file server, other than what it says itself.
pub(super) enum SmbError<'a> {
    /// No connection. Whose doing that is, and what the system says.
    Unreachable(Blame, String),
    /// It offers less than is safe: what.
    Weak(&'static str),
    /// Its proof of who it is does not hold.
    NotProven(&'a krb_proto::spnego::SpnegoError),
    /// It left that proof out.
    NoProof,
    /// It took the user for a guest.
    Guest,
    /// The user's token has so many bytes, the user is in so many groups, and SMB takes less.
    LongToken(usize, usize),
    /// Our own exchange left no key.
    NoKey,
    /// The file has so many bytes.
    TooLarge(u64),
    /// The directory has more entries than this.
    TooMany(usize),
    /// What it opens has another name than policy has judged.
    AnotherName,
}

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

    /// What it means to the user that something else went wrong.
    pub(super) fn wrong(&self, error: &SmbError<'_>) -> Failure {
        let Place { target, path, .. } = self;
        let (host, name, spn) = (target.host(), target.name(), target.spn());
        match error {
            SmbError::Unreachable(whose, what) => Failure::new(
                Code::ResourceUnreachable,
                format!("the file server {host} cannot be reached: {what}"),
                "Check the target's host and port, and that the file server runs.",
            )
            .blamed_on(*whose),
            SmbError::Weak(what) => Failure::new(
                Code::ResourceRefused,
                format!("the file server {host} is not safe enough: {what}"),
                "Only SMB 3.1.1 with encryption is used. Enable it on the file server (Samba: \
                 server max protocol = SMB3, smb encrypt not off; Windows: Server 2016 or later).",
            ),
            SmbError::NotProven(error) => NotProven(target, error).into(),
            SmbError::NoProof => Failure::new(
                Code::ResourceRefused,
                format!("{name} did not finish the login by proving that it is {spn}"),
                "Nothing was done. The file server, or something on the way to it, left out \
                 Kerberos's mutual authentication.",
            ),
            SmbError::Guest => Failure::new(
                Code::ResourceRefused,
                format!("the file server {host} took the user for a guest"),
                "Nothing was done. The file server must know the user's account (Samba: map to \
                 guest = never).",
            ),
            SmbError::LongToken(length, groups) => Failure::new(
                Code::ResourceRefused,
                format!(
                    "the user's ticket for the file server {host} makes a token of {length} bytes \
                     (the user is in {groups} groups); SMB takes at most {}",
                    u16::MAX
                ),
                "No file server can be told to take more: take the user out of some groups, above \
                 all out of those of other domains and domain-local ones.",
            )
            .blamed_on(Blame::Directory),
            SmbError::NoKey => {
                Failure::new(Code::Internal, "the Kerberos exchange left no key", "Report this.")
            }
            SmbError::TooLarge(size) => Failure::new(
                Code::TooLarge,
                format!("{path} has {size} bytes; at most {MAX_CONTENT} are returned"),
                "Read a smaller file.",
            ),
            SmbError::TooMany(most) => Failure::new(
                Code::TooLarge,
                format!("the directory has more than {most} entries"),
                "List a directory further down.",
            ),
            SmbError::AnotherName => Failure::new(
                Code::InvalidArgument,
                format!(
                    "{path} is not the name by which the file server knows what it opens for it (a \
                     short or made-up name)"
                ),
                "Nothing was read. Write the long name, as a listing of its directory has it. A \
                 file whose own name has characters that a path cannot have (: * ? \" < > |) must \
                 be renamed.",
            ),
        }
    }

    /// What it means that the file server refused the session.
    pub(super) fn login_refused(&self, status: NtStatus) -> Failure {
        let (code, blame, what, remedy) = match status {
            NtStatus::LOGON_FAILURE => (
                Code::ResourceRefused,
                Blame::Directory,
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
                Blame::Account,
                "does not let the user log in to",
                "Check the user's account (userAccountControl, accountExpires, pwdLastSet, \
                 logonHours, userWorkstations) and who may log in to the file server at all \
                 (Windows: \"Access this computer from the network\", \"Allowed to \
                 Authenticate\").",
            ),
            _ => (
                Code::ResourceRefused,
                Blame::Resource,
                "did not log the user in to",
                "Look at the file server's log for the time of this call.",
            ),
        };
        let (host, spn) = (self.target.host(), self.target.spn());
        Failure::new(code, format!("the file server {host} {what} {spn}: {status}"), remedy)
            .blamed_on(blame)
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
        account: None,
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
        assert_eq!((ticket.code, ticket.blame), (Code::ResourceRefused, Blame::Directory));
        assert!(ticket.message.contains("cifs/files.example.com"), "{}", ticket.message);
        assert!(ticket.remedy.contains("servicePrincipalName"), "{}", ticket.remedy);
        for status in [NtStatus::ACCOUNT_DISABLED, LOGON_TYPE_NOT_GRANTED] {
            let refused = refused(status);
            let expected = (Code::AccessDenied, Blame::Account);
            assert_eq!((refused.code, refused.blame), expected, "{status}");
        }
        let unknown = refused(NtStatus(0xc000_005e));
        assert_eq!(unknown.code, Code::ResourceRefused);
        assert!(unknown.message.contains("0xC000005E"), "{}", unknown.message);
    }
}
