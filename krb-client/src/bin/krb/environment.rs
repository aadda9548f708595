//! What MIT's programs read from the environment, read here and nowhere else.

/// The keytab of services, `KRB5_KTNAME`.
pub(crate) fn keytab() -> String {
    named("KRB5_KTNAME").unwrap_or_else(|| "/etc/krb5.keytab".to_owned())
}

/// An empty value is as good as none.
fn named(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}
