/// What a request proves its caller with.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    pub(super) token: &'a str,
}

impl<'a> Presented<'a> {
    /// A bearer token: whoever has it is its user.
    #[must_use]
    pub const fn bearer(token: &'a str) -> Self {
        Self { token }
    }
}
