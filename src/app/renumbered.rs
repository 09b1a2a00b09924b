//! A table of subjects whose numbers slipped, or that was numbered anew: the same household twice, or one family's history under
//! another's name. It's asked.

use std::collections::{HashMap, HashSet};

use super::problem::{About, Problem};
use crate::db::personal::{SUBJECT_ADDRESS, SUBJECT_NAME};
use crate::db::{Context, Result, Session, SubjectKeys};

/// A subject as a row tells of it.
pub(super) struct Entry<'r> {
    pub number: &'r str,
    pub name: &'r str,
    /// Whether its name is a person's.
    pub is_a_person: bool,
    pub area_id: &'r str,
    /// Where it's told.
    pub address: Option<&'r str>,
    /// All of that but the number, as one key.
    pub content: String,
    /// It's said that whatever changes it's the same, and that whatever it's like it's another.
    pub is_same: bool,
    pub is_another: bool,
}

/// What is known of the subjects that rows change, and of those that lie where rows bring new ones.
pub(super) struct Numbered {
    /// The number under which all that is told of a subject but its number is known, or was told before in the same set.
    by_content: HashMap<String, String>,
    /// The numbers under which a name, or an address, was known among those that rows change, in each area.
    named: HashMap<(String, String), String>,
    lived: HashMap<(String, String), String>,
    /// What was known of each that is changed: its name and its address.
    known: HashMap<String, (String, Option<String>)>,
    /// Where most new households of an area have names that are known there: these, and their numbers.
    anew: HashMap<(String, String), String>,
}

/// So many names that come again may do so by chance.
const BY_CHANCE: usize = 2;

impl Numbered {
    pub async fn read(
        session: &mut Session,
        rows: &[std::result::Result<Entry<'_>, &Problem>],
        known: &HashMap<&str, &SubjectKeys>,
    ) -> Result<Numbered> {
        let rows = || rows.iter().flatten();
        let new = rows().filter(|row| !known.contains_key(row.number));
        let areas: HashSet<&str> = new.map(|row| row.area_id).collect();
        let areas: Vec<&str> = areas.into_iter().collect();
        let by_content = match areas.is_empty() {
            true => HashMap::new(),
            // The first of several.
            false => session.told_in(&areas).await?.into_iter().rev().collect(),
        };
        let anew = anew(session, rows(), known).await?;
        let (named, lived, before) = Default::default();
        let mut numbered = Numbered { by_content, named, lived, known: before, anew };
        let context = session.context();
        for row in rows() {
            if let Some(known) = known.get(row.number).filter(|of| of.content_key != row.content) {
                numbered.change(context, row, known)?;
            }
        }
        Ok(numbered)
    }

    /// Notes what was known of one, as far as a row changes it.
    fn change(&mut self, context: &Context, row: &Entry<'_>, known: &SubjectKeys) -> Result<()> {
        let name = context.open(SUBJECT_NAME, &known.id, &known.name_sealed)?;
        let sealed = known.address_sealed.clone();
        let address = context.open_optional(SUBJECT_ADDRESS, &known.id, sealed)?;
        let place = |what: &str| (known.area_id.clone(), what.to_owned());
        if name != row.name {
            self.named.insert(place(&name), known.number.clone());
        }
        if let (Some(was), Some(_)) =
            (&address, row.address.filter(|is| Some(*is) != address.as_deref()))
        {
            self.lived.insert(place(was), known.number.clone());
        }
        self.known.insert(known.number.clone(), (name, address));
        Ok(())
    }

    /// What is asked of a row.
    pub fn judge(&mut self, row: &Entry<'_>, known: Option<&SubjectKeys>) -> Option<Problem> {
        match known {
            Some(known) => self.slipped(row, known).filter(|_| !row.is_same),
            None => self.twice(row).or_else(|| self.again(row)),
        }
    }

    /// Of one that is known: its name or its address is what was known of another that is changed as well.
    fn slipped(&self, row: &Entry<'_>, known: &SubjectKeys) -> Option<Problem> {
        let (name, address) = self.known.get(row.number)?;
        let of = |known_as: &HashMap<(String, String), String>, told: &str| {
            let place = (known.area_id.clone(), told.to_owned());
            known_as.get(&place).filter(|number| **number != row.number).cloned()
        };
        let told = row.address.filter(|told| address.as_deref() != Some(told));
        let renamed = (name != row.name).then(|| of(&self.named, row.name)).flatten();
        let moved = told.and_then(|told| of(&self.lived, told));
        let (about, what, other) = match (renamed, moved) {
            (Some(other), _) => (About::Subject, format!("名称「{}」", row.name), other),
            (None, Some(other)) => (About::Address, "这个地址".to_owned(), other),
            (None, None) => return None,
        };
        let text = format!(
            "「{}」登记的是「{name}」，这里的{what}是「{other}」登记的，「{other}」在这张表里也变了：像是有一列单独排过序或错了行，请核对；确实这样改的，请在导入命令后加 --same-subject",
            row.number
        );
        Some(Problem::new(about, text))
    }

    /// Of one that is new: its name is known under another number, as most names of the area are.
    fn again(&self, row: &Entry<'_>) -> Option<Problem> {
        let place = (row.area_id.to_owned(), row.name.to_owned());
        let is_asked = row.is_a_person && !row.is_another;
        let other = self.anew.get(&place).filter(|_| is_asked)?;
        let text = format!(
            "「{}」和已登记的「{other}」都叫「{}」，这里新编号的住户多数是这样，像是整个区划重新编了号：编号不能改，同一户请照导出的走访对象表填登记的编号；确实都是另外的户，请在导入命令后加 --alike another",
            row.number, row.name
        );
        Some(Problem::new(About::Subject, text))
    }

    /// Of one that is new: all else that is told of it is known under another number.
    fn twice(&mut self, row: &Entry<'_>) -> Option<Problem> {
        // Without an address two people of one name may well be two.
        if row.is_a_person && row.address.is_none() {
            return None;
        }
        let own = || row.number.to_owned();
        let other = self.by_content.entry(row.content.clone()).or_insert_with(own);
        if *other == row.number || row.is_another {
            return None;
        }
        let text = format!(
            "「{}」和「{other}」的类型、名称、区划、地址都一样：是同一个对象请写成「{other}」（编号不能改），确实是两个请在导入命令后加 --alike another",
            row.number
        );
        Some(Problem::new(About::Subject, text))
    }
}

/// The names and numbers of known households, in areas in which most new households are called like known ones that these rows
/// don't tell of.
async fn anew<'r>(
    session: &mut Session,
    rows: impl Iterator<Item = &'r Entry<'r>>,
    known: &HashMap<&str, &SubjectKeys>,
) -> Result<HashMap<(String, String), String>> {
    let mut new: HashMap<&str, Vec<&str>> = HashMap::new();
    let people = rows.filter(|row| row.is_a_person && !row.is_another);
    for row in people.filter(|row| !known.contains_key(row.number)) {
        new.entry(row.area_id).or_default().push(row.name);
    }
    new.retain(|_, names| names.len() > BY_CHANCE);
    let areas: Vec<&str> = new.keys().copied().collect();
    if areas.is_empty() {
        return Ok(HashMap::new());
    }
    let others = session.subjects_in(&areas).await?.into_iter();
    let others =
        others.filter(|of| of.ended_on.is_none() && !known.contains_key(of.number.as_str()));
    let numbers: Vec<String> = others.map(|of| of.number).collect();
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let context = session.shared_context();
    let mut named = HashMap::new();
    for keys in session.subject_keys(&numbers).await? {
        let name = context.open(SUBJECT_NAME, &keys.id, &keys.name_sealed)?;
        named.insert((keys.area_id, name), keys.number);
    }
    named.retain(|(area, _), _| new.contains_key(area.as_str()));
    let is_anew = |area: &str| {
        let names = new.get(area).map_or(&[][..], Vec::as_slice);
        let again =
            names.iter().filter(|name| named.contains_key(&(area.to_owned(), (**name).to_owned())));
        let again = again.count();
        again > BY_CHANCE && again * 2 > names.len()
    };
    let areas: HashSet<String> =
        areas.into_iter().filter(|area| is_anew(area)).map(str::to_owned).collect();
    named.retain(|(area, _), _| areas.contains(area));
    Ok(named)
}
