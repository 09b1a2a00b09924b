//! docs/outcomes.md against the code: a server that really answers so, and what each adapter makes of it.

use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zoufang::clock::{Chance, Clock};
use zoufang::daemon::{open_channel, platform};
use zoufang::db::{Dispatch, Message, Photo};
use zoufang::delivery::Outcome;
use zoufang::domain::delivery::search::SearchResult;
use zoufang::settings::Settings;
use zoufang::settings::channels::ChannelKind;

use crate::channels::{notice, someone};
use crate::support::sought;

const TABLE: &str = include_str!("../../docs/outcomes.md");

/// What the server does once it has the request.
#[derive(Debug, Clone)]
enum Answer {
    CutOff,
    Silence,
    Bytes(String),
}

/// A row's first cell, as a server does it; nothing where nobody listens.
fn answer(said: &str) -> Option<Answer> {
    let http = |code: &str, more: &str, body: &str| {
        let length = body.len();
        Answer::Bytes(format!(
            "HTTP/1.1 {code} X\r\nConnection: close\r\n{more}Content-Length: {length}\r\n\r\n{body}"
        ))
    };
    Some(match said {
        "no connection" => return None,
        "cut off once the body was sent" => Answer::CutOff,
        "no answer in time" => Answer::Silence,
        "200, cut off in its midst" => {
            Answer::Bytes("HTTP/1.1 200 X\r\nContent-Length: 50\r\n\r\n[{\"servi".to_owned())
        }
        "200, a page for people" => http("200", "", "<html>系统维护中</p>"),
        "200, empty" => http("200", "", ""),
        coded => {
            let (code, more) = coded.split_once(", ").unwrap_or((coded, ""));
            let retry_after =
                if more.contains("Retry-After") { "Retry-After: 120\r\n" } else { "" };
            // In the form of both interfaces, where it's their own.
            let own = r#"{"code": "X", "msg": "不支持", "description": "不支持"}"#;
            let page = match more {
                _ if more.contains("a page for people") => "<html>nginx</html>",
                "empty" => "",
                _ if code.starts_with(['2', '3']) => "",
                _ => own,
            };
            assert!(code.parse::<u16>().is_ok(), "{said}");
            let location = if code.starts_with('3') { "Location: /elsewhere\r\n" } else { "" };
            http(code, &format!("{retry_after}{location}"), page)
        }
    })
}

/// Takes a request whole: its head, and the body that the head announces.
async fn take(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let text = String::from_utf8_lossy(&request).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
                })
                .unwrap_or(0);
            if body.len() >= length {
                return;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
}

async fn serve(answer: Option<Answer>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let Some(answer) = answer else { return address };
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                take(&mut stream).await;
                match answer {
                    Answer::CutOff => {}
                    Answer::Silence => std::future::pending().await,
                    Answer::Bytes(bytes) => stream.write_all(bytes.as_bytes()).await.unwrap_or(()),
                }
            });
        }
    });
    address
}

fn named(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Delivered(_) => "delivered",
        Outcome::Accepted { .. } => "accepted",
        Outcome::Refused { .. } => "refused",
        Outcome::NotSent { reason, .. } if reason.starts_with("too_many") => "too many",
        Outcome::NotSent { .. } => "not sent",
        Outcome::Unknown { .. } | Outcome::Unread { .. } => "unknown",
        Outcome::Errored { .. } => "errored",
    }
}

/// Sends and looks in each way that there is; gives what each came to, by the table's columns.
async fn tried(address: &str, timeout: &str) -> [Vec<(String, &'static str)>; 4] {
    let file = format!("{}/config/platforms/gateway.toml", env!("CARGO_MANIFEST_DIR"));
    let text = |more: &str| {
        format!(
            "[platform]\nendpoint = '{address}'\ntimeout = '{timeout}'\n{more}\n\
             [notify]\nchannels = ['webhook', 'feishu_robot']\ntimeout = '{timeout}'\n\
             [notify.webhook]\nurl = '{address}/hook'\n[notify.feishu_robot]\nurl = '{address}/bot'\n"
        )
    };
    let open311 = "adapter = 'open311'\nservice_request_updates = true\nmedia_url = 'http://x'";
    let rest = format!("adapter = 'rest'\nfile = '{file}'\napi_key = 'k'");
    let mut tried: [Vec<(String, &'static str)>; 4] = Default::default();
    for (name, more) in [("open311", open311), ("rest", rest.as_str())] {
        let settings = Settings::from_text(&text(more), "test").unwrap();
        let (clock, chance) = (Clock::system(), Chance::system());
        let platform = platform(&settings, &clock, &chance).unwrap().unwrap();
        tried[0].push((name.to_owned(), named(&platform.submit(&Dispatch::example()).await)));
        tried[1].push((name.to_owned(), named(&platform.append(&Message::example()).await)));
        tried[1].push((name.to_owned(), named(&platform.upload(&Photo::example()).await)));
        let at = Timestamp::UNIX_EPOCH;
        let seen = match platform.find(&sought("CHD2022-000001-R1", "灯", at, at, &[])).await {
            Ok(SearchResult::Mute { by_itself: true, .. }) => "mute",
            Ok(SearchResult::Mute { .. }) => "away",
            Ok(_) => "answered",
            Err(_) => "failed",
        };
        tried[3].push((name.to_owned(), seen));
        if name == "open311" {
            let webhook = open_channel(ChannelKind::Webhook, &settings, &clock).unwrap();
            tried[2]
                .push(("webhook".to_owned(), named(&webhook.send(&notice("短", someone())).await)));
        }
    }
    tried
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_what_the_code_does() {
    let rows: Vec<Vec<&str>> = TABLE
        .lines()
        .skip_while(|line| !line.starts_with("| what came back"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() > 25, "the table is there");
    let mut wrong = Vec::new();
    for row in rows {
        let [said, expected @ ..] = row.as_slice() else { panic!("{row:?}") };
        let answer = answer(said);
        // What must come in time comes on a busy machine too.
        let timeout = if matches!(answer, Some(Answer::Silence)) { "300ms" } else { "20s" };
        let tried = tried(&serve(answer).await, timeout).await;
        for (column, (expected, tried)) in expected.iter().zip(tried).enumerate() {
            for (adapter, came) in tried {
                // Where they differ, open311's comes first.
                let expected = match expected.split_once(" / ") {
                    Some((open311, _)) if adapter == "open311" => open311,
                    Some((_, rest)) => rest,
                    None => expected,
                };
                if came == expected {
                    continue;
                }
                wrong.push(format!("{said}, {adapter} in column {column}: {came}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a robot makes of a vendor's answer.
async fn told(code: u16, body: &str) -> &'static str {
    let length = body.len();
    let bytes =
        format!("HTTP/1.1 {code} X\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    let address = serve(Some(Answer::Bytes(bytes))).await;
    let text = format!(
        "[notify]\nchannels = ['feishu_robot']\n[notify.feishu_robot]\nurl = '{address}/bot'\n"
    );
    let settings = Settings::from_text(&text, "test").unwrap();
    let robot = open_channel(ChannelKind::FeishuRobot, &settings, &Clock::system()).unwrap();
    named(&robot.send(&notice("短", someone())).await)
}

#[tokio::test]
async fn a_vendors_code_goes_before_https() {
    assert_eq!(told(400, r#"{"code":9499,"msg":"too many request","data":{}}"#).await, "too many");
    assert_eq!(told(429, r#"{"code":11232,"msg":"frequency limited psm"}"#).await, "too many");
    assert_eq!(told(400, r#"{"code":9499,"msg":"Bad Request","data":{}}"#).await, "refused");
    assert_eq!(told(400, r#"{"code":19024,"msg":"Key Words Not Found"}"#).await, "not sent");
    assert_eq!(told(502, "<html>").await, "unknown");
    assert_eq!(told(200, r#"{"code":0,"msg":"success"}"#).await, "delivered");
    assert_eq!(told(200, r#"{"code":"0","msg":"success"}"#).await, "delivered");
    assert_eq!(told(400, r#"{"code":"9499","msg":"too many request"}"#).await, "too many");
}

#[tokio::test]
async fn codes_of_https_own_mean_what_the_configuration_says() {
    for (key, expected) in [("done", "accepted"), ("refused", "refused"), ("busy", "not sent")] {
        let address = serve(answer("409")).await;
        let text = format!(
            "[platform]\nadapter = 'open311'\nendpoint = '{address}'\n[platform.http]\n{key} = [409]"
        );
        let settings = Settings::from_text(&text, "test").unwrap();
        let open311 = platform(&settings, &Clock::system(), &Chance::system()).unwrap().unwrap();
        assert_eq!(named(&open311.submit(&Dispatch::example()).await), expected, "{key}");

        let dir = tempfile::tempdir().unwrap();
        let given = format!("{}/config/platforms/gateway.toml", env!("CARGO_MANIFEST_DIR"));
        let given = std::fs::read_to_string(given).unwrap();
        let own = format!("[submit.answer]\nhttp = {{ {key} = [409] }}");
        let file = dir.path().join("p.toml");
        std::fs::write(&file, given.replacen("[submit.answer]", &own, 1)).unwrap();
        let text = format!(
            "[platform]\nadapter = 'rest'\nendpoint = '{address}'\nfile = '{}'\napi_key = 'k'",
            file.display()
        );
        let settings = Settings::from_text(&text, "test").unwrap();
        let rest = platform(&settings, &Clock::system(), &Chance::system()).unwrap().unwrap();
        assert_eq!(named(&rest.submit(&Dispatch::example()).await), expected, "{key}");
    }
}
