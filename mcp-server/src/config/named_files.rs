//! The files that a configuration names, other than the audit log: each is shown here, or it is
//! relative to the wrong folder and nobody looks who may read it.

use krb_delegation::{Holds, Visit};

use super::Config;

impl Config {
    /// Shows each file, and the setting that names it.
    pub(super) fn each_file(&mut self, visit: &mut Visit<'_>) {
        let Self { auth, delegation, kerberos, network, policy, targets, state, .. } = self;
        visit("policy.file", Holds::Rules, &mut policy.file);
        if let Some(keytab) = &mut kerberos.service_account.keytab {
            visit("kerberos.serviceAccount.keytab", Holds::Secret, keytab);
        }
        for (name, account) in &mut kerberos.accounts {
            if let Some(keytab) = &mut account.service_account.keytab {
                let setting = format!("kerberos.accounts.{name}.serviceAccount.keytab");
                visit(&setting, Holds::Secret, keytab);
            }
        }
        let delivered = kerberos.delivered_tickets.as_mut();
        if let Some(key) = delivered.and_then(|delivered| delivered.decryption_key.as_mut()) {
            visit("kerberos.deliveredTickets.decryptionKey", Holds::Secret, key);
        }
        for (index, idp) in auth.trusted_idps.iter_mut().enumerate() {
            idp.each_file(&format!("auth.trustedIDPs[{index}]"), visit);
        }
        let negotiate = auth.negotiate.as_mut();
        if let Some(file) = negotiate.and_then(|negotiate| negotiate.certificate_file.as_mut()) {
            visit("auth.negotiate.certificateFile", Holds::Rules, file);
        }
        if let Some(exchange) = &mut delegation.token_exchange {
            exchange.each_file("delegation.tokenExchange", visit);
        }
        if let Some(file) = &mut network.ca_file {
            visit("network.caFile", Holds::Rules, file);
        }
        for (index, target) in targets.iter_mut().enumerate() {
            target.each_file(&mut |setting, holds, path| {
                visit(&format!("targets[{index}].{setting}"), holds, path);
            });
        }
        if let Some(directory) = &mut state.directory {
            visit("state.directory", Holds::State, directory);
        }
    }
}
