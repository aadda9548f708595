use krb_client::{Ccaches, files};
use krb_proto::{Name, Principal};

use super::Kinit;
use super::secret::keytab_name;
use crate::environment::Environment;
use crate::keytab::first_account;
use crate::{Failure, progress};

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
    if arguments.keytab {
        let path = files::keytab_path(keytab_name(arguments, environment))?;
        return Ok(first_account(&files::read_keytab(&path).await?, &path)?);
    }
    if let Ok(cache) = caches.default_cache().await
        && let Ok(held) = progress::cache(&cache, cache.read()).await
    {
        return Ok(held.default_principal);
    }
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let user = user
        .or_else(own_name)
        .ok_or("whose ticket is it to be? Name a principal, such as alice@EXAMPLE.COM")?;
    environment.principal(&user.replace(['/', '@', '\\'], "_"))
}

/// What the system calls who runs this program, as far as it has its users in its file.
#[cfg(unix)]
fn own_name() -> Option<String> {
    name_in(&std::fs::read_to_string("/etc/passwd").ok()?, nix::unistd::getuid().as_raw())
}

#[cfg(not(unix))]
fn own_name() -> Option<String> {
    None
}

#[cfg(unix)]
fn name_in(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_its_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n+\nalice:x:1000:0::/:\n:x:7:0::/:\n";
        assert_eq!(name_in(passwd, 1000).as_deref(), Some("alice"));
        assert_eq!(name_in(passwd, 0).as_deref(), Some("root"));
        assert_eq!(name_in(passwd, 7), None);
    }
}
