//! Signing in by WeCom's OAuth, held against a stand-in; and what `check` says of providers.

use std::time::Duration;

use serde_json::{Value, json};
use zoufang::check::findings;
use zoufang::platform::Verdict;
use zoufang::settings::Settings;

use crate::accounts::served;
use crate::identity::is_out;
use crate::support::browser::{Answer, Browser};
use crate::support::provider::{Provider, Wecom};
use crate::support::{Fixture, on_both};

const STAFF: &str = "人员编号,姓名,角色,所属区划,工作单位,手机号,企业微信账号\nW1,甲一,走访人员,高桥村,,10000000021,ZhangSan\n";
const WITHIN: &str = "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/111.0 Mobile Safari/537.36 wxwork/4.1.10 MicroMessenger/7.0.1 Language/zh";

/// Goes to WeCom; the state.
async fn went_to_wecom(browser: &mut Browser) -> String {
    let to = browser.get("/my/sign-in/wecom?next=/my").await.is(303).to.clone();
    let url = reqwest::Url::parse(&to).unwrap();
    url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
}

async fn by_wecom(browser: &mut Browser, code: &str) -> Answer {
    let state = went_to_wecom(browser).await;
    browser.get(&format!("/my/sign-in/wecom/back?code={code}&state={state}")).await
}

on_both!(members_sign_in_by_wecom, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    fixture.import("w.csv", STAFF).await.unwrap();
    let (server, wecom) = Wecom::start().await;
    let url = served(&fixture.store, &Wecom::settings(&server)).await;
    let mut browser = Browser::at(&url);
    browser.get("/my/sign-in").await.says("用企业微信登录").hides("统一身份认证登录");
    // At a desk 企业微信扫码登录, on a telephone 网页授权登录.
    let desk = browser.get("/my/sign-in/wecom").await.is(303).to.clone();
    assert!(desk.starts_with("https://login.work.weixin.qq.com/wwlogin/sso/login?login_type=CorpApp&appid=ww1&redirect_uri=http%3A%2F%2Fzoufang.example.cn%2Fmy%2Fsign-in%2Fwecom%2Fback&state="), "{desk}");
    assert!(desk.ends_with("&agentid=1000002"), "{desk}");
    let mut phone = Browser::at(&url);
    phone.headers.push(("user-agent", WITHIN.to_owned()));
    let within = phone.get("/my/sign-in/wecom").await.is(303).to.clone();
    assert!(
        within.starts_with(
            "https://open.weixin.qq.com/connect/oauth2/authorize?appid=ww1&redirect_uri="
        ),
        "{within}"
    );
    assert!(
        within.contains("&response_type=code&scope=snsapi_base&state=")
            && within.ends_with("&agentid=1000002#wechat_redirect"),
        "{within}"
    );
    // state: 只能是a-zA-Z0-9, 不超过128字节.
    let state = went_to_wecom(&mut phone).await;
    assert!(state.len() <= 128 && state.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    // UserID 不区分大小写.
    let answer = by_wecom(&mut browser, "code-of-zhangsan").await;
    assert_eq!(answer.is(303).to, "/my");
    browser.get("/my").await.says("甲一");
    by_wecom(&mut phone, "code-of-ZhangSan").await.is(303);
    assert_eq!(wecom.tokens(), 1, "kept until it ends");
    // 40014, 42001: anew, once.
    wecom.wears_out();
    by_wecom(&mut browser, "code-of-ZhangSan").await.is(303);
    assert_eq!((wecom.tokens(), wecom.asked()), (2, 4));
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(7_200));
    by_wecom(&mut browser, "code-of-ZhangSan").await.is(303);
    assert_eq!(wecom.tokens(), 3);
    let audit = fixture.store.audit_trail().await.unwrap();
    assert!(
        audit
            .iter()
            .filter(|entry| entry.action == "sign_in")
            .all(|entry| entry.detail.contains(r#""way":"wecom""#))
    );
});

#[tokio::test(flavor = "multi_thread")]
async fn what_wecom_says_is_told_with_what_to_do() {
    let fixture = Fixture::sqlite().await.township().await;
    fixture.import("w.csv", STAFF).await.unwrap();
    let (server, wecom) = Wecom::start().await;
    let text = format!("{}[http]\ntrusted_proxies = ['127.0.0.1']\n", Wecom::settings(&server));
    let url = served(&fixture.store, &text).await;
    let mut browser = Browser::at(&url);
    by_wecom(&mut browser, "code-of-lisi").await.is(401).says("企业微信账号是「lisi」");
    by_wecom(&mut browser, "spent").await.is(401).says("已经用过或过期").says("40029");
    // 若用户禁止授权，则重定向后不会带上code参数.
    let state = went_to_wecom(&mut browser).await;
    browser.get(&format!("/my/sign-in/wecom/back?state={state}")).await.is(401).says("没有同意");
    browser.get("/my/sign-in/wecom/back?code=code-of-ZhangSan&state=other").await.is(403);
    // 非企业成员时返回.
    let stranger = json!({ "errcode": 0, "errmsg": "ok", "openid": "o1", "external_userid": "e1" });
    wecom.answers(Some(stranger));
    by_wecom(&mut browser, "code").await.is(401).says("不是本单位企业微信的成员");
    for (answer, said) in [
        (
            json!({ "errcode": 60020, "errmsg": "not allow to access from your ip, 张三" }),
            "企业可信 IP",
        ),
        (json!({ "errcode": 50001, "errmsg": "redirect uri" }), "notify.public_url"),
        (json!({ "errcode": 48002, "errmsg": "api forbidden" }), "可见范围"),
        (json!({ "errcode": 45009, "errmsg": "freq" }), "太快"),
        (json!({ "errcode": -1, "errmsg": "busy" }), "现在忙"),
        (json!({ "errcode": 99999, "errmsg": "?" }), "返回码 99999"),
        (json!({ "errcode": 42001, "errmsg": "expired" }), "返回码 42001"),
        (json!(["?"]), "读不懂"),
    ] {
        wecom.answers(Some(answer));
        let answer = by_wecom(&mut browser, "code-of-ZhangSan").await;
        answer.is(502).says("没有登录").says(said).hides("张三");
        is_out(&mut browser).await;
    }
    wecom.answers(None);
    // Anew once, and no oftener.
    let before = wecom.asked();
    wecom.answers(Some(json!({ "errcode": 40014, "errmsg": "invalid access_token" })));
    by_wecom(&mut browser, "code-of-ZhangSan").await.is(502);
    assert_eq!(wecom.asked() - before, 2);
    wecom.answers(None);
    fixture.clock.set(fixture.clock.now() + Duration::from_secs(7_200));
    for (answer, said) in [
        (json!({ "errcode": 40001, "errmsg": "invalid credential" }), "sign_in.wecom.secret_file"),
        (json!({ "errcode": 40013, "errmsg": "invalid corpid" }), "sign_in.wecom.corp_id"),
    ] {
        wecom.gives_no_token(Some(answer));
        by_wecom(&mut browser, "code-of-ZhangSan").await.is(502).says(said);
    }
    wecom.gives_no_token(None);
    by_wecom(&mut browser, "code-of-ZhangSan").await.is(303);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_asks_the_providers() {
    let fixture = Fixture::sqlite().await;
    let (_server, provider) = Provider::start(fixture.clock.clone()).await;
    let (wecoms, wecom) = Wecom::start().await;
    let asked = async |text: &str| {
        let settings = Settings::from_text(text, "test").unwrap();
        let found = findings(&settings).await.into_iter();
        let lines = found.filter(|remark| {
            remark.key.starts_with("sign_in.oidc") || remark.key.starts_with("sign_in.wecom")
        });
        lines
            .map(|remark| (remark.verdict, format!("{}: {}", remark.key, remark.text)))
            .collect::<Vec<_>>()
    };
    assert_eq!(asked("").await, []);
    let both = |change: &str| {
        let wecom = Wecom::settings(&wecoms);
        let (_, wecom) = wecom.split_once("[sign_in.wecom]").unwrap();
        format!("{}{change}[sign_in.wecom]{wecom}", provider.settings())
    };
    let well = asked(&both("")).await;
    assert!(
        well.iter().all(|(verdict, _)| *verdict == Verdict::Well) && well.len() == 2,
        "{well:?}"
    );
    assert!(well[0].1.contains("http://zoufang.example.cn/my/sign-in/oidc/back"), "{well:?}");
    let has = |found: &[(Verdict, String)], verdict, key: &str, said: &str| {
        let is = |(of, line): &(Verdict, String)| {
            *of == verdict && line.starts_with(&format!("{key}: ")) && line.contains(said)
        };
        assert!(found.iter().any(is), "{key} {said}: {found:?}");
    };
    provider.describes(|metadata| metadata["issuer"] = json!("https://other.example"));
    has(&asked(&both("")).await, Verdict::Wrong, "sign_in.oidc.issuer", "https://other.example");
    provider.describes(|metadata| metadata["token_endpoint"] = Value::Null);
    has(&asked(&both("")).await, Verdict::Wrong, "sign_in.oidc.issuer", "token_endpoint");
    provider.describes(|metadata| metadata["code_challenge_methods_supported"] = Value::Null);
    has(&asked(&both("")).await, Verdict::Doubtful, "sign_in.oidc.issuer", "PKCE");
    wecom.gives_no_token(Some(json!({ "errcode": 40001, "errmsg": "invalid credential" })));
    has(&asked(&both("")).await, Verdict::Wrong, "sign_in.wecom", "sign_in.wecom.secret_file");
    let gone = provider.settings().replace(provider.issuer(), "http://sso.invalid");
    let found = asked(&gone).await;
    has(&found, Verdict::Wrong, "sign_in.oidc.issuer", "连不上");
    has(&found, Verdict::Doubtful, "sign_in.oidc.issuer", "不加密");
}

/// What `check` says of signing in.
async fn said_of_signing_in(text: &str) -> String {
    let settings = Settings::from_text(text, "test").unwrap();
    let found = findings(&settings).await.into_iter();
    let lines = found.filter(|remark| remark.key.starts_with("sign_in"));
    lines.map(|remark| format!("{:?} {}：{}\n", remark.verdict, remark.key, remark.text)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_operator_can_mend_is_told_to_them_with_its_address_and_to_nobody_else() {
    let fixture = Fixture::sqlite().await.township().await;
    let (_server, provider) = Provider::start(fixture.clock.clone()).await;
    let (issuer, host) = (provider.issuer().to_owned(), provider.issuer().replace("http://", ""));
    type Slip = (&'static str, &'static str, &'static str);
    let slips: [Slip; 3] = [
        ("jwks_uri", "/none", "取不到（HTTP 404）"),
        ("jwks_uri", "/.well-known/openid-configuration", "里面不是公钥"),
        ("issuer", "/other", "签发者"),
    ];
    for (name, path, why) in slips {
        let value = json!(format!("{issuer}{path}"));
        provider.describes(move |metadata| metadata[name] = value.clone());
        let said = said_of_signing_in(&provider.settings()).await;
        assert!(said.contains(why) && said.contains(&host) && said.contains("请"), "{said}");
        assert!(!said.contains("告诉管理员") && !said.contains("用密码登录"), "{said}");
        let url = served(&fixture.store, &provider.settings()).await;
        if name == "issuer" {
            let page = Browser::at(&url).get("/my/sign-in/oidc").await;
            page.is(502).says("统一身份认证现在用不了").says("请用密码登录，并告诉管理员");
            page.hides(&host).hides("/other");
        }
    }
    let (wecoms, wecom) = Wecom::start().await;
    for answer in [
        json!({ "errcode": 40001, "errmsg": "invalid credential" }),
        json!({ "errcode": 60020, "errmsg": "not allow to access from your ip" }),
        json!({ "errcode": 99999, "errmsg": "?" }),
        json!(["?"]),
    ] {
        wecom.gives_no_token(Some(answer));
        let said = said_of_signing_in(&Wecom::settings(&wecoms)).await;
        assert!(said.contains("Wrong sign_in.wecom：") && said.contains("请"), "{said}");
        assert!(!said.contains("告诉管理员") && !said.contains("用密码登录"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_empty_or_missing_or_open_is_said_and_nobody_is_asked() {
    let (server, wecom) = Wecom::start().await;
    let fixture = Fixture::sqlite().await;
    let (_server, provider) = Provider::start(fixture.clock.clone()).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, "\n").unwrap();
    let of = |settings: String, key: &str, file: &str| {
        let lines = settings.lines().map(|line| match line.starts_with(&format!("{key} =")) {
            true => format!("{key}_file = '{file}'\n"),
            false => format!("{}\n", line.trim()),
        });
        lines.collect::<String>()
    };
    let path = file.display().to_string();
    let said = said_of_signing_in(&of(Wecom::settings(&server), "secret", &path)).await;
    assert!(said.contains("sign_in.wecom.secret_file：文件是空的"), "{said}");
    assert_eq!(wecom.tokens(), 0);
    let said = said_of_signing_in(&of(provider.settings(), "client_secret", &path)).await;
    assert!(said.contains("sign_in.oidc.client_secret_file：文件是空的"), "{said}");
    let said = said_of_signing_in(&of(provider.settings(), "client_secret", "S3cretTOP")).await;
    assert!(
        said.contains("client_secret_file：没有这个文件") && !said.contains("S3cret"),
        "{said}"
    );
    assert_eq!(provider.asked("/.well-known/openid-configuration"), 0);
    let both = format!("{}client_secret_file = '{path}'\n", provider.settings());
    let said = said_of_signing_in(&both).await;
    assert!(said.contains("sign_in.oidc.client_secret_file 都写了"), "{said}");
    #[cfg(unix)]
    for (mode, is_open) in [(0o644, true), (0o640, false), (0o600, false)] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::write(&file, "S3cretTOP").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let said = said_of_signing_in(&of(provider.settings(), "client_secret", &path)).await;
        let line = "Doubtful sign_in.oidc.client_secret_file：";
        assert_eq!(said.contains(line) && said.contains("别人也能读"), is_open, "{mode:o} {said}");
    }
    // Port 9 of this machine: nobody is there.
    let proxied =
        format!("{}[sign_in]\nproxy = 'http://u:S3cret@127.0.0.1:9'\n", provider.settings());
    let asked = provider.asked("/.well-known/openid-configuration");
    let said = said_of_signing_in(&proxied).await;
    assert!(said.contains("Wrong sign_in.proxy：代理 http://127.0.0.1:9 连不上"), "{said}");
    assert!(!said.contains("S3cret") && !said.contains("sign_in.oidc.issuer：http"), "{said}");
    assert_eq!(provider.asked("/.well-known/openid-configuration"), asked);
}
