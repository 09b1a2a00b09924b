//! The people whom tables name: by number, or by a name that only one person has.

use std::collections::HashMap;

use super::cells::Cells;
use super::kinds::Field;
use super::text::{Sort, clean, short};
use crate::db::StaffMember;

/// Staff by number, or by a name that only one person has.
#[derive(Debug)]
pub(super) struct People {
    by_number: HashMap<String, String>,
    by_name: HashMap<String, Vec<String>>,
}

impl People {
    pub fn new(staff: Vec<StaffMember>) -> People {
        let mut people = People { by_number: HashMap::new(), by_name: HashMap::new() };
        for person in staff {
            // Whoever came in before names were cleaned is found by the clean name too.
            let name = clean(&person.name, Sort::Short).unwrap_or(person.name);
            people.by_name.entry(name).or_default().push(person.id.clone());
            people.by_number.insert(person.number, person.id);
        }
        people
    }

    pub fn find<'p>(&'p self, cells: &mut Cells<'_>) -> Option<&'p str> {
        self.find_in(cells, Field::Visitor)
    }

    pub fn find_in<'p>(&'p self, cells: &mut Cells<'_>, field: Field) -> Option<&'p str> {
        let text = cells.required(field)?;
        if let Some(id) = self.by_number.get(text) {
            return Some(id);
        }
        match self.by_name.get(text).map(Vec::as_slice) {
            Some([id]) => Some(id),
            Some(_) => {
                cells.wrong(field, format!("叫「{}」的不止一人，请填人员编号", short(text)));
                None
            }
            None => {
                cells.wrong(
                    field,
                    format!("没有「{}」这个走访人员，请先导入走访人员表", short(text)),
                );
                None
            }
        }
    }
}
