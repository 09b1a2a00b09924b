//! Who somebody is that a command or a table names, and whether they may do what is done in their name: read in one way
//! wherever a person is named.

use std::collections::HashMap;
use std::sync::Arc;

use crate::db::{AreaTree, Result, Session, StaffMember, StoreError};
use crate::domain::obligations::GroupKey;
use crate::domain::rights::Right;
use crate::domain::staff::Holders;
use crate::domain::subject::near_number;

/// So many characters of what isn't a person are shown.
const LONGEST: usize = 30;

/// Everyone, by number, or by a name that only one person has.
#[derive(Debug)]
pub struct People {
    staff: Vec<StaffMember>,
    by_number: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
}

impl People {
    /// These people.
    pub fn new(staff: Vec<StaffMember>) -> People {
        let (mut by_number, mut by_name) = (HashMap::new(), HashMap::<String, Vec<usize>>::new());
        for (place, person) in staff.iter().enumerate() {
            by_number.insert(person.number.clone(), place);
            by_name.entry(person.name.clone()).or_default().push(place);
        }
        People { staff, by_number, by_name }
    }

    /// Who is named.
    ///
    /// # Errors
    /// That nobody is, that nobody is called so, or that several are; and how they are found.
    pub fn find(&self, text: &str) -> std::result::Result<&StaffMember, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("没有写是谁，请填人员编号".to_owned());
        }
        if let Some(place) = self.by_number.get(text) {
            return Ok(&self.staff[*place]);
        }
        match self.by_name.get(text).map(Vec::as_slice) {
            Some([place]) => Ok(&self.staff[*place]),
            Some(several) => {
                let numbers: Vec<&str> =
                    several.iter().map(|place| self.staff[*place].number.as_str()).collect();
                Err(format!("叫「{text}」的不止一人，请填人员编号：{}", numbers.join("、")))
            }
            None => {
                let shown: String = text.chars().take(LONGEST).collect();
                Err(format!("没有「{shown}」这个走访人员，请先导入走访人员表"))
            }
        }
    }

    /// The same as somebody typed it on a page: a number also in small letters.
    ///
    /// # Errors
    /// As [`People::find`].
    pub fn find_typed(&self, text: &str) -> std::result::Result<&StaffMember, String> {
        self.find(text).or_else(|why| self.find(&text.to_uppercase()).map_err(|_| why))
    }

    /// Who is meant, perhaps, by a text that names nobody: z6 for Z6, 褚走主任 for 褚走, 禇走 for 褚走.
    pub fn alike(&self, text: &str) -> Option<&StaffMember> {
        // Several are called exactly so.
        if self.by_name.contains_key(text.trim()) {
            return None;
        }
        let near = near_number(text);
        let is_name = |name: &str| {
            let differing = name.chars().zip(text.chars()).filter(|(one, other)| one != other);
            let (long, of_text) = (name.chars().count(), text.chars().count());
            long >= 2 && (text.starts_with(name) || long == of_text && differing.count() == 1)
        };
        self.staff
            .iter()
            .find(|person| near_number(&person.number) == near || is_name(&person.name))
    }

    /// The same for a command, with how people are found.
    pub fn find_for_command(&self, text: &str) -> std::result::Result<&StaffMember, String> {
        let how = if self.staff.is_empty() {
            "人员表还是空的"
        } else {
            "全部人员和编号用 zoufang staff list 查看"
        };
        self.find(text).map_err(|why| format!("{why}；{how}"))
    }

    /// Who of them may do it, as an answer to whoever may not: at most a few.
    fn who_may(&self, right: Right, tree: &AreaTree, area: Option<&str>) -> String {
        const FEW: usize = 5;
        let may: Vec<&StaffMember> =
            self.staff.iter().filter(|person| right.is_of(person, tree, area)).collect();
        let named: Vec<String> = may
            .iter()
            .take(FEW)
            .map(|person| format!("{}（{}）", person.number, person.name))
            .collect();
        match (named.is_empty(), may.len() > FEW) {
            (true, _) => {
                format!("现在没有人能做，请先在走访人员表里给人{}的角色", right.roles_in_words())
            }
            (false, more) => {
                format!("能做的有：{}{}", named.join("、"), if more { " 等" } else { "" })
            }
        }
    }
}

/// Those in whose name a table or a command says that something was done, with whom they stand in for today.
pub(super) struct Doers {
    pub tree: Arc<AreaTree>,
    pub holders: Holders,
    away: HashMap<String, Option<String>>,
}

impl Doers {
    pub async fn read(session: &mut Session) -> Result<Doers> {
        let (tree, staff) = (session.area_tree().await?, session.staff().await?);
        let away = session.away_on(session.today()).await?;
        Ok(Doers { tree, holders: Holders::new(staff), away })
    }

    /// Whether somebody may meet what this group owes: whoever owes it, has the right to it, or stands in for one of them who is
    /// away.
    ///
    /// # Errors
    /// Who owes it, as they sign.
    pub fn may_meet(
        &self,
        group: &GroupKey,
        person: &StaffMember,
        has_right: impl Fn(&StaffMember) -> bool,
    ) -> std::result::Result<(), String> {
        let whose = (group.role, group.area_id.as_str());
        let owing = self.holders.owing(&self.tree, group.staff_id.as_deref(), whose);
        let may =
            |one: &StaffMember| owing.iter().any(|owner| owner.id == one.id) || has_right(one);
        let stood_in_for = |(whose, deputy): (&String, &Option<String>)| {
            deputy.as_ref() == Some(&person.id) && self.holders.person(whose).is_some_and(may)
        };
        if may(person) || self.away.iter().any(stood_in_for) {
            return Ok(());
        }
        Err(owing.iter().map(|owner| owner.signed()).collect::<Vec<_>>().join("、"))
    }
}

/// How a person is called who may not do something: with their number and roles.
pub(super) fn with_roles(person: &StaffMember) -> String {
    let roles: Vec<&str> = match person.has_left() {
        true => vec!["离岗的人"],
        false => person.roles.iter().map(|role| role.chinese()).collect(),
    };
    format!("{}（{}）是{}", person.number, person.name, roles.join("、"))
}

/// Who it is in whose name something is done, where they have the right to it over `area`; nothing stands for the town.
///
/// # Errors
/// [`StoreError::Rule`]: nobody is named, nobody is known by that, or they may not; with who may.
pub async fn acting(
    session: &mut Session,
    named: &str,
    right: Right,
    area: Option<&str>,
) -> Result<StaffMember> {
    let people = People::new(session.staff().await?);
    let tree = session.area_tree().await?;
    let who_may = || people.who_may(right, &tree, area);
    let person = people
        .find_for_command(named)
        .map_err(|why| StoreError::Rule(format!("{why}。{right}，{}", who_may())))?;
    if right.is_of(person, &tree, area) {
        return Ok(person.clone());
    }
    tracing::warn!(
        event = "action.refused",
        by = person.number,
        right = right.code(),
        "not theirs to do"
    );
    Err(StoreError::Rule(format!("{}，不能{right}；{}", with_roles(person), who_may())))
}
