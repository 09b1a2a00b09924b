//! A day's work on a telephone: what one owes, recording visits and revisits, and an issue's page; by plain forms.

use jiff::SignedDuration;
use zoufang::app::recording::forget_receipts;
use zoufang::db::Store;
use zoufang::domain::issue::State;

use crate::accounts::served;
use crate::support::browser::{Answer, Browser, person, signed_in};
use crate::support::{Fixture, on_both};

/// A campaign's days pass while one browser stays signed in.
const LONG: &str = "[accounts]\nidle = '90d'\nlongest = '180d'\n";

/// The form of a visit as it's shown, filled in.
#[derive(Clone)]
struct Form {
    at: String,
    fields: Vec<(String, String)>,
}

impl Form {
    async fn open(browser: &mut Browser, at: &str) -> Form {
        let shown = browser.get(at).await;
        shown.is(200);
        let path = at.split('?').next().unwrap().to_owned();
        Form { at: path, fields: Vec::new() }.shown(&shown)
    }

    /// Takes over what a page keeps in its form.
    fn shown(mut self, shown: &Answer) -> Form {
        for name in ["key", "form", "resident", "seen", "known_name"] {
            if shown.text.contains(&format!("name=\"{name}\" value=\"")) {
                self = self.with(name, &shown.field(name));
            }
        }
        self.with("on", "2022-03-01").with("pledge", "yes")
    }

    fn with(mut self, name: &str, value: &str) -> Form {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Form {
        self.fields.retain(|(known, _)| known != name);
        self
    }

    async fn send(&self, browser: &mut Browser) -> Answer {
        let fields: Vec<(&str, &str)> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.post(&self.at, &fields).await
    }
}

/// How many visits and issues there are.
async fn counts(store: &Store) -> (i64, usize) {
    let figures = store.figures().await.unwrap();
    let mut issues = 0;
    for state in State::ALL {
        issues += store.issues_in(*state, 1_000).await.unwrap().len();
    }
    (figures.residents, issues)
}

on_both!(a_visit_is_recorded_once_however_often_it_is_sent, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    let mut browser = signed_in(&fixture.store, &url, "Z6").await;
    browser.get("/my/households").await.is(200).says("王建国").says("李秀英").hides("便民超市");
    browser.get("/my/households?left=visit&find=李").await.says("李秀英").hides("王建国");
    browser.get("/my/households/H1").await.is(200).says("还没有登记过群众").says("高桥村1号");
    browser.get("/my/households/H3").await.is(404).says("不由您走访");
    let form = Form::open(&mut browser, "/my/households/H1/visit")
        .await
        .with("name", " 王 建国 ")
        .with("contact", "１３８００００００１１")
        .with("heard", "issue")
        .with("text", "村口路灯不亮")
        .with("urgency", "urgent");
    // A double tap: both at once.
    let (mut one, mut two) = (browser.clone(), browser.clone());
    let (first, second) = tokio::join!(form.send(&mut one), form.send(&mut two));
    assert_eq!((first.status, second.status), (303, 303), "{} {}", first.text, second.text);
    assert_eq!(first.to, second.to);
    let done = browser.get(&first.to).await;
    done.is(200).says("已登记：王建国").says("CHD2022-000001").says("已走访");
    // And the day after, by a browser that lost the answer.
    fixture.at(3, 2, 9);
    assert_eq!(form.send(&mut browser).await.is(303).to, first.to);
    assert_eq!(counts(&fixture.store).await, (1, 1));
    // Another thing under the same id isn't taken for it.
    let other = form.clone().with("text", "下水道堵了");
    other.send(&mut browser).await.is(422).says("已经为「王建国」登记过一次");
    assert_eq!(counts(&fixture.store).await, (1, 1));
    // Nor is anybody else told what was recorded under it.
    let mut another = signed_in(&fixture.store, &url, "Z7").await;
    let theirs = another.get("/my").await.field("key");
    let theirs = form.with("key", &theirs).with("contact", "13900000099");
    theirs.send(&mut another).await.hides("王建国").hides("路灯");
    assert_eq!(counts(&fixture.store).await, (1, 1));
    // It's what a table would have recorded: the same row is nothing new.
    let row = "2022-03-01,Z6,H1,王建国,13800000011,村口路灯不亮,有,,,";
    let report = fixture.visit(row).await.unwrap();
    assert_eq!((report.added, report.changed, report.same), (0, 0, 1));
    let audit = fixture.store.audit_trail().await.unwrap();
    let own: Vec<_> = audit.iter().filter(|entry| entry.action == "record_visit").collect();
    assert_eq!(own.len(), 1);
    assert!(own[0].actor == "Z6 褚走" && own[0].detail.contains("\"no_meal_no_gift\":true"));
    assert!(!format!("{own:?}").contains("王建国"), "{own:?}");
});

on_both!(what_was_said_of_a_form_is_forgotten_after_three_months, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    let mut browser = signed_in(&fixture.store, &url, "Z6").await;
    let form = Form::open(&mut browser, "/my/households/H1/visit").await;
    form.with("name", "王建国").with("heard", "nothing").send(&mut browser).await.is(303);
    let days = |days: i64| {
        fixture.clock.set(fixture.clock.now() + SignedDuration::from_hours(days * 24));
    };
    let forget = async || forget_receipts(&fixture.store).await.unwrap();
    days(89);
    assert_eq!(forget().await, 0);
    days(2);
    assert_eq!((forget().await, forget().await), (1, 0));
});

on_both!(a_form_says_what_is_wrong_and_keeps_what_was_filled_in, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    let mut browser = signed_in(&fixture.store, &url, "Z6").await;
    let at = "/my/households/H1/visit";
    for (changes, said) in [
        (vec![("heard", "")], "请选一项"),
        (vec![("name", "  ")], "请写群众的姓名"),
        (vec![("on", "2022-03-02")], "在将来"),
        (vec![("on", "2021-03-01")], "早于这次活动"),
        (vec![("on", "昨天")], "请选走访日期"),
        (vec![("contact", "138000")], "不是完整的电话"),
        (vec![("heard", "issue"), ("text", "无")], "请写群众反映了什么"),
        (vec![("heard", "issue"), ("text", "灯坏"), ("level", "town")], "还要选类别"),
        (vec![("heard", "issue"), ("text", "灯坏"), ("category", "other")], "还要选责任层级"),
        (vec![("text", "路灯不亮")], "选了没有问题，这里却写了内容"),
        (vec![("heard", "unheard")], "请写为什么没有见到"),
        (vec![("pledge", "")], "没有收受礼品"),
        (vec![("form", "")], "表单不完整"),
    ] {
        let mut form =
            Form::open(&mut browser, at).await.with("name", "王建国").with("heard", "nothing");
        for (name, value) in &changes {
            form = form.with(name, value);
        }
        let answer = form.send(&mut browser).await;
        answer.is(422).says("没有登记").says(said).hides("zoufang ").hides(" --");
        if changes.iter().all(|(name, _)| *name != "name") {
            answer.says("value=\"王建国\"");
        }
    }
    let long = Form::open(&mut browser, at).await.with("name", "王建国").with("heard", "issue");
    long.with("text", &"路".repeat(1_001)).send(&mut browser).await.is(422).says("最多 1000 个");
    assert_eq!(counts(&fixture.store).await, (0, 0));
    // Somebody who couldn't be heard: no pledge is asked, and they are left out of who is left.
    let form = Form::open(&mut browser, at).await.without("pledge").with("name", "王小明");
    let form = form.with("heard", "unheard").with("unheard", "外出务工");
    let done = form.send(&mut browser).await.is(303).to.clone();
    browser.get(&done).await.says("已登记：王小明").says("没有见到：外出务工").says("还没走访");
});

on_both!(nothing_is_recorded_over_what_changed_meanwhile, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    let mut browser = signed_in(&fixture.store, &url, "Z6").await;
    fixture.visit("2022-03-01,Z6,H1,王建国,13800000011,路灯不亮,有,,,").await.unwrap();
    let page = browser.get("/my/households/H1").await;
    let at = &page.text[page.text.find("/my/households/H1/visit?resident=").unwrap()..];
    let at = at.split('"').next().unwrap().to_owned();
    fixture.at(3, 5, 9);
    let form =
        Form::open(&mut browser, &at).await.with("heard", "nothing").with("on", "2022-03-05");
    // Meanwhile a table brings something of the same person.
    fixture.visit("2022-03-04,Z6,H1,王建国,,,无,,,").await.unwrap();
    let stale = form.send(&mut browser).await;
    stale.is(409).says("在您打开页面之后").says("value=\"nothing\" required checked");
    // Looked at and sent again, it's recorded.
    let form = form.shown(&stale).with("on", "2022-03-05");
    form.send(&mut browser).await.is(303);
    // Where it's somebody else's by now, nothing of it is shown.
    let open = Form::open(&mut browser, "/my/households/H2/visit").await;
    let mut tx = fixture.store.begin().await.unwrap();
    let to = person(&fixture.store, "Z7").await.id;
    let put = zoufang::app::assignments::reassign(&mut tx, "H2", &to, "Z3 郑书", "换人").await;
    assert!(put.is_ok(), "{put:?}");
    tx.commit().await.unwrap();
    let open = open.with("name", "李秀英").with("heard", "nothing").with("on", "2022-03-05");
    open.send(&mut browser).await.hides("李秀英").is(404).says("不由您走访");
});

on_both!(what_may_be_the_same_is_asked_by_buttons, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    let mut browser = signed_in(&fixture.store, &url, "Z6").await;
    fixture.visit("2022-03-01,Z6,H1,王建国,13800000011,村口路灯不亮,有,,,").await.unwrap();
    fixture.at(3, 5, 9);
    let at = "/my/households/H1/visit";
    let issue = async |browser: &mut Browser, name: &str, contact: &str, text: &str| {
        let form = Form::open(browser, at).await.with("name", name).with("contact", contact);
        form.with("on", "2022-03-05").with("heard", "issue").with("text", text)
    };
    // The same matter, as another day tells it.
    let form = issue(&mut browser, "王建国", "", "路灯不亮").await;
    let asked = form.send(&mut browser).await;
    asked.is(422).says("是一件事或很像").says("是同一件事，不再登记一次").hides(" --");
    form.with("decided", "correction").send(&mut browser).await.is(303);
    assert_eq!(counts(&fixture.store).await, (1, 1));
    let form = issue(&mut browser, "王建国", "", "村口路灯还是不亮").await;
    form.send(&mut browser).await.is(422);
    form.with("decided", "another").send(&mut browser).await.is(303);
    assert_eq!(counts(&fixture.store).await, (1, 2));
    // Another number of the same name.
    let form = issue(&mut browser, "王建国", "13900000099", "申请低保").await;
    form.send(&mut browser).await.is(422).says("登记的联系方式不同").says("是同一个人，换了号码");
    form.with("decided", "same_person").send(&mut browser).await.is(303);
    // A name with a character put otherwise, and the same number.
    let form = issue(&mut browser, "王建围", "13900000099", "厕所要修").await;
    let asked = form.send(&mut browser).await;
    asked.is(422).says("只差一个字").says("就是「王建国」");
    form.shown(&asked)
        .with("on", "2022-03-05")
        .with("decided", "known")
        .send(&mut browser)
        .await
        .is(303);
    assert_eq!(counts(&fixture.store).await, (1, 4));
});

on_both!(what_one_owes_leads_to_where_it_is_done, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    fixture
        .visit("2022-03-01,Z6,H1,王建国,13800000011,路灯不亮,有,镇村,居住环境,急")
        .await
        .unwrap();
    fixture.visit("2022-03-01,Z6,H1,李芳,,门口积水,有,,,").await.unwrap();
    fixture.at(3, 30, 9);
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    let mine = visitor.get("/my").await;
    mine.is(200).says("入户走访 1项").says("● 临近").says("3月31日到期，还有 1 天").says("H2 李**");
    mine.says("/my/households?left=visit").says("/my/households?left=classify");
    let (visit, classify) = (mine.text.find("入户走访"), mine.text.find("群众分类"));
    assert!(visit < classify, "the nearest first");
    visitor.get("/my/households?left=classify").await.says("王建国").hides("李秀英");
    fixture.at(4, 2, 9);
    visitor.get("/my").await.says("▲ 超期").says("已超 2 天");
    // Whoever has the ball of an issue goes to its page.
    let mut grid = signed_in(&fixture.store, &url, "Z5").await;
    let mine = grid.get("/my").await;
    mine.is(200).says("问题办结 1项").says("诉求签收").hides("路灯").hides("王建国");
    let to = "/my/issues/CHD2022-000001";
    mine.says(to);
    let issue = grid.get(to).await;
    issue.is(200).says("路灯不亮").says("王建国").says("13800000011").says("签收").says("着手办理");
});

on_both!(an_issue_is_worked_on_from_its_page, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    fixture.visit("2022-03-01,Z6,H1,王建国,13800000011,路灯不亮,有,,,").await.unwrap();
    let at = "/my/issues/CHD2022-000001";
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    let mut grid = signed_in(&fixture.store, &url, "Z5").await;
    let mut lead = signed_in(&fixture.store, &url, "Z3").await;
    let shown = visitor.get(at).await;
    shown.is(200).says("路灯不亮").says("还没有分类").says("登记分类").hides("<summary>作废");
    let (key, version) = (shown.field("key"), shown.field("version"));
    let class = |level: &'static str| {
        [("level", level), ("category", "living_environment"), ("urgency", "urgent")]
    };
    let send = async |browser: &mut Browser,
                      key: &str,
                      version: &str,
                      act: &str,
                      more: &[(&str, &str)]| {
        let mut fields = vec![("key", key), ("version", version), ("act", act)];
        fields.extend(more);
        browser.post(at, &fields).await
    };
    send(&mut visitor, &key, &version, "classify", &[]).await.is(422).says("请选责任层级");
    // What goes to the platform is confirmed first.
    send(&mut visitor, &key, &version, "classify", &class("city")).await.is(422).says("不能撤回");
    send(&mut visitor, &key, &version, "classify", &class("town")).await.is(303);
    // Pressed twice it's done once; somebody else's older page isn't taken.
    send(&mut visitor, &key, &version, "classify", &class("town")).await.is(303);
    send(&mut visitor, &key, "0", "begin", &[]).await.is(409).says("有了变化");
    let shown = grid.get(at).await;
    let (key, version) = (shown.field("key"), shown.field("version"));
    shown.says("镇村自办，居住环境，急").says("登记办理结果").hides("<summary>作废");
    send(&mut grid, &key, &version, "void", &[("said", "重复"), ("confirmed", "yes")])
        .await
        .is(403);
    send(&mut grid, &key, &version, "take_note", &[]).await.is(303);
    let version = grid.get(at).await.hides("<button>签收").hides("已隐去").field("version");
    send(&mut grid, &key, &version, "begin", &[]).await.is(303);
    let version = grid.get(at).await.says("办理中").field("version");
    for (said, why) in
        [("正在办理", "没有办结请不要登记"), ("已联系供电所，预计月底修好", "看不出办结了没有")]
    {
        send(&mut grid, &key, &version, "finish", &[("said", said)])
            .await
            .is(422)
            .says(why)
            .says(said);
    }
    send(&mut grid, &key, &version, "finish", &[("said", "已告知王建国，换了灯泡")]).await.is(303);
    // Whoever doesn't act on it sees its course and nothing personal; to see more is written down.
    let masked = lead.get(at).await;
    masked
        .is(200)
        .says("已隐去")
        .says("王**")
        .says("已告知王**，换了灯泡")
        .hides("路灯")
        .hides("王建国")
        .hides("13800000011");
    let key = masked.field("key");
    lead.post(at, &[("key", &key), ("act", "reveal")])
        .await
        .is(200)
        .says("路灯不亮")
        .says("13800000011");
    lead.get(at).await.hides("路灯");
    let version = masked.field("version");
    let why = [("said", "与别的问题重复")];
    send(&mut lead, &key, &version, "void", &why)
        .await
        .is(422)
        .says("请勾选确认")
        .says("与别的问题重复");
    send(&mut lead, &key, &version, "void", &[why[0], ("confirmed", "yes")]).await.is(303);
    let version = lead.get(at).await.says("作废").field("version");
    send(&mut lead, &key, &version, "reopen", &[("said", "不是重复的"), ("confirmed", "yes")])
        .await
        .is(303);
    let audit = fixture.store.audit_trail().await.unwrap();
    let did =
        |act: &str, who: &str| audit.iter().any(|entry| entry.action == act && entry.actor == who);
    for (act, who) in [
        ("classify", "Z6 褚走"),
        ("take_note", "Z5 陈网"),
        ("begin", "Z5 陈网"),
        ("finish", "Z5 陈网"),
        ("reveal", "Z3 郑书"),
        ("void", "Z3 郑书"),
        ("reopen", "Z3 郑书"),
    ] {
        assert!(did(act, who), "{act} {who}");
    }
    let history =
        fixture.store.issue_history(&fixture.store.issue_id("CHD2022-000001").await.unwrap()).await;
    assert_eq!(history.unwrap().len(), 6);
});

on_both!(a_revisit_brings_the_answer_and_closes, async |fixture: Fixture| {
    let fixture = fixture.township().await;
    let url = served(&fixture.store, LONG).await;
    fixture
        .visit("2022-03-01,Z6,H1,王建国,13800000011,路灯不亮,有,镇村,居住环境,急")
        .await
        .unwrap();
    fixture.visit("2022-03-01,Z6,H2,李秀英,,井盖松动,有,镇村,居住环境,急").await.unwrap();
    fixture
        .import("r.csv", "问题编号,办理结果\nCHD2022-000001,换了灯泡\nCHD2022-000002,换了井盖\n")
        .await
        .unwrap();
    fixture.at(6, 2, 9);
    let mut browser = signed_in(&fixture.store, &url, "Z6").await;
    let revisit = async |browser: &mut Browser, number: &str, answer: &str| {
        let page = browser.get(&format!("/my/households/{number}")).await.text;
        let at = &page[page.find(&format!("/my/households/{number}/revisit?resident=")).unwrap()..];
        let at = at.split('"').next().unwrap().to_owned();
        browser.get(&at).await.says("要带去的答复");
        let form =
            Form::open(browser, &at).await.with("on", "2022-06-02").with("manner", "face_to_face");
        form.without("answer").send(browser).await.is(422).says("请选群众是否满意");
        let form = Form::open(browser, &at).await.with("on", "2022-06-02").with("answer", answer);
        let form = match answer {
            "dissatisfied" => form.with("why", "又松动了").with("decided", "reopening"),
            _ => form,
        };
        form.send(browser).await.is(303);
    };
    revisit(&mut browser, "H1", "satisfied").await;
    revisit(&mut browser, "H2", "dissatisfied").await;
    let state = async |number: &str| {
        let mut snapshot = fixture.store.snapshot().await.unwrap();
        let id = snapshot.issue_id(number).await.unwrap();
        snapshot.issue(&id).await.unwrap().state
    };
    assert_eq!(state("CHD2022-000001").await, State::Closed);
    assert_eq!(state("CHD2022-000002").await, State::Reopened);
    browser.get("/my/households/H1").await.says("已回访，满意").says("已销号");
});
