//! Why something didn't reach its receiver, in words for whoever must act; what only a technician reads stands apart.

/// A reason for people, and the technical text that it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub said: String,
    pub detail: String,
    /// The same without anything that the other side wrote, which may hold whatever it likes: for everybody's eyes.
    pub plain: String,
}

/// The names by which reasons open, and what each says.
const NAMES: &[(&str, &str)] = &[
    ("timeout", "对方没有及时回答"),
    ("not_connected", "连不上对方：网络不通、地址不对，或对方没有开"),
    ("certificate", "双方的证书对不上：不受信任、名称不符，或已经过期"),
    ("cut_off", "连接中途断了"),
    ("too_long", "对方的回答太长，没有读完"),
    ("compressed", "对方的回答是压缩的，解不开：请对方或中间的网关不要压缩"),
    ("wrong_charset", "对方的回答不在它写明的字符集里"),
    ("too_many", "对方说发得太快，过一会儿再来"),
    ("redirected", "对方转到了别的地址：请核对接口地址"),
    ("not_known", "对方不认刚刚发给我们的凭证"),
    ("no_token", "取不到访问凭证：请核对账号和密钥"),
    ("not_json", "对方的回答读不懂"),
    ("unexpected_code", "对方的返回码不在描述文件里"),
    ("unexpected_answer", "对方的回答读不懂"),
    ("refused", "对方退回"),
    ("no_number", "对方说收下了，却没有给编号，不会重发，正在查"),
    ("accepted", "对方说收下了，还没有编号，不会重发，正在查"),
    ("no_number_yet", "已在对方查到，对方还没有给编号，接着查"),
    ("unnamed", "对方说已经有了，却没有给编号，不会重发，正在查"),
    ("no_address", "这个地址收不到"),
    ("mailbox", "这个邮箱暂时不收：满了、正忙，或要晚些再送"),
    ("refused_for_now", "邮件服务器暂时不收"),
    ("too_many_pages", "对方的清单翻不到头"),
    ("misconfigured", "配置不对"),
    ("unwritable", "内容写不成对方要的格式"),
    ("broken_off", "处理回答时程序出错"),
    (
        "kept_by_a_cache",
        "对方的回答是中间的缓存留下的旧内容，分不清新旧，没有采用：请让缓存放过这个接口",
    ),
];

/// How our own words open that stand as a reason by themselves; what the other side said stands behind them in brackets.
const OURS: [&str; 14] = [
    "已经三天还没有给编号",
    "对方给的编号 ",
    "对方说收下了，却没有给编号，也查不到编号",
    "对方的清单里还没有",
    "还没有任何一件确知送达的可以用来对照",
    "平台的清单里没有，但清单可能还没有跟上",
    "平台的清单里没有，而",
    "平台的答复是中间的缓存",
    "这个编号下现在是别人的事",
    "可能已送达",
    "此前发出的可能已送达",
    "重发时对方没有收",
    "发了两次都没有等到回音",
    "发送中断，可能已送达",
];

/// Our own words at the beginning of a reason, and what stands in brackets behind them.
fn own_words(reason: &str) -> Option<Said> {
    OURS.iter().find(|opening| reason.starts_with(**opening))?;
    let (ours, theirs) = match reason.split_once('（') {
        Some((ours, theirs)) => (ours, Some(theirs.trim_end_matches('）').to_owned())),
        None => (reason, None),
    };
    Some(Said { ours: Some(ours.to_owned()), theirs })
}

/// Opens the reason of a question that had no answer.
pub const ASKING: &str = "asking: ";

/// Says a reason.
///
/// ```
/// use zoufang::domain::reason::in_words;
/// let reason = in_words("not_connected: tcp connect error");
/// assert_eq!(reason.said, "连不上对方：网络不通、地址不对，或对方没有开");
/// assert_eq!(reason.detail, "not_connected: tcp connect error");
/// assert_eq!(in_words("HTTP 503 系统维护").said, "对方暂停服务（HTTP 503）：系统维护");
/// assert_eq!(in_words("HTTP 503 系统维护").plain, "对方暂停服务（HTTP 503）");
/// assert_eq!(in_words("地址不明").said, "地址不明");
/// let held = in_words("可能已送达，但无法向对方查询（没有此接口）");
/// assert_eq!((&*held.said, &*held.plain), ("可能已送达，但无法向对方查询：没有此接口", "可能已送达，但无法向对方查询"));
/// ```
pub fn in_words(reason: &str) -> Reason {
    let detail = reason.trim().to_owned();
    // The debt by which it was seen, where it's named.
    if let Some((key, rest)) = detail.split_once('：').filter(|(key, _)| is_key(key)) {
        let Reason { said, plain, .. } = in_words(rest);
        return Reason {
            said: format!("{said}（{key}）"),
            plain: format!("{plain}（{key}）"),
            detail: detail.clone(),
        };
    }
    let (asking, rest) = match detail.strip_prefix(ASKING) {
        Some(rest) => ("查询时", rest),
        None => ("", detail.as_str()),
    };
    let Said { ours, theirs } = said(rest);
    let plain = format!("{asking}{}", ours.as_deref().unwrap_or(UNSAID));
    let said = match (ours, theirs) {
        (Some(ours), Some(theirs)) => format!("{asking}{ours}：{theirs}"),
        (ours, theirs) => format!("{asking}{}", ours.or(theirs).unwrap_or_default()),
    };
    Reason { said, detail, plain }
}

/// A reason's name, as logs have it: nothing in it was written by the other side.
pub fn name_of(reason: &str) -> String {
    let reason = reason.trim();
    let reason =
        reason.split_once('：').filter(|(key, _)| is_key(key)).map_or(reason, |(_, rest)| rest);
    let reason = reason.strip_prefix(ASKING).unwrap_or(reason);
    if let Some(rest) = reason.strip_prefix("HTTP ") {
        let code: String = rest.chars().take_while(char::is_ascii_digit).take(3).collect();
        return format!("http_{code}");
    }
    let name = reason.split(':').next().unwrap_or_default().trim();
    let known = NAMES.iter().find(|(known, _)| *known == name);
    known.map_or("other", |(known, _)| *known).to_owned()
}

/// In the place of what only the other side said.
const UNSAID: &str = "原话请在服务器上用 zoufang status 查看";

/// What we say of a reason, and what the other side said.
struct Said {
    ours: Option<String>,
    theirs: Option<String>,
}

/// Such as `referral:CHD2022-000007-R1`.
fn is_key(text: &str) -> bool {
    let kind = text.split_once(':').map(|(kind, _)| kind);
    matches!(kind, Some("referral" | "message" | "photo" | "notice"))
}

fn said(reason: &str) -> Said {
    if reason.is_empty() {
        return Said { ours: Some(String::new()), theirs: None };
    }
    if let Some(rest) = reason.strip_prefix("HTTP ") {
        return by_http(rest);
    }
    if let Some(said) = own_words(reason) {
        return said;
    }
    let (name, rest) = reason.split_once(':').unwrap_or((reason, ""));
    let Some((_, words)) = NAMES.iter().find(|(known, _)| *known == name.trim()) else {
        return if is_chinese(reason) {
            Said { ours: None, theirs: Some(reason.to_owned()) }
        } else {
            Said { ours: Some("对方的回答看不懂".to_owned()), theirs: None }
        };
    };
    // What already is in words says more than the name.
    let own =
        chinese_part(rest).filter(|_| !matches!(name, "timeout" | "not_connected" | "cut_off"));
    Said { ours: Some((*words).to_owned()), theirs: own.map(str::to_owned) }
}

/// What the system says of a file or an address, for whoever can mend it.
pub const fn of_system(kind: std::io::ErrorKind) -> &'static str {
    use std::io::ErrorKind::*;
    match kind {
        NotFound => "没有这个文件或文件夹，请核对路径",
        PermissionDenied => "没有权限，请看看它属于谁、谁能读写",
        AlreadyExists => "已经有了，不会覆盖它",
        IsADirectory => "这是文件夹，要写文件",
        NotADirectory => "路径里有一段不是文件夹",
        AddrInUse => "这个地址和端口已被占用：服务是不是已经在运行？",
        AddrNotAvailable => "本机没有这个地址，应写成 127.0.0.1:8380 的样子",
        InvalidInput => "写法不对",
        InvalidData => "里面的字认不出，应存成 UTF-8",
        InvalidFilename => "文件名太长，或有不能用的字",
        StorageFull | QuotaExceeded => "磁盘满了，请腾出空间",
        ReadOnlyFilesystem => "这里只能读，不能写",
        ConnectionRefused | ConnectionReset | NotConnected => "连不上对方",
        TimedOut => "等了很久没有回答",
        UnexpectedEof => "文件没有写完，可能损坏了",
        _ => "系统不让这样做，请看看路径、权限和磁盘",
    }
}

fn by_http(rest: &str) -> Said {
    let code: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let words = match code.as_str() {
        "400" | "409" | "410" | "422" => "对方退回",
        "401" => "对方不认我们的密钥",
        "403" => "对方不让访问：密钥没有权限，或被防火墙拦下",
        "404" | "405" => "对方没有这个接口或编号：请核对地址",
        "408" | "504" => "对方没有及时回答",
        "413" | "414" => "对方嫌内容太长",
        "429" => "对方说发得太快，过一会儿再来",
        "502" => "对方的网关连不上它的系统",
        "503" => "对方暂停服务",
        _ if code.starts_with('5') => "对方的系统出错",
        _ if code.starts_with('3') => "对方转到了别的地址：请核对接口地址",
        _ => "对方没有收下",
    };
    let theirs = chinese_part(&rest[code.len()..]).map(str::to_owned);
    Said { ours: Some(format!("{words}（HTTP {code}）")), theirs }
}

/// The words of the receiver's own, where they can be read.
fn chinese_part(text: &str) -> Option<&str> {
    let text = text.trim().trim_start_matches(|c: char| c.is_ascii_digit() || c == ':').trim();
    is_chinese(text).then_some(text)
}

/// Whether a text is, at least in part, in Chinese.
pub fn is_chinese(text: &str) -> bool {
    text.chars().any(is_common_hanzi)
}

/// Whether a character is one of the hanzi that nearly everything is written with.
pub fn is_common_hanzi(c: char) -> bool {
    ('\u{4e00}'..='\u{9fff}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_reason_is_foreign() {
        for reason in [
            "timeout: operation timed out",
            "certificate: invalid peer certificate: UnknownIssuer",
            "too_many: HTTP 429 slow down",
            "HTTP 403 Forbidden",
            "HTTP 302",
            "HTTP 418 teapot",
            "asking: HTTP 500 Internal Server Error",
            "misconfigured: code 40014 invalid access_token",
            "whatever the mail server says",
        ] {
            let Reason { said, detail, plain } = in_words(reason);
            assert_eq!(detail, reason);
            let foreign = said.replace("HTTP", "");
            assert!(!foreign.chars().any(|c| c.is_ascii_alphabetic()), "{said}");
            assert!(said.starts_with(&plain), "{said} {plain}");
        }
        for theirs in
            ["HTTP 409 王小二已登记", "refused: 王小二已登记", "王小二已登记", "asking: 王小二"]
        {
            let Reason { plain, said, .. } = in_words(theirs);
            assert!(said.contains("王小二") && !plain.contains("王小二"), "{said} {plain}");
        }
        for (reason, name) in [
            ("HTTP 409 王小二", "http_409"),
            ("asking: timeout: 王小二", "timeout"),
            ("referral:CHD2022-000007-R1：HTTP 503", "http_503"),
            ("王小二: 已登记", "other"),
        ] {
            assert_eq!(name_of(reason), name);
        }
        let named = in_words("referral:CHD2022-000007-R1：HTTP 503").said;
        assert_eq!(named, "对方暂停服务（HTTP 503）（referral:CHD2022-000007-R1）");
        assert_eq!(in_words("asking: timeout").said, "查询时对方没有及时回答");
        assert_eq!(in_words("refused: code 4001 地址不明").said, "对方退回：code 4001 地址不明");
    }
}
