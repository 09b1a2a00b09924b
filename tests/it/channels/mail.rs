//! A mail server that speaks enough of SMTP (RFC 5321) over TLS to take a message and to say no.

use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What it took: who sent it, who gets it, and the message as it came.
#[derive(Clone, Default)]
pub struct Mails(Arc<Mutex<Vec<String>>>);

impl Mails {
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// Listens; with STARTTLS, or TLS from the first byte.
pub async fn start(acceptor: TlsAcceptor, starttls: bool) -> (u16, Mails) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mails = Mails::default();
    let taken = mails.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (acceptor, taken) = (acceptor.clone(), taken.clone());
            tokio::spawn(async move {
                if starttls {
                    stream.write_all(b"220 mail ready\r\n").await.unwrap();
                    let mut lines = BufReader::new(&mut stream);
                    let mut line = String::new();
                    loop {
                        line.clear();
                        if lines.read_line(&mut line).await.unwrap_or(0) == 0 {
                            return;
                        }
                        let answer: &[u8] = match line.split_whitespace().next().unwrap_or("") {
                            "EHLO" => b"250-mail\r\n250 STARTTLS\r\n",
                            "STARTTLS" => b"220 go ahead\r\n",
                            _ => b"530 Must issue a STARTTLS command first\r\n",
                        };
                        lines.get_mut().write_all(answer).await.unwrap();
                        if line.starts_with("STARTTLS") {
                            break;
                        }
                    }
                }
                if let Ok(stream) = acceptor.accept(stream).await {
                    drop(talk(stream, &taken, !starttls).await);
                }
            });
        }
    });
    (port, mails)
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    taken: &Mails,
    greets: bool,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    if greets {
        stream.write_all(b"220 mail ready\r\n").await?;
    }
    let (mut known, mut message, mut line) = (false, String::new(), String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let plain = STANDARD.encode("\0office\0secret");
        let answer = match line.to_uppercase().split([' ', ':']).next().unwrap_or("").trim() {
            "EHLO" => "250-mail\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            "AUTH" if line.trim_end().ends_with(&plain) => {
                known = true;
                "235 known"
            }
            "AUTH" => "535 5.7.8 Authentication credentials invalid",
            "MAIL" if !known => "530 5.7.0 Authentication required",
            "MAIL" if line.contains("other@") => "553 Mail from must equal authorized user",
            "MAIL" if line.contains("blocked@") => "554 5.7.1 Service unavailable",
            "MAIL" => "250 ok",
            "RCPT" if line.contains("nobody@") => "550 5.1.1 mailbox unknown",
            "RCPT" if line.contains("closed@") => "550 5.7.1 Unable to relay",
            "RCPT" if line.contains("much@") => {
                "550 Mail rejected: daily sending quota exceeded for sender"
            }
            "RCPT" if line.contains("today@") => {
                "550 5.1.90 Your message can't be sent because you've reached your daily limit"
            }
            "RCPT" if line.contains("gone@") => "550 rejected",
            "RCPT" if line.contains("evening@") => "550 rejected by policy",
            "RCPT" if line.contains("full@") => "452 4.2.2 mailbox full",
            "RCPT" if line.contains("grey@") => {
                "451 4.7.1 Greylisting in action, please come back later"
            }
            "RCPT" if line.contains("relay@") => "554 5.7.1 Relay access denied",
            "RCPT" => {
                message = line.clone();
                "250 ok"
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                loop {
                    line.clear();
                    stream.read_line(&mut line).await?;
                    if line == ".\r\n" {
                        break;
                    }
                    message.push_str(&line);
                }
                if message.contains("policy@") {
                    "550 5.7.1 content denied"
                } else {
                    taken.0.lock().unwrap().push(message.clone());
                    "250 taken"
                }
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

/// A server without TLS that takes one message after the other, and at one word of the talk (none: at the greeting; a point: at
/// the message's end) says something else and ends it, or says nothing any more.
pub async fn breaks_off(at: &'static str, how: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move { drop(talk_until(stream, at, how).await) });
        }
    });
    port
}

async fn talk_until(stream: tokio::net::TcpStream, at: &str, how: &str) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut in_message) = (String::new(), false);
    loop {
        let word = match line.split_whitespace().next().unwrap_or("") {
            // Whoever hasn't said anything yet is greeted.
            "" => "",
            "." if in_message => ".",
            _ if in_message => "more",
            word => word,
        };
        let word = word.split(':').next().unwrap_or("").to_uppercase();
        if word == at {
            if how == "silent" {
                return std::future::pending().await;
            }
            stream.write_all(how.as_bytes()).await?;
            return Ok(());
        }
        in_message = (in_message && word != ".") || word == "DATA";
        let answer = match word.as_str() {
            "" => "220 mail ready\r\n",
            "EHLO" => "250-mail\r\n250 8BITMIME\r\n",
            "DATA" => "354 go on\r\n",
            "MORE" => "",
            _ => "250 ok\r\n",
        };
        stream.write_all(answer.as_bytes()).await?;
        line.clear();
        while line.is_empty() || line == "\r\n" && in_message {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
        }
    }
}
