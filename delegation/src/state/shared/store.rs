use std::time::Duration;

use async_trait::async_trait;

/// The store did not do it, or nobody knows whether it did.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the shared store: {0}")]
pub(crate) struct Away(pub(crate) String);

/// A change of one value: what is there now, and what is to be there.
pub(crate) struct Swap {
    pub(crate) name: String,
    pub(crate) old: Option<Vec<u8>>,
    pub(crate) new: Vec<u8>,
}

/// What a shared store does. It is told nothing that it could use, and nothing that it says is
/// believed unless the seal is right.
#[async_trait]
pub(crate) trait Store: Send + Sync {
    /// The value of that name.
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Away>;

    /// Puts a value for so long.
    async fn put(&self, name: &str, value: &[u8], life: Duration) -> Result<(), Away>;

    /// Puts a value for so long, unless there is one: then `false`.
    async fn put_new(&self, name: &str, value: &[u8], life: Duration) -> Result<bool, Away>;

    /// Puts all of these in the place of what each says is there, or none: then `false`.
    async fn swap(&self, all: &[Swap]) -> Result<bool, Away>;
}
