//! What somebody wants to see of the ledger, as its address says it: all of the filter, so that a link to it can be kept and sent.
//! What a resident said, or their telephone, never stands in an address.

use serde::{Deserialize, Serialize};

use super::routes::LEDGER;
use crate::app::ledger::Asked;
use crate::db::{AreaTree, ListPlace};
use crate::domain::campaign::PhaseName;
use crate::domain::holder::Holder;
use crate::domain::issue::{Category, Level, State, Urgency};
use crate::domain::ledger::{Filter, Order};

/// The fields of the address, and of the forms that carry them on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Wanted {
    /// An issue's number.
    pub find: String,
    pub area: String,
    pub subject: String,
    pub state: String,
    pub level: String,
    pub category: String,
    pub urgency: String,
    pub holder: String,
    pub phase: String,
    /// yes
    pub late: String,
    pub sort: String,
    /// Behind which issue the page begins: its number, after its date where the order asks for it.
    pub after: String,
}

/// What a field of the filter says; what it can't say is named.
fn read<T>(
    name: &str,
    value: &str,
    read: fn(&str) -> Option<T>,
    wrong: &mut Vec<String>,
) -> Option<T> {
    let value = value.trim();
    let found = read(value);
    if found.is_none() && !value.is_empty() {
        wrong.push(name.to_owned());
    }
    found
}

impl Wanted {
    /// The same as what is asked of the record, and what couldn't be understood of it.
    pub fn asked(&self, tree: &AreaTree, at_most: usize) -> (Asked, Vec<String>) {
        let mut wrong = Vec::new();
        let filter = Filter {
            state: read("状态", &self.state, State::read, &mut wrong),
            level: read("责任层级", &self.level, Level::read, &mut wrong),
            category: read("类别", &self.category, Category::read, &mut wrong),
            urgency: read("轻重缓急", &self.urgency, Urgency::read, &mut wrong),
            holder: read("在谁手里", &self.holder, Holder::read, &mut wrong),
            phase: read("阶段", &self.phase, PhaseName::read, &mut wrong),
            late: self.late == "yes",
        };
        let area = read(
            "区划",
            &self.area,
            |id| Some(id.to_owned()).filter(|id| !id.is_empty()),
            &mut wrong,
        );
        let area = area.filter(|id| {
            let known = tree.get(id).is_some();
            if !known {
                wrong.push("区划".to_owned());
            }
            known
        });
        let order = read("排序", &self.sort, Order::read, &mut wrong);
        let order = order.unwrap_or(if filter.late { Order::Due } else { Order::Newest });
        let after = self.after();
        if after.is_none() && !self.after.is_empty() {
            wrong.push("从哪一件接着看".to_owned());
        }
        let subject = Some(self.subject.trim().to_owned()).filter(|number| !number.is_empty());
        (Asked { filter, area, subject, order, after, at_most }, wrong)
    }

    fn after(&self) -> Option<ListPlace> {
        let (due_on, number) = self.after.split_once('_').unwrap_or(("", &self.after));
        let due_on = if due_on.is_empty() { None } else { Some(due_on.parse().ok()?) };
        (!number.is_empty()).then(|| ListPlace { due_on, number: number.to_owned() })
    }

    /// The same from another place on.
    pub fn behind(&self, place: &ListPlace) -> Wanted {
        let ListPlace { due_on, number } = place;
        let after = due_on.map_or_else(|| number.clone(), |on| format!("{on}_{number}"));
        Wanted { after, ..self.clone() }
    }

    /// From the beginning.
    pub fn at_the_start(&self) -> Wanted {
        Wanted { after: String::new(), ..self.clone() }
    }

    /// What isn't empty, as forms carry it on.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("area", &self.area),
            ("subject", &self.subject),
            ("state", &self.state),
            ("level", &self.level),
            ("category", &self.category),
            ("urgency", &self.urgency),
            ("holder", &self.holder),
            ("phase", &self.phase),
            ("late", &self.late),
            ("sort", &self.sort),
            ("after", &self.after),
        ];
        let filled = all.into_iter().filter(|(_, value)| !value.is_empty());
        filled.map(|(name, value)| (name, value.clone())).collect()
    }

    /// Its address.
    pub fn address(&self) -> String {
        let url = reqwest::Url::parse_with_params("http://own/", self.fields()).ok();
        let query = url.as_ref().and_then(|url| url.query()).filter(|query| !query.is_empty());
        query.map_or_else(|| LEDGER.to_owned(), |query| format!("{LEDGER}?{query}"))
    }
}

/// What somebody types for a number, as the whole number: 17 is CHD2022-000017.
pub(super) fn whole_number(typed: &str, campaign: &str) -> String {
    let typed = typed.trim().to_uppercase();
    match typed.parse::<u64>() {
        Ok(number) => format!("{campaign}-{number:06}"),
        Err(_) => typed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_all_of_a_filter() {
        let wanted = Wanted {
            area: "甲 & 乙".to_owned(),
            state: "returned".to_owned(),
            late: "yes".to_owned(),
            ..Wanted::default()
        };
        let address = wanted.address();
        let url = reqwest::Url::parse(&format!("http://own{address}")).unwrap();
        let read: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let given = wanted.fields().into_iter().map(|(name, value)| (name.to_owned(), value));
        assert_eq!(read, given.collect::<Vec<_>>());
        assert_eq!(Wanted::default().address(), "/my/issues");
    }

    #[test]
    fn what_isnt_understood_is_named() {
        let tree = AreaTree::default();
        let wanted = Wanted {
            state: "坏".to_owned(),
            area: "没有".to_owned(),
            after: "x_1".to_owned(),
            ..Wanted::default()
        };
        let (asked, wrong) = wanted.asked(&tree, 10);
        assert_eq!(wrong, ["状态", "区划", "从哪一件接着看"]);
        assert_eq!((asked.filter, asked.area, asked.after), (Filter::default(), None, None));
        let late = Wanted { late: "yes".to_owned(), ..Wanted::default() };
        assert_eq!(late.asked(&tree, 10).0.order, Order::Due);
    }

    #[test]
    fn a_place_in_the_list_is_found_again() {
        let place =
            ListPlace { due_on: Some(jiff::civil::date(2022, 5, 31)), number: "X-1".to_owned() };
        let wanted = Wanted::default().behind(&place);
        assert_eq!(wanted.asked(&AreaTree::default(), 1).0.after, Some(place));
    }

    #[test]
    fn a_number_may_be_typed_short() {
        assert_eq!(whole_number(" 17", "CHD2022"), "CHD2022-000017");
        assert_eq!(whole_number("chd2022-000017", "CHD2022"), "CHD2022-000017");
    }
}
