//! Which header fields a caller may send to a web application.
//!
//! What names the user is the ticket and nothing else, but web applications behind proxies believe
//! header fields too, under more names than any list of forbidden ones has. So only what is known
//! to speak of content passes, and what the operator names for a target.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use super::failure::Misasked;

/// How many header fields a caller may set, and how long they may be together, in bytes: less than
/// what web servers take beside a ticket.
const MAX_HEADERS: usize = 50;
const MAX_HEADER_BYTES: usize = 16 << 10;

/// Fields that choose, describe or guard content, or trace a request: those of RFC 9110, OData,
/// SOAP and SharePoint, and the marks by which applications know that no form of another site sent
/// the request. In lower case.
const KNOWN: [&str; 61] = [
    "accept",
    "accept-charset",
    "accept-datetime",
    "accept-encoding",
    "accept-language",
    "accept-profile",
    "baggage",
    "cache-control",
    "client-request-id",
    "content-digest",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-location",
    "content-md5",
    "content-type",
    "dataserviceversion",
    "digest",
    "idempotency-key",
    "if",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "kbn-xsrf",
    "last-event-id",
    "maxdataserviceversion",
    "mime-version",
    "mindataserviceversion",
    "odata-isolation",
    "odata-maxversion",
    "odata-version",
    "origin",
    "osd-xsrf",
    "pragma",
    "prefer",
    "priority",
    "range",
    "referer",
    "repr-digest",
    "request-id",
    "requestverificationtoken",
    "return-client-request-id",
    "save-data",
    "slug",
    "soapaction",
    "traceparent",
    "tracestate",
    "user-agent",
    "want-content-digest",
    "want-repr-digest",
    "x-atlassian-token",
    "x-correlation-id",
    "x-csrf-token",
    // SharePoint, which takes it for "answer 401 and no login form".
    "x-forms_based_auth_accepted",
    "x-request-id",
    "x-requestdigest",
    "x-requested-with",
    // Azure DevOps Server, likewise.
    "x-tfs-fedauthredirect",
    "x-xsrf-token",
];

/// What belongs to the connection, or makes another request of the one that policy has seen.
const CONNECTION: [&str; 20] = [
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-host",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-method",
    "x-original-url",
    "x-rewrite-url",
];

/// Parts of names by which somebody says who came, or by which way. Searched for in a name without
/// its separators, so that `X-WebAuth-User`, `SSL_CLIENT_S_DN` and `MSCRMCallerID` are found.
const IDENTITY: [&str; 32] = [
    "account",
    "assert",
    "auth",
    "behalf",
    "bearer",
    "caller",
    "cert",
    "clientdn",
    "cookie",
    "credential",
    "email",
    "forward",
    "group",
    "identity",
    "impersonat",
    "jwt",
    "login",
    "logon",
    "mailbox",
    "oidc",
    "password",
    "principal",
    "proxy",
    "realip",
    "remote",
    "role",
    "saml",
    "secret",
    "shib",
    "ssl",
    "subject",
    "user",
];

/// Whether every caller may send it to every web application.
pub(super) fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether an operator may allow it for a target.
///
/// # Errors
/// Why not.
pub(super) fn check_allowed(name: &str) -> Result<(), &'static str> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !(1..=64).contains(&name.len()) || !name.bytes().all(is_token) {
        return Err("must be header field names of 1 to 64 characters");
    }
    // CGI makes one variable of "-" and "_", and some servers drop what they do not like.
    let plain = name.to_ascii_lowercase().replace('_', "-");
    if CONNECTION.contains(&plain.as_str()) {
        return Err(
            "must name no field that belongs to the connection or changes what is asked for",
        );
    }
    let squeezed: String = plain.chars().filter(char::is_ascii_alphanumeric).collect();
    if IDENTITY.iter().any(|part| squeezed.contains(part)) {
        return Err(
            "must name no field by which a proxy or an application is told who came: that \
                    is the ticket's to say",
        );
    }
    Ok(())
}

/// The header fields of a request, if the web application `takes` all of them.
pub(super) fn read(
    takes: impl Fn(&str) -> bool,
    given: &[(String, String)],
) -> Result<HeaderMap, Misasked> {
    let refuse = Misasked::Header;
    if given.len() > MAX_HEADERS {
        return Err(refuse(format!("more than {MAX_HEADERS} headers")));
    }
    if given.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > MAX_HEADER_BYTES
    {
        return Err(refuse(format!("headers of more than {MAX_HEADER_BYTES} bytes together")));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
        let parsed = parsed.zip(HeaderValue::from_str(value).ok());
        let Some((name, value)) = parsed else {
            return Err(refuse(format!("the header {name:?} is not well-formed")));
        };
        if !takes(name.as_str()) {
            return Err(refuse(format!("the header {name} cannot be set")));
        }
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::super::Endpoint;
    use super::super::tests::endpoint;
    use super::*;
    use crate::{Code, Failure};

    /// Fields by which proxies and applications hand identities on, from their documentation.
    const HANDED_ON: [&str; 44] = [
        "Authorization",
        "Cookie",
        "Proxy",
        "Proxy-Authorization",
        "Remote-User",
        "REMOTE_USER",
        "Remote-Groups",
        "X-Remote-User",
        "X-WEBAUTH-USER",
        "X-Auth-Request-User",
        "X-Auth-Request-Access-Token",
        "X-Authenticated-Userid",
        "X-Authentik-Username",
        "X-MS-CLIENT-PRINCIPAL",
        "X-MS-CLIENT-PRINCIPAL-NAME",
        "X-SSL-Client-Cert",
        "X-SSL-Client-S-DN",
        "SSL_CLIENT_S_DN",
        "SSL-Client-Verify",
        "X-Client-Cert",
        "X-ARR-ClientCert",
        "Client-Cert",
        "X-Forwarded-User",
        "X-Forwarded-For",
        "X-Forwarded-Access-Token",
        "Forwarded",
        "X-Goog-Authenticated-User-Email",
        "X-Goog-IAP-JWT-Assertion",
        "Cf-Access-Jwt-Assertion",
        "X-Amzn-Oidc-Identity",
        "X-Pomerium-Jwt-Assertion",
        "Tailscale-User-Login",
        "OIDC_CLAIM_sub",
        "SM_USER",
        "iv-user",
        "Shib-Session-ID",
        "X-Real-IP",
        "MSCRMCallerID",
        "X-AnchorMailbox",
        "Impersonate-User",
        "X-On-Behalf-Of",
        "X-Logon-User",
        "X-Consumer-Groups",
        "X-Rewrite-URL",
    ];

    #[test]
    fn what_hands_identities_on_is_no_callers_and_cannot_be_allowed() {
        for name in HANDED_ON {
            assert!(!is_known(name), "{name}");
            check_allowed(name).expect_err(name);
            let other = name.replace('-', "_").to_uppercase();
            assert!(!is_known(&other), "{other}");
            check_allowed(&other).expect_err(&other);
        }
        // No such name is known either: mod_shib makes fields of any attribute.
        for name in ["eppn", "mail", "uid", "entitlement", "X-Ticket", "HTTP_FOO"] {
            assert!(!is_known(name), "{name}");
        }
    }

    #[test]
    fn what_speaks_of_content_is_everybodys() {
        for name in ["Accept", "content-TYPE", "If-None-Match", "Prefer", "SOAPAction", "Range"] {
            assert!(is_known(name), "{name}");
        }
        for name in ["OData-Version", "X-FORMS_BASED_AUTH_ACCEPTED", "X-RequestDigest"] {
            assert!(is_known(name), "{name}");
        }
        // CGI would make `HTTP_CONTENT_TYPE` of it too.
        assert!(!is_known("Content_Type"));
        assert!(KNOWN.is_sorted(), "so that one sees what is there");
        for name in KNOWN {
            assert!(!CONNECTION.contains(&name), "{name}");
        }
    }

    #[test]
    fn an_operator_allows_plain_names_only() {
        for name in ["X-Reason", "X-Client-Version", "MSCRM.SuppressDuplicateDetection", "apikey"] {
            assert_eq!(check_allowed(name), Ok(()), "{name}");
        }
        for name in ["", "a b", "é", "X-Reason:", "Host", "TE", "transfer_encoding"] {
            check_allowed(name).expect_err(name);
        }
        assert_eq!(check_allowed(&"a".repeat(64)), Ok(()));
        check_allowed(&"a".repeat(65)).expect_err("65");
    }

    fn headers(name: &str, value: &str) -> Result<HeaderMap, Misasked> {
        read(|name| target().takes_header(name), &[(name.into(), value.into())])
    }

    fn target() -> Endpoint {
        endpoint(
            r#"{"name": "web", "url": "https://web.example.com",
            "spn": "HTTP/web.example.com", "allowHeaders": ["X-Request-Reason"]}"#,
        )
    }

    #[test]
    fn identity_and_connection_are_not_the_callers() {
        assert!(headers("Accept", "text/html").is_ok());
        assert!(headers("X-Request-Reason", "audit é").is_ok());
        let refused = [
            "Authorization",
            "cookie",
            "HOST",
            "Transfer-Encoding",
            "Transfer_Encoding",
            "Connection",
            "TE",
            "Proxy",
            "Proxy-Authorization",
            "X-Forwarded-User",
            "x_remote_user",
            "X-WEBAUTH-USER",
            "X-MS-CLIENT-PRINCIPAL",
            "X-Request_Reason",
            "X-Original-URL",
            "X-HTTP-Method-Override",
        ];
        for name in refused {
            let refused = Failure::from(headers(name, "x").unwrap_err());
            assert_eq!(refused.code, Code::InvalidArgument, "{name}");
        }
        for (name, value) in [("a b", "x"), ("accept", "x\r\nHost: y"), ("", "x")] {
            assert!(headers(name, value).is_err(), "{name:?}: {value:?}");
        }
        let many = |number| vec![("accept".to_owned(), "b".to_owned()); number];
        assert!(read(|name| target().takes_header(name), &many(MAX_HEADERS)).is_ok());
        assert!(read(|name| target().takes_header(name), &many(MAX_HEADERS + 1)).is_err());
        let long = |length| vec![("accept".to_owned(), "b".repeat(length - "accept".len()))];
        assert!(read(|name| target().takes_header(name), &long(MAX_HEADER_BYTES)).is_ok());
        assert!(read(|name| target().takes_header(name), &long(MAX_HEADER_BYTES + 1)).is_err());
    }
}
