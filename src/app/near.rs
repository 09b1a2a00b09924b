//! A subject whose number is new and nearly one that is known: 0012 and 12, h1 and H1. Where all that is told of it is what is
//! known of the other it's that one; where a part is, it's asked; where nothing is, it's another.

use std::collections::{HashMap, HashSet};

use super::problem::{About, Outcomes, Problem};
use crate::db::personal::{SUBJECT_ADDRESS, SUBJECT_NAME};
use crate::db::{AreaTree, Context, Result, Session, SubjectKeys};
use crate::domain::subject::{SubjectKind, near_number};

/// A subject as a row tells of it.
#[derive(Clone)]
pub(super) struct Named<'r> {
    pub number: &'r str,
    pub name: &'r str,
    pub kind: SubjectKind,
    pub area_id: String,
    pub address: Option<String>,
    /// Its number is known, or it's said that it's another's.
    pub is_sure: bool,
}

/// The subjects whose numbers are near: those that are known, and those that came before in the same set.
pub(super) struct Near<'r> {
    known: HashMap<String, Vec<SubjectKeys>>,
    told: HashMap<String, Named<'r>>,
}

/// A subject whose number is near, as far as it's compared.
struct Other {
    number: String,
    kind: Option<SubjectKind>,
    name: String,
    area_id: String,
    address: Option<String>,
    is_known: bool,
}

impl<'r> Near<'r> {
    /// Those near to numbers that are new.
    pub async fn read(session: &mut Session, new: &[&str]) -> Result<Near<'r>> {
        Ok(Near { known: read_near(session, new).await?, told: HashMap::new() })
    }

    /// Whether a row's subject is one that is known under a number that is near (a word about it), another (nothing), or
    /// may be either (what is asked).
    pub fn judge(
        &mut self,
        context: &Context,
        tree: &AreaTree,
        row: Named<'r>,
    ) -> Result<std::result::Result<Option<Problem>, Problem>> {
        if row.is_sure {
            return Ok(Ok(None));
        }
        let near = near_number(row.number);
        let others = self.others(context, &near, row.number)?;
        self.told.entry(near).or_insert_with(|| row.clone());
        if let [other] = others.as_slice()
            && other.is_known
            && other.is(&row)
        {
            let text = format!(
                "「{}」就是已登记的「{}」（其余都一样），没有另外登记；编号没有改，其他表里请照登记的写",
                row.number, other.number
            );
            return Ok(Ok(Some(Problem::new(About::Subject, text))));
        }
        let like = others.iter().find(|other| other.may_be(&row));
        Ok(match like {
            None => Ok(None),
            Some(other) => Err(ask(tree, &row, other)),
        })
    }

    fn others(&self, context: &Context, near: &str, number: &str) -> Result<Vec<Other>> {
        let mut others = Vec::new();
        for row in self.known.get(near).into_iter().flatten() {
            let address = row.address_sealed.clone();
            others.push(Other {
                number: row.number.clone(),
                kind: SubjectKind::read(&row.kind),
                name: context.open(SUBJECT_NAME, &row.id, &row.name_sealed)?,
                area_id: row.area_id.clone(),
                address: context.open_optional(SUBJECT_ADDRESS, &row.id, address)?,
                is_known: true,
            });
        }
        let told = self.told.get(near).filter(|row| row.number != number);
        others.extend(told.map(|row| Other {
            number: row.number.to_owned(),
            kind: Some(row.kind),
            name: row.name.to_owned(),
            area_id: row.area_id.clone(),
            address: row.address.clone(),
            is_known: false,
        }));
        Ok(others)
    }
}

impl Other {
    /// Whether all that a row tells is what is known.
    fn is(&self, row: &Named<'_>) -> bool {
        self.name == row.name
            && self.kind == Some(row.kind)
            && self.area_id == row.area_id
            && (row.address.is_none() || row.address == self.address)
    }

    /// Whether a part of it is.
    fn may_be(&self, row: &Named<'_>) -> bool {
        self.name == row.name
            || self.area_id == row.area_id
            || row.address.is_some() && row.address == self.address
    }
}

fn ask(tree: &AreaTree, row: &Named<'_>, other: &Other) -> Problem {
    let place = tree.get(&other.area_id).map(|area| area.name.as_str()).unwrap_or_default();
    let known = if other.is_known { "已登记的" } else { "这张表里的" };
    let Other { number, name, .. } = other;
    let text = format!(
        "编号「{}」与{known}「{number}」（{place}「{name}」）写法相近：是同一个请写成「{number}」，确实是两个请在导入命令后加 --alike another",
        row.number
    );
    Problem::new(About::Subject, text)
}

/// The known subjects whose numbers are nearly these, by how they are compared.
async fn read_near(
    session: &mut Session,
    numbers: &[&str],
) -> Result<HashMap<String, Vec<SubjectKeys>>> {
    let near: HashSet<String> = numbers.iter().map(|number| near_number(number)).collect();
    let near: Vec<&str> = near.iter().map(String::as_str).collect();
    let mut found: HashMap<String, Vec<SubjectKeys>> = HashMap::new();
    for row in session.subjects_near(&near).await? {
        found.entry(near_number(&row.number)).or_default().push(row);
    }
    Ok(found)
}

/// There is no subject of this number.
pub(super) fn no_subject(number: &str) -> Problem {
    Problem::new(
        About::Subject,
        format!(
            "没有编号「{number}」的走访对象：请照走访对象表核对编号；新的对象，请先导入走访对象表"
        ),
    )
}

/// Names the subjects that are meant, perhaps, where rows are about none that is known.
pub(super) async fn hint_near(
    session: &mut Session,
    numbers: &[&str],
    outcomes: &mut Outcomes,
) -> Result<()> {
    let is_unknown = |number: &str, problem: &Problem| *problem == no_subject(number);
    let unknown = numbers.iter().zip(outcomes.iter()).filter_map(|(number, outcome)| {
        outcome.as_ref().err().filter(|problem| is_unknown(number, problem)).map(|_| *number)
    });
    let unknown: Vec<&str> = unknown.collect();
    let near = read_near(session, &unknown).await?;
    for (number, outcome) in numbers.iter().zip(outcomes.iter_mut()) {
        let Err(problem) = outcome else { continue };
        let Some(known) = near.get(&near_number(number)) else { continue };
        if is_unknown(number, problem) {
            let known: Vec<&str> = known.iter().map(|row| row.number.as_str()).collect();
            let known = known.join("」「");
            problem.text = format!(
                "没有编号「{number}」的走访对象；登记的有「{known}」，写法相近：就是它的话请照登记的写"
            );
        }
    }
    Ok(())
}
