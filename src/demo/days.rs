//! What people do on each day of the campaign, as the files that they hand in.

use jiff::ToSpan;
use jiff::civil::{Date, date};

use super::township::{Place, Township};
use crate::clock::Chance;
use crate::db::{IssueCard, RevisitDue, Store, StoreError};
use crate::domain::campaign::PhaseName;
use crate::domain::duty::DutyKind;
use crate::domain::issue::{Category, Level, State, Urgency};

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

const VISITS: &str = "走访日期,走访人员,对象编号,群众姓名,联系方式,反映问题,有无问题,责任层级,类别,轻重缓急,走访类型,满意度";
/// Where every first visit has been made, and from when every revisit that can be made is.
const LAST_VISIT: Date = date(2022, 3, 30);
const LAST_REVISITS: Date = date(2022, 6, 26);
const SPOT_CHECKS: Date = date(2022, 6, 20);
/// A resident may be dissatisfied until here, so that the second round still ends in the campaign.
const LAST_REOPENING: Date = date(2022, 6, 8);

/// The people of the demo.
pub(super) struct Days {
    store: Store,
    township: Township,
    unvisited: Vec<Place>,
    chance: Chance,
}

type Files = Vec<(String, String)>;

impl Days {
    pub fn new(store: Store, township: Township, chance: Chance) -> Days {
        let mut unvisited = township.places.clone();
        // Each village's visitors go from door to door; the villages go side by side.
        unvisited.sort_by_key(|place| place.number.chars().rev().collect::<String>());
        Days { store, township, unvisited, chance }
    }

    /// What is handed in on `on`.
    pub async fn records_of(&mut self, on: Date) -> Result<Files, StoreError> {
        let campaign = self.store.campaign();
        let phase = campaign.phase_on(on).map(|phase| phase.name);
        let mut files = vec![("走访记录", self.visits(on, phase).await?)];
        files.push(("问题分类", self.classifications(on, phase).await?));
        files.push(("办理结果", self.handlings(on).await?));
        files.push(("任务确认", self.confirmations(on).await?));
        files.push(("诉求签收", self.acknowledgements().await?));
        files.push(("入户抽查", self.spot_checks(on).await?));
        let named = |(name, table): (&str, String)| (format!("{name}-{on}.csv"), table);
        Ok(files.into_iter().filter(|(_, table)| table.lines().count() > 1).map(named).collect())
    }

    async fn visits(&mut self, on: Date, phase: Option<PhaseName>) -> Result<String, StoreError> {
        let lines = match phase {
            Some(PhaseName::Visit) => self.first_visits(on),
            Some(PhaseName::Feedback) | None => self.revisits(on).await?,
            Some(PhaseName::Classify | PhaseName::Resolve) => String::new(),
        };
        Ok(format!("{VISITS}\n{lines}"))
    }

    fn first_visits(&mut self, on: Date) -> String {
        let days_left = (LAST_VISIT - on).get_days().max(0);
        let today = self.unvisited.len().div_ceil(usize::try_from(days_left).unwrap_or(0) + 1);
        let visited: Vec<Place> = self.unvisited.drain(..today.min(self.unvisited.len())).collect();
        visited.iter().map(|place| self.first_visit(on, place)).collect()
    }

    fn first_visit(&self, on: Date, place: &Place) -> String {
        let line = |(name, contact): &(String, String)| {
            let met = format!("{on},{},{},{name},{contact}", place.visitor, place.number);
            if self.chance.fraction() >= 0.12 {
                return format!("{met},,无,,,,走访,\n");
            }
            let (category, texts) = DEMANDS[self.chance.below(DEMANDS.len())];
            let text = texts[self.chance.below(texts.len())];
            if self.chance.fraction() < 0.3 {
                return format!("{met},{text},有,,,,走访,\n");
            }
            let (level, urgency) = (self.level(), self.urgency());
            format!("{met},{text},有,{level},{category},{urgency},走访,\n")
        };
        place.residents.iter().map(line).collect()
    }

    async fn revisits(&self, on: Date) -> Result<String, StoreError> {
        let due = self.store.revisits_due(i64::MAX).await?;
        let (first, last) = (date(2022, 6, 1), LAST_REVISITS);
        let share = 1.0 / f64::from((last - on).get_days().max(0) + 1);
        let everyone = on < first || on >= last;
        let visited = due.iter().filter(|_| everyone || self.chance.fraction() < share * 1.5);
        Ok(visited.map(|due| self.revisit(on, due)).collect())
    }

    fn revisit(&self, on: Date, due: &RevisitDue) -> String {
        let may_complain = due.resolved > 0 && due.round < 3 && on <= LAST_REOPENING;
        let answer = if may_complain && self.chance.fraction() < 0.15 {
            "不满意"
        } else if self.chance.fraction() < 0.1 {
            "基本满意"
        } else {
            "满意"
        };
        let RevisitDue { subject_number, resident, staff_number, .. } = due;
        format!("{on},{staff_number},{subject_number},{resident},,,,,,,回访,{answer}\n")
    }

    /// Visitors classify in April what they hadn't; the centre sends back at once what was refused.
    async fn classifications(
        &self,
        on: Date,
        phase: Option<PhaseName>,
    ) -> Result<String, StoreError> {
        let mut lines = String::from("问题编号,责任层级,类别,轻重缓急,责任人,备注\n");
        if phase != Some(PhaseName::Visit) {
            let days_left =
                (self.store.campaign().ends_on(PhaseName::Classify) - on).get_days().max(1);
            for card in self.store.issues_in(State::Registered, i64::MAX).await? {
                if days_left <= 2 || self.chance.fraction() < 1.5 / f64::from(days_left) {
                    let category = Category::ALL[self.chance.below(Category::ALL.len())];
                    let (level, urgency) = (self.level(), self.urgency());
                    lines.push_str(&format!(
                        "{},{level},{category},{urgency},{},\n",
                        card.number,
                        Township::CENTRE
                    ));
                }
            }
        }
        for card in self.store.issues_in(State::Returned, i64::MAX).await? {
            if let Some(class) = card.issue.class {
                let (level, category, urgency) = (class.level, class.category, class.urgency);
                let (number, month, day) = (&card.number, on.month(), on.day());
                lines.push_str(&format!(
                    "{number},{level},{category},{urgency},{},{month}月{day}日重报\n",
                    Township::CENTRE
                ));
            }
        }
        Ok(lines)
    }

    /// The town and its villages do their part of what is theirs, all of it before its date.
    async fn handlings(&self, on: Date) -> Result<String, StoreError> {
        let mut lines = String::from("问题编号,办理结果\n");
        let states = [
            State::Classified,
            State::Reopened,
            State::Referred,
            State::Accepted,
            State::InProgress,
        ];
        for state in states {
            for card in self.store.issues_in(state, i64::MAX).await? {
                if self.is_handled_today(&card, on) {
                    // The day keeps a later round's file from being the same file as an earlier one's, which
                    // would be taken for a repetition.
                    let (number, month, day) = (&card.number, on.month(), on.day());
                    lines.push_str(&format!(
                        "{number},{month}月{day}日镇村已办理并告知群众,{}\n",
                        Township::CENTRE
                    ));
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
    async fn confirmations(&self, on: Date) -> Result<String, StoreError> {
        const CONFIRMED_FROM: [(DutyKind, Date); 5] = [
            (DutyKind::Materials, date(2022, 3, 8)),
            (DutyKind::Summary, date(2022, 4, 13)),
            (DutyKind::Report, date(2022, 5, 27)),
            (DutyKind::SelfCheck, date(2022, 6, 24)),
            (DutyKind::LookBack, date(2022, 6, 27)),
        ];
        // By the organisation office, as `appoint` numbered it.
        let mut lines = String::from("任务,区划,确认人\n");
        for (kind, _) in CONFIRMED_FROM.iter().filter(|(_, from)| *from <= on) {
            for area in self.store.areas_owing(*kind).await? {
                lines.push_str(&format!("{kind},{area},{}\n", Township::OFFICE));
            }
        }
        Ok(lines)
    }

    /// Grid members take note of what was heard the day before.
    async fn acknowledgements(&self) -> Result<String, StoreError> {
        let mut lines = String::from("问题编号,签收人\n");
        for (issue, village) in self.store.unacknowledged().await? {
            let person = self.township.grid_member(&village);
            lines.extend(person.map(|person| format!("{issue},{person}\n")));
        }
        Ok(lines)
    }

    /// In June the inspectors call at one house of each village.
    async fn spot_checks(&self, on: Date) -> Result<String, StoreError> {
        let mut lines = format!("{VISITS}\n");
        if on < SPOT_CHECKS {
            return Ok(lines);
        }
        for area in self.store.areas_owing(DutyKind::SpotCheck).await? {
            let Some(place) = self.township.places.iter().find(|place| place.village == area)
            else {
                continue;
            };
            let Some((name, contact)) = place.residents.first() else { continue };
            let (inspector, number) = (Township::INSPECTOR, &place.number);
            lines.push_str(&format!(
                "{on},{inspector},{number},{name},{contact},,无,,,,入户抽查,\n"
            ));
        }
        Ok(lines)
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
