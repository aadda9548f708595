//! The keys of a service as they stand now.

use std::path::PathBuf;
use std::sync::Arc;

use krb_proto::crypto::Key;
use krb_proto::exchange::opens;
use krb_proto::formats::Keytab;
use krb_proto::iana::EncType;
use krb_proto::{Credential, Principal};

use crate::keyring::Keyring;
use crate::{Client, ClientError, Clock};

/// Where a service's keys are.
#[derive(Clone)]
pub struct ServiceKeys(Source);

#[derive(Clone)]
enum Source {
    File(PathBuf),
    Fixed(Keytab),
    Account(Client),
}

impl ServiceKeys {
    /// In a keytab file, under the names that clients ask tickets for, such as
    /// `HTTP/web.example.test@EXAMPLE.TEST`. Another file in its place is noticed within seconds; what
    /// it had before still opens tickets for ten hours.
    #[must_use]
    pub fn keytab_file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(path.into()))
    }

    /// In a keytab that stays what it is.
    #[must_use]
    pub fn keytab(keytab: Keytab) -> Self {
        Self(Source::Fixed(keytab))
    }

    /// Those of an account that logs in itself, by whichever of its names a ticket is for; what replaces
    /// its secret is noticed.
    #[must_use]
    pub fn account(client: &Client) -> Self {
        Self(Source::Account(client.clone()))
    }
}

/// The same in use.
pub(super) enum Keys {
    Followed(Box<Keyring>),
    Fixed(Keytab),
    Account(Client),
}

impl Keys {
    pub(super) fn new(ServiceKeys(source): ServiceKeys, clock: &Arc<dyn Clock>) -> Self {
        match source {
            Source::File(path) => {
                Self::Followed(Box::new(Keyring::of_services(path, clock.clone())))
            }
            Source::Fixed(keytab) => Self::Fixed(keytab),
            Source::Account(client) => Self::Account(client),
        }
    }

    /// Reads them for the first time.
    pub(super) async fn read(&self) -> Result<(), ClientError> {
        match self {
            Self::Followed(keyring) => keyring.look().await.map(drop),
            Self::Fixed(_) => Ok(()),
            Self::Account(client) => client.read_secret().await,
        }
    }

    /// What is wrong with what stands in their place now, if that is not what is used.
    pub(super) async fn trouble(&self) -> Option<String> {
        match self {
            Self::Followed(keyring) => {
                keyring.keep_up().await;
                keyring.trouble()
            }
            Self::Fixed(_) => None,
            Self::Account(client) => client.secret_trouble().await,
        }
    }

    /// Sees to it that a ticket to this service opens, if there is a key for it by now.
    pub(super) async fn see_to(&self, ticket: &[u8], service: &Principal) {
        match self {
            Self::Followed(keyring) => {
                keyring.keep_up().await;
                if !opens(ticket, |enctype, kvno| keyring.candidates_of(service, enctype, kvno)) {
                    keyring.look_again().await;
                }
            }
            Self::Fixed(_) => {}
            Self::Account(client) => client.see_to_keys_for(ticket).await,
        }
    }

    /// Those that may open a ticket to this service, best first.
    pub(super) fn candidates(
        &self,
        service: &Principal,
        kvno: Option<u32>,
        enctype: EncType,
    ) -> Vec<Key> {
        match self {
            Self::Followed(keyring) => keyring.candidates_of(service, enctype, kvno),
            Self::Fixed(keytab) => keytab.keys(service, kvno, enctype),
            // A directory's account has one key for all its names.
            Self::Account(client) => client.own_keys(enctype, kvno),
        }
    }

    /// Whose they are, where one account's are all of them.
    pub(super) fn account(&self) -> Option<&Principal> {
        match self {
            Self::Account(client) => Some(client.account()),
            Self::Followed(_) | Self::Fixed(_) => None,
        }
    }

    /// The ticket-granting ticket of who has no other key, for user-to-user.
    pub(super) async fn tgt(&self) -> Option<Result<Arc<Credential>, ClientError>> {
        match self {
            Self::Account(client) => Some(client.tgt().await),
            Self::Followed(_) | Self::Fixed(_) => None,
        }
    }
}
