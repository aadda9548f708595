//! PostgreSQL.

use super::config::Endpoint;
use super::failure::{Broken, no_engine};
use super::place::Place;
use super::rows::Rows;
use super::session::{self, Done, NotDone};
use super::work::Work;
use crate::Failure;
use crate::credential::ServiceCredential;
use crate::network::Network;
use crate::resources::kept::Keep;
use crate::resources::{CallContext, Wrong};

/// What of a target this engine does not do.
pub(super) fn check(endpoint: &Endpoint) -> Result<(), Wrong> {
    Err(("engine", no_engine(endpoint.engine.name(), endpoint.login.mode)))
}

/// There is none yet.
pub(super) enum Session {}

impl Keep for Session {
    fn is_lost(&self) -> bool {
        match *self {}
    }

    async fn end(self) {
        match self {}
    }
}

impl session::Session for Session {
    async fn log_in(
        _: &Network,
        _: &CallContext,
        _: &ServiceCredential<'_>,
        place: &Place<'_>,
    ) -> Result<Self, Failure> {
        Err(Broken(place.target, "there is no client for it".into()).into())
    }

    fn database(&self) -> &str {
        match *self {}
    }

    async fn run(&mut self, _: &Place<'_>, _: &Work, _: &mut Rows) -> Result<Done, NotDone> {
        match *self {}
    }

    async fn clean(&mut self, _: &Place<'_>) -> bool {
        match *self {}
    }
}
