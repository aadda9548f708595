//! krb-client
