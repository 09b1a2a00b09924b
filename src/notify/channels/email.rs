//! E-mail by SMTP, as text and HTML.

use std::time::Duration;

use async_trait::async_trait;
use lettre::message::header::{Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};

use super::mail_server::{Failed, Server, Unwanted};
use super::{Channel, misconfigured};
use crate::db::{ADDRESS, Notice, Receipt};
use crate::delivery::http::too_many;
use crate::delivery::{Cause, Outcome};
use crate::settings::SettingsError;
use crate::settings::channels::{EmailSettings, EmailTls, channel_secret};

/// A mail server.
pub struct EmailChannel {
    from: Mailbox,
    /// Who looks after the messages: answers and wishes to hear no more go there.
    reply_to: Mailbox,
    server: Server,
}

/// Headers that lettre doesn't have by itself, each a name and a value.
macro_rules! header {
    ($type:ident, $name:literal) => {
        #[derive(Clone)]
        struct $type(String);

        impl Header for $type {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }

            fn parse(text: &str) -> Result<$type, Box<dyn std::error::Error + Send + Sync>> {
                Ok($type(text.to_owned()))
            }

            fn display(&self) -> HeaderValue {
                HeaderValue::new($type::name(), self.0.clone())
            }
        }
    };
}
// RFC 3834: no program answers it. RFC 2369: whom to ask to hear no more.
header!(AutoSubmitted, "Auto-Submitted");
header!(ListUnsubscribe, "List-Unsubscribe");

impl EmailChannel {
    /// By configuration.
    pub fn new(settings: &EmailSettings, timeout: Duration) -> Result<EmailChannel, SettingsError> {
        let wrong = |key: &str, why: &dyn std::fmt::Display| {
            SettingsError::Wrong(format!("notify.email.{key}：{why}"))
        };
        let from: Mailbox = settings.from.parse().map_err(|why| wrong("from", &why))?;
        let reply_to = match settings.reply_to.as_str() {
            "" => from.clone(),
            reply_to => reply_to.parse().map_err(|why| wrong("reply_to", &why))?,
        };
        let mut tls = TlsParameters::builder(settings.host.clone());
        if !settings.ca_file.as_os_str().is_empty() {
            let pem = std::fs::read(&settings.ca_file)
                .map_err(|why| wrong("ca_file", &crate::domain::reason::of_system(why.kind())))?;
            let ca = Certificate::from_pem(&pem).map_err(|why| wrong("ca_file", &why))?;
            tls = tls.add_root_certificate(ca);
        }
        let tls = match settings.tls {
            EmailTls::None => Tls::None,
            EmailTls::Implicit => Tls::Wrapper(tls.build().map_err(|why| wrong("tls", &why))?),
            EmailTls::Starttls => Tls::Required(tls.build().map_err(|why| wrong("tls", &why))?),
        };
        let mut credentials = None;
        if !settings.user.is_empty() {
            let key = "notify.email.password_file";
            let password = channel_secret(&settings.password, &settings.password_file, key)?;
            credentials = Some(Credentials::new(settings.user.clone(), password));
        }
        let (host, port) = (settings.host.clone(), settings.port);
        let server = Server { host, port, timeout, tls, credentials };
        Ok(EmailChannel { from, reply_to, server })
    }

    fn message(&self, notice: &Notice, to: &Mailbox) -> Result<Message, Outcome> {
        let builder = Message::builder()
            .from(self.from.clone())
            .to(to.clone())
            .reply_to(self.reply_to.clone())
            .subject(&notice.title)
            .header(AutoSubmitted("auto-generated".to_owned()))
            .header(ListUnsubscribe(format!(
                "<mailto:{}?subject=unsubscribe>",
                self.reply_to.email
            )))
            // The same whenever the same notice is sent: many a server keeps one of them.
            .message_id(Some(format!("<{}@{}>", notice.id, self.from.email.domain())));
        let built = match &notice.html {
            Some(html) => builder
                .multipart(MultiPart::alternative_plain_html(notice.body.clone(), html.clone())),
            None => builder.body(notice.body.clone()),
        };
        built.map_err(|why| Outcome::NotSent {
            reason: format!("unwritable: {why}"),
            retry_after: None,
            cause: Cause::Thing,
        })
    }
}

/// What a mail server's answer, or its absence, means (RFC 5321, 4.2.3; RFC 3463).
fn outcome(error: &Error) -> Outcome {
    let words: String = error.to_string().chars().take(200).collect();
    let (lower, not_sent) = (words.to_lowercase(), |name: &str| not_sent(name, &words));
    if is_a_share(&lower) && error.is_permanent() {
        return misconfigured(&words);
    }
    match error.status().map(u16::from) {
        // The server won't have it of us (RFC 3463, X.7.x): it relays nothing, or our share is used up.
        Some(550 | 551 | 553 | 554) if is_of_the_sender(&lower) => misconfigured(&words),
        // The mailbox isn't there, or isn't this server's.
        Some(550 | 551 | 553) => Outcome::Refused { reason: format!("{ADDRESS}: {words}") },
        Some(530 | 534 | 535 | 538) => misconfigured(&words),
        // The server as a whole is closing, or says (RFC 3463: X.3.x, X.4.x, X.7.x) that it's its own affair.
        Some(421) => too_many(&words, None),
        Some(450..=452)
            if ["greylist", "graylist", "grey list"].iter().any(|so| lower.contains(so)) =>
        {
            of_the_mailbox(&words)
        }
        Some(450..=452) if ["4.3.", "4.4.", "4.7."].iter().any(|code| words.contains(code)) => {
            too_many(&words, None)
        }
        // This mailbox (RFC 3463, X.2.x): full, or busy. Others aren't.
        Some(450) => of_the_mailbox(&words),
        Some(452) if words.contains("4.2.") => of_the_mailbox(&words),
        Some(451 | 452) => not_sent("refused_for_now"),
        Some(552 | 554) => refused(&words),
        Some(_) => not_sent("refused_for_now"),
        None => Outcome::Unknown { reason: format!("cut_off: {words}") },
    }
}

/// Why nothing was begun, where the server didn't even answer by a code.
fn never_begun(error: &Error) -> Outcome {
    let words: String = error.to_string().chars().take(200).collect();
    match () {
        () if error.is_tls() => not_sent("certificate", &words),
        () if error.is_timeout() => not_sent("timeout", &words),
        // It doesn't offer what is configured: starttls, a way of signing in.
        () if error.is_client() => misconfigured(&words),
        () => not_sent("not_connected", &words),
    }
}

/// This mailbox takes nothing for now; others do.
fn of_the_mailbox(words: &str) -> Outcome {
    let reason = format!("mailbox: {words}");
    Outcome::NotSent { reason, retry_after: None, cause: Cause::Alone }
}

/// Whether a no at the recipient's turn is about whoever sends.
fn is_of_the_sender(words: &str) -> bool {
    const SAID: [&str; 5] = ["5.7.", "relay", "sender", "client host", "not permitted"];
    SAID.iter().any(|said| words.contains(said))
}

/// Whether a no says that there's no such mailbox (RFC 3463, X.1.x and X.2.1; RFC 5321, 4.2.2): so it is, though the sender's own
/// address may be none to which anything is sent.
fn names_the_mailbox(words: &str) -> bool {
    const SAID: [&str; 15] = [
        "5.1.1",
        "5.1.2",
        "5.1.3",
        "5.1.6",
        "5.1.10",
        "5.2.1",
        "user unknown",
        "unknown user",
        "no such",
        "not exist",
        "doesn't exist",
        "mailbox unavailable",
        "mailbox not found",
        "user not found",
        "invalid recipient",
    ];
    SAID.iter().any(|said| words.contains(said))
}

/// Whether a no says that we have sent as much as we may for now: whoever it's for may have it tomorrow. A mailbox that is
/// full is its owner's affair. By the words of Exchange Online, NetEase's and Tencent's mail, Postfix and Gmail.
fn is_a_share(words: &str) -> bool {
    const SAID: [&str; 20] = [
        "sending quota",
        "sending limit",
        "daily limit",
        "message limit",
        "recipient limit",
        "limit of",
        "limit for message",
        "limit exceeded",
        "rate limit",
        "rcpts per",
        "recipients per",
        "24-hour",
        "24 hours",
        "submissionquota",
        "5.1.90",
        "mi:stc",
        "rp:trc",
        "rp:cel",
        "too many",
        "try again later",
    ];
    const OF_THE_MAILBOX: [&str; 4] = ["4.2.2", "5.2.2", "mailbox full", "mailbox is full"];
    let is = |some: &[&str]| some.iter().any(|said| words.contains(said));
    is(&SAID) && !is(&OF_THE_MAILBOX)
}

fn not_sent(name: &str, words: &str) -> Outcome {
    let reason = format!("{name}: {words}");
    Outcome::NotSent { reason, retry_after: None, cause: Cause::Thing }
}

/// This very message isn't taken.
fn refused(words: &str) -> Outcome {
    Outcome::Refused { reason: format!("refused: {words}") }
}

#[async_trait]
impl Channel for EmailChannel {
    async fn send(&self, notice: &Notice) -> Outcome {
        let address = notice.addresses.email.as_ref().and_then(|email| email.parse().ok());
        let Some(address) = address else {
            return Outcome::Refused { reason: format!("{ADDRESS}: no such form of address") };
        };
        let to = Mailbox::new(Some(notice.staff_name.clone()), address);
        let message = match self.message(notice, &to) {
            Ok(message) => message,
            Err(outcome) => return outcome,
        };
        let error = match self.server.hand_over(&message).await {
            Ok(()) => return Outcome::Delivered(Receipt::default()),
            Err(Failed::Silent) => return not_sent("timeout", ""),
            Err(Failed::Unanswered) => return Outcome::Unknown { reason: "timeout: ".to_owned() },
            // What isn't an answer of the server's was said before it had any of the message.
            Err(Failed::Before(error)) if error.status().is_none() => return never_begun(&error),
            Err(Failed::Before(error) | Failed::After(error)) => error,
        };
        let words = || error.to_string().chars().take(200).collect::<String>();
        match error.status().map(u16::from) {
            // About the address only where it answers that: of the sender, of what is written, and of whoever calls at all, they
            // are said too.
            Some(550 | 551 | 553 | 554) if !is_a_share(&words().to_lowercase()) => {
                match self.server.whose_no(&self.from, &to).await {
                    Some(Ok(Unwanted::Address)) => outcome(&error),
                    Some(Ok(Unwanted::Anybody)) if names_the_mailbox(&words().to_lowercase()) => {
                        outcome(&error)
                    }
                    Some(Ok(Unwanted::Anybody)) => misconfigured(format!(
                        "邮件服务器对哪个收件人都不收，连发件地址自己也不收：{}",
                        words()
                    )),
                    Some(Ok(Unwanted::Sender)) => {
                        misconfigured(format!("发件地址不被接受：{}", words()))
                    }
                    Some(Ok(Unwanted::Content)) => refused(&words()),
                    Some(Err(why)) if why.is_permanent() => {
                        misconfigured(format!("邮件服务器不让本机发信：{}", words()))
                    }
                    Some(Err(_)) | None => not_sent("refused_for_now", &words()),
                }
            }
            _ => outcome(&error),
        }
    }
}
