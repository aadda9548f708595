//! Tokens that are bound to a client's certificate (RFC 8705), behind the reverse proxies that end its
//! TLS: nginx and Apache as Debian has them, set up as docs/proxy.md says.

use std::fs;
use std::net::TcpStream;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use krb_tests::{Lab, Server, Setup, issuer, pac};
use serde_json::{Value, json};

use crate::lab;

/// A reverse proxy on loopback; it ends with its value.
struct Proxy {
    name: &'static str,
    process: Child,
    port: u16,
}

impl Proxy {
    fn start(name: &'static str, port: u16, mut command: Command) -> Self {
        let process = command.stdin(Stdio::null()).process_group(0).spawn();
        let process = process.expect("`tests/lab install` gets it");
        let mut proxy = Self { name, process, port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = proxy.process.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < Duration::from_secs(20),
                "{name} {ended:?}"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        proxy
    }

    fn nginx(folder: &Path, port: u16, server: &Server) -> Self {
        let (here, ours) = (folder.display(), server.port());
        let configuration = format!(
            "daemon off; master_process off; pid {here}/nginx.pid; error_log {here}/nginx.log;
             events {{}}
             http {{
                 access_log off;
                 client_body_temp_path {here}/body; proxy_temp_path {here}/proxy;
                 fastcgi_temp_path {here}/f; uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;
                 server {{
                     listen 127.0.0.1:{port} ssl;
                     ssl_certificate {here}/server.crt;
                     ssl_certificate_key {here}/server.key;
                     ssl_client_certificate {here}/ca.crt;
                     ssl_verify_client optional;
                     location / {{
                         proxy_pass http://127.0.0.1:{ours};
                         proxy_http_version 1.1;
                         proxy_set_header Host $host;
                         proxy_set_header Connection \"\";
                         proxy_set_header Client-Cert $ssl_client_escaped_cert;
                         proxy_next_upstream off;
                     }}
                 }}
             }}"
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration).unwrap();
        let mut command = Command::new("nginx");
        command.arg("-c").arg(file).arg("-e").arg(folder.join("nginx.log"));
        Self::start("nginx", port, command)
    }

    fn apache(folder: &Path, port: u16, server: &Server) -> Self {
        let (here, ours) = (folder.display(), server.port());
        let modules = ["mpm_event", "authz_core", "ssl", "proxy", "proxy_http", "headers"];
        let modules = modules.map(|name| {
            format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")
        });
        let configuration = format!(
            "ServerRoot {here}
             ServerName 127.0.0.1
             PidFile {here}/httpd.pid
             DefaultRuntimeDir {here}
             User www-data
             Group www-data
             {modules}
             ErrorLog {here}/apache.log
             Listen 127.0.0.1:{port}
             <VirtualHost 127.0.0.1:{port}>
                 SSLEngine on
                 SSLCertificateFile {here}/server.crt
                 SSLCertificateKeyFile {here}/server.key
                 SSLCACertificateFile {here}/ca.crt
                 SSLVerifyClient optional
                 RequestHeader unset Client-Cert
                 RequestHeader set Client-Cert \"%{{SSL_CLIENT_CERT}}s\" \"expr=%{{SSL_CLIENT_VERIFY}} == 'SUCCESS'\"
                 RequestHeader edit Client-Cert \"^-----BEGIN CERTIFICATE-----\" \":\"
                 RequestHeader edit Client-Cert \"-----END CERTIFICATE-----.*$\" \":\"
                 RequestHeader edit* Client-Cert \"\\s\" \"\"
                 ProxyPreserveHost On
                 ProxyPass / http://127.0.0.1:{ours}/
             </VirtualHost>",
            modules = modules.concat()
        );
        let file = folder.join("httpd.conf");
        fs::write(&file, configuration).unwrap();
        let mut command = Command::new("apache2");
        command.arg("-DFOREGROUND").arg("-f").arg(file);
        Self::start("Apache", port, command)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Apache has processes below it, all of one group.
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}

/// Certificates of a CA of the test's own: `server`, and clients of these names.
fn certificates(lab: &Lab, folder: &Path, clients: &[&str]) {
    let (here, host) = (folder.display(), lab.var("MCP_HOST"));
    let mut script = format!(
        "cd {here}
         ec='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
         openssl req -x509 $ec -days 30 -subj '/CN=a CA' -keyout ca.key -out ca.crt 2>ca.log
         make() {{
             openssl req $ec -subj \"/CN=$1\" -keyout $1.key -out $1.csr 2>>ca.log
             openssl x509 -req -in $1.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -out $1.crt \
                 -extfile <(echo \"subjectAltName=DNS:{host}\") 2>>ca.log
             openssl x509 -in $1.crt -outform DER -out $1.der
         }}
         make server\n"
    );
    for client in clients {
        script += &format!("make {client}\n");
    }
    lab.shell(&script);
}

// The issuer answers while curl is waited for.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_bound_to_a_certificate_is_good_with_it_alone_behind_nginx_and_apache() {
    let lab = lab!();
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    setup.change = |configuration| {
        let host = krb_tests::lab().unwrap().var("MCP_HOST");
        configuration["server"]["allowedHosts"] = json!([host]);
        configuration["server"]["clientCertificateHeader"] = json!({ "from": ["127.0.0.1"] });
    };
    let server = Server::start(lab, &setup);
    let folder = server.folder().join("proxies");
    fs::create_dir_all(&folder).unwrap();
    // nginx and Apache give their work to somebody else.
    certificates(lab, &folder, &["alice", "mallory"]);
    let der = |name: &str| fs::read(folder.join(format!("{name}.der"))).unwrap();
    let token = issuer.token_bound_to_certificate("ALICE_ADMIN", &der("alice"));
    let forged = format!("-H 'Client-Cert: :{}:'", Base64::encode_string(&der("alice")));

    for proxy in [Proxy::nginx(&folder, 18443, &server), Proxy::apache(&folder, 18444, &server)] {
        let call = |token: &str, certificate: Option<&str>, more: &str| -> (String, Value) {
            let message = json!({
                "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": {
                    "name": "kerberos-http-request", "arguments": { "url": lab.url("/whoami") }
                }
            });
            fs::write(folder.join("call.json"), message.to_string()).unwrap();
            let with = certificate.map(|name| format!("--cert {name}.crt --key {name}.key"));
            let (host, port) = (lab.var("MCP_HOST"), proxy.port);
            let said = lab.shell(&format!(
                "cd {here}
                 curl -s -m 30 --noproxy '*' --resolve {host}:{port}:127.0.0.1 --cacert ca.crt {with} \
                   {more} -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \
                   --data @call.json -w '\\n%{{http_code}}' https://{host}:{port}/mcp",
                here = folder.display(),
                with = with.unwrap_or_default(),
            ));
            let (answer, status) = said.rsplit_once('\n').unwrap();
            (status.to_owned(), serde_json::from_str(answer).unwrap_or_default())
        };
        let name = proxy.name;
        let (status, answer) = call(&token, Some("alice"), "");
        assert_eq!(status, "200", "{name}: {answer:#}");
        let page = answer["result"]["structuredContent"]["data"]["body"].as_str();
        let page = pac::page(page.unwrap_or_else(|| panic!("{name}: {answer:#}")));
        assert_eq!(page.remote_user, lab.principal("ALICE_ADMIN"), "{name}");
        // Somebody who has the token and not the key, with a certificate of theirs and without; what
        // they write into the field the proxy takes away.
        for (certificate, more, says) in [
            (Some("mallory"), "", "another client certificate"),
            (Some("mallory"), &*forged, "another client certificate"),
            (None, "", "none came with it"),
            (None, &*forged, "none came with it"),
        ] {
            let (status, answer) = call(&token, certificate, more);
            assert_eq!(status, "401", "{name} {certificate:?} {more}: {answer:#}");
            assert!(answer.to_string().contains(says), "{name} {certificate:?} {more}: {answer:#}");
        }
        // A token that is bound to nothing does not mind.
        let bob = issuer.token_for("bob");
        for certificate in [Some("mallory"), None] {
            assert_eq!(call(&bob, certificate, "").0, "200", "{name}");
        }
    }
}
