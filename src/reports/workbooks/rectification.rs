//! 整改台账 (三(三)): for each issue what is done about it, by whom, by when planned backward from its date, and how far it is.

use jiff::civil::Date;

use super::super::Result;
use super::super::places::Place;
use super::super::reading::{Case, Reading};
use super::super::sheet::{Book, Cell, Column, Paper, in_words, middle, words};
use super::casework::without_void;
use super::frame::{SIGNS, layout};
use crate::domain::duty::{DutyKind, Warning};
use crate::domain::issue::{Level, State};

const RECTIFICATION: &[Column] = &[
    middle("序号", 5.0),
    middle("村", 12.0),
    middle("问题编号", 16.0),
    words("存在的问题", 26.0),
    middle("责任层级", 9.5),
    middle("类别", 9.5),
    middle("轻重缓急", 9.5),
    words("整改措施", 30.0),
    middle("责任单位", 12.0),
    middle("责任人", 11.0),
    middle("登记日期", 11.5),
    middle("签收期限", 11.5),
    middle("着手（上报）期限", 11.5),
    middle("办结期限", 11.5),
    middle("着手（上报）日期", 11.5),
    middle("办结日期", 11.5),
    middle("销号日期", 11.5),
    middle("进度", 8.5),
    middle("预警", 8.5),
];

pub async fn rectification(reading: &mut Reading, book: &mut Book) -> Result<i64> {
    let of = layout(reading, "整改台账", "问题整改台账", Paper::A3, RECTIFICATION);
    let mut sheet = book.sheet(of)?;
    let (mut pages, mut sums) = (reading.pages(), Sums::default());
    while let Some((place, cases)) = pages.issues(reading).await? {
        for case in &cases {
            if sums.add(reading, case) {
                sheet.row(&kept(reading, &place, case))?;
            }
        }
    }
    let count = sheet.count();
    sheet.end(&sums.in_words(count), SIGNS)?;
    Ok(count)
}

/// What the ledger adds up to.
#[derive(Default)]
struct Sums {
    void: i64,
    resolved: i64,
    closed: i64,
    yellow: i64,
    red: i64,
}

impl Sums {
    /// Whether it's listed.
    fn add(&mut self, reading: &Reading, case: &Case) -> bool {
        self.void += i64::from(case.is_void());
        if case.is_void() {
            return false;
        }
        self.resolved += i64::from(case.is_resolved());
        self.closed += i64::from(case.issue.state == State::Closed);
        let (warning, _) = case.warning(&reading.plan, reading.span.on);
        self.yellow += i64::from(warning == Warning::Yellow);
        self.red += i64::from(warning == Warning::Red);
        true
    }

    fn in_words(&self, count: i64) -> Vec<String> {
        let Sums { void, resolved, closed, yellow, red } = *self;
        vec![
            format!(
                "合计：{count} 件，已解决 {resolved} 件（其中已销号 {closed} 件），正在解决 {} 件。{}",
                count - resolved,
                without_void(void)
            ),
            format!(
                "预警：绿色为正常、已办结或已销号，{} 件；黄色为临近期限或待分类，{yellow} 件；红色为超期，{red} 件。",
                count - yellow - red
            ),
        ]
    }
}

fn kept(reading: &Reading, place: &Place, case: &Case) -> Vec<Cell> {
    let (class, course) = (case.issue.class, &case.course);
    let (warning, words) = case.warning(&reading.plan, reading.span.on);
    vec![
        place.village.as_str().into(),
        case.line.number.as_str().into(),
        reading.text(case).into(),
        class.map_or("待分类", |class| class.level.chinese()).into(),
        class.map_or("", |class| class.category.chinese()).into(),
        class.map_or("", |class| class.urgency.chinese()).into(),
        measures(reading, case).into(),
        reading.unit_of(case).into(),
        reading.responsible(case).into(),
        case.line.heard_on.into(),
        case.due(DutyKind::Acknowledge).into(),
        begin_by(case).into(),
        case.due_on.into(),
        course.referred_on.or(course.begun_on).into(),
        course.resolved_on.into(),
        course.closed_on.into(),
        case.issue.state.chinese().into(),
        Cell::Warning(warning, words),
    ]
}

/// By when work has begun, or it's on the platform.
fn begin_by(case: &Case) -> Option<Date> {
    case.due(DutyKind::Begin).or_else(|| case.due(DutyKind::Upload))
}

/// What is done about it: what was done where that is known, else what is planned by when.
fn measures(reading: &Reading, case: &Case) -> String {
    let done = [&case.course.result, &case.course.reply].map(|said| {
        said.as_deref().filter(|said| !said.is_empty()).map(|said| reading.of_case(said, case))
    });
    let [result, reply] = done;
    let said: Vec<String> = [("镇村", result), ("平台", reply)]
        .into_iter()
        .filter_map(|(who, said)| said.map(|said| format!("{who}：{said}")))
        .collect();
    if said.is_empty() { planned(reading, case) } else { said.join("\n") }
}

fn planned(reading: &Reading, case: &Case) -> String {
    let by = |day: Option<Date>| day.map(|day| format!("{}前", in_words(day))).unwrap_or_default();
    let (begin, end) = (by(begin_by(case)), by(case.due_on));
    let unit = reading.unit_of(case);
    let refused = case.course.refused.as_deref().filter(|_| case.issue.state == State::Returned);
    let plan = match case.level() {
        None => "分清责任层级和类别后列入整改。".to_owned(),
        Some(Level::Town) => format!("由{unit}自行办结：{begin}着手，{end}办结。"),
        Some(Level::Joint) => {
            format!("由{unit}会同市直部门联动办结：{begin}上传平台转办，{end}办结。")
        }
        Some(Level::City) => format!("{begin}上传平台，转市直部门解决，{end}办结。"),
    };
    match refused {
        Some(why) => format!("退回：{}\n{plan}", reading.of_case(why, case)),
        None => plan,
    }
}
