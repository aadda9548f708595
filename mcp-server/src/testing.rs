//! A backend whose behaviour the tests choose by token and path.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use krb_delegation::credential::kerberos::NotAccepted;
use krb_delegation::identity::{AuthenticationError, Presented};
use krb_delegation::pipeline::Call;
use krb_delegation::policy::Usable;
use krb_delegation::{Code, Failure, Outcome, Request, UserInfo};
use tokio_util::sync::CancellationToken;

use crate::backend::{Backend, Principal};
use crate::config::ServerConfig;
use crate::{mcp, tools};

pub(crate) const DEADLINE: Duration = Duration::from_secs(7);

/// Believes the tokens `alice` and `alice-elsewhere` (the same user by another client).
#[derive(Default)]
pub(crate) struct Fake {
    /// What happened, in order.
    pub(crate) events: Mutex<Vec<String>>,
    /// Are tickets taken? None ever is any good.
    pub(crate) negotiates: AtomicBool,
}

impl Fake {
    pub(crate) fn saw(&self, event: impl Into<String>) {
        self.events.lock().unwrap().push(event.into());
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.events.lock().unwrap().clone()
    }

    pub(crate) async fn wait_for(&self, event: &str) {
        while !self.events().iter().any(|seen| seen == event) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Backend for Fake {
    type Caller = String;

    async fn authenticate(&self, presented: &Presented<'_>) -> Result<String, AuthenticationError> {
        let shown = format!("{presented:?}");
        if shown.contains("Some") {
            self.saw(shown);
        }
        match presented.token() {
            token @ ("alice" | "alice-elsewhere") => Ok(token.into()),
            "replayed" => Err(AuthenticationError::Proof("the proof was used before (jti)")),
            "no-keys" => Err(AuthenticationError::Unavailable("the issuer is away")),
            _ => {
                self.saw("refused");
                Err(AuthenticationError::Unauthorized("the token is \"expired\""))
            }
        }
    }

    fn negotiates(&self) -> bool {
        self.negotiates.load(Ordering::SeqCst)
    }

    async fn accept(&self, _: &[u8]) -> Result<(String, Vec<u8>), NotAccepted> {
        Err(NotAccepted { reason: "no ticket is good", answer: b"no".to_vec() })
    }

    fn principal(&self, caller: &String) -> Principal {
        Principal {
            issuer: "https://idp.example.com".into(),
            subject: "alice".into(),
            client_id: Some(caller.clone()),
        }
    }

    fn unauthorized(&self, reason: &'static str) {
        self.saw(reason);
    }

    fn limited(&self, caller: &String) {
        self.saw(format!("{caller} limited"));
    }

    async fn call(&self, caller: &String, call: Call) -> Result<Outcome, Failure> {
        assert!(caller.starts_with("alice"));
        assert_eq!(call.deadline, DEADLINE);
        assert!(!call.request_id.is_empty());
        if let Some(trace) = &call.trace {
            self.saw(format!("trace {} {}", trace.trace_id(), trace.span_id()));
        }
        let Call { tool, request, cancel, .. } = call;
        let answer = |name: &str| Ok(tools::find(tool).unwrap().answer(name));
        let Request::Operation(operation) = request else { return answer(caller) };
        match operation.address() {
            r"\\files\corp\denied" => Err(Failure::new(Code::AccessDenied, "no", "ask")),
            r"\\files\corp\second-factor" => {
                let wanted =
                    Failure::new(Code::InteractionRequired, "a \"second\" factor", "log in");
                Err(wanted.wanting(Some(r#"{"access_token":{"acrs":{"value":"c1"}}}"#.into())))
            }
            r"\\files\corp\slow" => {
                self.saw("started");
                tokio::select! {
                    () = cancel.cancelled() => self.saw("cancelled"),
                    () = tokio::time::sleep(Duration::from_millis(300)) => self.saw("ended"),
                }
                answer(operation.address())
            }
            r"\\files\corp\endless" => {
                self.saw("started");
                cancel.cancelled().await;
                self.saw("cancelled");
                Err(Failure::new(Code::Cancelled, "cancelled", "do not"))
            }
            address => {
                self.saw(format!("{tool} {} {address}", operation.action()));
                answer(address)
            }
        }
    }

    async fn refuse(&self, _: &String, _: &str, tool: &'static str, failure: Failure) -> Failure {
        self.saw(format!("{tool} refused"));
        failure
    }
}

pub(crate) fn user_info(subject: &str) -> UserInfo {
    UserInfo {
        issuer: "https://idp.example.com".into(),
        subject: subject.into(),
        client_id: Some("agent".into()),
        legacy_name: "ALICE_ADMIN".into(),
        roles: vec!["staff".into()],
        scopes: vec![],
        permissions: vec!["file:read".into()],
        claims: Default::default(),
        targets: targets(),
    }
}

pub(crate) fn targets() -> Arc<[Usable]> {
    Arc::new([Usable {
        target: "fileserver".into(),
        kind: "smb",
        addresses: vec!["//files.example.com/corp/".into()],
        actions: vec!["file:read".into(), "file:list".into()],
    }])
}

/// A `server` section with what `more` adds.
pub(crate) fn server_config(more: &str) -> ServerConfig {
    let seconds = DEADLINE.as_secs();
    serde_json::from_str(&format!(
        r#"{{"publicUrl": "https://mcp.example.com/mcp", "callTimeoutSeconds": {seconds} {more}}}"#
    ))
    .unwrap()
}

/// The whole HTTP service before a [`Fake`].
pub(crate) fn app(more: &str) -> (Router, Arc<Fake>, CancellationToken) {
    let (fake, stop) = (Arc::new(Fake::default()), CancellationToken::new());
    let issuers = vec!["https://idp.example.com".to_owned()];
    let app = mcp::router(&server_config(more), issuers, Arc::clone(&fake), stop.clone());
    (app, fake, stop)
}

/// Compares with a file of this crate; `UPDATE_SNAPSHOTS=1` writes it instead.
pub(crate) fn assert_snapshot(file: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    let (now, before) = (text.lines().collect::<Vec<_>>(), expected.lines().collect::<Vec<_>>());
    let line = now.iter().zip(&before).take_while(|(now, before)| now == before).count();
    assert!(
        text == expected,
        "{file} is another from line {} on: {:?}, not {:?}; if that is right, run once with \
         UPDATE_SNAPSHOTS=1",
        line + 1,
        now.get(line),
        before.get(line)
    );
}

/// A new directory below the system's one for temporary files, removed at the end.
pub(crate) struct Directory(pub(crate) std::path::PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("krb-mcp-test-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> std::path::PathBuf {
        let file = self.0.join(name);
        std::fs::write(&file, text).unwrap();
        file
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
