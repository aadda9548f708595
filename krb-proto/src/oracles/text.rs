use alloc::format;
use alloc::string::ToString;

use crate::Principal;
use crate::formats::krb5_conf::{ServerAddress, ServerTransport, parse_duration};
use crate::pac::Sid;
use crate::spnego::http::parse_header_value;

/// What an HTTP server sends before anything is authenticated, and names, servers and times that
/// people type.
pub fn text(input: &[u8]) {
    let _ = parse_header_value(input);
    let Ok(text) = core::str::from_utf8(input) else { return };
    if let Ok(principal) = Principal::parse(text, Some("R")) {
        let written = principal.to_string();
        let again = Principal::parse(&written, None).expect("our own text");
        assert_eq!(again, principal);
    }
    if let Ok(sid) = text.parse::<Sid>() {
        assert_eq!(sid.to_string().parse::<Sid>().expect("our own text"), sid);
    }
    if let Ok(server) = ServerAddress::parse(text, 88) {
        let ServerAddress { host, port, transport } = &server;
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        let written = match transport {
            ServerTransport::Direct => format!("{host}:{port}"),
            ServerTransport::Https { path } => format!("https://{host}:{port}/{path}"),
        };
        assert_eq!(ServerAddress::parse(&written, 0).expect("our own text"), server);
    }
    if let Some(seconds) = parse_duration(text) {
        assert_eq!(parse_duration(&format!("{}m{}s", seconds / 60, seconds % 60)), Some(seconds));
    }
}
