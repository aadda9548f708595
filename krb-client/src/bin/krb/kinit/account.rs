use krb_client::{Ccaches, files};
use krb_proto::{Name, Principal};

use super::Kinit;
use super::secret::keytab_name;
use crate::Failure;
use crate::environment::Environment;
use crate::output::Unusable;

/// Who is to log in.
pub(super) async fn find(
    arguments: &Kinit,
    environment: &Environment,
    caches: &Ccaches,
) -> Result<Principal, Failure> {
    if arguments.anonymous {
        return anonymous(arguments.principal.as_deref(), environment);
    }
    if let Some(text) = &arguments.principal {
        return named(text, arguments.enterprise, environment);
    }
    if let Ok(cache) = caches.default_cache().await
        && let Ok(held) = cache.read().await
    {
        return Ok(held.default_principal);
    }
    if arguments.keytab {
        let path = files::keytab_path(keytab_name(arguments, environment))?;
        let first = files::read_keytab(&path).await?.entries.into_iter().next();
        let none = || Unusable::new(path.display(), "there is no key in it");
        return Ok(first.ok_or_else(none)?.principal);
    }
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let user =
        user.ok_or("whose ticket is it to be? Name a principal, such as alice@EXAMPLE.COM")?;
    environment.principal(&user.replace(['/', '@', '\\'], "_"))
}

fn named(text: &str, enterprise: bool, environment: &Environment) -> Result<Principal, Failure> {
    if !enterprise {
        return environment.principal(text);
    }
    let realm = environment.realms.default_realm();
    let realm =
        realm.ok_or("an enterprise name needs a default realm: set default_realm in krb5.conf")?;
    Ok(Principal::new(Name::enterprise(text), realm))
}

/// `@REALM`, or nobody of the default realm.
fn anonymous(text: Option<&str>, environment: &Environment) -> Result<Principal, Failure> {
    let realm = match text {
        Some(text) => text.strip_prefix('@').ok_or("-n takes a realm: write it as @EXAMPLE.COM")?,
        None => {
            environment.realms.default_realm().ok_or("which realm? Write it as @EXAMPLE.COM")?
        }
    };
    Ok(Principal::anonymous(realm.as_bytes()))
}
