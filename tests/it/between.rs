//! Between two campaigns: the next one is applied and hasn't begun. What goes on from the last one can still be done, and what is
//! wrong is said in words that help.

use jiff::civil::date;
use tokio_util::sync::CancellationToken;
use zoufang::app::plan;
use zoufang::daemon::{Daemon, load_campaign};
use zoufang::db::Store;
use zoufang::domain::campaign::Campaign;
use zoufang::domain::visit::VisitKind;
use zoufang::settings::Settings;
use zoufang::web::status::Status;

use crate::accounts::served;
use crate::support::browser::signed_in;
use crate::support::{Fixture, on_both};

/// The plan of 2022, a year later, applied in July.
async fn next_applied(fixture: Fixture) -> Fixture {
    let fixture = fixture.township().await;
    fixture.at(3, 7, 9);
    for line in
        ["2022-03-05,Z6,H1,王小二,,路灯不亮,有,镇村,居住环境,急", "2022-03-05,Z6,H2,李秀英,,,无,,,"]
    {
        fixture.visit(line).await.unwrap();
    }
    fixture
        .import("r.csv", "问题编号,办理结果,办理人\nCHD2022-000001,已更换灯泡,Z5\n")
        .await
        .unwrap();
    fixture.at(7, 11, 9);
    apply_next(&fixture.store).await;
    fixture
}

async fn apply_next(store: &Store) {
    let text = include_str!("../../config/campaign.toml").replace("2022", "2023");
    let next: Campaign = toml::from_str(&text).unwrap();
    plan::apply(store, &next, "Z1", "新一年").await.unwrap();
}

on_both!(a_revisit_that_goes_on_is_recorded_and_a_visit_waits, async |fixture: Fixture| {
    let fixture = next_applied(fixture).await;
    let plans = fixture.store.plans();
    assert_eq!(plans.visited_since(VisitKind::Revisit), date(2022, 3, 1));
    assert_eq!(plans.visited_since(VisitKind::First), date(2023, 3, 1));
    let url = served(&fixture.store, "").await;
    let mut visitor = signed_in(&fixture.store, &url, "Z6").await;
    let page = visitor.get("/my/households/H1/revisit").await;
    page.is(200).says("min=\"2022-03-01\" max=\"2022-07-11\"");
    let said = |form: &str, key: &str, on: &str| {
        let fields = [
            ("form", form),
            ("key", key),
            ("on", on),
            ("name", "王小二"),
            ("answer", "satisfied"),
            ("manner", "face_to_face"),
            ("heard", "nothing"),
            ("pledge", "yes"),
        ];
        fields.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let sent = said(&page.field("form"), &page.field("key"), "2022-07-10");
    let sent: Vec<(&str, &str)> =
        sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    visitor.post("/my/households/H1/revisit", &sent).await.is(303);
    let mut record = fixture.store.snapshot().await.unwrap();
    let issue = record.issue_numbered("CHD2022-000001").await.unwrap().issue().unwrap();
    record.end().await.unwrap();
    assert_eq!(issue.state.to_string(), "已销号");
    // A first visit counts from the campaign's first day: until then that's said, and the browser lets it be sent.
    let page = visitor.get("/my/households/H2/visit").await;
    page.is(200).says("min=\"2022-07-11\" max=\"2022-07-11\"");
    let sent = said(&page.field("form"), &page.field("key"), "2022-07-11");
    let sent: Vec<(&str, &str)> =
        sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let refused = visitor.post("/my/households/H2/visit", &sent).await;
    refused.is(422).says("这次活动 2023-03-01 才开始");
});

on_both!(
    the_file_of_the_plan_that_was_just_applied_is_the_one_in_effect,
    async |fixture: Fixture| {
        let fixture = fixture.township().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("campaign.toml");
        let text = include_str!("../../config/campaign.toml");
        std::fs::write(&file, text).unwrap();
        let settings = format!("[campaign]\nfile = '{}'\n", file.display());
        let settings = Settings::from_text(&settings, "test").unwrap();
        let shutdown = CancellationToken::new();
        let daemon = Daemon::new(settings, fixture.store.clone(), shutdown).unwrap();
        let says = async || {
            let reasons = Status::read(&daemon).await.unwrap().reasons;
            reasons.into_iter().filter(|reason| reason.contains("campaign")).collect::<Vec<_>>()
        };
        assert_eq!(says().await, Vec::<String>::new());
        std::fs::write(&file, text.replace("ends_on = \"2022-03-31\"", "ends_on = \"2022-03-25\""))
            .unwrap();
        assert!(says().await[0].contains("方案文件与生效的方案不同"), "{:?}", says().await);
        let plan = load_campaign(&file).unwrap();
        plan::apply(&fixture.store, &plan, "Z1", "提前").await.unwrap();
        assert_eq!(says().await, Vec::<String>::new(), "without the service being started again");
    }
);
