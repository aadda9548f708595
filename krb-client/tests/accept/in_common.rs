//! Logins that several acceptors remember in common.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use krb_client::Sharing;
use krb_client::accept::{Acceptor, Login, NotRemembered, ServiceKeys, SharedLogins};

use crate::{WEB, World, accept, is_alice, refused};

/// Remembers logins for several acceptors, or cannot.
#[derive(Default)]
struct Common(Mutex<Vec<Login>>, AtomicBool);

impl SharedLogins for Common {
    fn is_first<'a>(&'a self, login: &'a Login) -> Sharing<'a, Result<bool, NotRemembered>> {
        Box::pin(async move {
            if self.1.load(Ordering::SeqCst) {
                return Err(NotRemembered::Other("it is away".into()));
            }
            let mut seen = self.0.lock().unwrap();
            let is_new = seen.iter().all(|other| other.digest != login.digest);
            seen.push(login.clone());
            Ok(is_new)
        })
    }
}

#[tokio::test]
async fn a_login_counts_once_for_all_who_remember_in_common() {
    const REPLAYED: &str = "the login came before, or too many come";
    let (world, common) = (World::new(), Arc::new(Common::default()));
    let file = std::env::temp_dir().join(format!("krb-accept-{}.rcache2", std::process::id()));
    let config = || world.config(ServiceKeys::keytab(world.keytab("svc-web")));
    let with_common = || {
        let mut config = config();
        config.shared_logins = Some(common.clone());
        config
    };
    let with_file = || config().with_replay_cache(&format!("file2:{}", file.display())).unwrap();
    let ticket = world.ticket("alice", WEB).await;
    for pair in [[with_common(), with_common()], [with_file(), with_file()]] {
        let [one, other] = pair.map(Acceptor::new);
        let token = world.token(&ticket);
        is_alice(&world, &accept(&one, &token).await.unwrap().caller);
        assert_eq!(refused(&other, &token).await, REPLAYED);
        is_alice(&world, &accept(&other, &world.token(&ticket)).await.unwrap().caller);
    }
    let seen = common.0.lock().unwrap().clone();
    assert!(seen[0].who.starts_with("S-1-5-21-") && seen[0].replay_tag != seen[2].replay_tag);
    assert_eq!((seen.len(), seen[0].replay_tag), (3, seen[1].replay_tag));

    // What cannot be remembered is not taken.
    common.1.store(true, Ordering::SeqCst);
    let away = Acceptor::new(with_common());
    assert_eq!(refused(&away, &world.token(&ticket)).await, "logins cannot be remembered");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let error = accept(&Acceptor::new(with_file()), &world.token(&ticket)).await.unwrap_err();
    assert!(error.to_string().contains(".rcache2: "), "{error}");
    std::fs::remove_dir(&file).unwrap();

    for (name, shares) in [("none:", false), ("dfl:", true)] {
        assert_eq!(config().with_replay_cache(name).unwrap().shared_logins.is_some(), shares);
    }
    for name in ["", "file2:", "/tmp/rcache", "memory:x"] {
        let error = config().with_replay_cache(name).err().unwrap().to_string();
        assert!(error.contains("file2:PATH"), "{error}");
    }
}
