//! Connections that are kept.

use std::error::Error;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tiberius::{AuthMethod, Config, EncryptionLevel};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_postgres::NoTls;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

pub type Failed = Box<dyn Error + Send + Sync>;

/// How a statement is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// tokio-postgres, which is given its text each time.
    Postgres,
    /// tokio-postgres, which has prepared it.
    Prepared,
    /// tiberius, by a batch: what it calls the parameters of `sp_executesql` MS-TDS has no names for, and
    /// the tests' server is strict.
    Tiberius,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "tokio-postgres",
            Self::Prepared => "tokio-postgres, prepared",
            Self::Tiberius => "tiberius",
        }
    }
}

pub enum Client {
    Postgres(tokio_postgres::Client),
    Prepared(tokio_postgres::Client, Option<(String, tokio_postgres::Statement)>),
    Tiberius(Box<tiberius::Client<Compat<TcpStream>>>),
}

impl Client {
    /// How many rows there are.
    pub async fn ask(&mut self, text: &str) -> Result<usize, Failed> {
        match self {
            Self::Postgres(client) => Ok(client.query(text, &[]).await?.len()),
            Self::Prepared(client, kept) => {
                let statement = match kept {
                    Some((of, statement)) if of == text => statement.clone(),
                    _ => client.prepare(text).await?,
                };
                *kept = Some((text.to_owned(), statement.clone()));
                Ok(client.query(&statement, &[]).await?.len())
            }
            Self::Tiberius(client) => {
                Ok(client.simple_query(text).await?.into_first_result().await?.len())
            }
        }
    }
}

pub struct Login<'a> {
    pub engine: &'a str,
    pub address: &'a str,
    pub host: &'a str,
    pub ca: &'a str,
    pub user: &'a str,
    pub password: &'a str,
}

impl Login<'_> {
    pub fn kinds(&self) -> &'static [Kind] {
        match self.engine {
            "postgresql" => &[Kind::Postgres, Kind::Prepared],
            _ => &[Kind::Tiberius],
        }
    }

    pub async fn client(&self, kind: &Kind) -> Result<Client, Failed> {
        Ok(match kind {
            Kind::Postgres => Client::Postgres(self.postgres().await?),
            Kind::Prepared => Client::Prepared(self.postgres().await?, None),
            Kind::Tiberius => Client::Tiberius(Box::new(self.tiberius().await?)),
        })
    }

    async fn stream(&self) -> Result<TcpStream, Failed> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// TLS is asked for here (SSLRequest), and tokio-postgres is given what is inside of it.
    async fn postgres(&self) -> Result<tokio_postgres::Client, Failed> {
        let mut stream = self.stream().await?;
        stream.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).await?;
        if stream.read_u8().await? != b'S' {
            return Err("it offers no TLS".into());
        }
        let stream = self.encrypted(stream).await?;
        let mut config = tokio_postgres::Config::new();
        config.user(self.user).password(self.password).dbname("app");
        config.ssl_mode(tokio_postgres::config::SslMode::Disable);
        let (client, connection) = config.connect_raw(stream, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    async fn encrypted(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Failed> {
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(self.ca)? {
            roots.add(certificate?)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(self.host.to_owned())?;
        Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
    }

    async fn tiberius(&self) -> Result<tiberius::Client<Compat<TcpStream>>, Failed> {
        let mut config = Config::new();
        config.host(self.host);
        config.database("app");
        config.authentication(AuthMethod::sql_server(self.user, self.password));
        config.encryption(EncryptionLevel::Required);
        config.trust_cert_ca(self.ca);
        Ok(tiberius::Client::connect(config, self.stream().await?.compat_write()).await?)
    }
}
