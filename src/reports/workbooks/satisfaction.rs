//! 满意度 (三(四)): by village how many were visited again and what they answered; and each answer.

use std::collections::HashSet;

use super::super::Result;
use super::super::places::Place;
use super::super::reading::{Met, Reading};
use super::super::sheet::{Book, Cell, Column, Paper, middle, words};
use super::frame::{SIGNS, layout};
use crate::db::{AnswerLine, SubjectLine};
use crate::domain::figures::share;
use crate::domain::subject::Endings;
use crate::domain::visit::Satisfaction;

const BY_VILLAGE: &[Column] = &[
    middle("序号", 6.0),
    middle("总支", 20.0),
    middle("村", 22.0),
    middle("走访群众", 12.0),
    middle("已回访", 12.0),
    middle("满意", 12.0),
    middle("基本满意", 12.0),
    middle("不满意", 12.0),
    middle("满意率", 12.0),
];

const EACH: &[Column] = &[
    middle("序号", 6.0),
    middle("总支", 16.0),
    middle("村", 18.0),
    middle("对象编号", 13.0),
    words("走访对象", 22.0),
    middle("群众姓名", 14.0),
    middle("联系方式", 16.0),
    middle("回访日期", 13.0),
    middle("回访人员", 13.0),
    middle("满意度", 11.0),
];

/// What the answers of a village add up to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Answers {
    pub met: i64,
    pub satisfied: i64,
    pub fairly: i64,
    pub dissatisfied: i64,
}

impl Answers {
    pub fn add(&mut self, met: &Met) {
        self.met += met.met.values().map(|lines| lines.len() as i64).sum::<i64>();
        for line in met.answers.values().flatten() {
            match line.answer {
                Satisfaction::Satisfied => self.satisfied += 1,
                Satisfaction::Fairly => self.fairly += 1,
                Satisfaction::Dissatisfied => self.dissatisfied += 1,
            }
        }
    }

    pub fn asked(&self) -> i64 {
        self.satisfied + self.fairly + self.dissatisfied
    }

    pub fn rate(&self) -> Option<f64> {
        share(self.satisfied + self.fairly, self.asked())
    }

    fn cells(&self, place: &Place) -> Vec<Cell> {
        let counts = [self.met, self.asked(), self.satisfied, self.fairly, self.dissatisfied];
        let names = [place.branch.as_str(), place.village.as_str()].map(Cell::from);
        let cells = names.into_iter().chain(counts.map(Cell::from));
        cells.chain([Cell::Share(self.rate())]).collect()
    }
}

pub async fn satisfaction(reading: &mut Reading, book: &mut Book) -> Result<i64> {
    let (mut villages, mut all) = (Vec::<(Place, Answers)>::new(), Answers::default());
    let (mut dropped, mut endings) = (0_usize, Endings::default());
    let mut pages = reading.pages();
    while let Some((place, met)) = pages.people(reading).await? {
        all.add(&met);
        for (subject, ended) in met.subjects.iter().filter_map(|one| Some((one, one.ended?))) {
            let answers = met.answers.get(&subject.id).into_iter().flatten();
            let asked: HashSet<&str> = answers.map(|one| one.resident_id.as_str()).collect();
            let heard = met.met.get(&subject.id).into_iter().flatten();
            let left = heard.filter(|one| !asked.contains(one.resident_id.as_str())).count();
            dropped += left;
            (0..left).for_each(|_| endings.add(ended.why));
        }
        let is_same = villages.last().is_some_and(|(last, _)| last.village_id == place.village_id);
        if !is_same {
            villages.push((place, Answers::default()));
        }
        if let Some((_, answers)) = villages.last_mut() {
            answers.add(&met);
        }
    }
    let of = layout(reading, "满意度", "群众满意度情况表", Paper::A4, BY_VILLAGE);
    let mut sheet = book.sheet(of)?;
    for (place, answers) in &villages {
        sheet.row(&answers.cells(place))?;
    }
    let place = Place { village: "合计".to_owned(), ..Place::default() };
    sheet.row(&all.cells(&place))?;
    let note = "满意率为满意和基本满意的群众占已回访群众的比例，每名群众以最近一次回访为准。";
    let besides = (dropped > 0).then(|| {
        format!("不再走访的对象里没有回访的群众 {dropped} 人（{endings}），不再要求回访。")
    });
    let notes: Vec<String> = std::iter::once(note.to_owned()).chain(besides).collect();
    sheet.end(&notes, SIGNS)?;
    each(reading, book).await
}

async fn each(reading: &mut Reading, book: &mut Book) -> Result<i64> {
    let of = layout(reading, "逐人情况", "群众满意度逐人情况表", Paper::A4, EACH);
    let mut sheet = book.sheet(of)?;
    let mut pages = reading.pages();
    while let Some((place, Met { subjects, answers, .. })) = pages.people(reading).await? {
        for subject in &subjects {
            for line in answers.get(&subject.id).into_iter().flatten() {
                sheet.row(&answered(reading, &place, subject, line))?;
            }
        }
    }
    let count = sheet.count();
    sheet.end(&[format!("合计：已回访 {count} 人。")], SIGNS)?;
    Ok(count)
}

fn answered(
    reading: &Reading,
    place: &Place,
    subject: &SubjectLine,
    line: &AnswerLine,
) -> Vec<Cell> {
    vec![
        place.branch.as_str().into(),
        place.village.as_str().into(),
        subject.number.as_str().into(),
        reading.subject_name(subject.kind, &subject.name).into(),
        reading.name(&line.name).into(),
        reading.contact(line.contact.as_deref()).into(),
        line.on.into(),
        reading.person(Some(&line.visitor)).into(),
        line.answer.chinese().into(),
    ]
}
