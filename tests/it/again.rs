//! A table again, put right, or another village's: what was meant is taken, what can't be sure is asked, and nothing that the
//! record says is lost without a word.

use zoufang::app::choices::{Alike, Choices};
use zoufang::app::doctor::examine;
use zoufang::intake::{ImportError, Incoming, Options, Report};

use crate::support::{Fixture, VISITS, on_both};

async fn take(fixture: &Fixture, table: &str, options: &Options) -> Result<Report, ImportError> {
    let file = Incoming::look("t.csv", table.as_bytes().to_vec(), options).await?;
    file.import(&fixture.store, options, &|_, _| {}).await
}

async fn taken(fixture: &Fixture, table: &str) -> Report {
    take(fixture, table, &Options::default()).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn refused(fixture: &Fixture, table: &str) -> String {
    let before = format!("{:?}", fixture.store.figures().await.unwrap());
    let outcome = take(fixture, table, &Options::default()).await;
    assert_eq!(before, format!("{:?}", fixture.store.figures().await.unwrap()), "{table}");
    outcome.map(|report| panic!("{table} was taken: {report:?}")).unwrap_err().to_string()
}

fn with(choices: Choices) -> Options {
    Options { choices, ..Options::default() }
}

fn alike(alike: Alike) -> Options {
    with(Choices { alike, ..Choices::default() })
}

fn visits(rows: &[&str]) -> String {
    format!("{VISITS}\n{}\n", rows.join("\n"))
}

async fn at_work(fixture: Fixture) -> Fixture {
    let fixture = fixture.township().await;
    fixture.at(3, 20, 10);
    fixture
}

async fn state(fixture: &Fixture, number: &str) -> String {
    let mut snapshot = fixture.store.snapshot().await.unwrap();
    let row = snapshot.issue_numbered(number).await.unwrap();
    snapshot.end().await.unwrap();
    row.issue().unwrap().state.to_string()
}

fn told(report: &Report) -> String {
    report.understood().join("\n")
}

on_both!(a_number_that_is_somebody_elses_is_asked_about, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    let header = "对象编号,对象类型,对象名称,所属村";
    for row in ["H1,家庭,李四,杨桥村", "H1,商铺,王建国,杨桥村", "H3,家庭,钱六,杨桥村"]
    {
        let error = refused(&fixture, &format!("{header}\n{row}\n")).await;
        assert!(error.contains("第 2 行第 1 列「对象编号」"), "{error}");
        assert!(error.contains("已登记的是") && error.contains("--same-subject"), "{error}");
    }
    let error = refused(&fixture, &format!("{header}\nH1,家庭,李四,杨桥村\n")).await;
    for named in ["「高桥村委会」的家庭「王建国」", "「杨桥村委会」的家庭「李四」"]
    {
        assert!(error.contains(named), "{named} in {error}");
    }
    // A real move, a name that was put right: taken, and said.
    let report = taken(&fixture, &format!("{header}\nH1,家庭,王建国,杨桥村\n")).await;
    assert!(report.changed == 1 && told(&report).contains("由「高桥村委会」改到「杨桥村委会」"));
    let report = taken(&fixture, &format!("{header}\nH2,家庭,李秀瑛,高桥村\n")).await;
    assert!(report.changed == 1 && told(&report).contains("名称由「李秀英」改为「李秀瑛」"));
    let same = with(Choices { same_subject: true, ..Choices::default() });
    let report = take(&fixture, &format!("{header}\nH1,家庭,李四,高桥村\n"), &same).await.unwrap();
    assert_eq!(report.changed, 1);
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(an_area_is_not_renamed_unasked, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    let header = "区划代码,区划名称,区划类型,上级区划";
    let error =
        refused(&fixture, &format!("{header}\n370481111200,西桥村委会,村,第一总支\n")).await;
    for named in ["「高桥村委会」", "「西桥村委会」", "第 2 列「区划名称」", "--same-area"]
    {
        assert!(error.contains(named), "{named} in {error}");
    }
    let same = with(Choices { same_area: true, ..Choices::default() });
    let renamed = format!("{header}\n370481111200,西桥村委会,村,第一总支\n");
    let report = take(&fixture, &renamed, &same).await.unwrap();
    assert!(told(&report).contains("名称由「高桥村委会」改为「西桥村委会」"));
    // Another town's branch of the same name.
    let town = format!("{header}\n370481112000,羊庄镇,镇,370481000000\n");
    taken(&fixture, &town).await;
    let error = refused(&fixture, &format!("{header}\n,第一总支,总支,羊庄镇\n")).await;
    assert!(error.contains("已登记在「柴胡店镇」下面") && error.contains("「羊庄镇」"), "{error}");
    // In whatever order the rows stand.
    let upside_down =
        format!("{header}\n370481112200,东村委会,村,第二总支\n,第二总支,总支,羊庄镇\n");
    assert_eq!(taken(&fixture, &upside_down).await.added, 2);
});

on_both!(only_what_is_done_ends_an_issue, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    taken(&fixture, &visits(&["2022-03-05,Z6,H1,王建国,,路灯不亮,有,镇村自办,居住环境,急"])).await;
    let one = "CHD2022-000001";
    for text in ["未办结", "正在办理", "暂无", "/", "无", "-", "待办", "尚未解决", "办理中。", "否"]
    {
        let report = taken(&fixture, &format!("问题编号,办理结果\n{one},{text}\n")).await;
        assert_eq!((report.idle, report.added), (1, 0), "{text}");
        assert!(told(&report).contains("第 2 行第 2 列「办理结果」"), "{text}: {}", told(&report));
        assert_eq!(state(&fixture, one).await, "已分类", "{text}");
        let list = format!("问题编号,责任层级,类别,办理结果\n{one},镇村自办,居住环境,{text}\n");
        let report = taken(&fixture, &list).await;
        assert_eq!((report.same, state(&fixture, one).await.as_str()), (1, "已分类"), "{text}");
    }
    for text in ["已联系供电所，正在维修", "完成80%", "部分解决", "预计月底办结"]
    {
        let error = refused(&fixture, &format!("问题编号,办理结果\n{one},{text}\n")).await;
        assert!(error.contains("看不出办结了没有") && error.contains("已更换灯泡"), "{error}");
    }
    taken(&fixture, &format!("问题编号,办理结果\n{one},已更换灯泡\n")).await;
    assert_eq!(state(&fixture, one).await, "已办结");
});

on_both!(a_cell_that_says_not_yet_does_nothing, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    taken(&fixture, &visits(&["2022-03-05,Z6,H1,王建国,,路灯不亮,有,镇村自办,居住环境,急"])).await;
    let before = format!("{:?}", fixture.store.figures().await.unwrap());
    for table in [
        "问题编号,签收人\nCHD2022-000001,未签收\n",
        "问题编号,签收人\nCHD2022-000001,\n",
        "问题编号,承办人\nCHD2022-000001,/\n",
        "任务,所属区划,确认人\n走访材料准备,高桥村,未完成\n",
        "任务,所属区划,确认人\n走访材料准备,高桥村,无\n",
    ] {
        let report = taken(&fixture, table).await;
        assert!(report.idle == 1 && told(&report).contains("没有采用"), "{table}");
        assert_eq!(before, format!("{:?}", fixture.store.figures().await.unwrap()), "{table}");
    }
    // Whoever is to be visited still isn't excused.
    let roster = "对象编号,群众姓名,未走访原因\nH2,李秀英,待走访\nH2,李四,/\nH2,李五,已走访\n";
    let report = taken(&fixture, roster).await;
    assert_eq!((report.added, report.remarks.len()), (3, 3), "{}", told(&report));
    let mut snapshot = fixture.store.snapshot().await.unwrap();
    let told = snapshot.told_at(&["H2"]).await.unwrap();
    snapshot.end().await.unwrap();
    for words in told.into_values() {
        assert_eq!(words.open(fixture.store.context()).unwrap().unheard, None);
    }
    // An answer without a revisit, a demand within one, an issue that's none.
    let answers =
        "走访日期,走访人员,对象编号,群众姓名,有无问题,满意度\n2022-03-06,Z6,H1,王建国,无,满意\n";
    assert!(refused(&fixture, answers).await.contains("走访类型"));
    let demand = "走访日期,走访人员,对象编号,群众姓名,有无问题,反映问题,走访类型,满意度\n2022-03-06,Z6,H1,王建国,有,又漏水,回访,满意\n";
    assert!(refused(&fixture, demand).await.contains("请另写一行"));
    let none = visits(&["2022-03-06,Z6,H1,王建国,,暂无,有,,,"]);
    assert!(refused(&fixture, &none).await.contains("没有问题请填无"));
    // A dash is a blank, wherever it stands.
    let dashes = visits(&["2022-03-06,Z6,H1,王建国,/,无,无,/,-,——"]);
    assert_eq!(taken(&fixture, &dashes).await.added, 1);
});

on_both!(the_same_matter_is_not_made_twice, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    let row = |on: &str, text: &str| {
        visits(&[&format!("{on},Z6,H1,王建国,,{text},有,市直单办,居住环境,急")])
    };
    taken(&fixture, &row("2022-03-05", "路灯不亮")).await;
    // The day was wrong: asked, then put right.
    let error = refused(&fixture, &row("2022-03-06", "路灯不亮")).await;
    for said in ["2022-03-05", "CHD2022-000001", "--alike correction", "--alike another"] {
        assert!(error.contains(said), "{said} in {error}");
    }
    assert!(refused(&fixture, &row("2022-03-06", "路灯坏了")).await.contains("--alike"));
    let put_right = alike(Alike::Correction);
    let report = take(&fixture, &row("2022-03-06", "路灯不亮"), &put_right).await.unwrap();
    assert_eq!((report.changed, report.added), (1, 0));
    assert_eq!(taken(&fixture, &format!("{}\n", row("2022-03-06", "路灯不亮"))).await.same, 1);
    assert_eq!(fixture.store.platform_debts().await.unwrap().len(), 1);
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
    // Told at both visits it's one matter, or another, as is said.
    let both = visits(&[
        "2022-03-06,Z6,H1,王建国,,路灯不亮,有,市直单办,居住环境,急",
        "2022-03-08,Z6,H1,王建国,,路灯不亮,有,市直单办,居住环境,急",
    ]);
    assert!(refused(&fixture, &both).await.contains("第 3 行"));
    let report = take(&fixture, &both, &put_right).await.unwrap();
    assert_eq!((report.added, report.same), (1, 1), "{}", told(&report));
    assert_eq!(fixture.store.figures().await.unwrap().counts.issues, 1);
    let another = row("2022-03-09", "路灯不亮");
    assert_eq!(take(&fixture, &another, &alike(Alike::Another)).await.unwrap().added, 1);
    assert_eq!(fixture.store.figures().await.unwrap().counts.issues, 2);
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(another_visitor_is_put_right_too, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    taken(&fixture, &visits(&["2022-03-05,Z6,H1,王建国,,路灯不亮,有,市直单办,居住环境,急"])).await;
    let mut tx = fixture.store.begin().await.unwrap();
    let staff = tx.staff().await.unwrap();
    let other = staff.iter().find(|person| person.number == "Z7").unwrap().id.clone();
    zoufang::app::assignments::reassign(&mut tx, "H1", &other, "周正", "换人").await.unwrap();
    tx.commit().await.unwrap();
    let again = visits(&["2022-03-05,Z6,H1,王建国,,路灯不亮,有,市直单办,居住环境,急", ""]);
    assert_eq!(taken(&fixture, &again).await.same, 1, "what was recorded stays recorded");
    let corrected = visits(&["2022-03-05,Z7,H1,王建国,,路灯不亮,有,市直单办,居住环境,急"]);
    assert!(refused(&fixture, &corrected).await.contains("--alike correction"));
    let report = take(&fixture, &corrected, &alike(Alike::Correction)).await.unwrap();
    assert_eq!((report.changed, fixture.store.platform_debts().await.unwrap().len()), (1, 1));
    assert_eq!(examine(&fixture.store, None).await.unwrap(), []);
});

on_both!(within_one_table_too, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    let twice = visits(&[
        "2022-03-05,Z6,H1,王建国,,路灯不亮,有,,,",
        "2022/3/6,褚走,H1,王建国,,路灯不亮,有,,,",
    ]);
    let error = refused(&fixture, &twice).await;
    assert!(error.contains("第 3 行第 6 列「反映问题」：与第 2 行"), "{error}");
    let report = take(&fixture, &twice, &alike(Alike::Correction)).await.unwrap();
    assert_eq!((report.added, fixture.store.figures().await.unwrap().counts.issues), (2, 1));
    let classes = visits(&[
        "2022-03-05,Z6,H2,李秀英,,下水道堵,有,镇村自办,居住环境,急",
        "2022/3/5,褚走,H2,李秀英,,下水道堵,有,市直单办,居住环境,急",
    ]);
    assert!(refused(&fixture, &classes).await.contains("与第 2 行是同一件事"), "two levels");
});

on_both!(what_is_taken_back_is_said, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    taken(&fixture, &visits(&["2022-03-05,Z6,H1,王建国,,路灯不亮,有,,,"])).await;
    let report = taken(&fixture, &visits(&["2022-03-05,Z6,H1,王建国,,,无,,,"])).await;
    let said = told(&report);
    assert!(said.contains("登记过 CHD2022-000001「路灯不亮」"), "{said}");
    assert!(said.contains("zoufang issue void CHD2022-000001"), "{said}");
    let mut tx = fixture.store.begin().await.unwrap();
    let id = tx.issue_id("CHD2022-000001").await.unwrap();
    let event = zoufang::domain::issue::Event::Voided { reason: "没有这个问题".to_owned() };
    tx.issue_event(&id, &event, "周正").await.unwrap();
    tx.commit().await.unwrap();
    let report = taken(&fixture, &visits(&["2022-03-05,Z6,H1,王建国,,,无,,,", ""])).await;
    assert_eq!(report.remarks, []);
    let report = taken(&fixture, &visits(&["2022-03-05,Z6,H1,王建国,,路灯不亮,有,,,", ""])).await;
    assert!(told(&report).contains("已作废") && told(&report).contains("reopen"));
});

on_both!(a_visit_outside_of_the_campaign_is_said, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    let early = taken(&fixture, &visits(&["2022-02-20,Z6,H1,王建国,,,无,,,"])).await;
    assert!(told(&early).contains("在活动开始（2022-03-01）以前"), "{}", told(&early));
    fixture.at(7, 10, 10);
    let late = taken(&fixture, &visits(&["2022-07-05,Z6,H1,王建国,,,无,,,"])).await;
    assert!(told(&late).contains("在活动结束（2022-06-30）以后"), "{}", told(&late));
});

on_both!(a_list_that_was_made_before_takes_nothing_back, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    taken(&fixture, &visits(&["2022-03-05,Z6,H1,王建国,,路灯不亮,有,镇村自办,居住环境,急"])).await;
    let list = "问题编号,状态,责任层级,类别,轻重缓急,办理结果\nCHD2022-000001,已分类,镇村自办,居住环境,急,\n";
    taken(&fixture, "问题编号,办理结果\nCHD2022-000001,已更换灯泡\n").await;
    let revisit = "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度,反映问题\n2022-03-20,Z6,H1,王建国,回访,不满意,又不亮了\n";
    taken(&fixture, revisit).await;
    assert_eq!(state(&fixture, "CHD2022-000001").await, "重新办理");
    assert_eq!(taken(&fixture, list).await.same, 1);
    assert_eq!(state(&fixture, "CHD2022-000001").await, "重新办理");
    // Nor does the result that didn't last end it again.
    let error = refused(&fixture, "办理结果,问题编号\n已更换灯泡,CHD2022-000001\n").await;
    assert!(error.contains("像是旧表里的") && error.contains("第 1 列"), "{error}");
    let error = refused(&fixture, &list.replace("镇村自办", "市直单办")).await;
    assert!(error.contains("这张表是旧的") && error.contains("现在是「重新办理」"), "{error}");
    let now = list.replace("已分类", "重新办理");
    assert_eq!(taken(&fixture, &now).await.added, 1);
    assert_eq!(state(&fixture, "CHD2022-000001").await, "已分类");
});

on_both!(what_a_table_of_before_says_of_a_class_is_asked_about, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    taken(&fixture, &visits(&["2022-03-05,Z6,H1,王建国,,路灯不亮,有,,,"])).await;
    const HEAD: &str = "问题编号,责任层级,类别,轻重缓急\n";
    let list = |class: &str| format!("{HEAD}CHD2022-000001,{class}\n");
    let (town, joint) = ("镇村自办,居住环境,急", "镇村自办,社会治安,急");
    assert_eq!(taken(&fixture, &list(town)).await.added, 1);
    // The same list as it stands, and another class on purpose.
    assert_eq!(taken(&fixture, &format!("{}\n", list(town))).await.same, 1);
    assert_eq!(taken(&fixture, &list(joint)).await.added, 1);
    for old in [town, "镇村自办,居住环境,"] {
        let error = refused(&fixture, &format!("{}\n\n", list(old))).await;
        assert!(error.contains("以前就是这样分类的，后来改成了镇村自办、社会治安、急"), "{error}");
        assert!(error.contains("像是旧表里的，请删去") && error.contains("「已分类」"), "{error}");
    }
    // Whoever says how it stands means it as it stands.
    let meant = format!("问题编号,状态,责任层级,类别,轻重缓急\nCHD2022-000001,已分类,{town}\n");
    assert_eq!(taken(&fixture, &meant).await.added, 1);
    // Reopened, it isn't begun by what was said before.
    taken(&fixture, "问题编号,办理结果\nCHD2022-000001,已更换灯泡\n").await;
    let revisit = "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度,反映问题\n2022-03-20,Z6,H1,王建国,回访,不满意,又不亮了\n";
    taken(&fixture, revisit).await;
    let error = refused(&fixture, &format!("{}\n\n\n", list(town))).await;
    assert!(error.contains("现在是「重新办理」") && error.contains("像是旧表里的"), "{error}");
    assert_eq!(state(&fixture, "CHD2022-000001").await, "重新办理");
    assert_eq!(taken(&fixture, &meant.replace("已分类", "重新办理")).await.added, 1);
});

on_both!(who_began_it_before_doesnt_begin_it_anew, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    taken(&fixture, &visits(&["2022-03-05,Z6,H1,王建国,,路灯不亮,有,镇村自办,居住环境,急"])).await;
    let begun = |by: &str| format!("问题编号,承办人\nCHD2022-000001,{by}\n");
    assert_eq!(taken(&fixture, &begun("褚走")).await.added, 1);
    assert_eq!(state(&fixture, "CHD2022-000001").await, "办理中");
    taken(&fixture, "问题编号,办理结果\nCHD2022-000001,已更换灯泡\n").await;
    // The list of before, of what has been done since, and one that says it of somebody else.
    assert_eq!(taken(&fixture, &format!("{}\n", begun("褚走"))).await.same, 1);
    let error = refused(&fixture, &begun("卫访")).await;
    assert!(error.contains("问题处于「已办结」") && error.contains("请删去这一行"), "{error}");
    let revisit = "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度,反映问题\n2022-03-20,Z6,H1,王建国,回访,不满意,又不亮了\n";
    taken(&fixture, revisit).await;
    let error = refused(&fixture, &format!("{}\n\n", begun("褚走"))).await;
    assert!(error.contains("上一次就是") && error.contains("像是旧表里的"), "{error}");
    assert!(error.contains("zoufang issue begin CHD2022-000001"), "{error}");
    assert_eq!(state(&fixture, "CHD2022-000001").await, "重新办理");
    assert!(error.contains("请加「状态」列，填它现在的状态「重新办理」"), "{error}");
    assert_eq!(taken(&fixture, &format!("{}\n", begun("卫访"))).await.added, 1);
});

on_both!(who_began_it_before_begins_it_anew_where_its_state_is_told, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    taken(&fixture, &visits(&["2022-03-05,Z6,H1,王建国,,路灯不亮,有,镇村自办,居住环境,急"])).await;
    let told = |state: &str| format!("问题编号,状态,承办人\nCHD2022-000001,{state},褚走\n");
    taken(&fixture, &told("已分类")).await;
    taken(&fixture, "问题编号,办理结果\nCHD2022-000001,已更换灯泡\n").await;
    // The table of before, and one that says how it stands since, say nothing new.
    assert_eq!(taken(&fixture, &format!("{}\n", told("已分类"))).await.same, 1);
    assert_eq!(taken(&fixture, &told("已办结")).await.same, 1);
    let revisit = "走访日期,走访人员,对象编号,群众姓名,走访类型,满意度,反映问题\n2022-03-20,Z6,H1,王建国,回访,不满意,又不亮了\n";
    taken(&fixture, revisit).await;
    // A state of before is held against the record.
    refused(&fixture, &format!("{}\n\n", told("已分类"))).await;
    assert_eq!(state(&fixture, "CHD2022-000001").await, "重新办理");
    assert_eq!(taken(&fixture, &told("重新办理")).await.added, 1);
    assert_eq!(state(&fixture, "CHD2022-000001").await, "办理中");
});

on_both!(what_cant_happen_now_says_what_to_do, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    taken(&fixture, &visits(&["2022-03-05,Z6,H1,王建国,,路灯不亮,有,,,"])).await;
    let result = "问题编号,办理结果\nCHD2022-000001,已更换灯泡\n";
    let error = refused(&fixture, result).await;
    assert!(
        error.contains("问题处于「已登记」") && error.contains("请先在问题分类表（附件6）"),
        "{error}"
    );
    taken(&fixture, "问题编号,责任层级,类别\nCHD2022-000001,镇村自办,其他\n").await;
    taken(&fixture, result).await;
    let error = refused(&fixture, &result.replace("灯泡", "了电线")).await;
    assert!(error.contains("请删去这一行") && error.contains("zoufang issue reopen"), "{error}");
});

on_both!(all_that_is_wrong_in_a_row_is_told, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    let row = "昨天,张没有,H1,王**,138,路灯不亮,也许,省里,桥,快";
    let error = refused(&fixture, &visits(&[row])).await;
    for column in 1..=10 {
        if ![3, 6].contains(&column) {
            assert!(error.contains(&format!("第 2 行第 {column} 列")), "{column} in {error}");
        }
    }
    assert!(error.contains("--reveal") && error.contains("「138」有 3 位"), "{error}");
    let list = "问题编号,责任层级,类别,轻重缓急\nCHD2022-000001,,桥,快\n";
    let error = refused(&fixture, list).await;
    assert!(error.contains("第 2 列") && error.contains("第 3 列"), "{error}");
    let staff = "人员编号,姓名,角色,所属区划,手机号,邮箱\nZ9,钱九,,,123,qian\n";
    let error = refused(&fixture, staff).await;
    for column in [3, 4, 5, 6] {
        assert!(error.contains(&format!("第 2 行第 {column} 列")), "{column} in {error}");
    }
    for two in ["褚走、卫访", "褚走 卫访", "褚走/卫访"] {
        let error = refused(&fixture, &format!("对象编号,走访人员\nH1,{two}\n")).await;
        assert!(error.contains("是两个人（褚走、卫访）"), "{error}");
    }
    for upper in [
        "走访日期,走访人员,对象编号,群众,,诉求,\n,,,姓名,电话,有无问题,反映问题\n",
        "走访日期,走访人员,对象编号,群众姓名,诉求,\n,,,,有无问题,反映问题\n",
    ] {
        let error = refused(&fixture, &format!("{upper}2022-03-05,Z6,H1,王建国,,无,\n")).await;
        assert!(error.contains("分成两行写的表头"), "{error}");
    }
});

on_both!(whoever_is_left_without_a_visitor_is_named, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    let more = "对象编号,对象类型,对象名称,所属村\nH11,家庭,孙一,高桥村\nH12,商铺,百货,高桥村\nH13,家庭,钱二,杨桥村\n";
    taken(&fixture, more).await;
    let tried = Options { dry_run: true, ..Options::default() };
    let plan = "对象编号,走访人员\nH11,Z6\n";
    for options in [tried, Options::default()] {
        let report = take(&fixture, plan, &options).await.unwrap();
        let said = told(&report);
        assert!(said.contains("还有 2 个走访对象没有走访人"), "{said}");
        assert!(said.contains("「高桥村委会」1 个：H12 百货"), "{said}");
        assert!(said.contains("「杨桥村委会」1 个：H13 钱*"), "{said}");
        assert_eq!(report.unassigned.len(), 2);
    }
    let report = taken(&fixture, "走访区域,走访人员\n高桥村,Z6\n杨桥村,Z7\n").await;
    assert_eq!(report.unassigned, []);
});

#[tokio::test]
async fn what_each_row_did_is_told() {
    let fixture = at_work(Fixture::sqlite().await).await;
    taken(&fixture, &visits(&["2022-03-05,Z6,H1,王建国,,,无,,,"])).await;
    let report = taken(
        &fixture,
        &visits(&[
            "2022-03-05,Z6,H1,王建国,,,无,,,",
            "2022-03-06,Z6,H1,王建国,,,无,,,",
            "2022-03-07,Z6,H1,王建国,,,无,,,",
        ]),
    )
    .await;
    assert_eq!(report.rows_told(), "第 2 行不变，第 3–4 行新增");
}

#[test]
fn one_table_of_names() {
    let readme = include_str!("../../README.md");
    for kind in zoufang::intake::Kind::ALL {
        let name = kind.chinese().split('（').next().unwrap();
        let row = readme.lines().find(|line| line.starts_with(&format!("| {name}"))).unwrap();
        for field in kind.filled_in() {
            let column = kind.name_of(field);
            assert_eq!(kind.field(column), Some(field), "{kind}: {column}");
            assert!(row.contains(column), "{kind}: {column} isn't in {row}");
        }
    }
}

on_both!(a_name_with_a_character_put_right_is_asked_about, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    let row = |name: &str, contact: &str| {
        visits(&[&format!("2022-03-05,Z6,H1,{name},{contact},路灯不亮,有,市直单办,居住环境,急")])
    };
    taken(&fixture, &row("王建国", "10000000101")).await;
    let error = refused(&fixture, &row("王健国", "10000000101")).await;
    assert!(error.contains("「群众姓名」") && error.contains("登记的「王建国」"), "{error}");
    let two = alike(Alike::Another);
    assert_eq!(take(&fixture, &row("王健国", "10000000101"), &two).await.unwrap().added, 1);
    // Brothers with numbers of their own, and whoever else answers the household's telephone.
    assert_eq!(taken(&fixture, &row("王建军", "10000000102")).await.added, 1);
    assert_eq!(taken(&fixture, &row("李秀英", "10000000101")).await.added, 1);
});

on_both!(a_table_that_may_be_another_kind_is_asked_about, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    for column in ["问题", "存在问题", "问题内容", "走访情况", "群众诉求", "诉求"]
    {
        let table = format!("对象编号,走访人员,姓名,{column}\nH1,Z6,王建国,天然气泄漏\n");
        let error = refused(&fixture, &table).await;
        assert!(error.contains(column), "{error}");
    }
    refused(&fixture, "对象编号,走访人员,备注,轻重缓急\nH1,Z6,天然气泄漏,急\n").await;
    for column in ["学校名称", "名称", "户号"] {
        let table = format!("{column},所属村,走访人员\n某某,杨桥村,Z6\n");
        let error = refused(&fixture, &table).await;
        assert!(error.contains(column) && error.contains("--ignore-column"), "{error}");
    }
    let plan = "任务,所属村,责任人,完成时限\n村级自查,杨桥村,Z6,2022-06-30\n";
    assert!(refused(&fixture, plan).await.contains("确认人"));
    let plan = "任务,所属村,确认人,完成时限\n村级自查,杨桥村,Z6,2022-06-30\n";
    assert!(refused(&fixture, plan).await.contains("完成时限"));
    taken(&fixture, &visits(&["2022-03-05,Z6,H1,王建国,,路灯不亮,有,镇村自办,居住环境,急"])).await;
    let before = state(&fixture, "CHD2022-000001").await;
    let handed_out = "问题编号,承办人,办理时限\nCHD2022-000001,Z6,2022-04-01\n";
    assert!(refused(&fixture, handed_out).await.contains("办理时限"));
    assert_eq!(state(&fixture, "CHD2022-000001").await, before);
});

on_both!(whom_the_register_does_not_have_is_said, async |fixture: Fixture| {
    let fixture = at_work(fixture).await;
    taken(&fixture, "对象编号,群众姓名,未走访原因\nH1,王建国,\n").await;
    let rows = [
        "2022-03-01,Z6,H1,王建国,,,无,,,",
        "2022-03-01,Z6,H1,王建囯,,,无,,,",
        "2022-03-01,Z6,H2,李四,,,无,,,",
    ];
    let report = taken(&fixture, &visits(&rows)).await;
    assert_eq!(report.added, 3);
    let said: Vec<(usize, bool)> = report
        .remarks
        .iter()
        .map(|remark| (remark.row, remark.message.contains("群众名册里这一户没有这个人")))
        .collect();
    assert_eq!(said, [(3, true)], "{}", told(&report));
});
