//! What every kind of resource has, and what differs from one to the next.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::CallContext;
use super::doubt::Effect;
use super::kept::Kept;
use crate::credential::ServiceCredential;
use crate::network::Network;
use crate::targets::{Names, Root, Target};
use crate::{Failure, Visit};

/// A kind of resource, for which its client stands. Its folder holds all that this trait names, and
/// nothing outside of it knows more of a kind than this.
pub(crate) trait Kind: Sized {
    /// Its entry in `targets`.
    type Config;
    /// That entry, checked: how a target is reached, and what of it may be used.
    type Endpoint;
    /// What a caller asks for, with the address as the caller wrote it.
    type Operation;
    /// The same, understood; where it is to be done is not known yet.
    type Asked;
    /// What to do at one endpoint, in one spelling only.
    type Task;
    /// What came back.
    type Outcome;

    /// What its addresses are called.
    const ADDRESS: &'static str;
    /// What can be done, in the order in which callers are told.
    const ACTIONS: &'static [Action];
    /// Whether a service account may come itself, whoever calls.
    const TAKES_SERVICES: bool = true;

    // The configuration.

    /// Shows each file that an entry names.
    fn each_file(_: &mut Self::Config, _: &mut Visit<'_>) {}

    /// What every entry of `targets` has.
    fn named(config: &Self::Config) -> Named<'_>;

    /// Checks the rest. The endpoint's own host may join the names by which users may call it.
    fn endpoint(config: Self::Config, names: &mut Names) -> Result<Self::Endpoint, Wrong>;

    /// Refuses an endpoint if an address could name it and another one, `of`, which answers to the
    /// same host.
    fn check_apart(new: &Self::Endpoint, old: &Self::Endpoint, of: &str) -> Result<(), Wrong>;

    /// The host that is connected to.
    fn host(endpoint: &Self::Endpoint) -> &str;

    /// The TCP port that is connected to.
    fn port(endpoint: &Self::Endpoint) -> u16;

    /// Where its addresses begin.
    fn roots(endpoint: &Self::Endpoint, names: &Names) -> Vec<Root>;

    /// Who logs in at it in users' places and becomes them there; none if they come themselves.
    fn impersonator(_: &Self::Endpoint) -> Option<Impersonator> {
        None
    }

    // From an operation to a task.

    /// The action's name in audit until it is found. Asked before anything was found to be well-formed.
    fn action(operation: &Self::Operation) -> Cow<'static, str>;

    /// The address as the user wrote it.
    fn address(operation: &Self::Operation) -> &str;

    /// Whether an operation may leave out which target it is for, where there is one of the kind.
    fn names_none(_: &Self::Asked) -> bool {
        false
    }

    /// Understands what is asked.
    fn read(operation: &Self::Operation) -> Result<Self::Asked, Failure>;

    /// The task at this endpoint and the place as policy sees it; `None` if the address names
    /// something else.
    fn find(
        asked: &Self::Asked,
        endpoint: &Arc<Self::Endpoint>,
        names: &Names,
    ) -> Result<Option<Found<Self::Task>>, Failure>;

    /// What it does to what the resource has.
    fn effect(task: &Self::Task) -> Effect;

    // Policy and audit.

    /// Whether paths as policy sees them have this text, a piece of what a policy compares them
    /// with.
    ///
    /// # Errors
    /// Why none has it, to be read behind "which no path is: ".
    fn check_literal(piece: &str) -> Result<(), String>;

    /// The place as the audit log names it, without what may be secret.
    fn recorded_path(task: &Self::Task) -> String;

    /// What the audit log has beside of what is done.
    fn recorded(_: &Self::Task) -> Option<Recorded> {
        None
    }

    /// What callers are told beside an outcome.
    fn beside(_: &Self::Outcome) -> Beside {
        Beside::default()
    }

    /// What the books say of an outcome.
    fn answered(outcome: &Self::Outcome) -> Answered;

    // The resource.

    /// The client, on this network, which keeps sessions for later calls here.
    fn new(network: &Network, kept: &Kept) -> Self;

    /// Where a service logs in with what is its own: of that the setting, and what is wrong with what
    /// stands there now, if that is not what is used.
    async fn trouble(_: &Self::Endpoint) -> Option<(String, Option<String>)> {
        None
    }

    /// What is wrong with a target, as far as that shows to a service that logs in there by itself.
    async fn lacks(&self, _: &CallContext, _: &Target, _: &Self::Endpoint) -> Vec<String> {
        Vec::new()
    }

    /// Does what the credential is for, as whoever it is for. What goes out to be done is in
    /// [doubt](ServiceCredential::doubt) from then on.
    async fn perform(
        &self,
        cx: &CallContext,
        credential: &ServiceCredential<'_>,
        task: &Self::Task,
    ) -> Result<Self::Outcome, Failure>;
}

/// What every entry of `targets` has.
pub(crate) struct Named<'a> {
    pub(crate) name: &'a str,
    pub(crate) spn: Cow<'a, str>,
    pub(crate) names: &'a [String],
    pub(crate) account: Option<&'a str>,
}

/// A setting of an entry, and what is wrong with it.
pub(crate) type Wrong = (&'static str, String);

/// What an operation is at one endpoint.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) task: T,
    /// The action's name in policy and audit.
    pub(crate) action: Cow<'static, str>,
    /// One spelling for all that the resource may take for the same.
    pub(crate) policy_path: String,
}

/// Who logs in at a resource in users' places.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Impersonator {
    /// The target's service account, by Kerberos.
    ServiceAccount,
    /// Somebody whom only the resource knows, by this name.
    Named(String),
}

/// What the books say of an outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Answered {
    /// The resource's own word for how it went, if it has one.
    pub(crate) status: Option<u16>,
    /// How many bytes of content came back, as encoded.
    pub(crate) bytes: u64,
    /// How many rows, where there are any.
    pub(crate) rows: Option<u64>,
    /// How many were changed.
    pub(crate) changed: Option<u64>,
}

/// What records have of something that is done by a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Recorded {
    /// The text, without what may be secret.
    pub(crate) statement: String,
    /// Which text it was, as sent: the first 32 hexadecimal digits of its SHA-256.
    pub(crate) hash: String,
    /// What it names.
    pub(crate) tables: Vec<String>,
}

/// What an answer has beside its data.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Beside {
    /// All of it.
    pub members: Map<String, Value>,
    /// What of that somebody must know who reads the data alone.
    pub told: Map<String, Value>,
}

/// Something that can be done at a kind of resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Action {
    /// As policy names it.
    pub name: &'static str,
    /// What it can be done with.
    pub(crate) form: Form,
}

/// What the paths of an action look like to policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// They end in no `/`, as a file's.
    Leaf,
    /// They end in a `/`, as a directory's.
    Folder,
    /// Either; who asks for the one may well be given the other, as in URLs.
    Either,
}

impl Form {
    /// Whether a path may be of this form.
    pub(crate) fn fits(self, path: &str) -> bool {
        match self {
            Self::Leaf => !path.ends_with('/'),
            Self::Folder => path.ends_with('/'),
            Self::Either => true,
        }
    }
}
