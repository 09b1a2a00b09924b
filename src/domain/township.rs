//! Whether a plan fits the township that is to carry it out: roles that nobody holds, units that nobody has, what nobody
//! visits, ladders that reach nobody, and what is amiss in the plan itself. One gap is one line with its cure.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;

use super::area::{Area, AreaKind, AreaTree};
use super::campaign::{Campaign, PhaseName, Recipient};
use super::duty::DutyKind;
use super::staff::{Holders, Role, StaffMember};
use super::workdays::Workdays;

/// What doesn't fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The key or the kind of table that mends it.
    pub key: &'static str,
    /// What is wrong, and what to do.
    pub text: String,
}

/// A role that the plan needs and that nobody holds over some areas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vacancy {
    pub role: Role,
    /// The names of the areas; none for the town.
    pub areas: Vec<String>,
    /// What is left undone by that.
    pub duties: Vec<DutyKind>,
}

/// So many names are shown of a list.
const FEW: usize = 6;

/// Names, or the first of them and how many there are.
pub(super) fn some(names: &[String]) -> String {
    let shown = names.iter().take(FEW).cloned().collect::<Vec<_>>().join("、");
    if names.len() > FEW { format!("{shown} 等 {} 个", names.len()) } else { shown }
}

/// That somebody left whose subjects nobody was given yet.
pub(super) fn left_behind(person: &str, subjects: i64) -> String {
    format!(
        "{person}已离岗，还有 {subjects} 个走访对象在他名下，没有人去走访，提醒转给上一级：请逐个用 zoufang reassign 对象编号 --to 接手人编号 --by 责任人编号 --reason 原因 交给别人"
    )
}

impl std::fmt::Display for Vacancy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Vacancy { role, areas, duties } = self;
        let place = if areas.is_empty() { String::new() } else { format!("{}：", some(areas)) };
        write!(f, "{place}没有人担任{role}")?;
        if !duties.is_empty() {
            let names: Vec<&str> = duties.iter().map(|kind| kind.chinese()).collect();
            write!(f, "，{}暂由上一级承担", names.join("、"))?;
        }
        f.write_str("；请在走访人员表里给人这个角色，再导入")
    }
}

/// The areas in which the plan is carried out.
pub fn in_campaign<'t>(tree: &'t AreaTree, plan: &Campaign, kind: AreaKind) -> Vec<&'t Area> {
    let of_town =
        |area: &&Area| tree.upward(&area.id).any(|above| above.code.as_ref() == Some(&plan.town));
    let mut areas: Vec<&Area> =
        tree.all().filter(|area| area.kind == kind).filter(of_town).collect();
    areas.sort_by(|a, b| (&a.code, &a.name).cmp(&(&b.code, &b.name)));
    areas
}

/// In which kind of area somebody has to hold a role; nothing for the town itself.
const fn place_of(role: Role) -> Option<AreaKind> {
    match role {
        Role::GridMember | Role::VillageCadre | Role::VillageLead => Some(AreaKind::Village),
        Role::BranchSecretary => Some(AreaKind::Branch),
        _ => None,
    }
}

/// The roles that the plan needs, and what each owes.
fn needed(plan: &Campaign) -> BTreeMap<Role, Vec<DutyKind>> {
    // What a branch and a village hand in, the organisation office takes in.
    let mut needed: BTreeMap<Role, Vec<DutyKind>> =
        [(Role::OrganisationOffice, Vec::new()), (Role::Centre, Vec::new())].into();
    // Where there is no inspection group, nobody owes its daily inspection.
    let owed = |kind: &&DutyKind| !matches!(kind, DutyKind::Extra | DutyKind::Inspection);
    for kind in DutyKind::ALL.iter().filter(owed) {
        needed.entry(kind.role()).or_default().push(*kind);
    }
    for extra in &plan.extra {
        let duties = needed.entry(extra.owed_by).or_default();
        if !duties.contains(&DutyKind::Extra) {
            duties.push(DutyKind::Extra);
        }
    }
    for step in plan.ladder.iter().flat_map(|ladder| &ladder.steps) {
        if let Recipient::Role(role) = step.who {
            needed.entry(role).or_default();
        }
    }
    // Whoever visits is named by the assignments, a department by its unit.
    needed.retain(|role, _| !matches!(role, Role::Visitor | Role::Department));
    needed
}

/// The roles that the plan needs and that nobody holds.
pub fn vacancies(tree: &AreaTree, holders: &Holders, plan: &Campaign) -> Vec<Vacancy> {
    let mut vacancies = Vec::new();
    for (role, duties) in needed(plan) {
        // A leader is over a branch or over units: one anywhere is one.
        let leads = |person: &&StaffMember| person.roles.contains(&Role::SupervisingLeader);
        if role == Role::SupervisingLeader && holders.all().iter().any(leads) {
            continue;
        }
        let Some(kind) = place_of(role) else {
            let towns = in_campaign(tree, plan, AreaKind::Town);
            if !towns.iter().any(|town| holders.holder(tree, role, &town.id).is_some()) {
                vacancies.push(Vacancy { role, areas: Vec::new(), duties });
            }
            continue;
        };
        let areas = in_campaign(tree, plan, kind);
        let vacant = areas.iter().filter(|area| holders.holder(tree, role, &area.id).is_none());
        let areas: Vec<String> = vacant.map(|area| area.name.clone()).collect();
        if !areas.is_empty() {
            vacancies.push(Vacancy { role, areas, duties });
        }
    }
    vacancies
}

/// What of the plan itself is amiss on a day.
pub fn of_plan(plan: &Campaign, today: Date) -> Vec<Gap> {
    let gap = |key, text| Gap { key, text };
    let mut gaps = Vec::new();
    let last = plan.ends_on(PhaseName::Feedback);
    if last < today {
        gaps.push(gap(
            "campaign.file",
            format!(
                "方案「{}」到 {last} 已经结束：新一年的方案用 zoufang campaign new 写，再用 zoufang campaign apply 使它生效",
                plan.name
            ),
        ));
    }
    let overlapping =
        plan.phases.iter().flat_map(|one| plan.phases.iter().map(move |two| (one, two)));
    for (one, two) in overlapping.filter(|(one, two)| one.name < two.name) {
        if two.starts_on <= one.ends_on {
            let (from, until) = (two.starts_on, one.ends_on);
            gaps.push(gap(
                "campaign.phases",
                format!(
                    "阶段「{}」和「{}」重叠（{from} 至 {until}）：请改其中一个的日期",
                    one.name, two.name
                ),
            ));
        }
    }
    for kind in DutyKind::ALL.iter().filter(|kind| plan.steps(**kind).is_empty()) {
        if *kind != DutyKind::Extra || !plan.extra.is_empty() {
            let text =
                format!("任务「{kind}」没有提醒和督办的梯次，到期谁也不会知道：请写进 [[ladder]]");
            gaps.push(gap("campaign.ladder", text));
        }
    }
    if plan.hotline.trim().is_empty() {
        let text = "没有监督电话：群众的联系服务群众卡上没有可以反映违纪的号码，请写 hotline";
        gaps.push(gap("campaign.hotline", text.to_owned()));
    }
    gaps
}

/// The years of a plan, its ladder's last steps among them, whose holidays a calendar lacks.
pub fn years_without_holidays(plan: &Campaign, workdays: &Workdays) -> Vec<i16> {
    let told = steps_after(plan, workdays).into_iter().map(|(_, on)| on);
    let last = told.chain([plan.last_day()]).max().unwrap_or(plan.last_day());
    let first = plan.starts_on().min(plan.materials_due_on);
    let years = first.year()..=last.year();
    years.filter(|year| !workdays.knows(jiff::civil::date(*year, 1, 1))).collect()
}

/// What to do about such years.
pub fn without_holidays(years: &[i16]) -> String {
    let years: Vec<String> = years.iter().map(i16::to_string).collect();
    format!(
        "没有 {} 年的节假日，将按周末计算：春节、清明、五一等会算成工作日，调休的周末会算成休息日，提醒和期限因此不准；请在国务院办公厅公布放假安排（一般在上一年 11 月）以后补一份日历文件，写进 campaign.calendar_file，再重启服务",
        years.join("、")
    )
}

/// The steps of the ladder that are told after the plan's last day, of duties that fall due within it: of each kind the last.
fn steps_after(plan: &Campaign, workdays: &Workdays) -> Vec<(DutyKind, Date)> {
    let last_of = |kind: &DutyKind| {
        let step = plan.steps(*kind).last()?;
        let due_on = match kind {
            DutyKind::Extra => plan.extra.iter().map(|phase| phase.ends_on).max()?,
            kind => plan.due_on(*kind),
        };
        let on = step.told_on(due_on, workdays);
        (on > plan.last_day()).then_some((*kind, on))
    };
    DutyKind::ALL.iter().filter_map(last_of).collect()
}

/// The categories that a unit answers for and wouldn't any more: what is open of them passes to the grid members.
fn without_department(plan: &Campaign, before: &Campaign) -> Option<String> {
    let gone = before.departments.iter().filter(|(of, _)| !plan.departments.contains_key(of));
    let gone: Vec<String> = gone.map(|(of, unit)| format!("{of}（{unit}）")).collect();
    (!gone.is_empty()).then(|| {
        format!(
            "现在由镇直部门负责、方案的 [departments] 里没有写的：{}；使它生效，这些类别没有办完的问题就改由网格员负责。还由单位负责的，请照现在的写上",
            gone.join("、")
        )
    })
}

/// What is to be known of a plan before it takes the place of the one in effect: it begins later, it needs the holidays of
/// years that the calendar lacks, or its ladder goes on after its end. Whether it may at all, [`Plans::unapplied`] says.
///
/// [`Plans::unapplied`]: super::obligations::Plans::unapplied
pub fn of_coming(plan: &Campaign, before: &Campaign, workdays: &Workdays, today: Date) -> Vec<Gap> {
    let gap = |key, text| Gap { key, text };
    let mut gaps = Vec::new();
    let starts = plan.starts_on();
    if starts > today && plan.code != before.code {
        let text = format!(
            "方案「{}」{starts} 才开始：现在使它生效，任务马上就有，按梯次在期限前提醒",
            plan.name
        );
        gaps.push(gap("campaign.file", text));
    }
    gaps.extend(
        without_department(plan, before).into_iter().map(|text| gap("campaign.departments", text)),
    );
    let years = years_without_holidays(plan, workdays);
    if !years.is_empty() {
        gaps.push(gap("campaign.calendar_file", without_holidays(&years)));
    }
    let after = steps_after(plan, workdays);
    if !after.is_empty() {
        let each: Vec<String> = after.iter().map(|(kind, on)| format!("{kind} {on}")).collect();
        let text = format!(
            "活动 {} 结束以后还有提醒和督办，最后的是：{}；到时照样发，不要的请改 [[ladder]] 的 days 或阶段的日期",
            plan.last_day(),
            each.join("、")
        );
        gaps.push(gap("campaign.ladder", text));
    }
    gaps
}

/// What the record holds of a township.
#[derive(Debug)]
pub struct Township<'t> {
    pub tree: &'t AreaTree,
    pub staff: &'t [StaffMember],
    /// By id: whom no channel reaches.
    pub out_of_reach: &'t HashSet<String>,
    /// Of each area, how many subjects nobody visits.
    pub unassigned: &'t [(String, i64)],
    /// Who left and still has subjects, and how many.
    pub left: &'t [(String, i64)],
    /// Of each area, how many subjects lie in it that are to be visited, or were.
    pub subjects: &'t [(String, i64)],
}

impl Township<'_> {
    /// Where the plan doesn't fit it.
    pub fn gaps(&self, plan: &Campaign) -> Vec<Gap> {
        let gap = |key, text| Gap { key, text };
        let towns = in_campaign(self.tree, plan, AreaKind::Town);
        if towns.is_empty() {
            let text = format!(
                "区划表里没有方案的镇（区划代码 {}）：谁也没有任务。请导入区划表，或改方案的 town",
                plan.town
            );
            return vec![gap("campaign.town", text)];
        }
        let holders = Holders::new(self.staff.to_vec());
        let vacancies = vacancies(self.tree, &holders, plan);
        let mut gaps: Vec<Gap> =
            vacancies.iter().map(|vacancy| gap("走访人员表", vacancy.to_string())).collect();
        gaps.extend(self.without_grid(&towns, &holders).map(|text| gap("走访人员表", text)));
        let mut units: Vec<&String> = plan.departments.values().collect();
        units.sort_unstable();
        units.dedup();
        for unit in units.into_iter().filter(|unit| holders.department(unit).is_none()) {
            let text = format!(
                "方案把问题交给「{unit}」，走访人员表里没有这个工作单位的镇直部门人员：请补上，或改方案的 [departments]"
            );
            gaps.push(gap("campaign.departments", text));
        }
        gaps.extend(self.without_work(plan).map(|text| gap("campaign.departments", text)));
        gaps.extend(self.unreachable(plan).map(|text| gap("campaign.ladder", text)));
        for (area, count) in self.unassigned {
            let name = self.tree.get(area).map_or(area.as_str(), |area| area.name.as_str());
            let of = (Role::VillageLead, area.as_str());
            let owing = holders.owing(self.tree, None, of).into_iter().next();
            let by =
                owing.map_or("没有人负责".to_owned(), |by| format!("暂由{}负责", by.signed()));
            let text =
                format!("{name}有 {count} 个走访对象没有走访人，{by}：请导入走访安排表（附件2）");
            gaps.push(gap("走访安排表", text));
        }
        let left = self.left.iter().map(|(person, count)| left_behind(person, *count));
        gaps.extend(left.map(|text| gap("走访安排表", text)));
        gaps
    }

    /// The towns' own subjects (a school, a hospital) lie in no village, whose grid member would have their issues.
    fn without_grid(&self, towns: &[&Area], holders: &Holders) -> impl Iterator<Item = String> {
        let own = |town: &Area| {
            let count = self.subjects.iter().find(|(area, _)| *area == town.id)?.1;
            let vacant = holders.holder(self.tree, Role::GridMember, &town.id).is_none();
            let name = &town.name;
            (count > 0 && vacant).then(|| {
                format!(
                    "{name}直属的走访对象有 {count} 个（学校、医院等，不在哪个村），没有网格员：其诉求签收、问题上报、着手办理、问题办结由上一级承担；请在走访人员表里给人「网格员」的角色，所属区划写「{name}」，再导入"
                )
            })
        };
        towns.iter().filter_map(|town| own(town)).collect::<Vec<_>>().into_iter()
    }

    /// The units that have people, where the plan gives no category to any.
    fn without_work(&self, plan: &Campaign) -> Option<String> {
        let mut units: Vec<String> = self
            .staff
            .iter()
            .filter(|person| person.roles.contains(&Role::Department))
            .flat_map(|person| person.units().map(str::to_owned))
            .collect();
        units.sort_unstable();
        units.dedup();
        (plan.departments.is_empty() && !units.is_empty()).then(|| {
            format!(
                "走访人员表里有镇直部门（{}），方案的 [departments] 没有写哪类问题由哪个单位承办：镇村自办的问题都由各村承办。由单位承办的，请写上类别和单位，如 living_environment = \"{}\"",
                some(&units),
                units[0]
            )
        })
    }

    /// The roles of the ladder that somebody holds and whose holders no message reaches.
    fn unreachable(&self, plan: &Campaign) -> impl Iterator<Item = String> {
        let steps = plan.ladder.iter().flat_map(|ladder| &ladder.steps);
        let roles: HashSet<Role> = steps
            .filter_map(|step| match step.who {
                Recipient::Role(role) => Some(role),
                Recipient::Owner => None,
            })
            .collect();
        let mut roles: Vec<Role> = roles.into_iter().collect();
        roles.sort_unstable();
        roles.into_iter().filter_map(|role| {
            let holding: Vec<&StaffMember> =
                self.staff.iter().filter(|person| person.roles.contains(&role)).collect();
            let silent = |person: &&StaffMember| self.out_of_reach.contains(&person.id);
            (!holding.is_empty() && holding.iter().all(silent)).then(|| {
                let names: Vec<String> = holding.iter().map(|person| person.signed()).collect();
                format!(
                    "督办到{role}时没有人收得到（{}）：请在走访人员表里补联系方式，或配置他们用得上的通道",
                    some(&names)
                )
            })
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use jiff::civil::date;

    use super::*;
    use crate::domain::issue::Category;
    use crate::domain::samples;

    fn plan() -> Campaign {
        toml::from_str(include_str!("../../config/campaign.toml")).unwrap()
    }

    fn area(id: &str, kind: AreaKind, parent: Option<&str>) -> Area {
        let code = (kind == AreaKind::Town).then(|| "370481111000".to_owned());
        Area { code, ..samples::area(id, kind, parent) }
    }

    fn person(number: &str, role: Role, area: &str) -> StaffMember {
        samples::person(number, &[role], area)
    }

    #[test]
    fn each_gap_is_one_line_and_all_are_found_at_once() {
        let tree = AreaTree::new([
            area("镇", AreaKind::Town, None),
            area("总支", AreaKind::Branch, Some("镇")),
            area("东村", AreaKind::Village, Some("总支")),
            area("西村", AreaKind::Village, Some("总支")),
        ]);
        let staff = [
            person("领导", Role::LeadingGroup, "镇"),
            person("网格", Role::GridMember, "东村"),
            person("包村", Role::VillageLead, "镇"),
            person("书记", Role::BranchSecretary, "总支"),
        ];
        let mut plan = plan();
        plan.departments.insert(Category::Other, "城建办".to_owned());
        let township = Township {
            tree: &tree,
            staff: &staff,
            out_of_reach: &HashSet::from(["领导".to_owned()]),
            unassigned: &[("西村".to_owned(), 3)],
            left: &[("Z7 冯走".to_owned(), 2)],
            subjects: &[("镇".to_owned(), 2), ("西村".to_owned(), 3)],
        };
        let texts: Vec<String> = township.gaps(&plan).into_iter().map(|gap| gap.text).collect();
        insta::assert_snapshot!(texts.join("\n"), @r"
            西村：没有人担任网格员，诉求签收、问题上报、着手办理、问题办结、调解回访暂由上一级承担；请在走访人员表里给人这个角色，再导入
            东村、西村：没有人担任村两委，村级自查暂由上一级承担；请在走访人员表里给人这个角色，再导入
            没有人担任镇社会治理综合服务中心，退回处理暂由上一级承担；请在走访人员表里给人这个角色，再导入
            没有人担任组织人事办公室；请在走访人员表里给人这个角色，再导入
            没有人担任分管领导；请在走访人员表里给人这个角色，再导入
            没有人担任督导组，入户抽查暂由上一级承担；请在走访人员表里给人这个角色，再导入
            镇直属的走访对象有 2 个（学校、医院等，不在哪个村），没有网格员：其诉求签收、问题上报、着手办理、问题办结由上一级承担；请在走访人员表里给人「网格员」的角色，所属区划写「镇」，再导入
            方案把问题交给「城建办」，走访人员表里没有这个工作单位的镇直部门人员：请补上，或改方案的 [departments]
            督办到领导小组时没有人收得到（领导 领导）：请在走访人员表里补联系方式，或配置他们用得上的通道
            西村有 3 个走访对象没有走访人，暂由包村 包村负责：请导入走访安排表（附件2）
            Z7 冯走已离岗，还有 2 个走访对象在他名下，没有人去走访，提醒转给上一级：请逐个用 zoufang reassign 对象编号 --to 接手人编号 --by 责任人编号 --reason 原因 交给别人
            ");
        let office = samples::person("城建", &[Role::Department], "镇");
        let office = [StaffMember { unit: "城建办".to_owned(), ..office }];
        let with_office = Township { staff: &office, ..township };
        let idle = |plan: &Campaign| {
            with_office.gaps(plan).iter().any(|gap| gap.text.contains("由哪个单位承办"))
        };
        assert!(!idle(&plan));
        plan.departments.clear();
        assert!(idle(&plan));
    }

    #[test]
    fn a_plan_is_looked_at_before_it_holds() {
        let before = plan();
        let calendar = "date,kind,name\n2022-10-01,holiday,国庆节\n";
        let workdays = Workdays::read(calendar).unwrap();
        let mut coming = before.clone();
        coming.code = "CHD2023".to_owned();
        coming.name = "冬季大走访".to_owned();
        coming.ladder.retain(|ladder| ladder.duties.contains(&DutyKind::Revisit));
        let days = [(12, 1, 12, 31), (1, 1, 1, 15), (1, 16, 2, 15), (2, 16, 3, 31)];
        for (phase, (m1, d1, m2, d2)) in coming.phases.iter_mut().zip(days) {
            let year = |month| if month == 12 { 2022 } else { 2023 };
            phase.starts_on = date(year(m1), m1, d1);
            phase.ends_on = date(year(m2), m2, d2);
        }
        coming.materials_due_on = date(2022, 12, 10);
        let said = |today| {
            let gaps = of_coming(&coming, &before, &workdays, today).into_iter();
            gaps.map(|gap| format!("{}：{}", gap.key, gap.text)).collect::<Vec<_>>()
        };
        let later = said(date(2022, 11, 1));
        assert!(later[0].contains("2022-12-01 才开始"), "{later:?}");
        assert!(later[1].starts_with("campaign.calendar_file：没有 2023 年的节假日"), "{later:?}");
        assert!(later[2].contains("活动 2023-03-31 结束以后还有提醒和督办"), "{later:?}");
        assert!(later[2].contains("回访 2023-04"), "{later:?}");
        assert_eq!(said(date(2022, 12, 5)).len(), 2, "once it has begun, that isn't said");
        let next = "date,kind,name\n2022-10-01,holiday,国庆节\n2023-01-02,holiday,元旦\n";
        let workdays = Workdays::read(next).unwrap();
        let gaps = of_coming(&coming, &before, &workdays, date(2022, 12, 5));
        assert!(gaps.iter().all(|gap| gap.key != "campaign.calendar_file"), "{gaps:?}");
        // Whose affair a category is isn't lost without a word.
        let mut with_unit = before;
        with_unit.departments.insert(Category::Other, "城建办".to_owned());
        let gaps = of_coming(&coming, &with_unit, &workdays, date(2022, 12, 5));
        assert!(gaps.iter().any(|gap| gap.text.contains("其他（城建办）")), "{gaps:?}");
    }

    #[test]
    fn what_is_amiss_in_a_plan_is_said() {
        let mut plan = plan();
        plan.phases[1].starts_on = date(2022, 3, 25);
        plan.ladder.retain(|ladder| !ladder.duties.contains(&DutyKind::SpotCheck));
        let texts: Vec<String> =
            of_plan(&plan, date(2023, 1, 1)).into_iter().map(|gap| gap.text).collect();
        insta::assert_snapshot!(texts.join("\n"), @r"
            方案「柴胡店镇联系服务群众大走访活动」到 2022-06-30 已经结束：新一年的方案用 zoufang campaign new 写，再用 zoufang campaign apply 使它生效
            阶段「走访排查」和「问题分类」重叠（2022-03-25 至 2022-03-31）：请改其中一个的日期
            任务「入户抽查」没有提醒和督办的梯次，到期谁也不会知道：请写进 [[ladder]]
            没有监督电话：群众的联系服务群众卡上没有可以反映违纪的号码，请写 hotline
            ");
        plan.hotline = "0632-0000000".to_owned();
        plan.phases[1].starts_on = date(2022, 4, 1);
        assert_eq!(of_plan(&plan, date(2022, 3, 1)).len(), 1, "the ladder still");
    }
}
