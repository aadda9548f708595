//! Tickets in users' names, without anything of theirs (S4U2Self and S4U2Proxy, MS-SFU).

use std::sync::Arc;

use krb_proto::exchange::{TgsGoal, TgsWalk, UserRealm};
use krb_proto::{Credential, Name, Principal};

use crate::client::Inner;
use crate::clock::Moment;
use crate::sharing::Slot;
use crate::store::{Behalf, Fetched, Held, SharedTicket, TicketKey, User};
use crate::{Client, ClientError, UserTicket};

/// Asks in users' names, as the service account of a [`Client`]. Cheap to clone.
#[derive(Clone)]
pub struct S4u {
    client: Client,
}

impl Client {
    /// Asks in users' names (MS-SFU), which the account must be allowed to.
    #[must_use]
    pub fn s4u(&self) -> S4u {
        S4u { client: self.clone() }
    }
}

impl S4u {
    /// The client of the service account.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// Evidence for a user (S4U2Self): a ticket to the service account itself. It names who was
    /// asked for; only its PAC says who that is (`krb_proto::exchange::open_ticket`). A user of another
    /// realm is asked for there (MS-SFU 4.2), if it is one of [`ClientConfig::realms`].
    ///
    /// [`ClientConfig::realms`]: crate::ClientConfig::realms
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn evidence(&self, user: &Principal) -> Result<UserTicket, ClientError> {
        self.evidence_for(&[], user, 0).await
    }

    /// [`Self::evidence`] that was got for this asker, in this epoch, and for no other. A name may be given
    /// to somebody else: who has always meant one account by it, and who means another one, are two
    /// askers. Whoever knows that what was got before is no longer to be used, as after the user was
    /// revoked, asks in another epoch.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn evidence_for(
        &self,
        asker: &[u8],
        user: &Principal,
        epoch: u64,
    ) -> Result<UserTicket, ClientError> {
        let Self { client } = self;
        let key = || {
            let Inner { account, user_kept, .. } = &*client.inner;
            client.key(account, Behalf::Named { user, asker }, user_kept).in_epoch(epoch)
        };
        let fetch = || {
            let (s4u, asked, options) = (self.clone(), user.clone(), client.user_ticket());
            let slot = self.slot(&key(), user, &[]);
            async move {
                let client = &s4u.client;
                if let Some(found) = s4u.find_shared(slot.as_ref()).await {
                    client.see_to_keys_for(&found.credential.ticket).await;
                    return Ok(found);
                }
                let asked_at = s4u.now();
                let service = client.account().name.clone();
                let goal = TgsGoal::S4uSelf { user: asked, service };
                let evidence = client.ask(goal, options).await?;
                client.see_to_keys_for(&evidence.ticket).await;
                s4u.share(slot, &evidence, asked_at);
                Ok(evidence.into())
            }
        };
        client.inner.store.evidence(key(), client.inner.max_age, fetch).await
    }

    /// Which realm knows a user by this name, an enterprise name such as `alice@corp.example`
    /// ([`Name::enterprise`]), as far as the KDCs of our realm and of
    /// [`ClientConfig::realms`] say. Nothing of it is authenticated, nor kept.
    ///
    /// [`ClientConfig::realms`]: crate::ClientConfig::realms
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn user_realm(&self, user: &Name) -> Result<Vec<u8>, ClientError> {
        self.client.run(UserRealm::new(user.clone(), &self.client.account().realm)).await
    }

    /// Evidence for the user of that realm whom a certificate (its DER) is for, such as one that a TLS
    /// client has shown: the KDC says whose it is, and signs that. Without a realm the KDCs are asked
    /// for it first, as in [`Self::user_realm`]. It is kept nowhere. A KDC that does not read
    /// certificates, as Samba and Heimdal, is found out.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn evidence_by_certificate(
        &self,
        certificate: &[u8],
        realm: Option<&[u8]>,
    ) -> Result<UserTicket, ClientError> {
        let Self { client } = self;
        let since = self.now();
        let realm = match realm {
            Some(realm) => realm.to_vec(),
            None => {
                let own = &client.account().realm;
                client.run(UserRealm::of_certificate(certificate, own)).await?
            }
        };
        let goal = TgsGoal::S4uSelfByCertificate {
            certificate: certificate.to_vec(),
            realm,
            service: client.account().name.clone(),
        };
        let evidence = client.ask(goal, client.user_ticket()).await?;
        client.see_to_keys_for(&evidence.ticket).await;
        Ok(UserTicket::new(Held::new(evidence.into(), since), client.inner.max_age))
    }

    /// A ticket to `target` in the name of the evidence's user (S4U2Proxy). `sid` is the account
    /// that the evidence proved: a ticket got for another account of that name is not handed out. The
    /// target is in the realm that our KDC says: its own, or one of [`ClientConfig::realms`].
    ///
    /// [`ClientConfig::realms`]: crate::ClientConfig::realms
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn proxy_ticket(
        &self,
        evidence: &UserTicket,
        sid: &str,
        target: &Name,
    ) -> Result<UserTicket, ClientError> {
        let Self { client } = self;
        let key = || {
            let (user, evidence) = (&evidence.client, evidence.held.number);
            let to = Principal::new(target.clone(), &client.account().realm);
            let behalf = Behalf::Proved { user, sid, evidence };
            client.key(&to, behalf, &client.inner.user_kept)
        };
        let fetch = || {
            let (s4u, asked, options) = (self.clone(), target.clone(), client.user_ticket());
            let slot = self.slot(&key(), &evidence.client, &evidence.ticket);
            let (credential, asked_at) = (evidence.held.credential.clone(), evidence.held.since);
            async move {
                // As old as the evidence, whatever is said of it.
                if let Some(found) = s4u.find_shared(slot.as_ref()).await {
                    return Ok(found.credential);
                }
                let goal = Arc::new(TgsGoal::S4uProxy { evidence: credential, target: asked });
                let options = Arc::new(options);
                let exchange = |tgt| TgsWalk::new(tgt, goal.clone(), options.clone());
                let ticket = s4u.client.run_with_tgt(exchange).await?;
                s4u.share(slot, &ticket, asked_at);
                Ok(ticket)
            }
        };
        client.inner.store.proxied(key(), evidence, fetch).await
    }

    /// A ticket to `target` in the name of the user of a ticket that came from elsewhere (S4U2Proxy),
    /// which is used as the evidence that it is. It is kept nowhere.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn proxy_ticket_once(
        &self,
        evidence: &UserTicket,
        target: &Name,
    ) -> Result<UserTicket, ClientError> {
        let (evidence, max_age) = (&evidence.held, evidence.max_age);
        let goal =
            TgsGoal::S4uProxy { evidence: evidence.credential.clone(), target: target.clone() };
        let exchange = |tgt| TgsWalk::new(tgt, goal.clone(), self.client.user_ticket());
        let ticket = Arc::new(self.client.run_with_tgt(exchange).await?);
        Ok(UserTicket::new(Held::new(ticket, evidence.since), max_age))
    }

    /// Drops all tickets in a user's name, as when the KDC says that they were revoked.
    pub fn forget_user(&self, user: &Principal) {
        let Inner { account, store, shared, .. } = &*self.client.inner;
        let named = User::new(user);
        store.forget(|key| key.account == *account && named.is_named_by(key));
        if let Some(shared) = shared {
            shared.pass_over(user, self.now());
        }
    }
}

impl S4u {
    fn slot(&self, key: &TicketKey, user: &Principal, evidence: &[u8]) -> Option<Slot> {
        self.client.inner.shared.as_ref()?;
        Some(Slot { name: key.slot(evidence), user: user.clone() })
    }

    fn now(&self) -> Moment {
        Moment::now(&*self.client.inner.clock)
    }

    /// A ticket that another process got.
    async fn find_shared(&self, slot: Option<&Slot>) -> Option<Fetched> {
        let (shared, slot) = (self.client.inner.shared.as_ref()?, slot?);
        let now = self.now();
        if shared.passes_over(&slot.user, now) {
            return None;
        }
        let found = shared.tickets.find(&slot.name).await?;
        let since = found.since(now);
        let lives = found.credential.times.endtime.unix() > now.wall();
        let is_good = lives && now.is_within(self.client.inner.max_age, since);
        is_good.then_some(Fetched { credential: found.credential, since: Some(since) })
    }

    /// Lets others have a ticket. Nobody waits for it.
    fn share(&self, slot: Option<Slot>, ticket: &Credential, asked_at: Moment) {
        let (Some(_), Some(slot)) = (&self.client.inner.shared, slot) else { return };
        let ticket = SharedTicket { asked_at: asked_at.wall(), credential: ticket.clone() };
        let (client, life) = (self.client.clone(), self.client.inner.max_age);
        tokio::spawn(async move {
            if let Some(shared) = &client.inner.shared {
                shared.tickets.keep(&slot.name, ticket, life).await;
            }
        });
    }
}
