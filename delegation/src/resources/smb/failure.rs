use smb2::{Error, ErrorKind};

use crate::targets::Target;
use crate::{Code, Failure};

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
                Code::ResourceRefused,
                format!("{at} is held open by somebody else"),
                "Try again later.",
            ),
            ErrorKind::AuthRequired => (
                Code::ResourceRefused,
                format!("the file server {host} refused the user's ticket while {doing}: {error}"),
                "Check that the target's spn is registered on the file server's own account, that \
                 the file server is joined to the domain, and both clocks.",
            ),
            ErrorKind::ConnectionLost | ErrorKind::TimedOut | ErrorKind::Io => (
                Code::ResourceUnreachable,
                format!("the connection to the file server {host} failed while {doing}: {error}"),
                "Try again; check that the file server runs.",
            ),
            _ => (
                Code::ResourceRefused,
                format!("the file server {host} failed {doing} {at}: {error}"),
                "Look at the file server's log for the time of this call.",
            ),
        };
        Failure::new(code, message, remedy)
    }
}
