//! The people whom tables name: by number, or by a name that only one person has.

use super::cells::Cells;
use super::kinds::Field;
use super::text::{Sort, clean, short};
use crate::app;
use crate::db::StaffMember;

/// Staff by number, or by a name that only one person has.
#[derive(Debug)]
pub(super) struct People(app::people::People);

impl People {
    pub fn new(mut staff: Vec<StaffMember>) -> People {
        for person in &mut staff {
            // Whoever came in before names were cleaned is found by the clean name too.
            person.name = clean(&person.name, Sort::Short)
                .unwrap_or_else(|_| std::mem::take(&mut person.name));
        }
        People(app::people::People::new(staff))
    }

    /// Whoever is named, where anybody is.
    pub fn known(&self, text: &str) -> Option<&StaffMember> {
        self.0.find(text).ok()
    }

    pub fn find<'p>(&'p self, cells: &mut Cells<'_>) -> Option<&'p str> {
        self.find_in(cells, Field::Visitor)
    }

    pub fn find_in<'p>(&'p self, cells: &mut Cells<'_>, field: Field) -> Option<&'p str> {
        self.named_in(cells, field).map(|person| person.id.as_str())
    }

    /// Whoever a column names.
    pub fn named_in<'p>(&'p self, cells: &mut Cells<'_>, field: Field) -> Option<&'p StaffMember> {
        let text = cells.required(field)?;
        match self.0.find(text) {
            Ok(person) => Some(person),
            Err(_) if self.by_both(text).is_some() => self.by_both(text),
            Err(why) => {
                let two = self.two(text).map(|(one, other)| two_in_one(text, one, other, field));
                let alike = || self.0.alike(text).map(|person| like(text, person));
                cells.wrong(field, two.or_else(alike).unwrap_or(why));
                None
            }
        }
    }

    /// Whoever is named by their number and their name together: Z6褚走, 褚走（Z6）.
    fn by_both(&self, text: &str) -> Option<&StaffMember> {
        let number: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        let name: String = text.chars().filter(|c| c.is_alphanumeric() && !c.is_ascii()).collect();
        self.known(&number).filter(|person| !number.is_empty() && person.name == name)
    }

    /// The first two people that a text names, where it names several.
    fn two<'t>(&self, text: &'t str) -> Option<(&'t str, &'t str)> {
        let is_known = |name: &str| self.0.find(name).is_ok();
        let apart = |c: char| "、，,;；/+&和与及 ".contains(c);
        let parts: Vec<&str> = text.split(apart).filter(|part| !part.is_empty()).collect();
        if let [one, other, ..] = *parts.as_slice() {
            return Some((one, other)).filter(|_| parts.iter().any(|part| is_known(part)));
        }
        // Names that were only parted by a blank stand together.
        let mut splits = text.char_indices().skip(1).map(|(at, _)| text.split_at(at));
        splits.find(|(one, other)| is_known(one) && is_known(other))
    }
}

fn like(text: &str, person: &StaffMember) -> String {
    let StaffMember { number, name, .. } = person;
    format!(
        "没有「{}」这个走访人员；登记的有「{name}」（{number}），写法相近：就是他的话请照登记的写，不是的请先导入走访人员表",
        short(text)
    )
}

fn two_in_one(text: &str, one: &str, other: &str, field: Field) -> String {
    let how = match field {
        Field::Visitor => "一访到底，一个对象只由一个人走访，请只填负责的那一位",
        _ => "请只填一个人",
    };
    format!("「{}」是两个人（{one}、{other}）：{how}", short(text))
}
