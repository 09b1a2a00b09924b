//! The status in words, for whoever asks on the command line.

use std::fmt::{Display, Formatter, Result};

use super::status::{
    BackupStatus, DiskStatus, ImportedStatus, LaneStatus, MachineStatus, Status, Unreadable,
    township_time,
};
use crate::domain::duty::DutyKind;
use crate::domain::figures::{Rates, percent};
use crate::domain::health::{Verdict, size};
use crate::domain::holder::Holder;
use crate::domain::issue::State;

impl Display for Status {
    /// For a person.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let verdict = match self.verdict {
            Verdict::Green => "正常",
            Verdict::Yellow => "注意",
            Verdict::Red => "告警",
        };
        writeln!(f, "zoufang {}　{verdict}", self.version)?;
        if self.rehearsal {
            writeln!(f, "【演练】时钟不是真实时间，现在是 {}", township_time(self.now))?;
        }
        for reason in &self.reasons {
            writeln!(f, "  ! {reason}")?;
        }
        if !self.whole && self.verdict != Verdict::Green {
            let why = "没有读到 privacy.key_file，平台的原话没有显示：请用服务的用户运行";
            writeln!(f, "  （{why}）")?;
        }
        campaign(self, f)?;
        issues(self, f)?;
        for lane in &self.lanes {
            lane_line(lane, f)?;
        }
        service(self, f)
    }
}

impl Display for Unreadable {
    /// For a person.
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "zoufang {}　告警", self.version)?;
        self.reasons.iter().try_for_each(|reason| writeln!(f, "  ! {reason}"))
    }
}

fn campaign(status: &Status, f: &mut Formatter<'_>) -> Result {
    let campaign = &status.campaign;
    match (&campaign.phase, campaign.days_left) {
        (Some(phase), Some(days)) => {
            writeln!(f, "{}：{phase}阶段，还有 {days} 天", campaign.name)?;
        }
        _ => writeln!(f, "{}：不在任何阶段内", campaign.name)?,
    }
    let figures = &status.figures;
    writeln!(
        f,
        "走访对象 {}，已走访 {}{}；走访到的群众 {}，已回访 {}；已送达通知 {}",
        figures.subjects,
        figures.visited,
        ended(figures.ended),
        figures.residents,
        figures.revisited,
        figures.notices
    )?;
    let Rates { visit, response, resolution, satisfaction } = figures.rates;
    let [visit, response, resolution, satisfaction] =
        [visit, response, resolution, satisfaction].map(percent);
    writeln!(f, "走访率 {visit}，响应率 {response}，解决率 {resolution}，满意率 {satisfaction}")
}

/// Those that count for neither, where there are any.
fn ended(count: i64) -> String {
    if count == 0 {
        String::new()
    } else {
        format!("（另有 {count} 个没走访就不再走访）")
    }
}

fn issues(status: &Status, f: &mut Formatter<'_>) -> Result {
    let issues = status.figures.issues.iter().map(|(state, count)| {
        let state = State::read(state).map_or(state.as_str(), |s| s.chinese());
        format!("{state} {count}")
    });
    let issues: Vec<String> = issues.collect();
    let issues = if issues.is_empty() { "无".to_owned() } else { issues.join("，") };
    writeln!(f, "问题：{issues}")?;
    if !status.figures.earlier_open.is_empty() {
        let earlier = status.figures.earlier_open.iter();
        let earlier: Vec<String> = earlier.map(|(code, count)| format!("{code} {count}")).collect();
        writeln!(
            f,
            "以前的活动留下、还没有办结的问题（照常办理，不计入上面）：{}",
            earlier.join("，")
        )?;
    }
    if !status.late_issues.is_empty() {
        let late = status.late_issues.iter().map(|(holder, count)| {
            let holder = Holder::read(holder).map_or(holder.as_str(), |h| h.chinese());
            format!("{holder} {count}")
        });
        writeln!(f, "超期问题在谁手里：{}", late.collect::<Vec<_>>().join("，"))?;
    }
    for duty in &status.duties {
        let kind = DutyKind::read(&duty.kind).map_or(duty.kind.as_str(), |k| k.chinese());
        writeln!(f, "任务 {kind}：未完成 {}，超期 {}", duty.open, duty.late)?;
    }
    Ok(())
}

fn lane_line(lane: &LaneStatus, f: &mut Formatter<'_>) -> Result {
    let handed = match lane.handed {
        0 => String::new(),
        count => format!("，已交接待录入 {count}"),
    };
    writeln!(
        f,
        "通道 {}：待发 {}，在途 {}{handed}，待核实 {}，待人工 {}，积压 {}，已送达 {}，被拒 {}",
        lane.name,
        lane.queued,
        lane.in_flight,
        lane.unknown,
        lane.held,
        lane.stuck,
        lane.delivered,
        lane.refused
    )
}

fn service(status: &Status, f: &mut Formatter<'_>) -> Result {
    for job in &status.jobs {
        let last = match &job.last_outcome {
            None => "还没有运行".to_owned(),
            Some(why) if job.failed => format!("失败，{why}"),
            Some(outcome) => outcome.clone(),
        };
        writeln!(f, "定时任务 {}：{last}；下次 {}", job.title, township_time(job.next_slot))?;
    }
    if let Some(import) = &status.importing {
        let how = if import.checking {
            "正在核对，还没有写入".to_owned()
        } else {
            format!("已写入 {}/{}", import.applied, import.pieces)
        };
        writeln!(f, "正在导入 {}（{} 行）：{how}", import.file, import.rows)?;
    }
    for import in &status.imports {
        let ImportedStatus { file, at, rows, added, changed, same, told } = import;
        let told = if told.is_empty() { String::new() } else { format!("；{told}") };
        let at = township_time(*at);
        writeln!(
            f,
            "导入过 {file}（{at}，{rows} 行）：新增 {added}，更新 {changed}，不变 {same}{told}"
        )?;
    }
    if let Some(ends) = status.certificate_ends {
        writeln!(f, "网站证书：{} 到期", township_time(ends))?;
    }
    let beat = match status.heartbeat_seconds {
        Some(seconds) => format!("{seconds:.0} 秒前写入正常"),
        None => "还没有写入".to_owned(),
    };
    writeln!(f, "数据库：{beat}；最长的一次写入 {} 毫秒", status.longest_turn_ms)?;
    machine(&status.machine, f)
}

fn machine(machine: &MachineStatus, f: &mut Formatter<'_>) -> Result {
    for DiskStatus { what, place, free_bytes } in &machine.disks {
        writeln!(f, "磁盘（{what}，{place}）：还有 {}", size(*free_bytes))?;
    }
    match (&machine.backup_folder, &machine.backup) {
        (None, _) => writeln!(f, "备份：没有设（backup.folder）"),
        (Some(folder), None) => writeln!(f, "备份：{folder} 里还没有"),
        (Some(_), Some(BackupStatus { file, made_at, bytes, .. })) => {
            writeln!(f, "备份：最近一份 {made_at}（{}），{file}", size(*bytes))
        }
    }
}
