//! From a connection to a login.

use krb_proto::gss::{ChannelBindings, InitiatorOptions};
use krb_proto::spnego::SpnegoInitiator;
use zeroize::Zeroizing;

use super::failure::TdsError;
use super::wire::{
    Change, Channel, Cursor, Encryption, Inside, LOGIN7, Login, Lost, Message, PRELOGIN, Proof,
    SSPI, Token, Unread, answered, prelogin, read,
};
use crate::credential::ServiceCredential;
use crate::network::Network;
use crate::resources::CallContext;
use crate::resources::sql::config::{self, By};
use crate::resources::sql::place::Place;

/// The name of TDS 8 in TLS.
const PROTOCOL: &[u8] = b"tds/8.0";
/// Kerberos takes one round, and a MIC perhaps one more.
const MAX_ROUNDS: usize = 6;
/// A server may be a listener that knows which of its others is awake.
const MAX_ROUTES: usize = 2;

/// Connects, encrypts and logs in.
pub(super) async fn log_in(
    network: &Network,
    cx: &CallContext,
    credential: Option<&ServiceCredential<'_>>,
    place: &Place<'_>,
) -> Result<Channel, TdsError> {
    let endpoint = place.endpoint;
    let mut port = endpoint.port;
    for _ in 0..=MAX_ROUTES {
        let (channel, bindings) = open(network, place, port).await?;
        match begin(channel, bindings, cx, credential, place).await? {
            Begun::In(channel) => return Ok(channel),
            Begun::Routed(host, to) if host.eq_ignore_ascii_case(&endpoint.host) => port = to,
            Begun::Routed(host, to) => return Err(TdsError::Routed(host, to)),
        }
    }
    Err(TdsError::Routed(endpoint.host.clone(), port))
}

/// A connection on which everything is encrypted, and what binds a ticket to it.
async fn open(
    network: &Network,
    place: &Place<'_>,
    port: u16,
) -> Result<(Channel, Option<ChannelBindings>), TdsError> {
    let host = &place.endpoint.host;
    let lost = |lost| TdsError::Lost("it was asked for encryption", lost);
    let stream = network.stream(host, port, false).await.map_err(TdsError::Connect)?;
    if place.endpoint.encryption == config::Encryption::Strict {
        let secured = network.overheard(host, stream, Some(PROTOCOL)).await;
        let (tls, finished) = secured.map_err(TdsError::Connect)?;
        if tls.get_ref().1.alpn_protocol() != Some(PROTOCOL) {
            return Err(TdsError::NotEncrypted("it does not speak TDS 8 (encryption strict)"));
        }
        let mut channel = Channel::new(Box::new(tls));
        channel.send(PRELOGIN, &prelogin(), false).await.map_err(lost)?;
        // What it says of encryption has no meaning here.
        channel.message().await.map_err(lost)?;
        return Ok((channel, bound(finished)));
    }
    let mut channel = Channel::new(stream);
    channel.send(PRELOGIN, &prelogin(), false).await.map_err(lost)?;
    let answer = channel.message().await.map_err(lost)?;
    if answered(&answer).map_err(lost)? == Encryption::Less {
        return Err(TdsError::NotEncrypted("it encrypts nothing, or the login alone"));
    }
    let inside = Inside::new(channel.into_stream());
    let secured = network.overheard(host, inside, None).await;
    let (mut tls, finished) = secured.map_err(TdsError::Connect)?;
    tls.get_mut().0.over();
    Ok((Channel::new(Box::new(tls)), bound(finished)))
}

fn bound(finished: Option<[u8; 12]>) -> Option<ChannelBindings> {
    finished.map(|finished| ChannelBindings::tls_unique(&finished))
}

enum Begun {
    In(Channel),
    Routed(String, u16),
}

/// What a login is shown.
enum Shown {
    Ticket(Box<SpnegoInitiator>, Vec<u8>),
    Password(String, Zeroizing<String>),
}

async fn show(
    bindings: Option<&ChannelBindings>,
    cx: &CallContext,
    credential: Option<&ServiceCredential<'_>>,
    place: &Place<'_>,
) -> Result<Shown, TdsError> {
    match &place.endpoint.login.by {
        By::Kerberos => {
            let options =
                InitiatorOptions { channel_bindings: bindings, ..InitiatorOptions::default() };
            let credential = credential.ok_or(TdsError::NoProof)?;
            let started = credential.start_spnego(&*cx.clock, &*cx.random, &options, |error| {
                TdsError::NotProven(*error).explain(place)
            });
            let (context, token) = started.map_err(TdsError::Explained)?;
            Ok(Shown::Ticket(Box::new(context), token))
        }
        By::Password { username, password } => {
            let (password, _) = password.current().await;
            Ok(Shown::Password(username.clone(), Zeroizing::clone(&password)))
        }
        By::Certificate { .. } => {
            Err(TdsError::NotEncrypted("no one logs in there by certificate"))
        }
    }
}

async fn begin(
    mut channel: Channel,
    bindings: Option<ChannelBindings>,
    cx: &CallContext,
    credential: Option<&ServiceCredential<'_>>,
    place: &Place<'_>,
) -> Result<Begun, TdsError> {
    let lost = |lost| TdsError::Lost("the user logged in", lost);
    let mut shown = show(bindings.as_ref(), cx, credential, place).await?;
    let login = Login {
        strict: place.endpoint.encryption == config::Encryption::Strict,
        server: &place.endpoint.host,
        database: place.database,
        proof: match &shown {
            Shown::Ticket(_, token) => Proof::Token(token),
            Shown::Password(user, password) => Proof::Password(user, password),
        },
    };
    let message = login.encode().ok_or(TdsError::LongName)?;
    channel.send(LOGIN7, &message, false).await.map_err(lost)?;
    for _ in 0..MAX_ROUNDS {
        let message = channel.message().await.map_err(lost)?;
        let answer = Answer::read(&message).map_err(|unread| {
            lost(match unread {
                Unread::Short => Lost::Wrong("its answer ends in the middle of something"),
                Unread::Wrong(what) => Lost::Wrong(what),
            })
        })?;
        if let Some(message) = answer.error {
            let by_ticket = matches!(shown, Shown::Ticket(..));
            return Err(TdsError::Refused { message, is_bound: bindings.is_some(), by_ticket });
        }
        let mut is_proven = true;
        if let Shown::Ticket(context, _) = &mut shown {
            if let Some(token) = &answer.token {
                let reply = context.step(token).map_err(TdsError::NotProven)?;
                if let Some(reply) = reply {
                    channel.send(SSPI, &reply, false).await.map_err(lost)?;
                }
            }
            is_proven = context.is_complete();
        }
        if !answer.is_in {
            continue;
        }
        // Whoever lets a user in knows the ticket's key, or is nobody.
        if !is_proven {
            return Err(TdsError::NoProof);
        }
        if let Some((host, port)) = answer.routed {
            return Ok(Begun::Routed(host, port));
        }
        if let Some(size) = answer.packet_size {
            channel.set_size(size).map_err(lost)?;
        }
        return Ok(Begun::In(channel));
    }
    Err(lost(Lost::Wrong("it asks for more and more")))
}

/// One message of a login.
#[derive(Default)]
struct Answer {
    token: Option<Vec<u8>>,
    error: Option<Message>,
    packet_size: Option<usize>,
    routed: Option<(String, u16)>,
    is_in: bool,
}

impl Answer {
    fn read(message: &[u8]) -> Result<Self, Unread> {
        let mut answer = Self::default();
        let mut cursor = Cursor::new(message);
        while cursor.left() > 0 {
            match read(&mut cursor)? {
                Token::Sspi(token) => answer.token = Some(token),
                Token::Error(message) => answer.error = answer.error.or(Some(message)),
                Token::LoginAck => answer.is_in = true,
                Token::Change(Change::PacketSize(size)) => answer.packet_size = Some(size),
                Token::Change(Change::Routed { host, port }) => answer.routed = Some((host, port)),
                Token::Change(_) | Token::Done(_) | Token::Other => {}
                Token::Columns(_) | Token::Row { .. } => {
                    return Err(Unread::Wrong("rows came in the place of a login"));
                }
            }
        }
        Ok(answer)
    }
}
