//! What people do on each day of a campaign, as the files that they hand in: what the record says they owe, each by the way that
//! its message names.

use std::collections::HashMap;

use jiff::ToSpan;
use jiff::civil::Date;

use super::checks;
use super::today::{SOMEBODY, Today, VISITS};
use crate::clock::Chance;
use crate::db::{IssueCard, Missing, RevisitDue, Store, StoreError};
use crate::domain::campaign::{PhaseName, plus};
use crate::domain::duty::DutyKind;
use crate::domain::issue::{Category, Level, State, Urgency};
use crate::domain::staff::Role;

/// What residents ask for, by category.
const DEMANDS: [(Category, [&str; 2]); 7] = [
    (
        Category::LivingEnvironment,
        ["村东头路灯不亮，夜里出门看不见路", "门前排水沟堵了，下雨就积水"],
    ),
    (
        Category::PublicSecurity,
        ["路口没有减速带，车开得太快", "村里来过推销保健品的，担心老人被骗"],
    ),
    (Category::BasicHealthcare, ["卫生室常用药不全", "慢性病门诊报销手续不清楚"]),
    (Category::CultureSports, ["健身器材坏了两件", "希望农家书屋晚上开门"]),
    (Category::BasicEducation, ["接送孩子路远，希望通校车", "学校门口放学时太拥挤"]),
    (Category::SocialAssistance, ["残疾补贴没有按时到账", "家中老人想申请低保"]),
    (Category::Other, ["自来水水压低", "手机信号不好"]),
];

/// A resident may be dissatisfied only in the first days of the revisits, so that the second round still ends in the campaign.
const COMPLAIN_WITHIN: i64 = 7;

/// What people do, and what they leave undone.
#[derive(Debug, Clone, Copy)]
pub struct Doing {
    /// First visits and revisits.
    pub visits: bool,
    /// Everything else that they owe.
    pub rest: bool,
    /// How many of those who are visited ask for something.
    pub demands: f64,
    /// How many of those who are told what came of it aren't satisfied.
    pub dissatisfied: f64,
}

/// The people of a campaign.
pub struct People {
    store: Store,
    doing: Doing,
    chance: Chance,
}

type Files = Vec<(String, String)>;

impl People {
    pub fn new(store: Store, doing: Doing, chance: Chance) -> People {
        People { store, doing, chance }
    }

    /// What is handed in on `on`.
    pub async fn records_of(&self, on: Date) -> Result<Files, StoreError> {
        if !self.doing.visits && !self.doing.rest {
            return Ok(Files::new());
        }
        let today = Today::of(&self.store, on).await?;
        let mut files = Vec::new();
        if self.doing.visits {
            files.push(("走访记录", self.visits(&today).await?));
        }
        if self.doing.rest {
            // Before anything is done with it: of what is resolved nobody takes note any more, and it counts as unanswered.
            files.push(("诉求签收", self.acknowledgements(&today)));
            files.push(("问题分类", self.classifications(&today).await?));
            files.push(("着手办理", self.beginnings(&today).await?));
            files.push(("办理结果", self.handlings(&today).await?));
            files.push(("任务确认", self.confirmations(&today)));
            files.push(("督查", checks::visits(&today, &self.store, &self.chance).await?));
            files.push(("入户抽查", checks::of_drawn(&today, &self.store).await?));
            files.push(("矛盾调解", checks::follow_ups(&today, &self.store).await?));
        }
        let named = |(name, table): (&str, String)| (format!("{name}-{on}.csv"), table);
        Ok(files.into_iter().filter(|(_, table)| table.lines().count() > 1).map(named).collect())
    }

    async fn visits(&self, today: &Today) -> Result<String, StoreError> {
        let lines = match today.plan.phase_on(today.on).map(|phase| phase.name) {
            Some(PhaseName::Classify | PhaseName::Resolve) => String::new(),
            Some(PhaseName::Visit) => self.first_visits(today).await?,
            Some(PhaseName::Feedback) | None => self.revisits(today).await?,
        };
        Ok(format!("{VISITS}\n{lines}"))
    }

    /// Each village's visitors go from door to door; the villages go side by side, and all have been by the day before the last.
    async fn first_visits(&self, today: &Today) -> Result<String, StoreError> {
        let last = plus(today.plan.ends_on(PhaseName::Visit), -1);
        let days_left = usize::try_from((last - today.on).get_days()).unwrap_or(0);
        let visitors: HashMap<String, String> = self.store.visitors().await?.into_iter().collect();
        let open = today.open(DutyKind::Visit).filter_map(|duty| duty.subject.as_deref());
        let mut unvisited: Vec<&str> =
            open.filter(|subject| visitors.contains_key(*subject)).collect();
        unvisited.sort_by_key(|number| number.chars().rev().collect::<String>());
        unvisited.truncate(unvisited.len().div_ceil(days_left + 1));
        let mut record = self.store.snapshot().await?;
        let registered = record.unheard_at(&unvisited, true).await?;
        record.end().await?;
        let mut residents: HashMap<&str, Vec<&str>> = HashMap::new();
        for one in &registered {
            residents.entry(&one.subject).or_default().push(&one.resident);
        }
        let mut visit = |subject: &str| -> String {
            let met = residents.remove(subject).unwrap_or_else(|| vec![SOMEBODY]);
            let visitor = visitors.get(subject).map(String::as_str).unwrap_or_default();
            met.iter().map(|name| self.first_visit(today.on, visitor, subject, name)).collect()
        };
        Ok(unvisited.into_iter().map(&mut visit).collect())
    }

    fn first_visit(&self, on: Date, visitor: &str, subject: &str, name: &str) -> String {
        let met = format!("{on},{visitor},{subject},{name}");
        if self.chance.fraction() >= self.doing.demands {
            return format!("{met},,无,,,,走访,\n");
        }
        let (category, texts) = DEMANDS[self.chance.below(DEMANDS.len())];
        let text = texts[self.chance.below(texts.len())];
        if self.chance.fraction() < 0.3 {
            return format!("{met},{text},有,,,,走访,\n");
        }
        let (level, urgency) = (self.level(), self.urgency());
        format!("{met},{text},有,{level},{category},{urgency},走访,\n")
    }

    async fn revisits(&self, today: &Today) -> Result<String, StoreError> {
        let due = self.store.revisits_due(i64::MAX).await?;
        let first = today.plan.starts_of(PhaseName::Feedback);
        let last = plus(today.plan.ends_on(PhaseName::Feedback), -4);
        let share = 1.0 / f64::from((last - today.on).get_days().max(0) + 1);
        let everyone = today.on < first || today.on >= last;
        let visited = due.iter().filter(|_| everyone || self.chance.fraction() < share * 1.5);
        let may_complain = today.on <= plus(first, COMPLAIN_WITHIN);
        Ok(visited.map(|due| self.revisit(today.on, due, may_complain)).collect())
    }

    fn revisit(&self, on: Date, due: &RevisitDue, may_complain: bool) -> String {
        let may_complain = may_complain && due.resolved > 0 && due.round < 3;
        let (said, answer) = if may_complain && self.chance.fraction() < self.doing.dissatisfied {
            ("办了以后又坏了", "不满意")
        } else if self.chance.fraction() < 0.1 {
            ("", "基本满意")
        } else {
            ("", "满意")
        };
        let RevisitDue { subject_number, resident, staff_number, .. } = due;
        format!("{on},{staff_number},{subject_number},{resident},{said},,,,,回访,{answer}\n")
    }

    /// Visitors classify what they hadn't once the visits are over; the centre sends back at once what was refused.
    async fn classifications(&self, today: &Today) -> Result<String, StoreError> {
        let mut lines = String::from("问题编号,状态,责任层级,类别,轻重缓急,分类人\n");
        let centre = today.of_town(Role::Centre).map_or("", |person| &person.number);
        let on = today.on;
        if on > today.plan.ends_on(PhaseName::Visit) {
            let days_left = (today.plan.ends_on(PhaseName::Classify) - on).get_days().max(1);
            for card in self.store.issues_in(State::Registered, i64::MAX).await? {
                if days_left <= 2 || self.chance.fraction() < 1.5 / f64::from(days_left) {
                    let category = Category::ALL[self.chance.below(Category::ALL.len())];
                    let (level, urgency) = (self.level(), self.urgency());
                    let number = &card.number;
                    lines.push_str(&format!(
                        "{number},{},{level},{category},{urgency},{centre}\n",
                        card.issue.state
                    ));
                }
            }
        }
        for card in self.store.issues_in(State::Returned, i64::MAX).await? {
            if let Some(class) = card.issue.class {
                let (level, category, urgency) = (class.level, class.category, class.urgency);
                let (number, state) = (&card.number, card.issue.state);
                // How it stands is said: the same class without it would be an old table's.
                lines
                    .push_str(&format!("{number},{state},{level},{category},{urgency},{centre}\n"));
            }
        }
        Ok(lines)
    }

    /// Work on the town's own issues begins by its date.
    async fn beginnings(&self, today: &Today) -> Result<String, StoreError> {
        // How each stands is said: who began it before may begin it anew.
        let mut states = HashMap::new();
        for state in [State::Classified, State::Reopened] {
            let cards = self.store.issues_in(state, i64::MAX).await?;
            states.extend(cards.into_iter().map(|card| (card.number, state)));
        }
        let due = today.open(DutyKind::Begin).filter(|duty| duty.due_on <= plus(today.on, 1));
        let line = |duty: &Missing| {
            let (issue, by) = (duty.issue.as_deref()?, today.doer(duty)?);
            let state = states.get(issue).map_or("", |state| state.chinese());
            Some(format!("{issue},{state},{}\n", by.number))
        };
        Ok(format!("问题编号,状态,承办人\n{}", due.filter_map(line).collect::<String>()))
    }

    /// The town and its villages do their part of what is theirs, all of it before its date.
    async fn handlings(&self, today: &Today) -> Result<String, StoreError> {
        let mut lines = String::from("问题编号,办理结果\n");
        let states = [
            State::Classified,
            State::Reopened,
            State::Referred,
            State::Accepted,
            State::InProgress,
        ];
        let on = today.on;
        for state in states {
            for card in self.store.issues_in(state, i64::MAX).await? {
                if self.is_handled_today(&card, on) {
                    // The day keeps a later round's file from being the same file as an earlier one's, which
                    // would be taken for a repetition.
                    let (number, month, day) = (&card.number, on.month(), on.day());
                    lines.push_str(&format!("{number},{month}月{day}日镇村已办理并告知群众\n"));
                }
            }
        }
        Ok(lines)
    }

    fn is_handled_today(&self, card: &IssueCard, on: Date) -> bool {
        let is_ours =
            card.issue.level().is_some_and(Level::has_town_part) && !card.issue.town_finished;
        let soon = card.due_on.is_none_or(|due| due <= on.saturating_add(2.days()));
        is_ours && (soon || self.chance.fraction() < 0.08)
    }

    /// Materials, summaries and reports, each a few days before its date, or later when it arises later.
    fn confirmations(&self, today: &Today) -> String {
        let Some(office) = today.of_town(Role::OrganisationOffice) else { return String::new() };
        let ready = |duty: &&Missing| {
            duty.kind.is_confirmed() && duty.due_on <= plus(today.on, ready_before(duty.kind))
        };
        let line = |duty: &Missing| {
            let extra = today.plan.extra_of(&duty.key).map(|extra| extra.title.as_str());
            let what = extra.unwrap_or_else(|| duty.kind.chinese());
            // A department's report is named by its unit.
            let unit = duty.staff.as_deref().and_then(|person| today.person(person));
            let of = unit.map_or_else(|| today.area(&duty.area_id), |person| &person.unit);
            format!("{what},{of},{}\n", office.number)
        };
        let lines: String = today.open.iter().filter(ready).map(line).collect();
        format!("任务,区划,确认人\n{lines}")
    }

    /// Grid members and departments take note of what was heard the day before.
    fn acknowledgements(&self, today: &Today) -> String {
        let line = |duty: &Missing| {
            let (issue, by) = (duty.issue.as_deref()?, today.doer(duty)?);
            Some(format!("{issue},{}\n", by.number))
        };
        let lines: String = today.open(DutyKind::Acknowledge).filter_map(line).collect();
        format!("问题编号,签收人\n{lines}")
    }

    fn level(&self) -> Level {
        match self.chance.fraction() {
            x if x < 0.55 => Level::Town,
            x if x < 0.8 => Level::Joint,
            _ => Level::City,
        }
    }

    fn urgency(&self) -> Urgency {
        Urgency::ALL[self.chance.below(Urgency::ALL.len())]
    }
}

/// So many days before its date somebody is ready with what is confirmed.
const fn ready_before(kind: DutyKind) -> i64 {
    match kind {
        DutyKind::SelfCheck => 6,
        DutyKind::Report => 4,
        DutyKind::LookBack => 3,
        _ => 2,
    }
}
