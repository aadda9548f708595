//! End-to-end tests against the lab.
