//! State that all replicas have in common, in a store that is not trusted.
//!
//! Whose access was ended is one value with a number that only grows, and the number beside it. Every
//! replica asks for the number twice a second: that is bus and heartbeat in one. A message that got
//! lost would have to be noticed; a number that was not asked for is asked for again.

mod pins;
mod redis;
mod sealer;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use krb_client::accept::{Login, NotRemembered, SharedLogins};
use krb_client::{SharedTicket, SharedTickets, Sharing};
use serde::de::DeserializeOwned;

use self::redis::Redis;
use super::config::RedisConfig;
use super::failure::StateError;
use super::revocations::{Revocation, RevocationList};
use crate::identity::{CannotRemember, Nonces, Replays, ReplaysInMemory};
use crate::network::Network;
pub(super) use pins::SharedPins;
use sealer::{Kind, Sealer};
pub(crate) use store::{Away, Store, Swap};

/// How often it is tried anew to change what others change, too.
const TRIES: u32 = 20;

/// What all replicas have in common.
pub struct Shared {
    store: Arc<dyn Store>,
    /// The present key, and the one before or the next one.
    sealers: Vec<Sealer>,
    is_here: AtomicBool,
    /// Proofs that this replica saw, whatever the store has lost since.
    seen: ReplaysInMemory,
}

/// The number of the last revocation, and how it was sealed, which is never twice the same: a store
/// that lost everything may have come to a number again that was known of it. It is sealed anew when an
/// operator changes pins, too.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Head {
    pub(super) number: u64,
    sealed: Sealed,
}

/// What the place of each key has.
type Sealed = Vec<Option<Vec<u8>>>;

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl Shared {
    /// In Redis, as it is configured. Nothing is asked yet.
    ///
    /// # Errors
    /// If a key or the address is none.
    pub fn in_redis(config: &RedisConfig, network: &Network) -> Result<Self, StateError> {
        let RedisConfig { address, danger_plain, username, password, key, other_key } = config;
        let mut sealers = Vec::new();
        for (setting, key) in
            [("state.redis.key", Some(key)), ("state.redis.otherKey", other_key.as_ref())]
        {
            let Some(key) = key else { continue };
            let wrong = |what: String| StateError::Shared { setting, what };
            let text = key.resolve().map_err(|error| wrong(error.to_string()))?;
            if text.len() < 32 {
                let what = "has fewer than 32 characters; `openssl rand -base64 32` makes one";
                return Err(wrong(what.to_owned()));
            }
            let sealer = Sealer::new(text.as_bytes());
            sealers.push(sealer.ok_or_else(|| wrong("is no key".to_owned()))?);
        }
        let place = match address.rsplit_once(':') {
            None => Some((address.clone(), 6379)),
            Some((host, port)) => port.parse().ok().map(|port| (host.to_owned(), port)),
        };
        let place = place.filter(|(host, _)| !host.is_empty()).ok_or(StateError::Shared {
            setting: "state.redis.address",
            what: "must be HOST or HOST:PORT".to_owned(),
        })?;
        let redis =
            Redis::new(network.clone(), place, !danger_plain, username.clone(), password.clone());
        Ok(Self::new(Arc::new(redis), sealers))
    }

    fn new(store: Arc<dyn Store>, sealers: Vec<Sealer>) -> Self {
        Self { store, sealers, is_here: AtomicBool::new(false), seen: ReplaysInMemory::default() }
    }

    /// Nonces that all replicas know.
    pub(crate) fn nonces(&self) -> Nonces {
        Nonces::new(self.sealers.iter().map(|sealer| sealer.nonces.clone()).collect())
    }

    /// Did it answer when it was last asked who was revoked?
    pub(crate) fn is_here(&self) -> bool {
        self.is_here.load(Ordering::Acquire)
    }

    pub(super) fn set_here(&self, is_here: bool) -> bool {
        self.is_here.swap(is_here, Ordering::AcqRel)
    }

    /// The number of the last revocation: the highest that any key's place has.
    pub(super) async fn head(&self) -> Result<Head, Away> {
        let mut head = Head::default();
        for sealer in &self.sealers {
            let found = self.store.get(&sealer.name(Kind::Head, &[])).await?;
            if let Some(sealed) = &found {
                let unsealed = || unsealed(&sealer.name(Kind::Head, &[]));
                let value = sealer.open(Kind::Head, &[], sealed).ok_or_else(unsealed)?;
                let value = value.as_slice().try_into().map_err(|_| unsealed())?;
                head.number = head.number.max(u64::from_be_bytes(value));
            }
            head.sealed.push(found);
        }
        Ok(head)
    }

    /// Whose access was ended. What only one of two keys opens is put under both: who will have the other
    /// one alone has to know it, too.
    pub(super) async fn revocations(&self) -> Result<RevocationList, StateError> {
        let (_, lists) = self.all::<RevocationList>(Kind::Revocations, &[]).await?;
        let newest = newest(&lists);
        if newest.generation > 0 && lists.iter().any(|list| list.as_ref() != Some(&newest)) {
            return self.change(|list| Ok(list.clone())).await;
        }
        Ok(newest)
    }

    /// What each key's place has, as it is sealed there and as it was.
    async fn all<T: DeserializeOwned>(
        &self,
        kind: Kind,
        slot: &[u8],
    ) -> Result<(Sealed, Vec<Option<T>>), Away> {
        let (mut all, mut values) = (Vec::new(), Vec::new());
        for sealer in &self.sealers {
            let name = sealer.name(kind, slot);
            let found = self.store.get(&name).await?;
            let open = |sealed: &Vec<u8>| {
                let value = sealer.open(kind, slot, sealed)?;
                serde_json::from_slice::<T>(&value).ok()
            };
            let value = found.as_ref().map(|sealed| open(sealed).ok_or_else(|| unsealed(&name)));
            values.push(value.transpose()?);
            all.push(found);
        }
        Ok((all, values))
    }

    /// A value in the place of what each key's place has, for whoever has one of the keys.
    fn swaps(&self, kind: Kind, slot: &[u8], old: Sealed, value: &[u8]) -> Result<Vec<Swap>, Away> {
        let swap = |(sealer, old): (&Sealer, _)| {
            let new = sealer.seal(kind, slot, value);
            let new = new.ok_or_else(|| Away("nothing seals".to_owned()))?;
            Ok(Swap { name: sealer.name(kind, slot), old, new })
        };
        self.sealers.iter().zip(old).map(swap).collect()
    }

    /// All revocations, for an operator.
    ///
    /// # Errors
    /// If the store cannot be asked, or is not to be believed.
    pub async fn list(&self) -> Result<Vec<Revocation>, StateError> {
        let (_, lists) = self.all(Kind::Revocations, &[]).await?;
        Ok(newest(&lists).entries)
    }

    /// Changes who is revoked, for all replicas, under every key that they may have.
    ///
    /// # Errors
    /// Unless the store says that it was done. Then it may or may not have been.
    pub async fn change<R>(
        &self,
        change: impl Fn(&mut RevocationList) -> Result<R, StateError>,
    ) -> Result<R, StateError> {
        for _ in 0..TRIES {
            let head = self.head().await?;
            let (old, lists) = self.all(Kind::Revocations, &[]).await?;
            let mut list = newest(&lists);
            let changed = change(&mut list)?;
            let number = list.generation.to_be_bytes();
            let mut swaps = self.swaps(Kind::Head, &[], head.sealed, &number)?;
            swaps.extend(self.swaps(Kind::Revocations, &[], old, &json(&list)?)?);
            if self.store.swap(&swaps).await? {
                return Ok(changed);
            }
        }
        Err(busy())
    }

    async fn find_ticket(&self, slot: &[u8]) -> Option<SharedTicket> {
        for sealer in &self.sealers {
            let found = self.store.get(&sealer.name(Kind::Ticket, slot)).await.ok()?;
            let opened = found.and_then(|sealed| sealer.open(Kind::Ticket, slot, &sealed));
            if let Some(ticket) = opened.and_then(|value| SharedTicket::from_bytes(&value)) {
                return Some(ticket);
            }
        }
        None
    }
}

impl SharedTickets for Shared {
    fn find<'a>(&'a self, slot: &'a [u8]) -> Sharing<'a, Option<SharedTicket>> {
        Box::pin(async move { if self.is_here() { self.find_ticket(slot).await } else { None } })
    }

    fn keep<'a>(&'a self, slot: &'a [u8], ticket: SharedTicket, life: Duration) -> Sharing<'a, ()> {
        Box::pin(async move {
            let Some(sealer) = self.sealers.first().filter(|_| self.is_here()) else { return };
            let Some(sealed) = sealer.seal(Kind::Ticket, slot, &ticket.to_bytes()) else { return };
            let name = sealer.name(Kind::Ticket, slot);
            if let Err(error) = self.store.put(&name, &sealed, life).await {
                tracing::debug!(%error, "a ticket is kept for this replica alone");
            }
        })
    }
}

#[async_trait]
impl Replays for Shared {
    async fn is_new(
        &self,
        key: &str,
        proof: [u8; 32],
        until: i64,
        now: i64,
    ) -> Result<bool, CannotRemember> {
        let life = u64::try_from(until.saturating_sub(now)).map_err(|_| CannotRemember)?;
        let (life, slot) = (Duration::from_secs(life.max(1)), [key.as_bytes(), &proof].concat());
        // A store that forgot says of each that it is new. What there is no room for here is in the store.
        if self.seen.is_new(key, proof, until, now).await == Ok(false) {
            return Ok(false);
        }
        // Under every key that replicas may have: who has one of them sees it.
        let mut is_new = true;
        for sealer in &self.sealers {
            let name = sealer.name(Kind::Proof, &slot);
            let put = self.store.put_new(&name, &[1], life).await;
            is_new &= put.map_err(|_| CannotRemember)?;
        }
        Ok(is_new)
    }
}

/// Users' own tickets, as proofs of possession: each login is good at one replica, once.
impl SharedLogins for Shared {
    fn is_first<'a>(&'a self, login: &'a Login) -> Sharing<'a, Result<bool, NotRemembered>> {
        let Login { who, digest, time, now, skew, .. } = login;
        // In the last second it is not too old.
        let until = time.saturating_add(i64::from(*skew) + 1);
        Box::pin(async move {
            let is_new = Replays::is_new(self, who, *digest, until, *now).await;
            is_new.map_err(|_| NotRemembered::Other("the shared store does not answer".into()))
        })
    }
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, Away> {
    serde_json::to_vec(value).map_err(|error| Away(error.to_string()))
}

fn busy() -> StateError {
    Away("others change it all the time".to_owned()).into()
}

fn newest(lists: &[Option<RevocationList>]) -> RevocationList {
    lists.iter().flatten().max_by_key(|list| list.generation).cloned().unwrap_or_default()
}

fn unsealed(name: &str) -> Away {
    Away(format!("its value {name} was not sealed by a replica with state.redis.key"))
}

impl From<Away> for StateError {
    fn from(away: Away) -> Self {
        let what = format!("the shared store (state.redis): {}", away.0);
        Self::Shared { setting: "state.redis", what }
    }
}

#[cfg(test)]
mod tests;
