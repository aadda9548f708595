use alloc::string::ToString;

use crate::Principal;
use crate::pac::Sid;
use crate::spnego::http::parse_header_value;

/// What an HTTP server sends before anything is authenticated, and names that people type.
pub fn text(input: &[u8]) {
    let _ = parse_header_value(input);
    let Ok(text) = core::str::from_utf8(input) else { return };
    if let Ok(principal) = Principal::parse(text, Some("R")) {
        let written = principal.to_string();
        let again = Principal::parse(&written, None).expect("our own text");
        assert_eq!(again.name.components.len(), principal.name.components.len());
    }
    if let Ok(sid) = text.parse::<Sid>() {
        assert_eq!(sid.to_string().parse::<Sid>().expect("our own text"), sid);
    }
}
