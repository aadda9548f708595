//! As much Transact-SQL as clients and tests say.

pub(super) mod evaluate;
pub(super) mod lexer;
pub(super) mod parser;
pub(super) mod syntax;
