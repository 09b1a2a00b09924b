//! Each channel against a server that checks what the vendor's documents ask for, and answers with the vendor's codes.

mod mail;
mod vendors;

use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use zoufang::daemon::{Daemon, open_channel};
use zoufang::db::{Addresses, ChannelReach, Form, Notice};
use zoufang::delivery::{Cause, Entry, LookUp, Outcome};
use zoufang::settings::Settings;
use zoufang::settings::channels::ChannelKind;

use self::vendors::{SECRET, Vendors};
use crate::certificates::{acceptor, authority};
use crate::support::Fixture;

type Channel = std::sync::Arc<dyn zoufang::notify::Channel>;

fn channel(fixture: &Fixture, kind: ChannelKind, rules: &str) -> Channel {
    let text =
        format!("[notify]\nchannels = ['{}']\n[notify.{}]\n{rules}\n", kind.lane(), kind.lane());
    let settings = Settings::from_text(&text, "test").unwrap();
    open_channel(kind, &settings, &fixture.clock).unwrap()
}

pub fn notice(body: &str, addresses: Addresses) -> Notice {
    Notice {
        id: "01800000-0000-7000-8000-000000000001".to_owned(),
        topic: "digest".to_owned(),
        on_date: "2022-03-28".to_owned(),
        title: "【走访】3月28日：入户走访2项".to_owned(),
        body: body.to_owned(),
        html: Some("<p>入户走访</p>".to_owned()),
        staff_number: "Z6".to_owned(),
        staff_name: "褚走".to_owned(),
        addresses,
    }
}

pub fn someone() -> Addresses {
    Addresses {
        phone: Some("10000000006".to_owned()),
        email: Some("chu@example.cn".to_owned()),
        wecom: Some("chuzou".to_owned()),
        feishu: Some("ou_6".to_owned()),
    }
}

/// Far longer than any channel takes.
fn long() -> Notice {
    notice(&"· 高桥村委会 入户走访 2项，\"3月31日前\"完成\n".repeat(2000), someone())
}

#[track_caller]
fn is(outcome: &Outcome, kind: &str, name: &str) {
    let (found, reason) = match outcome {
        Outcome::Delivered(_) => ("delivered", ""),
        Outcome::Accepted { reason } => ("accepted", reason.as_str()),
        Outcome::Refused { reason } => ("refused", reason.as_str()),
        Outcome::NotSent { reason, .. } => ("not_sent", reason.as_str()),
        Outcome::Unknown { reason } | Outcome::Errored { reason } => ("unknown", reason.as_str()),
        Outcome::Unread { reason } => ("unread", reason.as_str()),
    };
    assert!(found == kind && reason.starts_with(name), "{outcome:?}");
}

/// Sends until the vendor says that it's too fast; returns how many it took.
async fn sent_until_too_fast(channel: &Channel) -> usize {
    for sent in 0..200 {
        match channel.send(&notice("短", someone())).await {
            Outcome::Delivered(_) => {}
            outcome => {
                is(&outcome, "not_sent", "too_many");
                return sent;
            }
        }
    }
    panic!("never too fast");
}

#[tokio::test]
async fn a_dingtalk_robot_signs_calls_and_stays_within_its_limits() {
    let fixture = Fixture::sqlite().await;
    let vendors = Vendors::start(fixture.clock.clone()).await;
    let rules = |token: &str, secret: &str| {
        format!("url = '{}/robot/send?access_token={token}'\nsecret = '{secret}'", vendors.url)
    };
    let robot = channel(&fixture, ChannelKind::DingtalkRobot, &rules("good", SECRET));
    is(&robot.send(&long()).await, "delivered", "");
    assert_eq!(vendors.taken()[0]["at"]["atMobiles"][0], "10000000006");
    assert_eq!(sent_until_too_fast(&robot).await, 19);
    let wrong = channel(&fixture, ChannelKind::DingtalkRobot, &rules("good", "SECother"));
    is(&wrong.send(&long()).await, "not_sent", "misconfigured: code 310000");
    let gone = channel(&fixture, ChannelKind::DingtalkRobot, &rules("gone", SECRET));
    is(&gone.send(&long()).await, "not_sent", "misconfigured: code 300001");
}

#[tokio::test]
async fn a_feishu_robot_signs_calls_and_stays_within_its_limits() {
    let fixture = Fixture::sqlite().await;
    let vendors = Vendors::start(fixture.clock.clone()).await;
    let rules = |secret: &str| {
        format!("url = '{}/open-apis/bot/v2/hook/good'\nsecret = '{secret}'", vendors.url)
    };
    let robot = channel(&fixture, ChannelKind::FeishuRobot, &rules(SECRET));
    is(&robot.send(&long()).await, "delivered", "");
    let text = vendors.taken()[0]["content"]["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("<at user_id=\"ou_6\">褚走</at>\n褚走：\n【走访】"), "{text}");
    assert_eq!(sent_until_too_fast(&robot).await, 99);
    let wrong = channel(&fixture, ChannelKind::FeishuRobot, &rules("other"));
    is(&wrong.send(&long()).await, "not_sent", "misconfigured: code 19021");
}

#[tokio::test]
async fn a_wecom_robot_stays_within_its_limits() {
    let fixture = Fixture::sqlite().await;
    let vendors = Vendors::start(fixture.clock.clone()).await;
    let rules = |key: &str| format!("url = '{}/cgi-bin/webhook/send?key={key}'", vendors.url);
    let robot = channel(&fixture, ChannelKind::WecomRobot, &rules("good"));
    is(&robot.send(&long()).await, "delivered", "");
    assert_eq!(vendors.taken()[0]["text"]["mentioned_list"][0], "chuzou");
    assert_eq!(sent_until_too_fast(&robot).await, 19);
    let gone = channel(&fixture, ChannelKind::WecomRobot, &rules("gone"));
    is(&gone.send(&long()).await, "not_sent", "misconfigured: code 93000");
}

fn app(vendors: &Vendors, secret: &str) -> String {
    format!(
        "endpoint = '{}'\ncorp_id = 'corp'\nagent_id = 1000002\nsecret = '{secret}'",
        vendors.url
    )
}

#[tokio::test]
async fn a_wecom_application_keeps_its_token_and_gives_a_message_once() {
    let fixture = Fixture::sqlite().await;
    let vendors = Vendors::start(fixture.clock.clone()).await;
    let app_channel = channel(&fixture, ChannelKind::WecomApp, &app(&vendors, SECRET));
    is(&app_channel.send(&long()).await, "delivered", "");
    // Sent again, as after a timeout: given once, with the token that it has.
    is(&app_channel.send(&long()).await, "delivered", "");
    assert_eq!((vendors.taken().len(), vendors.tokens_given()), (1, 1));
    vendors.revoke_token();
    is(&app_channel.send(&notice("短", someone())).await, "delivered", "");
    assert_eq!(vendors.tokens_given(), 2);
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(7000));
    is(&app_channel.send(&notice("短2", someone())).await, "delivered", "");
    assert_eq!(vendors.tokens_given(), 3, "renewed before it ends");
    let gone = Addresses { wecom: Some("gone".to_owned()), ..Addresses::default() };
    is(&app_channel.send(&notice("短", gone)).await, "refused", "no_address: code 81013");
    let unlicensed = Addresses { wecom: Some("unlicensed".to_owned()), ..Addresses::default() };
    let outcome = app_channel.send(&notice("短", unlicensed)).await;
    is(&outcome, "refused", "no_address: unlicenseduser");
    let entry = |first: i64| Entry {
        accepted_at: None,
        list_lag: None,
        id: String::new(),
        kind: "notice".to_owned(),
        debt_key: String::new(),
        target_id: String::new(),
        attempts: 1,
        unknown_since: Some(first),
        first_attempt_at: Some(first),
        last_attempt_at: Some(first),
        lease_until: 0,
        withdrawn: None,
    };
    let now = fixture.clock.millis();
    assert_eq!(app_channel.look(&entry(now - 3_600_000)), LookUp::Repeatable);
    assert_eq!(app_channel.look(&entry(now - 15_000_000)), LookUp::Blind);
    let wrong = channel(&fixture, ChannelKind::WecomApp, &app(&vendors, "other"));
    is(&wrong.send(&long()).await, "not_sent", "misconfigured: code 40001");
}

#[tokio::test]
async fn an_older_feishu_is_understood_and_who_isnt_gets_the_same_no_third_time() {
    let fixture = Fixture::sqlite().await;
    for (body, kind) in [
        (r#"{"Extra":null,"StatusCode":0,"StatusMessage":"success"}"#, "delivered"),
        (r#"{"StatusCode":19001,"StatusMessage":"no such robot"}"#, "not_sent"),
        (r#"{"result":"ok"}"#, "unread"),
        ("ok", "unread"),
    ] {
        let server = wiremock::MockServer::start().await;
        wiremock::Mock::given(wiremock::matchers::any())
            .respond_with(wiremock::ResponseTemplate::new(200).set_body_string(body))
            .mount(&server)
            .await;
        let robot =
            channel(&fixture, ChannelKind::FeishuRobot, &format!("url = '{}/bot'", server.uri()));
        is(&robot.send(&notice("短", someone())).await, kind, "");
    }
}

#[tokio::test]
async fn a_webhook_is_signed_as_standard_webhooks_says() {
    let fixture = Fixture::sqlite().await;
    let vendors = Vendors::start(fixture.clock.clone()).await;
    let rules = format!("url = '{}/hook'\nsecret = '{SECRET}'", vendors.url);
    let hook = channel(&fixture, ChannelKind::Webhook, &rules);
    is(&hook.send(&notice("短", someone())).await, "delivered", "");
    assert_eq!(vendors.taken()[0]["data"]["to"], "Z6");
}

#[tokio::test]
async fn a_webhooks_success_that_says_no_is_none() {
    let fixture = Fixture::sqlite().await;
    for (body, taken) in [
        ("<html><title>系统维护</title></html>", false),
        (r#"{"errcode": 310000, "errmsg": "keywords not in content"}"#, false),
        (r#"{"success": false}"#, false),
        (r#"{"errcode": 0}"#, true),
        (r#"{"code": 200, "success": true}"#, true),
        ("ok", true),
        ("", true),
    ] {
        let server = wiremock::MockServer::start().await;
        let answer = wiremock::ResponseTemplate::new(200).set_body_string(body);
        wiremock::Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
        let hook = channel(&fixture, ChannelKind::Webhook, &format!("url = '{}'", server.uri()));
        let outcome = hook.send(&notice("短", someone())).await;
        is(&outcome, if taken { "delivered" } else { "unread" }, "");
    }
}

#[tokio::test]
async fn a_gateways_answer_is_read_as_leniently_as_a_platforms() {
    // Raw line ends; and in GBK, which it doesn't say.
    for body in [
        "{\"success\": true, \"msg\": \"提交\n成功\"}".as_bytes(),
        b"{\"success\": true, \"msg\": \"\xb3\xc9\xb9\xa6\"}",
    ] {
        a_gateway_answers(body).await;
    }
}

async fn a_gateway_answers(body: &[u8]) {
    let (fixture, folder) = (Fixture::sqlite().await, tempfile::tempdir().unwrap());
    let server = wiremock::MockServer::start().await;
    let answer = wiremock::ResponseTemplate::new(200).set_body_raw(body, "application/json");
    wiremock::Mock::given(wiremock::matchers::any()).respond_with(answer).mount(&server).await;
    let example = include_str!("../../../config/sms/gateway.toml");
    let text = example
        .replace("https://sms.example.cn", &server.uri())
        .replace("\"/code\"", "\"/success\"")
        .replace("done = [\"0\"]", "done = [\"true\"]");
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, text).unwrap();
    let rules = format!("file = '{}'\nsecret = '{SECRET}'", file.display());
    is(&channel(&fixture, ChannelKind::Sms, &rules).send(&long()).await, "delivered", "");
}

/// The example gateway of config/sms/, at the vendors' address.
fn gateway(vendors: &Vendors, folder: &Path) -> String {
    let example = include_str!("../../../config/sms/gateway.toml");
    let file = folder.join("gateway.toml");
    std::fs::write(&file, example.replace("https://sms.example.cn", &vendors.url)).unwrap();
    format!("file = '{}'\nsecret = '{SECRET}'", file.display())
}

#[tokio::test]
async fn a_text_message_goes_by_the_gateways_own_description() {
    let (fixture, folder) = (Fixture::sqlite().await, tempfile::tempdir().unwrap());
    let vendors = Vendors::start(fixture.clock.clone()).await;
    let sms = channel(&fixture, ChannelKind::Sms, &gateway(&vendors, folder.path()));
    is(&sms.send(&long()).await, "delivered", "");
    let content = vendors.taken()[0]["content"].as_str().unwrap().to_owned();
    // Its gist, with one signature.
    assert_eq!(content, "【走访】3月28日：入户走访2项");
    let to = |phone: &str| Addresses { phone: Some(phone.to_owned()), ..Addresses::default() };
    is(&sms.send(&notice("短", to("10000000000"))).await, "refused", "no_address: code 1002");
    is(&sms.send(&notice("短", to("10000000429"))).await, "not_sent", "too_many: code 2001");
    is(&sms.send(&notice("短", to("10000000500"))).await, "unread", "unexpected_code: code 5555");
}

#[tokio::test]
async fn mail_goes_over_tls_as_text_and_html_and_a_mailbox_that_isnt_there_is_named() {
    let (fixture, folder) = (Fixture::sqlite().await, tempfile::tempdir().unwrap());
    let authority = authority();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    for (tls, starttls) in [("implicit", false), ("starttls", true)] {
        let (port, mails) = mail::start(acceptor(&authority, 2099, None), starttls).await;
        let rules = |password: &str, ca: &str| {
            format!(
                "host = 'localhost'\nport = {port}\ntls = '{tls}'\nfrom = '走访办 <zoufang@example.cn>'\nuser = 'office'\npassword = '{password}'\nreply_to = 'office@example.cn'\nca_file = '{ca}'"
            )
        };
        let (good, ca) = ("secret", ca.display().to_string());
        let email = channel(&fixture, ChannelKind::Email, &rules(good, &ca));
        is(&email.send(&notice("入户走访", someone())).await, "delivered", "");
        let sent = mails.all().remove(0);
        for part in [
            "<chu@example.cn>",
            "multipart/alternative",
            "text/plain",
            "text/html",
            "Message-ID: <01800000-0000-7000-8000-000000000001@example.cn>",
            "Auto-Submitted: auto-generated",
            "List-Unsubscribe: <mailto:office@example.cn?subject=unsubscribe>",
            "Reply-To: office@example.cn",
        ] {
            assert!(sent.contains(part), "{part}: {sent}");
        }
        let to = |email: &str| Addresses { email: Some(email.to_owned()), ..Addresses::default() };
        let nobody = email.send(&notice("短", to("nobody@example.cn"))).await;
        is(&nobody, "refused", "no_address");
        // Theirs alone is full: the server takes others.
        let full = email.send(&notice("短", to("full@example.cn"))).await;
        is(&full, "not_sent", "mailbox");
        assert!(matches!(full, Outcome::NotSent { cause: Cause::Alone, .. }), "{full:?}");
        // So may it be that they are to be tried again, whatever the code says of the server.
        is(&email.send(&notice("短", to("grey@example.cn"))).await, "not_sent", "mailbox");
        // That it relays nothing, or that the sender has sent enough, is nobody's address.
        for ours in ["relay@example.cn", "closed@example.cn", "much@example.cn", "today@example.cn"]
        {
            is(&email.send(&notice("短", to(ours))).await, "not_sent", "misconfigured: ");
        }
        let blocked = rules(good, &ca).replace("<zoufang@", "<blocked@");
        let blocked = channel(&fixture, ChannelKind::Email, &blocked);
        let sender = blocked.send(&notice("短", someone())).await;
        is(&sender, "not_sent", "misconfigured: 发件地址不被接受");
        // The same code of what is written, and of the sender: nobody's address is at fault.
        is(&email.send(&notice("短", to("policy@example.cn"))).await, "refused", "refused: ");
        // A bare no is about the address where the sender's own is taken; where that isn't either, it's about whoever is written to.
        let gone = || notice("短", to("gone@example.cn"));
        is(&email.send(&gone()).await, "refused", "no_address");
        let evening = rules(good, &ca).replace("<zoufang@", "<evening@");
        let evening = channel(&fixture, ChannelKind::Email, &evening);
        is(&evening.send(&gone()).await, "not_sent", "misconfigured: 邮件服务器对哪个收件人都不收");
        let nobody = evening.send(&notice("短", to("nobody@example.cn"))).await;
        is(&nobody, "refused", "no_address");
        let other = rules(good, &ca).replace("<zoufang@", "<other@");
        let other = channel(&fixture, ChannelKind::Email, &other);
        let sender = other.send(&notice("短", someone())).await;
        is(&sender, "not_sent", "misconfigured: 发件地址不被接受");
        let wrong = channel(&fixture, ChannelKind::Email, &rules("wrong", &ca));
        is(&wrong.send(&long()).await, "not_sent", "misconfigured");
        let distrusted = channel(&fixture, ChannelKind::Email, &rules(good, ""));
        is(&distrusted.send(&long()).await, "not_sent", "");
        assert_eq!(mails.all().len(), 1);
    }
    let nobody = "host = 'localhost'\nport = 1\ntls = 'none'\nfrom = 'a@example.cn'";
    let dead = channel(&fixture, ChannelKind::Email, nobody);
    is(&dead.send(&notice("短", someone())).await, "not_sent", "not_connected");
}

#[tokio::test]
async fn who_isnt_known_to_one_channel_is_told_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let reach = |kind: ChannelKind| ChannelReach {
        lane: kind.lane().to_owned(),
        needs: kind.needs(),
        copy: false,
        form: Form::Text,
    };
    let channels = vec![reach(ChannelKind::WecomApp), reach(ChannelKind::Sms)];
    let fixture = Fixture::sqlite().await.within(|context| context.channels = channels).await;
    let fixture = fixture.township().await;
    let wecom = "人员编号,姓名,角色,所属区划,手机号,企业微信账号\nZ6,褚走,走访人员,高桥村,10000000006,gone\nZ7,卫访,走访人员,杨桥村,10000000007,weifang\n";
    fixture.import("wecom.csv", wecom).await.unwrap();
    fixture.at(3, 28, 9);
    let vendors = Vendors::start(fixture.clock.clone()).await;
    let text = format!(
        "[notify]\nchannels = ['wecom_app', 'sms']\n[notify.wecom_app]\n{}\n[notify.sms]\n{}\n",
        app(&vendors, SECRET),
        gateway(&vendors, folder.path())
    );
    let settings = Settings::from_text(&text, "test").unwrap();
    let daemon = Daemon::new(settings, fixture.store.clone(), CancellationToken::new()).unwrap();
    for _ in 0..20 {
        daemon.settle().await.unwrap();
        fixture.clock.set(fixture.clock.now() + Duration::from_secs(2));
    }
    let taken = vendors.taken();
    let by_wecom: Vec<_> = taken.iter().filter_map(|body| body["touser"].as_str()).collect();
    let by_sms: Vec<_> = taken.iter().filter_map(|body| body["mobile"].as_str()).collect();
    assert_eq!(by_wecom, ["weifang"]);
    assert!(by_sms.contains(&"10000000006") && !by_sms.contains(&"10000000007"), "{by_sms:?}");
    let dead = fixture.store.unreachable().await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!((dead[0].staff_number.as_str(), dead[0].channel.as_str()), ("Z6", "wecom_app"));
    // Another account: the channel may try again.
    fixture.import("wecom2.csv", &wecom.replace("gone", "chuzou")).await.unwrap();
    assert!(fixture.store.unreachable().await.unwrap().is_empty());
}

/// A server that ends the talk at one of its stages, in one way or another, and what that means: only once the message itself
/// was begun may it have it.
#[tokio::test]
async fn mail_that_was_never_begun_certainly_was_not_handed_over() {
    let clock = zoufang::clock::Clock::system();
    // Whoever says nothing is waited for no longer.
    let quick = |rules: &str| {
        let text =
            format!("[notify]\nchannels = ['email']\ntimeout = '300ms'\n[notify.email]\n{rules}\n");
        open_channel(ChannelKind::Email, &Settings::from_text(&text, "test").unwrap(), &clock)
            .unwrap()
    };
    for (at, how, code, reason) in [
        ("", "", "not_sent", "not_connected"),
        ("", "SSH-2.0-OpenSSH\r\n", "not_sent", "not_connected"),
        ("EHLO", "", "not_sent", "not_connected"),
        ("MAIL", "", "not_sent", "not_connected"),
        ("RCPT", "", "not_sent", "not_connected"),
        ("RCPT", "silent", "not_sent", "timeout"),
        ("DATA", "", "not_sent", "not_connected"),
        (".", "", "unknown", "cut_off"),
        (".", "silent", "unknown", "timeout"),
        (".", "451 4.3.0 try later\r\n", "not_sent", "too_many"),
    ] {
        let port = mail::breaks_off(at, how).await;
        let rules =
            format!("host = '127.0.0.1'\nport = {port}\ntls = 'none'\nfrom = 'a@example.cn'");
        let outcome = quick(&rules).send(&notice("短", someone())).await;
        println!("{at} {how}");
        is(&outcome, code, reason);
    }
    // It doesn't offer what is configured: nothing goes in clear, and only configuration can mend it.
    let port = mail::breaks_off("never", "").await;
    let rules =
        format!("host = '127.0.0.1'\nport = {port}\ntls = 'starttls'\nfrom = 'a@example.cn'");
    is(&quick(&rules).send(&notice("短", someone())).await, "not_sent", "misconfigured");
}
