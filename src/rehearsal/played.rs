//! Reads off the copy what came of a rehearsal.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::options::{Options, Visits};
use super::report::{Late, Message, Report};
use super::scratch::Scratch;
use crate::app::owners::{Owners, owners};
use crate::app::remind::roster;
use crate::app::vacant::vacant;
use crate::db::{LateDuty, StaffMember, Store, StoreError, ToldMessage};
use crate::domain::escalation::Roster;
use crate::domain::obligations::PlanFile;
use crate::settings::channels::ChannelKind;
use crate::settings::{Adapter, Settings};

/// A rehearsal that was played to its end.
pub(super) struct Played<'p> {
    pub store: &'p Store,
    pub settings: &'p Settings,
    pub options: &'p Options,
    pub from: Date,
    pub until: Date,
}

/// What was there before it was played.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    /// Facts of days after its first.
    pub facts_after: i64,
    /// What the real platform has.
    pub open_referrals: i64,
}

impl Played<'_> {
    pub async fn report(
        &self,
        scratch: &Scratch,
        before: Before,
        refused: Vec<String>,
    ) -> Result<Report, StoreError> {
        let mut record = self.store.snapshot().await?;
        let roster = roster(&mut record, self.until).await?;
        let vacant = vacant(&mut record).await?;
        let plan = self.store.campaign();
        let owners = owners(&mut record).await?;
        record.end().await?;
        let messages = self.store.messages_since(self.from).await?;
        let heard: BTreeSet<&str> = messages.iter().map(|told| told.staff_id.as_str()).collect();
        let staff = roster.holders.all();
        let named = |person: &&StaffMember| format!("{}（{}）", person.signed(), roles(person));
        let silent = staff.iter().filter(|person| !heard.contains(person.id.as_str()));
        let silent = silent.map(named).collect();
        let out_of_reach = self.store.without_channel().await?;
        let mut unreachable: Vec<String> = out_of_reach
            .iter()
            .map(|person| format!("{}：没有可用的通道", named(&person)))
            .collect();
        unreachable.extend(vacant.roles.iter().map(ToString::to_string));
        let late = self.store.late_duties(self.from, self.until).await?;
        let mut impossible: Vec<String> = vacant
            .unassigned
            .iter()
            .map(|(area, count)| {
                format!("{area}：{count} 个走访对象没有走访人，走访记录收不下，请先导入走访安排表（附件2）")
            })
            .collect();
        if self.options.visits == Visits::OnTime {
            impossible.extend(self.left_open(&late, &roster, &owners));
        }
        Ok(Report {
            campaign: plan.name.clone(),
            from: self.from,
            until: self.until,
            visits: self.options.visits.chinese(),
            assumed: self.assumed(scratch.adapter, before),
            refused,
            unheard: self.unheard(&roster).await?,
            late: summed(&late, &roster, &owners),
            messages: messages
                .into_iter()
                .map(|told| self.message(told, scratch, &roster))
                .collect(),
            unreachable,
            silent,
            impossible,
            seconds: 0.0,
        })
    }

    fn message(&self, told: ToldMessage, scratch: &Scratch, roster: &Roster) -> Message {
        let person = roster.holders.person(&told.staff_id);
        Message {
            on: told.on.parse().unwrap_or(self.from),
            number: person.map(|person| person.number.clone()).unwrap_or_default(),
            name: person.map(|person| person.name.clone()).unwrap_or_default(),
            roles: person.map(roles).unwrap_or_default(),
            text: scratch.without_links(&told.body, &self.settings.notify.public_url),
            channel: told.channel,
            topic: told.topic,
            title: told.title,
        }
    }

    /// What is owed and nobody was ever told of.
    async fn unheard(&self, roster: &Roster) -> Result<Vec<String>, StoreError> {
        let never = self.store.never_told().await?;
        let line = |(kind, area, role, count): (_, String, _, i64)| {
            let area = roster.tree.get(&area).map(|area| area.name.clone()).unwrap_or_default();
            format!("{area}：{kind} {count} 项（{role}）")
        };
        Ok(never.into_iter().map(line).collect())
    }

    /// What stayed undone though everybody did all that they could.
    fn left_open(&self, late: &[LateDuty], roster: &Roster, owners: &Owners) -> Vec<String> {
        let never: Vec<LateDuty> = late.iter().filter(|l| l.met_on.is_none()).cloned().collect();
        let lines = summed(&never, roster, owners).into_iter();
        let line = |late: Late| {
            let Late { kind, place, who, due_on, count, .. } = late;
            format!("{kind} {count} 项，{due_on} 到期，{place}，{who}：按时做也没有完成")
        };
        lines.map(line).collect()
    }

    /// What was taken for granted.
    fn assumed(&self, adapter: Adapter, before: Before) -> Vec<String> {
        let Before { facts_after, open_referrals } = before;
        let Options { visits, demands, seed, .. } = self.options;
        let mut assumed = vec![match visits {
            Visits::AsRecorded => {
                "按现状：只有记录里已有的事实算数，从开始那天起没有人再交任何表，没做的到期都算超期；要看按时做会怎样，请加 --visits 按时".to_owned()
            }
            Visits::OnTime => format!(
                "按时：该走访、签收、分类、办理、确认、抽查、回访的都在到期前做完；{:.0}% 的群众反映问题（随机种子 {seed}）",
                demands * 100.0
            ),
            Visits::None => {
                "都不做：走访和回访都不做，其余（签收、分类、办理、确认、抽查）都按时做".to_owned()
            }
        }];
        assumed.push(match adapter {
            Adapter::Workbook => {
                "平台：上报交接单写在演练自己的文件夹里，没有人录入，也没有回执".to_owned()
            }
            _ => "平台：本机的模拟平台（符合 Open311），照 --platform 和 --fault 说的样子；真的平台没有碰过".to_owned(),
        });
        assumed.push("通知：按配置的通道和各人的联系方式决定谁收得到，消息只留在演练里".to_owned());
        let real = self.settings.notify.channels.iter().any(|kind| *kind != ChannelKind::Log);
        if !real {
            assumed.push(
                "配置里只有日志通道（notify.channels）：实际上没有人会收到，请先配置通道"
                    .to_owned(),
            );
        }
        match self.store.plan_file() {
            PlanFile::InEffect => {}
            PlanFile::OfBefore => assumed.push("campaign.file 里是以前的方案：按生效的演练".to_owned()),
            PlanFile::Differs => assumed.push("方案文件与生效的方案不同：按生效的演练；先用 zoufang campaign apply 使文件里的生效，再演练它".to_owned()),
        }
        let workdays = &self.store.context().workdays;
        let unknown: BTreeSet<i16> = [self.from, self.until]
            .into_iter()
            .filter(|on| !workdays.knows(*on))
            .map(|on| on.year())
            .collect();
        assumed.extend(unknown.iter().map(|year| {
            format!("{year} 年的节假日和调休还不知道：只按双休算（campaign.calendar_file）")
        }));
        if open_referrals > 0 {
            assumed.push(format!("已经在平台上的 {open_referrals} 件上报：演练中没有新的答复"));
        }
        if facts_after > 0 {
            assumed
                .push(format!("记录里有 {facts_after} 条走访和办理晚于开始的那天：当作已经发生"));
        }
        assumed
    }
}

fn roles(person: &StaffMember) -> String {
    let roles: Vec<&str> = person.roles.iter().map(|role| role.chinese()).collect();
    roles.join("、")
}

/// Lateness, by whoever owes it, of one kind, by one date.
fn summed(late: &[LateDuty], roster: &Roster, owners: &Owners) -> Vec<Late> {
    let mut sums: BTreeMap<(Date, &'static str, String, String), Late> = BTreeMap::new();
    for duty in late {
        let LateDuty { kind, group_id, staff_id, role, area_id, of, due_on, met_on } = duty;
        let owing = || roster.holders.owing(&roster.tree, staff_id.as_deref(), (*role, area_id));
        let who = owners.get(group_id).cloned();
        let who = who.or_else(|| owing().first().map(|person| person.signed()));
        let who = who.unwrap_or_else(|| format!("没有人（{role}）"));
        let place = roster.tree.get(area_id).map(|area| area.name.clone()).unwrap_or_default();
        let key = (*due_on, kind.chinese(), place.clone(), who.clone());
        let sum = sums.entry(key).or_insert_with(|| Late {
            kind: kind.chinese(),
            place,
            who,
            due_on: *due_on,
            count: 0,
            done_late: 0,
            of: Vec::new(),
        });
        sum.count += 1;
        sum.done_late += usize::from(met_on.is_some());
        sum.of.extend(of.clone());
    }
    sums.into_values().collect()
}
