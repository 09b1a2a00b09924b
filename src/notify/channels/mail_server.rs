//! Whose no it is that a mail server gives: the sender's, the address's, or what is written's.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Tls};
use lettre::transport::smtp::commands::{Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;

/// Where it is, and how one comes in.
pub(super) struct Server {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) timeout: Duration,
    pub(super) tls: Tls,
    pub(super) credentials: Option<Credentials>,
}

/// What a server won't have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unwanted {
    Sender,
    Address,
    Content,
}

impl Server {
    /// Whose no it is, by a talk that ends before anything is sent: a code alone means this or that, by what it answers.
    pub(super) async fn unwanted(&self, from: &Mailbox, to: &Mailbox) -> Result<Unwanted, Error> {
        let hello = ClientId::default();
        let wrapped = match &self.tls {
            Tls::Wrapper(parameters) => Some(parameters.clone()),
            _ => None,
        };
        let at = (self.host.as_str(), self.port);
        let timeout = Some(self.timeout);
        let mut talk =
            AsyncSmtpConnection::connect_tokio1(at, timeout, &hello, wrapped, None).await?;
        if let Tls::Required(parameters) = &self.tls {
            talk.starttls(parameters.clone(), &hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            talk.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        let unwanted = match talk.command(Mail::new(Some(from.email.clone()), Vec::new())).await {
            Err(error) if error.is_permanent() => Unwanted::Sender,
            Err(error) => return Err(error),
            Ok(_) => match talk.command(Rcpt::new(to.email.clone(), Vec::new())).await {
                Err(error) if error.is_permanent() => Unwanted::Address,
                Err(error) => return Err(error),
                Ok(_) => Unwanted::Content,
            },
        };
        talk.abort().await;
        Ok(unwanted)
    }
}
