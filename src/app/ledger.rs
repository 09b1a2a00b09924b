//! 台账: a page of the issues that one person may see, as they ask for it. Read along an index for at most so many issues: where
//! what is asked for is rare, the page says how far it has looked, and its reader goes on from there.

use std::collections::HashSet;

use serde_json::json;

use crate::db::{AreaTree, LedgerRow, ListPlace, Result, Session, Stretch, Tx};
use crate::domain::campaign::Campaign;
use crate::domain::ledger::{Filter, Order};
use crate::domain::rights::{Matter, Right};
use crate::domain::staff::StaffMember;

/// So many are read at once, and looked through for one page.
const AT_ONCE: usize = 200;
const MOST: usize = 4_000;
/// So many areas are read side by side; over more, everything is read and what lies elsewhere left out.
const MOST_AREAS: usize = 300;

/// What somebody wants to see.
#[derive(Debug, Clone)]
pub struct Asked {
    pub filter: Filter,
    /// In this area and all that lies in it.
    pub area: Option<String>,
    /// Of this subject.
    pub subject: Option<String>,
    pub order: Order,
    pub after: Option<ListPlace>,
    pub at_most: usize,
}

/// What is sought besides: what nobody writes into an address.
#[derive(Clone, Default)]
pub struct Sought {
    pub phone: Option<String>,
    pub words: Option<String>,
}

impl std::fmt::Debug for Sought {
    /// Personal: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sought").finish_non_exhaustive()
    }
}

/// A page of a list.
#[derive(Debug, Default)]
pub struct Listed {
    pub rows: Vec<LedgerRow>,
    /// Where the next page begins; nothing at the end.
    pub next: Option<ListPlace>,
    /// Whether it ends here because enough was looked through, and not because enough was found.
    pub cut: bool,
}

/// The page.
///
/// # Errors
/// Where the record can't be read.
pub async fn list(
    session: &mut Session,
    person: &StaffMember,
    asked: &Asked,
    sought: &Sought,
) -> Result<Listed> {
    let tree = session.area_tree().await?;
    let stretches = match &sought.phone {
        Some(phone) => {
            let residents = session.residents_found(phone).await?;
            residents.into_iter().map(|resident| Stretch::Resident(resident.id)).collect()
        }
        None => stretches(session, person, &tree, asked).await?,
    };
    let plan = session.campaign().clone();
    let (mut listed, mut looked) = (Listed::default(), 0);
    let mut after = asked.after.clone();
    let ask = Ask { person, tree: &tree, plan: &plan, asked, sought };
    loop {
        let rows = session.ledger(&stretches, asked.order, after.as_ref(), AT_ONCE).await?;
        let ended = rows.len() < AT_ONCE;
        for row in rows {
            looked += 1;
            let place = row.place();
            if ask.admits(session, &row)? {
                if listed.rows.len() == asked.at_most {
                    listed.next = after;
                    return Ok(listed);
                }
                listed.rows.push(row);
            }
            after = Some(place);
        }
        if ended || looked >= MOST {
            listed.cut = !ended;
            listed.next = after.filter(|_| !ended);
            return Ok(listed);
        }
    }
}

/// Who asks for what, and what is needed to see whether they get it.
struct Ask<'a> {
    person: &'a StaffMember,
    tree: &'a AreaTree,
    plan: &'a Campaign,
    asked: &'a Asked,
    sought: &'a Sought,
}

impl Ask<'_> {
    fn admits(&self, session: &Session, row: &LedgerRow) -> Result<bool> {
        let unit = self.plan.unit_of(&row.issue);
        let matter = Matter { area: &row.area_id, visitor: row.visitor.as_deref(), unit };
        let lies_there = |area: &String| self.tree.upward(&row.area_id).any(|up| up.id == *area);
        let is_theirs = Right::SeeIssue.is_over(self.person, self.tree, &matter)
            && self.asked.area.as_ref().is_none_or(lies_there)
            && self.asked.filter.admits(&row.issue, row.due_on, unit.is_some(), session.today());
        match &self.sought.words {
            Some(words) if is_theirs => {
                let may = Right::SearchWords.is_over(self.person, self.tree, &matter);
                Ok(may && row.text(session.context())?.contains(words.as_str()))
            }
            _ => Ok(is_theirs),
        }
    }
}

/// From where the list is read: wherever the person may see anything, and no further than it's asked for.
async fn stretches(
    session: &mut Session,
    person: &StaffMember,
    tree: &AreaTree,
    asked: &Asked,
) -> Result<Vec<Stretch>> {
    if let Some(number) = &asked.subject {
        let found = session.subjects_numbered(&[number]).await?;
        return Ok(found.into_iter().map(|place| Stretch::Subject(place.id)).collect());
    }
    let reach = Right::SeeIssue.reach(person);
    let everywhere = reach.everywhere || reach.unit;
    let below = |area: &str| -> HashSet<String> {
        tree.below(&HashSet::from([area])).map(|area| area.id.clone()).collect()
    };
    let areas = match (&asked.area, everywhere, reach.area) {
        (Some(area), true, _) => Some(below(area)),
        (None, true, _) => None,
        (area, false, true) => {
            let own = below(&person.area_id);
            Some(match area {
                Some(area) => below(area).intersection(&own).cloned().collect(),
                None => own,
            })
        }
        (_, false, false) => Some(HashSet::new()),
    };
    let Some(areas) = areas.filter(|areas| areas.len() <= MOST_AREAS) else {
        return Ok(by_states(asked));
    };
    let mut areas: Vec<String> = areas.into_iter().collect();
    areas.sort_unstable();
    let own = reach.own.then(|| Stretch::Visitor(person.id.clone()));
    Ok(areas.into_iter().map(Stretch::Area).chain(own).collect())
}

/// Everything, or all that stands in the states in which what is asked for may stand.
fn by_states(asked: &Asked) -> Vec<Stretch> {
    match asked.filter.states() {
        // What is open has its own order by date.
        Some(states) if asked.order != Order::Due => {
            states.into_iter().map(Stretch::State).collect()
        }
        _ => vec![Stretch::Everything],
    }
}

/// Writes down that somebody looked for what only some may look for.
///
/// # Errors
/// Where the record can't be written.
pub async fn note_search(tx: &mut Tx, person: &StaffMember, sought: &Sought) -> Result<()> {
    let detail = json!({ "phone": sought.phone, "words": sought.words });
    tx.audit(&person.signed(), "search_issues", "issues", &detail).await
}
