//! Who is measured, as the tables call them. The programs in `peers/` print these names too.

/// The cost of copying the message.
pub const COPY: &str = "floor: memcpy";
/// The cost of reading every tag and length of the message.
pub const WALK: &str = "floor: TLV walk";
/// Decoding into values that borrow from the message.
pub const BORROWED: &str = "krb-proto, borrowed";
/// Decoding into values of our own.
pub const OWNED: &str = "krb-proto, owned";
/// Encoding into a buffer that is used again.
pub const REUSED: &str = "krb-proto, reused buffer";
/// Encoding into a vector.
pub const FRESH: &str = "krb-proto, fresh vector";
/// Crypto with the keys of a usage already derived.
pub const CACHED: &str = "krb-proto, keys cached";
/// Crypto with a key that is new for every call, and whatever has no such difference.
pub const OURS: &str = "krb-proto";
/// rasn-kerberos.
pub const RASN: &str = "rasn-kerberos";
/// picky-krb.
pub const PICKY: &str = "picky-krb";
/// kerberos_asn1.
pub const KERBEROS_ASN1: &str = "kerberos_asn1";
/// kerberos_crypto.
pub const KERBEROS_CRYPTO: &str = "kerberos_crypto";
/// kerbcore.
pub const KERBCORE: &str = "kerbcore";
/// kerbcore where it reads only some members of a message: no match for a decoder of all of it.
pub const KERBCORE_PART: &str = "kerbcore (some members)";
/// MIT's libkrb5 and libk5crypto; `krb5_c` functions, which derive keys in every call.
pub const MIT: &str = "MIT krb5";
/// MIT's libk5crypto; `krb5_k` functions.
pub const MIT_CACHED: &str = "MIT krb5, keys cached";
/// Heimdal's libasn1 and libkrb5.
pub const HEIMDAL: &str = "Heimdal";
/// Heimdal's libkrb5, one `krb5_crypto` for all calls.
pub const HEIMDAL_CACHED: &str = "Heimdal, keys cached";
/// gokrb5.
pub const GOKRB5: &str = "gokrb5";
/// OpenSSL's primitives in the place of the enctype's.
pub const OPENSSL: &str = "OpenSSL primitives";
/// Our KDC.
pub const KDC: &str = "krb kdc";
/// Our client, the library and `krb`.
pub const CLIENT: &str = "krb-client";
/// The JDK's GSS-API, with its own Kerberos.
pub const JDK: &str = "JDK (JGSS)";
/// impacket.
pub const IMPACKET: &str = "impacket";
/// A KDC, asked with messages that were made before.
pub const ALONE: &str = "floor: the KDC alone";
/// A process that does nothing.
pub const NOTHING: &str = "floor: a process that does nothing";
/// The MCP server.
pub const SERVER: &str = "krb-mcp";
/// rmcp, which `krb-mcp` is built on, behind one check of a token's signature.
pub const RMCP: &str = "rmcp and ES256";
/// fastmcp in TypeScript behind one check of a token's signature.
pub const FASTMCP: &str = "fastmcp (TypeScript)";
/// smbclient, from one file to the next.
pub const SMBCLIENT: &str = "smbclient, one session";
/// tokio-postgres by itself, which is given a statement's text each time.
pub const POSTGRES: &str = "tokio-postgres";
/// tiberius by itself.
pub const TIBERIUS: &str = "tiberius";
/// A session in which the user has logged in.
pub const USER: &str = "krb-mcp, a ticket";
/// A session of a service login, which takes on the user's role.
pub const ROLE: &str = "krb-mcp, a role";
/// A session of a service login, which executes as the user.
pub const EXECUTE_AS: &str = "krb-mcp, EXECUTE AS";
