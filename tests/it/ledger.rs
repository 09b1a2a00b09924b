//! 台账: what each person's list shows, filtered and in order, page by page; what is sought without standing in an address; the
//! workbook.

use std::collections::BTreeSet;
use std::io::Cursor;

use calamine::{Reader, Xlsx};
use zoufang::app::issue_acts::standpoint;
use zoufang::app::ledger::{Asked, Sought, list};
use zoufang::db::{IssueCard, Store};
use zoufang::domain::campaign::PhaseName;
use zoufang::domain::holder::{Holder, holder};
use zoufang::domain::issue::{Category, Level, State, Urgency};
use zoufang::domain::ledger::{Filter, Order, is_late, phase_of};

use crate::accounts::served;
use crate::support::browser::{Browser, person, signed_in};
use crate::support::{Fixture, VISITS, areas, client, on_both};

const MORE_AREAS: &str =
    "区划名称,区划类型,上级区划\n第二总支,总支,370481111000\n西村,村,第二总支\n";
const MORE_STAFF: &str = "人员编号,姓名,角色,所属区划,工作单位
B2,戊二,总支书记,第二总支,
V2,甲二,走访人员,西村,
";

const OTHERS: &str = "人员编号,姓名,角色,所属区划,工作单位
C2,丙二,村两委,西村,
S2,庚二,分管领导,第二总支,
S3,庚三,分管领导,370481111000,
D1,己一,镇直部门,370481111000,城建办
O1,壬一,组织人事办公室,370481111000,
I1,子一,督导组,370481111000,
M1,丑一,走访人员、网格员,高桥村,
";

/// Two branches, and issues that stand in all kinds of ways.
async fn many_issues(fixture: Fixture) -> Fixture {
    let fixture = fixture.township().await;
    let subjects: String =
        (0..12).map(|n| format!("W{n},家庭,西户{n},西村,\n")).collect::<Vec<_>>().concat();
    let assigned: String = (0..12).map(|n| format!("W{n},V2\n")).collect::<Vec<_>>().concat();
    let levels = [",,", "镇村,居住环境,急", "镇村,其他,一般", "联动,基本医疗,长期", "市直,其他,急"];
    let visits: String = (0..12)
        .map(|n| {
            let class = if n % 5 == 0 { ",," } else { levels[n % 5] };
            format!("2022-03-01,V2,W{n},西户{n},1390000{n:04},第{n}件路灯不亮,有,{class}\n")
        })
        .collect::<Vec<_>>()
        .concat();
    let own = "2022-03-01,Z6,H1,王建国,13800000001,井盖坏了,有,镇村,居住环境,急\n2022-03-01,Z7,H3,店主,13800000003,垃圾没人收,有,,,\n";
    for (name, table) in [
        ("a2.csv", MORE_AREAS.to_owned()),
        ("s2.csv", MORE_STAFF.to_owned()),
        ("o2.csv", format!("对象编号,对象类型,对象名称,所属村,地址\n{subjects}")),
        ("f2.csv", format!("对象编号,走访人员\n{assigned}")),
        ("v2.csv", format!("{VISITS}\n{visits}{own}")),
    ] {
        fixture.import(name, &table).await.unwrap_or_else(|error| panic!("{error}"));
    }
    let done = "问题编号,办理结果,办理人\nCHD2022-000002,已修好路灯,陈网\n";
    fixture.import("r.csv", done).await.unwrap();
    fixture.at(3, 20, 9);
    fixture
}

/// Every issue, read one by one.
async fn all(store: &Store) -> Vec<IssueCard> {
    let mut all = Vec::new();
    for state in State::ALL {
        all.extend(store.issues_in(*state, i64::MAX).await.unwrap());
    }
    all.sort_by(|one, two| one.number.cmp(&two.number));
    all
}

fn asked(filter: Filter, order: Order) -> Asked {
    Asked { filter, area: None, subject: None, order, after: None, at_most: 3 }
}

/// All pages of a list, one after the other.
async fn pages(store: &Store, who: &str, mut asked: Asked) -> Vec<String> {
    let who = person(store, who).await;
    let mut numbers = Vec::new();
    loop {
        let mut record = store.snapshot().await.unwrap();
        let listed = list(&mut record, &who, &asked, &Sought::default()).await.unwrap();
        record.end().await.unwrap();
        assert!(listed.rows.len() <= asked.at_most && !listed.cut);
        numbers.extend(listed.rows.into_iter().map(|row| row.number));
        match listed.next {
            Some(next) => asked.after = Some(next),
            None => return numbers,
        }
    }
}

fn filters() -> Vec<Filter> {
    let none = Filter::default();
    let mut filters = vec![none, Filter { late: true, ..none }];
    filters.extend(State::ALL.iter().map(|of| Filter { state: Some(*of), ..none }));
    filters.extend(Level::ALL.iter().map(|of| Filter { level: Some(*of), ..none }));
    filters.extend(Category::ALL.iter().map(|of| Filter { category: Some(*of), ..none }));
    filters.extend(Urgency::ALL.iter().map(|of| Filter { urgency: Some(*of), ..none }));
    filters.extend(Holder::ALL.iter().map(|of| Filter { holder: Some(*of), ..none }));
    filters.extend(PhaseName::ALL.iter().map(|of| Filter { phase: Some(*of), ..none }));
    filters.push(Filter {
        late: true,
        level: Some(Level::Town),
        urgency: Some(Urgency::Urgent),
        ..none
    });
    filters
}

on_both!(each_filter_and_order_lists_just_what_it_says, async |fixture: Fixture| {
    let fixture = many_issues(fixture).await;
    let (store, today) = (&fixture.store, fixture.clock.today());
    let cards = all(store).await;
    assert_eq!(cards.len(), 14);
    let mut listed_some = 0;
    for filter in filters() {
        let is = |card: &&IssueCard| {
            let (issue, class) = (&card.issue, card.issue.class);
            filter.state.is_none_or(|of| issue.state == of)
                && filter.level.is_none_or(|of| class.is_some_and(|class| class.level == of))
                && filter.category.is_none_or(|of| class.is_some_and(|class| class.category == of))
                && filter.urgency.is_none_or(|of| class.is_some_and(|class| class.urgency == of))
                && filter.holder.is_none_or(|of| holder(issue, false) == Some(of))
                && filter.phase.is_none_or(|of| phase_of(issue) == Some(of))
                && (!filter.late || is_late(issue, card.due_on, today))
        };
        let wanted: Vec<&str> = cards.iter().filter(is).map(|card| card.number.as_str()).collect();
        listed_some += usize::from(!wanted.is_empty());
        assert_eq!(pages(store, "Z1", asked(filter, Order::Oldest)).await, wanted, "{filter:?}");
        let mut newest = pages(store, "Z1", asked(filter, Order::Newest)).await;
        newest.reverse();
        assert_eq!(newest, wanted, "{filter:?}");
        let mut open: Vec<_> = cards
            .iter()
            .filter(is)
            .filter(|card| {
                !matches!(card.issue.state, State::Resolved | State::Closed | State::Void)
            })
            .filter_map(|card| Some((card.due_on?, card.number.as_str())))
            .collect();
        open.sort_unstable();
        let due: Vec<&str> = open.into_iter().map(|(_, number)| number).collect();
        assert_eq!(pages(store, "Z1", asked(filter, Order::Due)).await, due, "{filter:?}");
    }
    assert!(listed_some > 12);
    // As many are late as the status says.
    let late =
        pages(store, "Z1", asked(Filter { late: true, ..Filter::default() }, Order::Due)).await;
    assert!(!late.is_empty());
    assert_eq!(late.len() as i64, store.counts().await.unwrap().late);
});

on_both!(a_list_shows_what_its_reader_may_see, async |fixture: Fixture| {
    let fixture = many_issues(fixture).await;
    let (store, everything) = (&fixture.store, asked(Filter::default(), Order::Oldest));
    let in_west = 12;
    for (who, many) in [
        ("Z1", 14),
        ("Z2", 14),
        ("B2", in_west),
        ("V2", in_west),
        ("Z3", 2),
        ("Z6", 1),
        ("Z7", 1),
        ("Z5", 1),
    ] {
        assert_eq!(pages(store, who, everything.clone()).await.len(), many, "{who}");
    }
    // What stands on somebody's list is what they may open, whatever their role.
    fixture.import("p.csv", OTHERS).await.unwrap();
    let cards = all(store).await;
    for one in store.staff().await.unwrap() {
        let mut may_open = Vec::new();
        let mut record = store.snapshot().await.unwrap();
        for card in &cards {
            let stands = standpoint(&mut record, &one, &card.number).await.unwrap();
            may_open.extend(stands.map(|_| card.number.clone()));
        }
        record.end().await.unwrap();
        let listed = pages(store, &one.number, everything.clone()).await;
        assert_eq!(listed, may_open, "{}", one.number);
    }
    // Whoever asks for another's area, or another's subject, gets nothing.
    let west = areas(store).await.into_iter().find(|area| area.name == "西村").unwrap().id;
    let of_west = Asked { area: Some(west), ..everything.clone() };
    assert_eq!(pages(store, "Z1", of_west.clone()).await.len(), in_west);
    assert!(pages(store, "Z3", of_west.clone()).await.is_empty());
    assert_eq!(pages(store, "V2", of_west).await.len(), in_west);
    let of_subject = Asked { subject: Some("W3".to_owned()), ..everything };
    assert_eq!(pages(store, "B2", of_subject.clone()).await.len(), 1);
    assert!(pages(store, "Z6", of_subject).await.is_empty());
});

/// The numbers that a page lists.
fn listed(text: &str) -> BTreeSet<String> {
    let links = text.split("href=\"/my/issues/").skip(1);
    links.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

on_both!(the_page_filters_by_its_address_and_hides_what_was_said, async |fixture: Fixture| {
    let fixture = many_issues(fixture).await;
    let url = served(&fixture.store, "").await;
    let mut leader = signed_in(&fixture.store, &url, "Z1").await;
    let page = leader.get("/my/issues").await;
    page.is(200).says("台账").hides("路灯不亮").hides("井盖坏了").says("（");
    assert_eq!(listed(&page.text).len(), 14);
    let of = async |leader: &mut Browser, query: &str| {
        listed(&leader.get(&format!("/my/issues?{query}")).await.is(200).text).len()
    };
    assert_eq!(of(&mut leader, "phase=classify").await, 4);
    assert_eq!(of(&mut leader, "state=resolved").await, 1);
    assert_eq!(of(&mut leader, "level=city&urgency=urgent").await, 2);
    assert_eq!(of(&mut leader, "subject=W3").await, 1);
    let odd = leader.get("/my/issues?state=坏&level=city&after=x_y").await;
    odd.is(200).says("这几项条件看不懂").says("状态、从哪一件接着看");
    // By number, also short; one that isn't theirs isn't found.
    assert_eq!(leader.get("/my/issues?find=2").await.is(303).to, "/my/issues/CHD2022-000002");
    leader.get("/my/issues?find=999").await.is(422).says("CHD2022-000999");
    let mut own = signed_in(&fixture.store, &url, "Z6").await;
    own.get("/my/issues").await.is(200).says("井盖坏了");
    own.get("/my/issues?find=2").await.is(422).says("不在您负责的范围内");
});

on_both!(who_is_sought_stands_in_no_address_and_in_the_audit, async |fixture: Fixture| {
    let fixture = many_issues(fixture).await;
    let url = served(&fixture.store, "").await;
    let mut leader = signed_in(&fixture.store, &url, "Z1").await;
    let key = leader.get("/my/issues").await.field("key");
    let found = leader.post("/my/issues", &[("key", &key), ("phone", "139 0000 0003")]).await;
    found.is(200).says("按电话");
    assert_eq!(listed(&found.text), BTreeSet::from(["CHD2022-000004".to_owned()]));
    let found = leader.post("/my/issues", &[("key", &key), ("words", "井盖")]).await;
    assert_eq!(listed(&found.is(200).text), BTreeSet::from(["CHD2022-000013".to_owned()]));
    // Within the filter that is chosen.
    let fields = [("key", key.as_str()), ("words", "路灯"), ("level", "city")];
    assert_eq!(listed(&leader.post("/my/issues", &fields).await.text).len(), 2);
    for (fields, said) in [
        (("phone", "0003"), "整个号码"),
        (("words", "灯"), "两个字以上"),
        (("words", ""), "请填要找的"),
    ] {
        leader.post("/my/issues", &[("key", &key), fields]).await.is(422).says(said);
    }
    // A visitor finds by a telephone what is theirs, and nothing by words.
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    let key = visitor.get("/my/issues").await.field("key");
    let own = visitor.post("/my/issues", &[("key", &key), ("phone", "13800000001")]).await;
    assert_eq!(listed(&own.text).len(), 1);
    let others = visitor.post("/my/issues", &[("key", &key), ("phone", "13900000003")]).await;
    assert!(listed(&others.text).is_empty(), "{}", others.text);
    visitor
        .post("/my/issues", &[("key", &key), ("words", "井盖")])
        .await
        .is(422)
        .says("不能按内容查找");
    let audit = fixture.store.audit_trail().await.unwrap();
    let searches = audit.iter().filter(|entry| entry.action == "search_issues").count();
    assert_eq!(searches, 5);
});

on_both!(what_is_shown_is_exported, async |fixture: Fixture| {
    let fixture = many_issues(fixture).await;
    let url = served(&fixture.store, "").await;
    let mut branch = signed_in(&fixture.store, &url, "B2").await;
    let key = branch.get("/my/issues").await.field("key");
    let cookie = format!("zoufang={}", branch.cookies["zoufang"]);
    let answer = client()
        .post(format!("{url}/my/export/issues"))
        .header("origin", &url)
        .header("cookie", cookie)
        .form(&[("key", key.as_str()), ("level", "city")])
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-disposition"].to_str().unwrap().contains(".xlsx"));
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(answer.bytes().await.unwrap())).unwrap();
    let rows = workbook.worksheet_range("台账").unwrap();
    let rows: Vec<Vec<String>> =
        rows.rows().map(|row| row.iter().map(ToString::to_string).collect()).collect();
    assert_eq!(rows[0][0], "问题台账");
    assert_eq!(rows[1][0], "条件：市直单办");
    assert_eq!(rows[2][..4], ["序号", "村", "问题编号", "状态"]);
    let numbers: Vec<&str> = rows[3..5].iter().map(|row| row[2].as_str()).collect();
    assert_eq!(numbers, ["CHD2022-000010", "CHD2022-000005"]);
    assert!(rows[3][5].contains("已隐去") && rows[3][6] == "市直单办", "{rows:?}");
    assert!(rows[5][0].contains("2 件，已全部导出"), "{rows:?}");
    let audit = fixture.store.audit_trail().await.unwrap();
    assert!(audit.iter().any(|entry| entry.action == "export_issues"));
});
