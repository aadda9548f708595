//! See `e2e/`.
