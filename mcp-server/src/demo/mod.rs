//! The product shown on a machine that has nothing: a realm, an identity provider, a web application
//! and the server, in one process on the loopback, and the calls that agents would make.
//!
//! The parts around the server serve tests as well. A release is built without the feature `demo`, and
//! has none of it.

mod addresses;
mod agent;
mod audit;
mod invitation;
mod issuer;
mod kdc_log;
mod page;
mod place;
mod realm;
mod script;
mod step;
mod story;
mod teller;
mod terminal;
#[cfg(test)]
mod tests;
mod watch;
pub mod webapp;
mod world;

use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use krb_client::proto::kdc::Realm;
use tokio::time::{Instant, sleep};

#[cfg(feature = "demo-faults")]
pub use issuer::ProofKey;
pub use issuer::{Issuer, SERVER_CLIENT, SERVER_SECRET, USER_CLIENT};

use audit::AuditLog;
use story::Story;
use teller::Teller;
use watch::Watch;
use world::{Failed, World};

/// How often what others do is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Tokens are good for five minutes.
const FRESH: Duration = Duration::from_secs(120);

/// How it is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// End after the calls.
    pub(crate) once: bool,
    /// JSON lines, for programs.
    pub(crate) json: bool,
}

/// The demonstration, until `stop` is done. True if every call ended as it should.
///
/// # Errors
/// If something does not start, or nobody reads what is told.
pub(crate) async fn run(options: Options, stop: impl Future<Output = ()>) -> Result<bool, Failed> {
    show(realm::realm()?, options, Teller::new(options.json), stop).await.map_err(explained)
}

/// What the machine lacks that the demonstration needs.
fn explained(error: Failed) -> Failed {
    match error.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(ErrorKind::NetworkUnreachable) => {
            let remedy = "the loopback is down, as in a new network namespace: ip link set lo up";
            format!("{error}: {remedy}").into()
        }
        _ => error,
    }
}

async fn show(
    realm: Realm,
    options: Options,
    mut teller: Teller,
    stop: impl Future<Output = ()>,
) -> Result<bool, Failed> {
    let launched = Instant::now();
    let story = Arc::new(Story::default());
    let world = World::start(realm, &story).await?;
    let shown = tell(&world, &story, options, &mut teller, launched, stop).await;
    world.stop().await;
    shown
}

async fn tell(
    world: &World,
    story: &Story,
    options: Options,
    teller: &mut Teller,
    launched: Instant,
    stop: impl Future<Output = ()>,
) -> Result<bool, Failed> {
    let mut stop = pin!(stop);
    teller.beginning(&world.addresses)?;
    story.begins_at(world.addresses.clone());
    let mut audit = AuditLog::new(world.file("audit.jsonl"));
    let mut right = 0;
    let played = script::play(world, &mut audit, |step| {
        right += usize::from(step.ok);
        teller.step(&step)?;
        story.goes_on(step);
        Ok(())
    });
    tokio::select! {
        played = played => played?,
        () = &mut stop => return Ok(false),
    }
    teller.ending(right, script::LENGTH, launched.elapsed())?;
    if !options.once {
        world.write_tokens()?;
        teller.invitation(world)?;
        tokio::select! {
            watched = watch(world, story, &mut audit, teller) => watched?,
            () = stop => {}
        }
    }
    Ok(right == script::LENGTH)
}

/// Tells what others do, and keeps their tokens fresh, for as long as it is let.
async fn watch(
    world: &World,
    story: &Story,
    audit: &mut AuditLog,
    teller: &mut Teller,
) -> Result<(), Failed> {
    let mut watch = Watch::new(world);
    let mut written = Instant::now();
    loop {
        sleep(LOOK).await;
        for step in watch.look(world, audit)? {
            teller.step(&step)?;
            story.goes_on(step);
        }
        if written.elapsed() > FRESH {
            world.write_tokens()?;
            written = Instant::now();
        }
    }
}
