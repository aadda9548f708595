//! Where what outlives a call is kept, for the commands of an operator.

use std::sync::Arc;

use krb_delegation::network::{Network, Tcp};
use krb_delegation::state::{
    Operator, Pin, PinChange, Revocation, RevocationList, Shared, StateError, Whose,
};

use crate::config::Config;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Where it is kept: what all replicas have is nowhere else.
pub(crate) enum Place {
    Files(Box<Operator>),
    Shared(Shared),
}

impl Place {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let Some(redis) = &config.state.redis else {
            return Ok(Self::Files(Box::new(Operator::new(&config.state)?)));
        };
        let network = Network::new(&config.network, Arc::new(Tcp))?;
        Ok(Self::Shared(Shared::in_redis(redis, &network)?))
    }

    /// By when servers that run know of a change.
    pub(crate) const fn when(&self) -> &'static str {
        match self {
            Self::Files(_) => "within a second on a server that runs",
            Self::Shared(_) => "within two seconds on all replicas",
        }
    }

    pub(crate) async fn revocations(&self) -> Result<Vec<Revocation>, StateError> {
        match self {
            Self::Files(operator) => operator.revocations(),
            Self::Shared(shared) => shared.list().await,
        }
    }

    /// Ends somebody's access, or lifts that.
    pub(crate) async fn revoke(
        &self,
        whose: &Whose,
        lift: bool,
        now: i64,
    ) -> Result<Revocation, StateError> {
        match self {
            Self::Files(operator) if lift => operator.lift(whose, now),
            Self::Files(operator) => operator.revoke(whose.clone(), now),
            Self::Shared(shared) => {
                let change = |list: &mut RevocationList| match lift {
                    true => list.lift(whose, now),
                    false => list.revoke(whose.clone(), now),
                };
                shared.change(change).await
            }
        }
    }

    pub(crate) async fn pins(&self) -> Result<Vec<Pin>, StateError> {
        match self {
            Self::Files(operator) => operator.pins(),
            Self::Shared(shared) => shared.pins().await,
        }
    }

    /// Changes pins; returns how many.
    pub(crate) async fn change_pins(
        &self,
        change: &PinChange,
        now: i64,
    ) -> Result<usize, StateError> {
        match self {
            Self::Files(operator) => operator.change_pins(change),
            Self::Shared(shared) => shared.change_pins(change, now).await,
        }
    }
}
