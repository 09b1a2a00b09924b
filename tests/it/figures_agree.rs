//! One number, wherever it's seen: the page, the command, the interface and the weekly word agree to the unit.

use std::sync::Arc;

use jiff::civil::date;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use zoufang::clock::{Chance, Clock};
use zoufang::daemon::{Daemon, open_store};
use zoufang::domain::figures::percent;
use zoufang::intake::import;
use zoufang::notify::{remind, tell_standing};
use zoufang::settings::Settings;
use zoufang::web::serve;

use crate::support::program::run;
use crate::support::{AREAS, ASSIGNMENTS, STAFF, SUBJECTS, VISITS, claim, client, notices};

async fn get(url: &str) -> String {
    client().get(url).send().await.unwrap().text().await.unwrap()
}

/// The cells of an HTML table's row that begins with a name.
fn row<'p>(page: &'p str, name: &str) -> Vec<&'p str> {
    let rows = page.split("<tr>").filter(|row| row.starts_with(&format!("<td>{name}</td>")));
    let row = rows.last().unwrap_or_else(|| panic!("{name}: {page}"));
    let cells = row.split("<td").skip(1).filter_map(|cell| cell.split_once('>'));
    cells.map(|(_, cell)| cell.split("</td>").next().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn page_command_interface_and_weekly_word_agree_to_the_unit() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path();
    std::fs::write(folder.join("zoufang.key"), "07".repeat(32)).unwrap();
    let text = format!(
        "[database]\nurl = 'sqlite://{f}/zoufang.db'\n[privacy]\nkey_file = '{f}/zoufang.key'\n",
        f = folder.display()
    );
    std::fs::write(folder.join("zoufang.toml"), &text).unwrap();
    let settings = Settings::from_text(&text, "test").unwrap();
    let clock = Clock::manual(Clock::system().instant(date(2022, 3, 20).at(9, 0, 0, 0)));
    let store = open_store(&settings, clock.clone(), Chance::system()).await.unwrap();
    let visits = format!(
        "{VISITS}\n2022-03-20,Z6,H1,王建国,,路灯不亮,有,镇村,居住环境,急\n2022-03-20,Z6,H1,王小妹,,与邻居争滴水,有,镇村,其他,一般\n2022-03-20,Z7,H3,店主,,买药难,有,市直,基本医疗,一般\n"
    );
    let mediated = "问题编号,调解日期,调解人,当事人,调解协议,约定回访日期\nCHD2022-000002,2022-03-20,赵六,王小妹、李四,以滴水线为界,2022-04-20\n";
    for (name, table) in [
        ("a.csv", AREAS),
        ("s.csv", STAFF),
        ("o.csv", SUBJECTS),
        ("f.csv", ASSIGNMENTS),
        ("v.csv", &visits),
        ("n.csv", "问题编号,签收人\nCHD2022-000001,Z5\n"),
        ("h.csv", "问题编号,办理结果\nCHD2022-000002,已调解\n"),
        ("m.csv", mediated),
    ] {
        import(&store, name, table.as_bytes(), false, &|_, _| {}).await.unwrap();
    }
    // Late, answered and not, due and not yet due: each has a number of its own.
    clock.set(clock.instant(date(2022, 4, 4).at(9, 0, 0, 0)));
    let revisit = format!("{VISITS},走访类型,满意度\n2022-04-04,Z6,H1,王小妹,,,,,,,回访,满意\n");
    import(&store, "r.csv", revisit.as_bytes(), false, &|_, _| {}).await.unwrap();
    clock.set(clock.instant(date(2022, 4, 6).at(9, 0, 0, 0)));
    store.beat().await.unwrap();

    let counts = store.counts().await.unwrap();
    let rates = counts.rates();
    assert_eq!((counts.subjects, counts.visited, counts.issues, counts.resolved), (3, 2, 3, 1));
    assert_eq!((counts.mediated, counts.agreed, counts.asked, counts.satisfied), (1, 1, 1, 1));
    let shown = [rates.visit, rates.response, rates.resolution, rates.satisfaction].map(percent);

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let daemon = Daemon::new(settings, store.clone(), CancellationToken::new()).unwrap();
    let daemon = Arc::new(daemon);
    tokio::spawn(serve(listener, Arc::clone(&daemon), CancellationToken::new()));
    let page = get(&url).await;
    for (title, rate, whole, part) in [
        ("走访率", &shown[0], counts.subjects, counts.visited),
        ("响应率", &shown[1], counts.to_respond, counts.responded),
        ("解决率", &shown[2], counts.issues, counts.resolved),
        ("满意率", &shown[3], counts.asked, counts.satisfied),
    ] {
        let box_of =
            page.split("<div class=\"rate\">").find(|text| text.starts_with(title)).unwrap();
        let numbers: Vec<i64> = box_of
            .split("</div>")
            .next()
            .unwrap()
            .split("soft\">")
            .nth(1)
            .unwrap()
            .split(|c: char| !c.is_ascii_digit())
            .filter_map(|number| number.parse().ok())
            .collect();
        assert!(box_of.contains(&format!("<b>{rate}</b>")), "{box_of}");
        assert_eq!(numbers, [whole, part], "{title}");
    }
    assert!(page.contains("调解 1 件，达成协议 1 件"), "{page}");

    let (code, out, error) = run(&["figures", "--json"], folder);
    assert_eq!(code, 0, "{error}");
    let told: Vec<Value> = serde_json::from_str(&out).unwrap();
    let total = told.last().unwrap();
    assert_eq!(total["counts"], serde_json::to_value(counts).unwrap());
    let by: Value = serde_json::from_str(&get(&format!("{url}/figures?by=village")).await).unwrap();
    for line in &told[..told.len() - 1] {
        let name = line["name"].as_str().unwrap();
        let of = by.as_array().unwrap().iter().find(|other| other["name"] == name).unwrap();
        assert_eq!(of["counts"], line["counts"], "{name}");
        let number = |key: &str| line["counts"][key].as_i64().unwrap();
        let cells = row(&page, name);
        let missing = [
            number("subjects") - number("visited"),
            number("issues") - number("resolved"),
            number("late"),
        ];
        assert_eq!(cells[5..8], missing.map(|n| n.to_string()), "{name}: {cells:?}");
    }
    let (code, csv, _) = run(&["figures"], folder);
    let last: Vec<&str> = csv.lines().last().unwrap().split(',').collect();
    assert_eq!(
        (code, last[0], &last[1..5]),
        (0, "合计", &shown.each_ref().map(String::as_str)[..])
    );
    assert_eq!(last[last.len() - 4..], ["1", "1", "0", "0"], "mediations, and what ended");

    tell_standing(&store, &daemon.reminder_rules.hours).await.unwrap();
    remind(&store, &daemon.reminder_rules).await.unwrap();
    let entries = claim(&store, "log", "t", 100, 60_000).await.unwrap();
    let said = notices(&store, &entries).await;
    let word = said.iter().find(|notice| notice.title.contains("每周进展")).unwrap();
    let first = format!(
        "走访率 {}（{}/{}），响应率 {}，解决率 {}（{}/{}），满意率 {}",
        shown[0],
        counts.visited,
        counts.subjects,
        shown[1],
        shown[2],
        counts.resolved,
        counts.issues,
        shown[3]
    );
    assert!(word.body.contains(&first), "{}", word.body);
    assert!(word.body.contains("矛盾纠纷：调解 1 件，达成协议 1 件"), "{}", word.body);
    let open = store.open_duties(clock.today()).await.unwrap();
    for (kind, count, late) in open.iter().filter(|(_, count, _)| *count > 0) {
        let cells = row(&page, kind.chinese());
        assert_eq!(cells[1..3], [count.to_string(), late.to_string()], "{kind}");
    }
}
