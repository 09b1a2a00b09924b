//! 附件2: who visits what. 附件5: who was visited and asked for nothing.

use super::super::Result;
use super::super::places::Place;
use super::super::reading::{Met, Reading};
use super::super::sheet::{Book, Cell, Column, Paper, middle, words};
use super::frame::{SIGNS, layout, of_today};
use crate::db::{MetLine, SubjectLine};
use crate::domain::subject::Endings;

const ARRANGEMENT: &[Column] = &[
    middle("序号", 6.0),
    middle("总支", 14.0),
    middle("走访区域（村）", 18.0),
    middle("对象编号", 13.0),
    middle("对象类型", 9.0),
    words("走访对象", 20.0),
    middle("走访人员", 11.0),
    words("职务", 20.0),
    middle("联系电话", 14.0),
    middle("走访进度", 14.0),
    middle("走访完成日期", 13.0),
];

pub async fn arrangement(reading: &mut Reading, book: &mut Book) -> Result<i64> {
    let of = layout(reading, "走访活动安排表", "大走访活动安排表", Paper::A4, ARRANGEMENT);
    let mut sheet = book.sheet(of)?;
    let (mut pages, mut visited, mut begun, mut nobody) = (reading.pages(), 0_i64, 0_i64, 0_i64);
    let mut endings = Endings::default();
    while let Some((place, subjects)) = pages.subjects(reading).await? {
        for subject in &subjects {
            visited += i64::from(subject.visited);
            begun += i64::from(subject.is_begun());
            nobody += i64::from(subject.visitor.is_none() && subject.ended.is_none());
            subject.dropped().into_iter().for_each(|why| endings.add(why));
            sheet.row(&arranged(reading, &place, subject))?;
        }
    }
    let count = sheet.count();
    let owed = count - endings.count();
    let total = format!(
        "合计：走访对象 {owed} 个，已走访 {visited} 个，未走访 {} 个{}；{}没有走访人的 {nobody} 个。走访人员和走访对象一访到底，中途不得更换。",
        owed - visited,
        of_those_begun(begun),
        besides(&endings)
    );
    let note = of_today(reading, "走访对象名单、走访人员、职务和电话");
    sheet.end(&std::iter::once(total).chain(note).collect::<Vec<_>>(), SIGNS)?;
    Ok(count)
}

/// How many of those that aren't visited are only begun, where there are any.
fn of_those_begun(begun: i64) -> String {
    match begun {
        0 => String::new(),
        count => format!("（其中未走访完 {count} 个）"),
    }
}

/// Those that aren't counted among them, where there are any.
fn besides(endings: &Endings) -> String {
    match endings.count() {
        0 => String::new(),
        count => format!("另有不再走访的 {count} 个（{endings}）；"),
    }
}

fn arranged(reading: &Reading, place: &Place, subject: &SubjectLine) -> Vec<Cell> {
    let visitor = subject.visitor.as_deref();
    let person = visitor.and_then(|id| reading.roster.holders.person(id));
    let roles = person.map(|person| {
        let roles: Vec<&str> = person.roles.iter().map(|role| role.chinese()).collect();
        roles.join("、")
    });
    vec![
        place.branch.as_str().into(),
        place.village.as_str().into(),
        subject.number.as_str().into(),
        subject.kind.map_or("", |kind| kind.chinese()).into(),
        reading.subject_name(subject.kind, &subject.name).into(),
        person.map_or_else(|| "（没有）".to_owned(), |person| person.name.clone()).into(),
        roles.unwrap_or_default().into(),
        reading.phone(visitor).into(),
        visit_of(subject).into(),
        subject.visited_on.into(),
    ]
}

fn visit_of(subject: &SubjectLine) -> String {
    match (subject.visited, subject.dropped()) {
        (true, _) => "已走访".to_owned(),
        (false, Some(why)) => why.chinese().to_owned(),
        (false, None) if subject.is_begun() => {
            format!("未走访完（{}/{}）", subject.met, subject.met + subject.left)
        }
        (false, None) => "未走访".to_owned(),
    }
}

const WITHOUT_ISSUES: &[Column] = &[
    middle("序号", 6.0),
    middle("总支", 14.0),
    middle("村", 18.0),
    middle("对象编号", 13.0),
    middle("对象类型", 9.0),
    words("走访对象", 20.0),
    middle("群众姓名", 12.0),
    middle("联系方式", 15.0),
    middle("走访日期", 12.0),
    middle("走访方式", 9.0),
    middle("走访人员", 12.0),
    middle("有无问题", 9.0),
];

pub async fn without_issues(reading: &mut Reading, book: &mut Book) -> Result<i64> {
    let of = layout(reading, "没有问题群众清单", "没有问题群众清单", Paper::A4, WITHOUT_ISSUES);
    let mut sheet = book.sheet(of)?;
    let (mut pages, mut all) = (reading.pages(), 0_i64);
    while let Some((place, Met { subjects, met, .. })) = pages.people(reading).await? {
        for subject in &subjects {
            for line in met.get(&subject.id).into_iter().flatten() {
                all += 1;
                if line.issues == 0 {
                    sheet.row(&quiet(reading, &place, subject, line))?;
                }
            }
        }
    }
    let count = sheet.count();
    let total = format!(
        "合计：走访到的群众 {all} 人，没有问题的 {count} 人，反映了问题的 {} 人（见附件6问题清单）。",
        all - count
    );
    sheet.end(&[total], SIGNS)?;
    Ok(count)
}

fn quiet(reading: &Reading, place: &Place, subject: &SubjectLine, line: &MetLine) -> Vec<Cell> {
    vec![
        place.branch.as_str().into(),
        place.village.as_str().into(),
        subject.number.as_str().into(),
        subject.kind.map_or("", |kind| kind.chinese()).into(),
        reading.subject_name(subject.kind, &subject.name).into(),
        reading.name(&line.name).into(),
        reading.contact(line.contact.as_deref()).into(),
        line.visited_on.into(),
        if line.face_to_face { "面对面" } else { "电话" }.into(),
        reading.person(Some(&line.visitor)).into(),
        "无".into(),
    ]
}
