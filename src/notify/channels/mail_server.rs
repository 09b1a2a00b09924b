//! A talk with a mail server: how far it came, and whose a no is, the sender's, the address's, or what is written's.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Tls};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;

/// So long it may take to take leave.
const GOODBYE: Duration = Duration::from_secs(2);

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
    /// Whatever address, the sender's own too.
    Anybody,
    Address,
    Content,
}

/// Why a message wasn't handed over, and whether it may have been.
#[derive(Debug)]
pub(super) enum Failed {
    /// Before any of it was sent: it certainly wasn't.
    Before(Error),
    /// The talk got nowhere for so long, before any of it was sent.
    Silent,
    /// Once it was sent, or a part of it.
    After(Error),
    /// The server didn't say what became of it.
    Unanswered,
}

impl Server {
    /// Hands over a message, and knows how far it came (RFC 5321, 3.3: it's the server's once that has answered its end).
    pub(super) async fn hand_over(&self, message: &Message) -> Result<(), Failed> {
        let begun = tokio::time::timeout(self.timeout, self.begin(message.envelope())).await;
        let mut talk = begun.map_err(|_| Failed::Silent)?.map_err(Failed::Before)?;
        let sent = tokio::time::timeout(self.timeout, talk.message(&message.formatted())).await;
        sent.map_err(|_| Failed::Unanswered)?.map_err(Failed::After)?;
        // It has it, however it takes leave.
        let _ = tokio::time::timeout(GOODBYE, talk.abort()).await;
        Ok(())
    }

    /// [`Server::unwanted`], for no longer than a talk may take; nothing where it takes longer.
    pub(super) async fn whose_no(
        &self,
        from: &Mailbox,
        to: &Mailbox,
    ) -> Option<Result<Unwanted, Error>> {
        tokio::time::timeout(self.timeout, self.unwanted(from, to)).await.ok()
    }

    /// All that is said before the message itself.
    async fn begin(&self, envelope: &Envelope) -> Result<AsyncSmtpConnection, Error> {
        let mut talk = self.connected().await?;
        talk.command(Mail::new(envelope.from().cloned(), Vec::new())).await?;
        for to in envelope.to() {
            talk.command(Rcpt::new(to.clone(), Vec::new())).await?;
        }
        talk.command(Data).await?;
        Ok(talk)
    }

    /// A talk with it, by TLS and signed in where that is configured.
    async fn connected(&self) -> Result<AsyncSmtpConnection, Error> {
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
        Ok(talk)
    }

    /// Whose no it is, by a talk that ends before anything is sent: a code alone means this or that, by what it answers.
    async fn unwanted(&self, from: &Mailbox, to: &Mailbox) -> Result<Unwanted, Error> {
        let mut talk = self.connected().await?;
        let unwanted = match talk.command(Mail::new(Some(from.email.clone()), Vec::new())).await {
            Err(error) if error.is_permanent() => Unwanted::Sender,
            Err(error) => return Err(error),
            Ok(_) => match talk.command(Rcpt::new(to.email.clone(), Vec::new())).await {
                // An address that is known to be there shows whether it's about addresses at all.
                Err(error) if error.is_permanent() => {
                    match talk.command(Rcpt::new(from.email.clone(), Vec::new())).await {
                        Err(error) if error.is_permanent() => Unwanted::Anybody,
                        _ => Unwanted::Address,
                    }
                }
                Err(error) => return Err(error),
                Ok(_) => Unwanted::Content,
            },
        };
        talk.abort().await;
        Ok(unwanted)
    }
}
