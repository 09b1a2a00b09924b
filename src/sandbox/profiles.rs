//! The kinds of platform that the sandbox can be, each with where it was seen. docs/sandbox.md shows this list.

use std::time::Duration;

use super::behaviour::{
    Attribute, Behaviour, Busy, Charset, Course, Description, Firewall, Listed, Look, Numbers,
    Order, Pages, Paging, Parameters, Receipt, Repeated, RetryAfter, Shape, Times, Window, Words,
};

/// One kind of platform.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Profile {
    pub name: &'static str,
    /// What it does, for people.
    pub chinese: &'static str,
    /// The specification, public server or report where that is said.
    pub source: &'static str,
    pub behaviour: Behaviour,
}

/// A name that stands for no kind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "--as 不认识「{name}」；可以写（几种用逗号隔开）：{known}。各种的说明：zoufang sandbox --as list"
)]
pub struct UnknownProfile {
    name: String,
    known: String,
}

impl Profile {
    /// The kind of that name.
    pub fn named(name: &str) -> Option<&'static Profile> {
        PROFILES.iter().find(|profile| profile.name == name)
    }

    /// Reads `NAME,NAME…`: all their habits together; where two differ over one, the later's.
    ///
    /// ```
    /// use zoufang::sandbox::Profile;
    /// assert!(Profile::read("bom,newest-20").is_ok());
    /// assert!(Profile::read("newest-21").is_err());
    /// ```
    pub fn read(names: &str) -> Result<Behaviour, UnknownProfile> {
        let unknown = |name: &str| UnknownProfile {
            name: name.to_owned(),
            known: PROFILES.iter().map(|profile| profile.name).collect::<Vec<_>>().join("、"),
        };
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).try_fold(
            Behaviour::default(),
            |together, name| {
                let profile = Profile::named(name).ok_or_else(|| unknown(name))?;
                Ok(together.and(profile.behaviour))
            },
        )
    }
}

const fn behaviour() -> Behaviour {
    Behaviour {
        paging: None,
        description: None,
        window: None,
        times: None,
        numbers: None,
        charset: None,
        shape: None,
        receipt: None,
        repeated: None,
        firewall: None,
        course: None,
        words: None,
        parameters: None,
        attributes: None,
        busy: None,
        look: None,
        listed: None,
        behind: None,
    }
}

const fn pages(size: usize, largest: usize, order: Order, pages: Pages) -> Behaviour {
    let paging = Paging { size, largest, named: "page_size", order, pages };
    Behaviour { paging: Some(paging), ..behaviour() }
}

const fn busy(status: u16, retry_after: RetryAfter) -> Behaviour {
    Behaviour { busy: Some(Busy { every: 3, status, retry_after }), ..behaviour() }
}

/// mysociety/open311-adapter, `Service::UKCouncil`.
const COUNCIL: &[Attribute] = &[
    Attribute { code: "easting", datatype: "number", variable: false },
    Attribute { code: "northing", datatype: "number", variable: false },
    Attribute { code: "fixmystreet_id", datatype: "string", variable: false },
];

/// Every kind, in the order in which people read of them.
pub const PROFILES: &[Profile] = &[
    Profile {
        name: "georeport",
        chinese: "规范本身：一次最多 1000 件，时间带时区，密钥只在提交时要",
        source: "https://wiki.open311.org/GeoReport_v2",
        behaviour: behaviour(),
    },
    Profile {
        name: "connected-bits",
        chinese: "每页 50 件，新的在前，page 从 1 数起，page_size 最多 500",
        source: "https://austintexas.gov/page/get-service-requests",
        behaviour: pages(50, 500, Order::NewestFirst, Pages::FromOne),
    },
    Profile {
        name: "boston",
        chinese: "每页 50 件，新的在前，page 从 0 数起，page_size 最多 250",
        source: "https://github.com/open311/open311.github.io/issues/16",
        behaviour: pages(50, 250, Order::NewestFirst, Pages::FromZero),
    },
    Profile {
        name: "seeclickfix",
        chinese: "每页 20 件，新的在前，per_page 最多 100；状态首字母大写",
        source: "https://dev.seeclickfix.com/v2/issues",
        behaviour: Behaviour {
            paging: Some(Paging {
                size: 20,
                largest: 100,
                named: "per_page",
                order: Order::NewestFirst,
                pages: Pages::FromOne,
            }),
            words: Some(Words::Titled),
            ..behaviour()
        },
    },
    Profile {
        name: "bloomington",
        chinese: "每页 100 件；最后一页之后的每一页都还是最后一页",
        source: "https://github.com/City-of-Bloomington/uReport/issues/31",
        behaviour: pages(100, 1000, Order::OldestFirst, Pages::LastAgain),
    },
    Profile {
        name: "newest-20",
        chinese: "只给最新的 20 件，没有分页，page 和 page_size 都不理",
        source: "https://github.com/mysociety/fixmystreet/issues/1313",
        behaviour: pages(20, 20, Order::NewestFirst, Pages::None),
    },
    Profile {
        name: "oldest-50",
        chinese: "只给最早的 50 件，没有分页",
        source: "https://wiki.open311.org/GeoReport_v2 (\"the first … requests returned\")",
        behaviour: pages(50, 50, Order::OldestFirst, Pages::None),
    },
    Profile {
        name: "window-ignored",
        chinese: "不理 start_date 和 end_date，每页 50 件，从新到旧",
        source: "https://github.com/mysociety/open311-adapter (t/open311/endpoint/Endpoint1.pm)",
        behaviour: Behaviour {
            window: Some(Window::Ignored),
            ..pages(50, 50, Order::NewestFirst, Pages::FromOne)
        },
    },
    Profile {
        name: "local-window",
        chinese: "把 start_date 和 end_date 当作本地时间，不看时区",
        source: "https://github.com/mysociety/fixmystreet (Controller/Open311.pm: get_requests)",
        behaviour: Behaviour { window: Some(Window::Local), ..behaviour() },
    },
    Profile {
        name: "local-called-utc",
        chinese: "时间其实是本地时间，后面却写着 Z，于是像是来自未来",
        source: "https://github.com/mysociety/fixmystreet/pull/1373",
        behaviour: Behaviour { times: Some(Times::LocalCalledUtc), ..behaviour() },
    },
    Profile {
        name: "no-zone",
        chinese: "时间不写时区：2022-04-20 09:00:00",
        source: "https://github.com/zbeat/accela-open311 (updated_datetime)",
        behaviour: Behaviour { times: Some(Times::WithoutZone), ..behaviour() },
    },
    Profile {
        name: "accela",
        chinese: "清单里的描述是 null，单件才给全文；编号带字母和横线；状态首字母大写；时间不写时区",
        source: "https://github.com/zbeat/accela-open311",
        behaviour: Behaviour {
            description: Some(Description::Null),
            numbers: Some(Numbers::Lettered),
            words: Some(Words::Titled),
            times: Some(Times::WithoutZone),
            ..behaviour()
        },
    },
    Profile {
        name: "fixmystreet",
        chinese: "新的在前，最多 1000 件，没有分页；JSON 外面多包一层 service_requests；查询按本地时间，回答写 +08:00；状态只有 open 和 closed",
        source: "https://github.com/mysociety/fixmystreet (App/Controller/Open311.pm)",
        behaviour: Behaviour {
            shape: Some(Shape::Wrapped),
            window: Some(Window::Local),
            times: Some(Times::Offset),
            words: Some(Words::TwoOnly),
            ..pages(1000, 1000, Order::NewestFirst, Pages::None)
        },
    },
    Profile {
        name: "listed-128",
        chinese: "清单里的描述只有前 128 个字，单件才给全文",
        source: "https://github.com/openbenches/openbenches.org/issues/236",
        behaviour: Behaviour { description: Some(Description::Listed(128)), ..behaviour() },
    },
    Profile {
        name: "kept-200",
        chinese: "描述只存前 200 个字，后面的都丢了",
        source: "https://github.com/mysociety/open311-adapter (Integrations/Confirm.pm cuts at 2000)",
        behaviour: Behaviour { description: Some(Description::Kept(200)), ..behaviour() },
    },
    Profile {
        name: "token",
        chinese: "提交后先给令牌，两天后才有编号",
        source: "https://wiki.open311.org/GeoReport_v2 (GET service_request_id from a token)",
        behaviour: Behaviour {
            receipt: Some(Receipt::Token(Duration::from_secs(2 * 86_400))),
            ..behaviour()
        },
    },
    Profile {
        name: "token-zero",
        chinese: "提交后先给令牌，两天后才有编号，在那以前编号都是 0",
        source: "https://github.com/dotnet/AspNetCore.Docs/issues/28272",
        behaviour: Behaviour {
            receipt: Some(Receipt::ZeroToken(Duration::from_secs(2 * 86_400))),
            ..behaviour()
        },
    },
    Profile {
        name: "null-for-none",
        chinese: "一件也没有的清单写成 null",
        source: "https://github.com/golang/go/issues/27589",
        behaviour: Behaviour { shape: Some(Shape::NullForNone), ..behaviour() },
    },
    Profile {
        name: "escaped",
        chinese: "描述里的 &、<、引号写成 &amp;、&lt;、&quot;",
        source: "https://github.com/mozilla/addons/issues/5295",
        behaviour: Behaviour { description: Some(Description::Escaped), ..behaviour() },
    },
    Profile {
        name: "titled",
        chinese: "描述前面加上标题和冒号",
        source: "https://github.com/mysociety/fixmystreet (App/Controller/Open311.pm: title, then detail)",
        behaviour: Behaviour { description: Some(Description::Titled), ..behaviour() },
    },
    Profile {
        name: "long-numbers",
        chinese: "编号是 20 位的数，在 JSON 里不加引号",
        source: "https://github.com/hyperf/hyperf/issues/6671",
        behaviour: Behaviour { numbers: Some(Numbers::Long), ..behaviour() },
    },
    Profile {
        name: "slashed-numbers",
        chinese: "编号里有斜线：CHD/22/0000001",
        source: "https://github.com/mysociety/open311-adapter (Integration/UK.pm: \"some request IDs include slashes\")",
        behaviour: Behaviour { numbers: Some(Numbers::Slashed), ..behaviour() },
    },
    Profile {
        name: "gbk",
        chinese: "回答是 GBK 编码，抬头里写明",
        source: "https://github.com/star7th/showdoc/issues/1354",
        behaviour: Behaviour { charset: Some(Charset::Gbk), ..behaviour() },
    },
    Profile {
        name: "gbk-unsaid",
        chinese: "回答是 GBK 编码，抬头里不说",
        source: "https://github.com/xCss/JsonBird/issues/25",
        behaviour: Behaviour { charset: Some(Charset::GbkUnsaid), ..behaviour() },
    },
    Profile {
        name: "bom",
        chinese: "回答前面有字节顺序标记",
        source: "https://github.com/hapijs/bourne/issues/28",
        behaviour: Behaviour { charset: Some(Charset::Marked), ..behaviour() },
    },
    Profile {
        name: "redirect-303",
        chinese: "存好以后回答 303，指向新的那件，不给编号",
        source: "https://www.rfc-editor.org/rfc/rfc9110#section-9.3.3",
        behaviour: Behaviour { receipt: Some(Receipt::Redirect), ..behaviour() },
    },
    Profile {
        name: "accepted-202",
        chinese: "收下以后回答 202，没有内容，编号要到清单里查",
        source: "https://www.rfc-editor.org/rfc/rfc9110#section-15.3.3",
        behaviour: Behaviour { receipt: Some(Receipt::Accepted), ..behaviour() },
    },
    Profile {
        name: "listed-late",
        chinese: "清单迟两个小时：那以前按编号查得到，清单里没有",
        source: "https://learn.microsoft.com/en-us/azure/architecture/patterns/cqrs (Eventual consistency)",
        behaviour: Behaviour { behind: Some(Duration::from_secs(2 * 3600)), ..behaviour() },
    },
    Profile {
        name: "conflict-409",
        chinese: "同样的再提交一次，回答 409，不另存",
        source: "https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/",
        behaviour: Behaviour { repeated: Some(Repeated::Conflict), ..behaviour() },
    },
    Profile {
        name: "same-number",
        chinese: "同样的再提交一次，给原来的编号，不另存",
        source: "https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/",
        behaviour: Behaviour { repeated: Some(Repeated::SameNumber), ..behaviour() },
    },
    Profile {
        name: "firewall",
        chinese: "前面有防火墙：内容里有 post、select、<script 等字样的，一律 403",
        source: "https://github.com/ministryofjustice/Claim-for-Crown-Court-Defence/pull/5215",
        behaviour: Behaviour {
            firewall: Some(Firewall(&["<script", "select ", "union ", "post ", "../"])),
            ..behaviour()
        },
    },
    Profile {
        name: "reopened",
        chinese: "办结以后又重新办理，再办结",
        source: "https://github.com/mysociety/fixmystreet/issues/1148",
        behaviour: Behaviour { course: Some(Course::Reopened), ..behaviour() },
    },
    Profile {
        name: "upper-case",
        chinese: "状态用大写：OPEN、CLOSED",
        source: "https://github.com/mysociety/fms-endpoint/issues/31",
        behaviour: Behaviour { words: Some(Words::Upper), ..behaviour() },
    },
    Profile {
        name: "two-words",
        chinese: "状态只有 open 和 closed，退回的也是 closed",
        source: "https://wiki.open311.org/GeoReport_v2 (status)",
        behaviour: Behaviour { words: Some(Words::TwoOnly), ..behaviour() },
    },
    Profile {
        name: "open311-adapter",
        chinese: "密钥只在提交时收，问服务时带了就 400，不认识的参数都 400；要求填 easting、northing、fixmystreet_id；收进度时状态要大写",
        source: "https://github.com/mysociety/open311-adapter (Open311/Endpoint.pm, Role/mySociety.pm)",
        behaviour: Behaviour {
            parameters: Some(Parameters::Strict),
            attributes: Some(COUNCIL),
            ..behaviour()
        },
    },
    Profile {
        name: "key-everywhere",
        chinese: "不论问还是提交都要密钥，没有就 403",
        source: "https://mobile311.sfgov.org/open311/docs (API Keys)",
        behaviour: Behaviour { parameters: Some(Parameters::KeyEverywhere), ..behaviour() },
    },
    Profile {
        name: "retry-after-0",
        chinese: "每三次提交有一次回答忙，叫人 0 秒后再来",
        source: "https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 (delay-seconds may be 0)",
        behaviour: busy(503, RetryAfter::Seconds(0)),
    },
    Profile {
        name: "retry-after-past",
        chinese: "每三次提交有一次回答忙，叫人在一个已经过去的时刻再来",
        source: "https://github.com/userver-framework/userver/issues/160",
        behaviour: busy(503, RetryAfter::Date(-60)),
    },
    Profile {
        name: "retry-after-date",
        chinese: "每三次提交有一次回答忙，再来的时刻写成日期",
        source: "https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 (HTTP-date)",
        behaviour: busy(503, RetryAfter::Date(2)),
    },
    Profile {
        name: "san-francisco",
        chinese: "每三次提交有一次回答 429（太快），叫人 6 秒后再来",
        source: "https://mobile311.sfgov.org/open311/docs (Rate Limiting)",
        behaviour: busy(429, RetryAfter::Seconds(6)),
    },
    Profile {
        name: "no-list-404",
        chinese: "没有请求清单，问就是 404",
        source: "https://github.com/govflow/govflow/issues/4 (GET Service Requests not implemented)",
        behaviour: Behaviour { look: Some(Look(404)), ..behaviour() },
    },
    Profile {
        name: "no-list-400",
        chinese: "请求清单不许按时间问，问就是 400",
        source: "https://wiki.open311.org/GeoReport_v2 (400: anything that fails during list processing)",
        behaviour: Behaviour { look: Some(Look(400)), ..behaviour() },
    },
    Profile {
        name: "no-list-500",
        chinese: "请求清单没有做，问就是 500",
        source: "https://github.com/mysociety/open311-adapter (\"abstract method … not overridden\")",
        behaviour: Behaviour { look: Some(Look(500)), ..behaviour() },
    },
    Profile {
        name: "open-only",
        chinese: "清单里没有办结的，写明 status=closed 才列出来",
        source: "https://github.com/opensupports/opensupports/issues/873 (closed ones only where they are asked for)",
        behaviour: Behaviour { listed: Some(Listed::OpenOnly), ..behaviour() },
    },
];
