//! The people whom tables name: by number, or by a name that only one person has.

use super::cells::Cells;
use super::kinds::Field;
use super::text::{Sort, clean};
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
            Err(why) => {
                cells.wrong(field, why);
                None
            }
        }
    }
}
