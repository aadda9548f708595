use std::io::{self, IsTerminal as _};

use krb_client::{Armor, Client, ClientError};
use krb_proto::exchange::{AsExchange, ClientSecret, Exchange, ExchangeError, Step, TicketOptions};
use krb_proto::iana::ErrorCode;
use krb_proto::preauth::OneTimePassword;
use krb_proto::{Context, Credential, Name, Principal};

use super::secret::{self, Secret};
use super::{Kinit, expired};
use crate::environment::{Environment, driver};
use crate::secret::explained;
use crate::{Failure, complain};

/// A login, whatever the account shows.
pub(super) struct Login<'a> {
    pub(super) arguments: &'a Kinit,
    pub(super) environment: &'a Environment,
    pub(super) account: &'a Principal,
    pub(super) server: &'a Name,
    pub(super) options: TicketOptions,
}

impl Login<'_> {
    /// With this secret; or with a one-time password, if it turns out that the KDC wants one.
    pub(super) async fn run(&self, secret: Secret) -> Result<Credential, Failure> {
        let was_typed = secret.was_typed;
        let error = match self.with(secret).await? {
            Ok(ticket) => return Ok(ticket),
            Err(error) => error,
        };
        if !self.wants_token(&error).await {
            return Err(self.explained(error, was_typed));
        }
        let wanted =
            format!("{}: the KDC takes a one-time password, and this was none", self.account);
        // Where nobody types, a line of a file would be taken for it.
        if !was_typed || !io::stdin().is_terminal() {
            return Err(format!("{wanted}: use --otp").into());
        }
        complain(&wanted);
        self.with(secret::token(self.account)).await?.map_err(|error| self.explained(error, true))
    }

    fn explained(&self, error: ClientError, was_typed: bool) -> Failure {
        explained(self.account, &self.server.to_string(), error, was_typed)
    }

    async fn with(&self, secret: Secret) -> Result<Result<Credential, ClientError>, Failure> {
        let Self { account, server, options, .. } = self;
        let Secret { secret, was_typed, token } = secret;
        let mut config = self.environment.client(Principal::clone(account), secret);
        config.login = options.clone();
        config.armor = self.armor().await?;
        let client = Client::new(config);
        let mut outcome = client.initial(server, options.clone()).await;
        let lacks_pin = matches!(&outcome, Err(ClientError::Exchange(ExchangeError::PinWanted)));
        if let Some(token) = token.filter(|_| lacks_pin) {
            token.ask_for_pin(account)?;
            outcome = client.initial(server, options.clone()).await;
        }
        Ok(match outcome {
            Err(error) if was_typed && expired::is_it(&error) => {
                expired::change(&client, account).await?;
                client.initial(server, options.clone()).await
            }
            outcome => outcome,
        })
    }

    async fn armor(&self) -> Result<Option<Armor>, Failure> {
        Ok(match &self.arguments.armor {
            Some(cache) => Some(self.environment.armor(cache, &self.account.realm).await?),
            None => None,
        })
    }

    /// Was something else shown than the one-time password that the KDC takes?
    async fn wants_token(&self, error: &ClientError) -> bool {
        let code = error.refusal().map(|refusal| refusal.code);
        let may_be = matches!(error, ClientError::Exchange(ExchangeError::NoCommonMechanism))
            || matches!(code, Some(ErrorCode::PREAUTH_FAILED | ErrorCode::BAD_INTEGRITY));
        let Ok(Some(Armor::Ticket(armor))) = self.armor().await else { return false };
        if self.arguments.otp || !may_be {
            return false;
        }
        let none = OneTimePassword { value: Vec::new().into(), pin: None };
        let secret = ClientSecret::OneTimePassword(none);
        let (account, options) = (Principal::clone(self.account), self.options.clone());
        let offer = Offer(AsExchange::new(account, secret, options).armored(armor));
        driver(self.environment.realms.clone()).run(offer).await.unwrap_or_default()
    }
}

/// What the KDC takes, without showing it anything: whether one-time passwords are among it.
#[derive(Clone)]
struct Offer(AsExchange);

impl Exchange for Offer {
    type Output = bool;

    fn realm(&self) -> Result<&[u8], ExchangeError> {
        self.0.realm()
    }

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError> {
        self.0.request(cx)
    }

    fn receive(&mut self, cx: &Context<'_>, reply: &[u8]) -> Result<Step<bool>, ExchangeError> {
        match self.0.receive(cx, reply) {
            // With the next request it would be shown.
            Ok(Step::Continue) | Err(ExchangeError::PinWanted) => Ok(Step::Done(true)),
            Ok(Step::Done(_)) | Err(ExchangeError::NoCommonMechanism) => Ok(Step::Done(false)),
            Err(error) => Err(error),
        }
    }
}
