//! 各单位问题解决情况 (三(三)): each issue under the one unit that answers for it.

use jiff::civil::Date;

use super::super::Result;
use super::super::reading::{Case, Reading, Unit};
use super::super::sheet::{Book, Cell, Column, Paper, middle};
use super::casework::without_void;
use super::frame::{SIGNS, layout};
use crate::domain::figures::share;
use crate::domain::issue::{Level, State};

const UNITS: &[Column] = &[
    middle("序号", 6.0),
    middle("责任单位", 24.0),
    middle("问题数", 9.0),
    middle("镇和村解决", 9.0),
    middle("镇市联动解决", 9.0),
    middle("市直单独解决", 9.0),
    middle("待分类", 9.0),
    middle("已解决", 9.0),
    middle("其中已销号", 9.0),
    middle("正在解决", 9.0),
    middle("其中超期", 9.0),
    middle("退回待处理", 9.0),
    middle("解决率", 9.0),
];

/// What a unit's issues add up to.
#[derive(Debug, Clone, Copy, Default)]
pub struct OfUnit {
    pub issues: i64,
    pub town: i64,
    pub joint: i64,
    pub city: i64,
    pub resolved: i64,
    pub closed: i64,
    pub late: i64,
    pub returned: i64,
}

impl OfUnit {
    pub fn add(&mut self, case: &Case, on: Date) {
        self.issues += 1;
        match case.level() {
            Some(Level::Town) => self.town += 1,
            Some(Level::Joint) => self.joint += 1,
            Some(Level::City) => self.city += 1,
            None => {}
        }
        self.resolved += i64::from(case.is_resolved());
        self.closed += i64::from(case.issue.state == State::Closed);
        self.late += i64::from(case.is_late(on));
        self.returned += i64::from(case.issue.state == State::Returned);
    }

    pub fn resolution(&self) -> Option<f64> {
        share(self.resolved, self.issues)
    }

    fn cells(&self, name: &str) -> Vec<Cell> {
        let OfUnit { issues, town, joint, city, resolved, closed, late, returned } = *self;
        let counts = [
            issues,
            town,
            joint,
            city,
            issues - town - joint - city,
            resolved,
            closed,
            issues - resolved,
            late,
            returned,
        ];
        let cells = std::iter::once(Cell::from(name)).chain(counts.map(Cell::from));
        cells.chain([Cell::Share(self.resolution())]).collect()
    }
}

pub async fn units(reading: &mut Reading, book: &mut Book) -> Result<i64> {
    let (mut pages, mut void) = (reading.pages(), 0_i64);
    let (mut units, mut all) = (Vec::<(Unit, OfUnit)>::new(), OfUnit::default());
    while let Some((_, cases)) = pages.issues(reading).await? {
        for case in &cases {
            if case.is_void() {
                void += 1;
                continue;
            }
            let answers = reading.unit(case);
            let known = units.iter().position(|(unit, _)| unit.is(&answers));
            let at = known.unwrap_or_else(|| {
                units.push((answers, OfUnit::default()));
                units.len() - 1
            });
            units[at].1.add(case, reading.span.on);
            all.add(case, reading.span.on);
        }
    }
    let of = layout(reading, "各单位问题解决情况", "各单位问题解决情况统计表", Paper::A4, UNITS);
    let mut sheet = book.sheet(of)?;
    for (unit, counts) in &units {
        sheet.row(&counts.cells(unit.name()))?;
    }
    sheet.row(&all.cells("合计"))?;
    let total = format!(
        "合计：{} 个单位，问题 {} 件，已解决 {} 件，超期 {} 件。{}",
        units.len(),
        all.issues,
        all.resolved,
        all.late,
        without_void(void)
    );
    sheet.end(&[total], SIGNS)?;
    Ok(i64::try_from(units.len()).unwrap_or(i64::MAX))
}
