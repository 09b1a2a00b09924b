//! Staff come in, or are put right: the file says which roles a person has, no more and no fewer.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::problem::{About, Did, Outcomes, Problem, all_well};
use super::subjects::area_of;
use super::told::{Told, blank_over};
use crate::db::{
    Act, Addresses, KnownStaff, Reason, Result, Session, StaffEntry, StaffMember, StaffRow,
    StoreError, Tx, Upsert,
};
use crate::domain::staff::Role;
use crate::domain::subject::near_number;

/// A person as they come in. `number` tells two people of one name apart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewStaff {
    pub number: String,
    pub name: String,
    pub roles: Vec<Role>,
    pub area: String,
    pub unit: Told<String>,
    pub addresses: TellAddresses,
}

/// What is said of a person's addresses.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TellAddresses {
    pub phone: Told<String>,
    pub email: Told<String>,
    pub wecom: Told<String>,
    pub feishu: Told<String>,
}

#[derive(Default)]
struct Decided {
    outcomes: Outcomes,
    added: Vec<StaffRow>,
    changed: Vec<StaffRow>,
    /// Whom every channel may try again.
    reachable: Vec<String>,
    /// The roles of these people, by their ids.
    roles: Vec<(String, Vec<Role>)>,
    /// Who has no role any more: their sign-in ends.
    left: Vec<StaffMember>,
    /// Somebody else may answer for a department.
    departments: bool,
}

/// What these people would do.
pub async fn check(session: &mut Session, rows: &[NewStaff]) -> Result<Outcomes> {
    Ok(decide(session, rows).await?.outcomes)
}

/// Adds people, or brings what is known of them up to date. Nothing where any is wrong.
pub async fn put(tx: &mut Tx, rows: &[NewStaff]) -> Result<Outcomes> {
    let decided = decide(tx, rows).await?;
    if !all_well(&decided.outcomes) {
        return Ok(decided.outcomes);
    }
    tx.write_staff(&decided.added, &decided.changed).await?;
    tx.set_roles(&decided.roles).await?;
    for person in &decided.reachable {
        tx.forget_dead(person).await?;
    }
    if decided.roles.iter().any(|(_, roles)| roles.contains(&Role::Inspector)) {
        super::areas::inspectors_came(tx).await?;
    }
    for person in &decided.left {
        super::accounts::left(tx, person).await?;
    }
    if decided.departments {
        tx.ask_derivation(Reason::Departments).await?;
    }
    Ok(decided.outcomes)
}

/// Puts the name right by which somebody was registered; what they signed before keeps the name that it was signed with.
///
/// # Errors
/// Where nobody has that number, the name is none, or they're called so already.
pub async fn rename(
    tx: &mut Tx,
    number: &str,
    name: &str,
    (by, reason): (&str, &str),
) -> Result<StaffMember> {
    let wrong = |text: String| Err(StoreError::Rule(text));
    let known = tx.known_staff().await?;
    let Some(KnownStaff { person, addresses }) =
        known.iter().find(|known| known.person.number == number)
    else {
        return wrong(format!("没有编号「{number}」的走访人员"));
    };
    let name = name.trim();
    if name.is_empty() || name.chars().any(char::is_control) {
        return wrong("请写正确的姓名；什么也没有改".to_owned());
    }
    if person.name == name {
        return wrong(format!("编号「{number}」本来就是「{name}」，没有改动"));
    }
    let entry = StaffEntry {
        id: person.id.clone(),
        number,
        name,
        area_id: person.area_id.clone(),
        unit: &person.unit,
        addresses,
    };
    let row = tx.staff_row(entry)?;
    tx.write_staff(&[], &[row]).await?;
    tx.audit_act(Act {
        by,
        action: "rename_staff",
        target: number,
        detail: &json!({"reason": reason}),
        was: Some(&json!({"name": person.name})),
        became: Some(&json!({"name": name})),
    })
    .await?;
    Ok(StaffMember { name: name.to_owned(), ..person.clone() })
}

async fn decide(session: &mut Session, rows: &[NewStaff]) -> Result<Decided> {
    let tree = session.area_tree().await?;
    let known: HashMap<String, KnownStaff> = session
        .known_staff()
        .await?
        .into_iter()
        .map(|known| (known.person.number.clone(), known))
        .collect();
    let mut decided = Decided::default();
    let mut numbers = Numbers::of(&known);
    let phones = Phones::of(&known, rows);
    for row in rows {
        if let Some(problem) = phones.slipped(&known, row) {
            decided.outcomes.push(Err(problem));
            continue;
        }
        if let Some(problem) = numbers.near(row).filter(|_| !known.contains_key(&row.number)) {
            decided.outcomes.push(Err(problem));
            continue;
        }
        let outcome = match area_of(&tree, &row.area) {
            Err(problem) => Err(problem),
            Ok(area_id) => match known.get(&row.number) {
                Some(known) if known.person.name != row.name => Err(Problem::new(
                    About::Person,
                    format!(
                        "编号「{}」已经是「{}」，不能再给「{}」：同一个人写错了字的，请照登记的写；登记时写错了的，请先用 zoufang staff rename 编号 --to 正确的姓名 --by 责任人编号 --reason 原因 改正；是另一个人的，请给他另一个编号",
                        row.number, known.person.name, row.name
                    ),
                )),
                Some(known) => match told_of(row, Some(known)) {
                    Err(problem) => Err(problem),
                    Ok(told) => Ok(decided.known(session, row, area_id, (known, &told)).await?),
                },
                None => match slip(&known, row) {
                    Some(problem) => Err(problem),
                    None => {
                        let id = session.context().id();
                        let told = told_of(row, None).unwrap_or_default();
                        decided.added.push(row_of(session, row, id.clone(), area_id, &told)?);
                        decided.departments |= row.roles.contains(&Role::Department);
                        decided.roles.push((id, row.roles.clone()));
                        Ok(Upsert::Added.into())
                    }
                },
            },
        };
        decided.outcomes.push(outcome.map(|did: Did| phones.remarked(row, did)));
    }
    Ok(decided)
}

/// What is wrong with who has left under a number that nobody has, where somebody of that name has another.
fn slip(known: &HashMap<String, KnownStaff>, row: &NewStaff) -> Option<Problem> {
    let mut people = known.values().map(|known| &known.person).filter(|_| row.roles.is_empty());
    let person = people.find(|person| person.name == row.name)?;
    let text = format!(
        "没有编号「{}」的走访人员，「{}」的编号是「{}」：离岗的是他，请改编号",
        row.number, person.name, person.number
    );
    Some(Problem::new(About::Person, text))
}

/// Whose telephones are known, and told in the same set.
struct Phones<'r> {
    known: HashMap<&'r str, Vec<&'r StaffMember>>,
    told: HashMap<&'r str, Vec<&'r NewStaff>>,
}

impl<'r> Phones<'r> {
    fn of(known: &'r HashMap<String, KnownStaff>, rows: &'r [NewStaff]) -> Phones<'r> {
        let mut people: Vec<&KnownStaff> = known.values().collect();
        people.sort_by(|one, other| one.person.number.cmp(&other.person.number));
        let mut by_phone: HashMap<&str, Vec<&StaffMember>> = HashMap::new();
        for KnownStaff { person, addresses } in people {
            if let Some(phone) = addresses.phone.as_deref() {
                by_phone.entry(phone).or_default().push(person);
            }
        }
        let mut told: HashMap<&str, Vec<&NewStaff>> = HashMap::new();
        for row in rows {
            if let Some(phone) = row.phone() {
                told.entry(phone).or_default().push(row);
            }
        }
        Phones { known: by_phone, told }
    }

    /// What is asked where a row gives somebody a telephone that is another's: of one who is known where that other gets another
    /// one as well, or of a new one who is called as the other.
    fn slipped(&self, known: &HashMap<String, KnownStaff>, row: &NewStaff) -> Option<Problem> {
        let own = known.get(&row.number).and_then(|known| known.addresses.phone.as_deref());
        let phone = row.phone().filter(|phone| own != Some(*phone))?;
        let others =
            || self.known.get(phone).into_iter().flatten().filter(|of| of.number != row.number);
        let is_known = known.contains_key(&row.number);
        let named = others().find(|of| !is_known && of.name == row.name && !row.roles.is_empty());
        if let Some(StaffMember { number, name, .. }) = named {
            let text = format!(
                "「{name}」和这个手机号已经以编号「{number}」登记：是同一个人请写成「{number}」，是另一个人请核对手机号"
            );
            return Some(Problem::new(About::Person, text));
        }
        let is_given_another = |other: &&&StaffMember| {
            let mut given = self.told.iter().filter(|(told, _)| **told != phone);
            given.any(|(_, rows)| rows.iter().any(|of| of.number == other.number))
        };
        let StaffMember { number, name, .. } =
            others().filter(|_| is_known).find(is_given_another)?;
        let text = format!(
            "这是「{name}」（{number}）登记的手机号，「{name}」在这张表里也换了号：像是手机号一列错了行，请核对；确实互换了的，请分两次导入"
        );
        Some(Problem::new(About::Phone, text))
    }

    /// With a word where others have the same telephone.
    fn remarked(&self, row: &NewStaff, did: Did) -> Did {
        let Some(phone) = row.phone().filter(|_| did.note.is_none()) else { return did };
        let beside = self.told.get(phone).into_iter().flatten().map(|of| (&of.number, &of.name));
        let known = self.known.get(phone).into_iter().flatten().filter(|of| !of.has_left());
        let known = known.map(|of| (&of.number, &of.name));
        let Some((number, name)) = known.chain(beside).find(|of| *of.0 != row.number) else {
            return did;
        };
        let text = format!("和「{name}」（{number}）是同一个号码：请核对，提醒会发到同一部手机");
        Did { note: Some(Problem::new(About::Phone, text)), ..did }
    }
}

impl NewStaff {
    /// The telephone that is told of them.
    fn phone(&self) -> Option<&str> {
        match &self.addresses.phone {
            Told::Is(phone) => Some(phone),
            _ => None,
        }
    }
}

/// Numbers of people, by how they are compared: one that is nearly another's would be taken for it in every other table.
struct Numbers(HashMap<String, (String, String)>);

impl Numbers {
    fn of(known: &HashMap<String, KnownStaff>) -> Numbers {
        let known = known.values().map(|known| &known.person);
        Numbers(
            known
                .map(|person| (near_number(&person.number), (&person.number, &person.name)))
                .map(|(near, (number, name))| (near, (number.clone(), name.clone())))
                .collect(),
        )
    }

    /// What is wrong with a number that is new, where it's nearly another's.
    fn near(&mut self, row: &NewStaff) -> Option<Problem> {
        let own = || (row.number.clone(), row.name.clone());
        let (number, name) = self.0.entry(near_number(&row.number)).or_insert_with(own);
        (*number != row.number).then(|| {
            let text = format!(
                "编号「{}」与「{name}」的编号「{number}」写法相近：是同一个人请写成「{number}」，是另一个人请换一个编号",
                row.number
            );
            Problem::new(About::Person, text)
        })
    }
}

impl Decided {
    /// What a row does of somebody who is known; of who has left, what is still theirs is said, and of who comes back that they
    /// can't sign in.
    async fn known(
        &mut self,
        session: &mut Session,
        row: &NewStaff,
        area_id: String,
        (known, told): (&KnownStaff, &(String, Addresses)),
    ) -> Result<Did> {
        let upsert = self.change(session, row, area_id, known, told)?;
        let person = &known.person;
        match (person.roles.is_empty(), row.roles.is_empty()) {
            (false, true) => {}
            (true, false) if session.account(&person.id).await?.closed => {
                let text = format!("「{}」回岗：登录仍停用，要登录请给新的登录链接", person.name);
                return Ok(Did::noted(upsert, About::Person, text));
            }
            _ => {
                let note = other_roles(&person.roles, row).filter(|_| upsert == Upsert::Changed);
                let note = note.map(|text| Problem::new(About::Person, text));
                return Ok(Did { note, ..Did::from(upsert) });
            }
        }
        self.left.push(person.clone());
        let theirs = session.assigned_to(&person.id).await?;
        let count = theirs.iter().filter(|one| one.is_to_be_seen_to()).count();
        let text = match count {
            0 => format!("「{}」离岗：不再有任务，登录停用", person.name),
            _ => format!(
                "「{}」离岗，登录停用；还有 {count} 个走访对象在他名下，任务仍算他的：请逐个用 zoufang reassign 对象编号 --to 接手人编号 --by 责任人编号 --reason 原因 交给别人",
                person.name
            ),
        };
        Ok(Did::noted(upsert, About::Person, text))
    }

    fn change(
        &mut self,
        session: &Session,
        row: &NewStaff,
        area_id: String,
        known: &KnownStaff,
        (unit, addresses): &(String, Addresses),
    ) -> Result<Upsert> {
        let person = &known.person;
        let moved = known.addresses != *addresses;
        let mut changed = person.area_id != area_id || person.unit != *unit || moved;
        let (mut has, mut wanted) = (person.roles.clone(), row.roles.clone());
        has.sort_unstable();
        wanted.sort_unstable();
        wanted.dedup();
        let department = [&has, &wanted].iter().any(|roles| roles.contains(&Role::Department));
        if changed {
            self.changed.push(row_of(
                session,
                row,
                person.id.clone(),
                area_id,
                &(unit.clone(), addresses.clone()),
            )?);
        }
        if moved {
            self.reachable.push(person.id.clone());
        }
        if has != wanted {
            self.roles.push((person.id.clone(), wanted));
            changed = true;
        }
        self.departments |= department && changed;
        Ok(if changed { Upsert::Changed } else { Upsert::Same })
    }
}

/// A word about somebody's roles, where a row tells of others.
fn other_roles(has: &[Role], row: &NewStaff) -> Option<String> {
    let named = |roles: &[Role]| -> String {
        let mut roles = roles.to_vec();
        roles.sort_unstable();
        roles.dedup();
        let names: Vec<String> = roles.iter().map(Role::to_string).collect();
        names.join("、")
    };
    let (had, has) = (named(has), named(&row.roles));
    let had = if had.is_empty() { "没有角色".to_owned() } else { format!("「{had}」") };
    (had != format!("「{has}」")).then(|| format!("「{}」的角色由{had}改为「{has}」", row.name))
}

/// A person's unit and addresses as they are known once the row is taken.
///
/// # Errors
/// What is asked where a blank stands over something known.
fn told_of(
    row: &NewStaff,
    known: Option<&KnownStaff>,
) -> std::result::Result<(String, Addresses), Problem> {
    let of = known.map(|known| known.addresses.clone()).unwrap_or_default();
    let unit = known.map(|known| known.person.unit.clone()).filter(|unit| !unit.is_empty());
    let take = |told: &Told<String>, known: &Option<String>, about, what: &str| {
        told.over(known.as_ref()).ok_or_else(|| Problem::new(about, blank_over(what)))
    };
    let TellAddresses { phone, email, wecom, feishu } = &row.addresses;
    let addresses = Addresses {
        phone: take(phone, &of.phone, About::Phone, "手机号")?,
        email: take(email, &of.email, About::Email, "邮箱")?,
        wecom: take(wecom, &of.wecom, About::Wecom, "企业微信账号")?,
        feishu: take(feishu, &of.feishu, About::Feishu, "飞书账号")?,
    };
    Ok((take(&row.unit, &unit, About::Unit, "工作单位")?.unwrap_or_default(), addresses))
}

fn row_of(
    session: &Session,
    row: &NewStaff,
    id: String,
    area_id: String,
    (unit, addresses): &(String, Addresses),
) -> Result<StaffRow> {
    let NewStaff { number, name, .. } = row;
    session.staff_row(StaffEntry { id, number, name, area_id, unit, addresses })
}
