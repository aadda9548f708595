//! MS-TDS 7.4 and 8.0 as a client speaks it: packets, a login's messages, requests, tokens, values.

mod call;
mod channel;
mod column;
mod cursor;
mod inside;
mod login;
mod prelogin;
mod token;
mod value;

pub(super) use call::{Parameter, batch, execute_sql};
pub(super) use channel::{BATCH, CALL, Channel, LOGIN7, Lost, Next, PRELOGIN, SSPI};
pub(super) use column::Described;
pub(super) use cursor::{Cursor, Unread};
pub(super) use inside::Inside;
pub(super) use login::{Login, Proof};
pub(super) use prelogin::{Encryption, answered, prelogin};
pub(super) use token::{Change, Message, Token, read};
pub(super) use value::row;
