//! No stage can be skipped, and nothing that one call proved serves another: what must not compile.
//!
//! The right order does:
//!
//! ```no_run
//! use krb_delegation::call::{Announced, Attempt};
//! use krb_delegation::credential::kerberos::Kerberos;
//! use krb_delegation::identity::Subject;
//! use krb_delegation::policy::Policy;
//! use krb_delegation::resources::{CallContext, Resources};
//! use krb_delegation::targets::Resolved;
//! use krb_delegation::{Failure, Outcome};
//!
//! async fn announce(
//!     policy: &std::sync::Arc<Policy>, attempt: Attempt, subject: Subject, place: Resolved,
//! ) -> Result<Announced, Failure> {
//!     let permit = policy.decide(subject, place).map_err(|denial| denial.failure)?;
//!     attempt.intent(permit).await
//! }
//!
//! async fn reach(
//!     kerberos: &Kerberos, resources: &Resources, cx: &CallContext, announced: &Announced,
//! ) -> Result<Outcome, Failure> {
//!     let evidence = kerberos.evidence(announced).await?;
//!     let credential = kerberos.service_credential(evidence).await?;
//!     resources.perform(cx, &credential).await
//! }
//! ```
//!
//! A caller is a verified token, not a text:
//!
//! ```compile_fail,E0451
//! use krb_delegation::identity::Caller;
//! fn skip() -> Caller {
//!     Caller { issuer: "i".into(), subject: "s".into(), ..unreachable!() }
//! }
//! ```
//!
//! A subject comes out of the exchange:
//!
//! ```compile_fail,E0451
//! use krb_delegation::identity::Subject;
//! fn skip() -> Subject {
//!     Subject { issuer: "i".into(), subject: "s".into(), ..unreachable!() }
//! }
//! ```
//!
//! A permit comes from policy alone, and owns what it permits:
//!
//! ```compile_fail,E0451
//! use krb_delegation::{identity::Subject, policy::Permit, targets::Resolved};
//! fn skip(subject: Subject, resolved: Resolved) -> Permit {
//!     Permit { subject, resolved, ..unreachable!() }
//! }
//! ```
//!
//! Evidence is got for what was announced, not for what was merely permitted:
//!
//! ```compile_fail,E0308
//! use krb_delegation::{credential::kerberos::Kerberos, policy::Permit};
//! async fn skip(kerberos: &Kerberos, permit: &Permit) {
//!     let _ = kerberos.evidence(permit).await;
//! }
//! ```
//!
//! Nobody announces by hand:
//!
//! ```compile_fail,E0451
//! use krb_delegation::{call::Announced, policy::Permit};
//! fn skip(permit: Permit) -> Announced {
//!     Announced { permit, ..unreachable!() }
//! }
//! ```
//!
//! An announced permit serves once:
//!
//! ```compile_fail,E0382
//! use krb_delegation::{Failure, call::Attempt, policy::Permit};
//! async fn twice(first: Attempt, second: Attempt, permit: Permit) -> Result<(), Failure> {
//!     first.intent(permit).await?.close(Ok(())).await?;
//!     second.intent(permit).await?.close(Ok(())).await
//! }
//! ```
//!
//! A credential is made of evidence, and of nothing less:
//!
//! ```compile_fail,E0308
//! use krb_delegation::{call::Announced, credential::kerberos::Kerberos};
//! async fn skip(kerberos: &Kerberos, announced: &Announced) {
//!     let _ = kerberos.service_credential(announced).await;
//! }
//! ```
//!
//! ```compile_fail,E0451
//! use krb_delegation::{call::Announced, credential::ServiceCredential, credential::kerberos::Account};
//! fn skip(announced: &Announced, account: Account) -> ServiceCredential<'_> {
//!     ServiceCredential { announced, account, ticket: unreachable!(), login: None }
//! }
//! ```
//!
//! A credential in the service account's own name is made of a permit that says so, which the routes
//! alone can tell, and of no user's call:
//!
//! ```compile_fail,E0308
//! use krb_delegation::{call::Announced, credential::kerberos::Kerberos};
//! async fn fall_back(kerberos: &Kerberos, announced: &Announced) {
//!     let _ = kerberos.credential_of_its_own(announced).await;
//! }
//! ```
//!
//! ```compile_fail,E0423
//! use krb_delegation::{call::Announced, credential::AsService};
//! fn skip(announced: &Announced) -> AsService<'_> {
//!     AsService(announced)
//! }
//! ```
//!
//! A user's own ticket is evidence where the permit says so, and for the user who came with it:
//!
//! ```compile_fail,E0308
//! use krb_delegation::{call::Announced, credential::kerberos::Kerberos};
//! async fn skip(kerberos: &Kerberos, announced: &Announced) {
//!     let _ = kerberos.evidence_of_its_own(announced).await;
//! }
//! ```
//!
//! ```compile_fail,E0603
//! use krb_delegation::identity::OwnTicket;
//! ```
//!
//! What a token delivers is used where the permit says so:
//!
//! ```compile_fail,E0308
//! use krb_delegation::{call::Announced, credential::kerberos::Kerberos};
//! async fn skip(kerberos: &Kerberos, announced: &Announced) {
//!     let _ = kerberos.credential_delivered(announced).await;
//! }
//! ```
//!
//! A resource is reached with a credential, not with evidence:
//!
//! ```compile_fail,E0308
//! use krb_delegation::{credential::Evidence, resources::{CallContext, Resources}};
//! async fn skip(resources: &Resources, cx: &CallContext, evidence: Evidence<'_>) {
//!     let _ = resources.perform(cx, &evidence).await;
//! }
//! ```
//!
//! What is done there is what was permitted, and no other operation:
//!
//! ```compile_fail,E0061
//! use krb_delegation::{Operation, credential::ServiceCredential, resources::{CallContext, Resources}};
//! async fn swap(
//!     resources: &Resources, cx: &CallContext, credential: &ServiceCredential<'_>, other: Operation,
//! ) {
//!     let _ = resources.perform(cx, credential, &other).await;
//! }
//! ```
