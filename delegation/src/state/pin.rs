use serde::{Deserialize, Serialize};

use super::directory::Directory;
use super::failure::StateError;

/// So many subjects are pinned at most; beyond, new ones are refused rather than old ones lost.
pub(super) const MAX_PINS: usize = 100_000;
pub(super) const FILE: &str = "pins";
/// What the file says before anything has happened.
pub(super) const EMPTY: &str = r#"{"generation":0,"pins":[]}"#;

/// Which account a subject is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pin {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// The realm whose account it is: in each realm a subject may have another one.
    pub realm: String,
    /// The account's SID, as text.
    pub sid: String,
    /// Its name, when it was pinned.
    pub account: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// Did an operator say that it is right?
    pub approved: bool,
}

/// Whose pin it is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct PinOf {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// The realm whose account it is.
    pub realm: String,
}

impl Pin {
    /// Whose it is.
    pub(super) fn of(&self) -> PinOf {
        let Self { issuer, subject, realm, .. } = self.clone();
        PinOf { issuer, subject, realm }
    }

    pub(super) fn is_of(&self, of: &PinOf) -> bool {
        (&self.issuer, &self.subject, &self.realm) == (&of.issuer, &of.subject, &of.realm)
    }
}

/// What an operator does with pins.
#[derive(Clone, Debug)]
pub enum PinChange {
    /// Says that one is right, or all that wait.
    Approve(Option<PinOf>),
    /// Puts one that is known in the place of what is there.
    Put(Pin),
    /// Forgets one: at the next sight, the subject is whoever it is then.
    Release(PinOf),
}

impl PinChange {
    /// Whose pin it is about; all that there are, if nobody's.
    pub(super) fn of(&self) -> Option<PinOf> {
        match self {
            Self::Approve(of) => of.clone(),
            Self::Put(pin) => Some(pin.of()),
            Self::Release(of) => Some(of.clone()),
        }
    }

    /// Does it with these; returns with how many.
    pub(super) fn make(&self, pins: &mut Vec<Pin>) -> usize {
        match self {
            Self::Approve(of) => {
                let which = |pin: &Pin| of.as_ref().map_or(!pin.approved, |of| pin.is_of(of));
                let found = pins.iter_mut().filter(|pin| which(pin));
                found.map(|pin| pin.approved = true).count()
            }
            Self::Put(pin) => {
                pins.retain(|other| !other.is_of(&pin.of()));
                pins.push(pin.clone());
                1
            }
            Self::Release(of) => {
                let before = pins.len();
                pins.retain(|pin| !pin.is_of(of));
                before - pins.len()
            }
        }
    }
}

/// All pins, as they are kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PinList {
    /// One more after each change.
    #[serde(default)]
    pub(super) generation: u64,
    pub(super) pins: Vec<Pin>,
}

impl PinList {
    /// Somebody may have put an old file in the place of a new one.
    pub(super) fn is_no_older_than(
        &self,
        known: u64,
        directory: &Directory,
    ) -> Result<(), StateError> {
        if self.generation >= known {
            return Ok(());
        }
        let what = "it is older than the one before".to_owned();
        Err(StateError::Broken { path: directory.file(FILE), what })
    }
}
