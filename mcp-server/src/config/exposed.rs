//! Of the configuration's own file and of those that it names: whether anybody may change one, or read one
//! that holds a secret. Asked when the server starts.

use std::path::Path;

use krb_delegation::exposed::{Exposed, exposed};
use krb_delegation::secret::Secret;
use krb_delegation::{ConfigError, Holds};

use super::Config;

impl Config {
    /// Refuses what it says if anybody on this machine may change it, or a file that it names; returns
    /// what is to be said of those that anybody may read and should not. The configuration was read
    /// from `file`.
    ///
    /// # Errors
    /// The first file that anybody may change.
    pub(crate) fn exposed(&self, file: &Path) -> Result<Vec<String>, ConfigError> {
        let has_one = self.secrets.iter().any(|secret| matches!(secret, Secret::Plain(_)));
        let itself = if has_one { Holds::Secret } else { Holds::Rules };
        let mut found = vec![("this file".to_owned(), exposed(file, itself))];
        self.clone().each_file(&mut |setting, holds, path| {
            found.push((setting.to_owned(), exposed(path, holds)));
        });
        for secret in &self.secrets {
            if let (Some(name), Some(path)) = (secret.name(), secret.file()) {
                let setting = format!("{{\"$secret\": \"{name}\"}}");
                found.push((setting, exposed(&path, Holds::Secret)));
            }
        }
        let mut warnings = Vec::new();
        for (setting, exposed) in found {
            match exposed {
                Some(Exposed::ToChanges(problem)) => {
                    return Err(ConfigError::new(setting, problem));
                }
                Some(Exposed::ToReaders(problem)) => warnings.push(format!("{setting}: {problem}")),
                None => {}
            }
        }
        Ok(warnings)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, create_dir, set_permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::testing::Directory;

    const MINIMUM: &str = include_str!("../../examples/minimum.jsonc");

    /// As Kubernetes mounts them: behind links, whose own modes say nothing.
    fn found(modes: [(&str, u32); 3], text: &str) -> Result<Vec<String>, String> {
        let directory = Directory::new();
        create_dir(directory.0.join("..1")).unwrap();
        for (name, mode) in modes {
            let text = if name == "krb-mcp.jsonc" { text } else { "" };
            let file = directory.write(&format!("..1/{name}"), text);
            set_permissions(file, Permissions::from_mode(mode)).unwrap();
            symlink(Path::new("..1").join(name), directory.0.join(name)).unwrap();
        }
        let file = directory.0.join("krb-mcp.jsonc");
        let found = Config::load(&file).unwrap().exposed(&file);
        let place = |text: String| text.replace(&directory.0.display().to_string(), "DIR");
        found
            .map(|warnings| warnings.into_iter().map(place).collect())
            .map_err(|error| place(error.to_string()))
    }

    #[test]
    fn groups_and_owners_are_the_operators_and_anybody_is_not() {
        let modes = |configuration, policy, keytab| {
            [("krb-mcp.jsonc", configuration), ("policy.cedar", policy), ("mcp.keytab", keytab)]
        };
        for good in [modes(0o644, 0o644, 0o440), modes(0o660, 0o664, 0o600)] {
            assert_eq!(found(good, MINIMUM), Ok(vec![]));
        }
        let readable = "DIR/mcp.keytab may be read by anybody on this machine (mode 0644): chmod o-r, \
                        in Kubernetes defaultMode: 0440";
        assert_eq!(
            found(modes(0o644, 0o644, 0o644), MINIMUM),
            Ok(vec![format!("kerberos.serviceAccount.keytab: {readable}")])
        );
        let plain = MINIMUM.replace(r#"{ "$secret": "MCP_OAUTH_CLIENT_SECRET" }"#, r#""hunter2""#);
        let warnings = found(modes(0o644, 0o644, 0o600), &plain).unwrap();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(
            warnings[0].starts_with("this file: DIR/krb-mcp.jsonc may be read"),
            "{warnings:?}"
        );
        for (bad, setting) in [
            (modes(0o666, 0o644, 0o600), "this file"),
            (modes(0o644, 0o646, 0o600), "policy.file"),
            (modes(0o644, 0o644, 0o602), "kerberos.serviceAccount.keytab"),
        ] {
            let error = found(bad, MINIMUM).unwrap_err();
            assert!(error.starts_with(setting) && error.contains("may be changed by"), "{error}");
        }
    }
}
