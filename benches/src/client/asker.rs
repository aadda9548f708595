//! Our client, through its public interface.

use std::io::{Error, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use krb_client::{
    AccountSecret, Client, ClientConfig, Clock, KdcSource, OsRandom, S4u, SystemClock, Transport,
};
use krb_proto::Context;
use krb_proto::gss::{Initiator, InitiatorOptions};
use tokio::runtime::Builder;

use super::{Case, Figure, Setup};

/// Measures it.
///
/// # Errors
/// If anything is refused.
pub fn measure(setup: &Setup) -> Result<Figure> {
    // As a program would have it that asks for one thing after the other, and a server.
    let runtime = match setup.clients {
        1 => Builder::new_current_thread().enable_all().build(),
        _ => Builder::new_multi_thread().enable_all().build(),
    }?;
    let askers: Vec<_> = (0..setup.clients).map(|_| Arc::new(Asker::new(setup))).collect();
    let numbers = Arc::new(AtomicUsize::new(0));
    Figure::of(setup, |until| {
        runtime.block_on(async {
            // Tasks, as a server has them: what a runtime itself waits for is woken by a system call.
            let start = |asker: &Arc<Asker>| {
                let (asker, numbers) = (asker.clone(), numbers.clone());
                tokio::spawn(async move { asker.go_on(&numbers, until).await })
            };
            let tasks: Vec<_> = askers.iter().map(start).collect();
            let mut done = 0;
            for task in tasks {
                done += task.await.map_err(Error::other)??;
            }
            Ok(done)
        })
    })
}

/// One who asks.
struct Asker {
    setup: Setup,
    config: ClientConfig,
    /// Whose login stays.
    s4u: S4u,
}

impl Asker {
    fn new(setup: &Setup) -> Self {
        let (account, keytab) = (setup.account.clone(), AccountSecret::keytab(&setup.keytab));
        let config = ClientConfig::new(account, keytab, KdcSource::Addresses(vec![setup.kdc]));
        let s4u = Client::new(config.clone()).s4u();
        Self { setup: setup.clone(), config, s4u }
    }

    async fn go_on(self: Arc<Self>, numbers: &AtomicUsize, until: Instant) -> Result<usize> {
        let mut done = 0;
        while Instant::now() < until {
            self.ask(numbers.fetch_add(1, Ordering::Relaxed)).await?;
            done += 1;
        }
        Ok(done)
    }

    async fn ask(&self, number: usize) -> Result<()> {
        match self.setup.case {
            Case::Login => {
                let client = Client::new(self.config.clone());
                let ticket = client.ticket(&self.setup.target).await.map_err(Error::other)?;
                first_token(&ticket)
            }
            Case::S4u => self.in_a_users_name(&self.s4u, number).await,
            Case::Cold => {
                let mut config = self.config.clone();
                config.transport = Arc::new(Transport::tcp());
                self.in_a_users_name(&Client::new(config).s4u(), number).await
            }
        }
    }

    /// All that it takes until the target can be spoken to, in the name of whoever the KDC says that
    /// this user is.
    async fn in_a_users_name(&self, s4u: &S4u, number: usize) -> Result<()> {
        let user = self.setup.user(number);
        // What was got in another epoch is not used, though it lies there.
        let evidence = s4u.evidence_for(&[], &user, number as u64).await.map_err(Error::other)?;
        let proven = s4u.client().prove(&evidence).map_err(Error::other)?;
        let account = proven.account.ok_or_else(|| Error::other("the PAC says nobody"))?;
        let (sid, target) = (account.sid.to_string(), &self.setup.target);
        let ticket = s4u.proxy_ticket(&evidence, &sid, target).await.map_err(Error::other)?;
        if evidence.was_stored() || ticket.was_stored() {
            return Err(Error::other("a ticket was there already"));
        }
        first_token(&ticket)
    }
}

/// What is sent to the target first.
fn first_token(ticket: &krb_proto::Credential) -> Result<()> {
    let mut cx = Context { now: SystemClock.now(), kdc_offset: 0, rng: &mut OsRandom };
    Initiator::new(ticket, &InitiatorOptions::default(), &mut cx).map_err(Error::other)?;
    Ok(())
}
