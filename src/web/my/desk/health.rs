//! How the service stands, in words and with what to do: the same as `/status` has, whole.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::{Value, context};

use super::words::{lane_name, parts};
use crate::daemon::Daemon;
use crate::delivery::GateState;
use crate::domain::figures::{Rates, percent};
use crate::domain::health::{Verdict, size};
use crate::domain::holder::Holder;
use crate::domain::reason::in_words;
use crate::domain::rights::Right;
use crate::web::my::frame::page;
use crate::web::my::links::with;
use crate::web::my::routes::DEBTS;
use crate::web::my::who::Who;
use crate::web::status::{JobStatus, LaneStatus, MachineStatus, Status, township_time};
use crate::web::templates::DESK;
use crate::web::unavailable::unavailable;

/// GET /my/desk
pub(super) async fn show(
    State(daemon): State<Arc<Daemon>>,
    Extension(who): Extension<Who>,
) -> Response {
    match Status::read(&daemon).await {
        Ok(status) => page(&who.frame(&daemon), DESK, StatusCode::OK, values(&status, &who)),
        Err(error) => unavailable(&error),
    }
}

fn values(status: &Status, who: &Who) -> Value {
    let (mark, word) = match status.verdict {
        Verdict::Green => ("green", "■ 正常"),
        Verdict::Yellow => ("yellow", "● 注意"),
        Verdict::Red => ("red", "▲ 告警"),
    };
    let may = |right: Right| right.is_held_by(&who.person);
    context! {
        mark, word, at => township_time(status.now), place => "desk",
        reasons => reasons(status), lanes => status.lanes.iter().map(lane).collect::<Vec<_>>(),
        campaign => campaign(status), late => late(status), jobs => status.jobs.iter().map(job).collect::<Vec<_>>(),
        machine => machine(&status.machine), unreachable => status.unreachable,
        importing => status.importing.as_ref().map(|import| context! {
            file => import.file, rows => import.rows, checking => import.checking, applied => import.applied,
            pieces => import.pieces,
        }),
        beat => status.heartbeat_seconds.map(|seconds| format!("{seconds:.0}")), turn => status.longest_turn_ms,
        certificate => status.certificate_ends.map(township_time),
        accounts => may(Right::Account), audit => may(Right::ReadAudit),
    }
}

fn reasons(status: &Status) -> Vec<Value> {
    let details = status.details.iter().map(String::as_str).chain(std::iter::repeat(""));
    let reasons = status.reasons.iter().zip(details);
    reasons.map(|(reason, detail)| context! { parts => parts(reason), detail }).collect()
}

fn campaign(status: &Status) -> Value {
    let Rates { visit, response, resolution, satisfaction } = status.figures.rates;
    context! {
        phase => status.campaign.phase, left => status.campaign.days_left, subjects => status.figures.subjects,
        visited => status.figures.visited,
        rates => [
            ("走访率", percent(visit)), ("响应率", percent(response)), ("解决率", percent(resolution)),
            ("满意率", percent(satisfaction)),
        ],
    }
}

/// The issues that are late, by who has the ball.
fn late(status: &Status) -> Vec<(String, i64)> {
    let named =
        |code: &String| Holder::read(code).map_or(code.clone(), |of| of.chinese().to_owned());
    status.late_issues.iter().map(|(code, count)| (named(code), *count)).collect()
}

fn lane(lane: &LaneStatus) -> Value {
    let debts = |standing: &str, title: &str, count: i64| {
        let to = with(DEBTS, &[("lane", &lane.name), ("state", standing)]);
        context! { title, count, to }
    };
    let waits = [
        debts("held", "等人处理", lane.held),
        debts("unknown", "下落不明", lane.unknown),
        debts("ready", "待发送", lane.queued),
        debts("refused", "被拒收", lane.refused),
    ];
    let failure = lane.failure.as_deref().map(|why| in_words(why).said);
    let breaker = match lane.breaker {
        None => Some("已经不在配置里".to_owned()),
        Some(GateState::Open { until }) => Some(format!("暂停到 {}", township_time(until))),
        Some(GateState::Closed | GateState::HalfOpen) => None,
    };
    context! {
        name => lane_name(&lane.name), waits, in_flight => lane.in_flight, handed => lane.handed, delivered => lane.delivered,
        stuck => lane.stuck, good => lane.last_good_contact.map(township_time), failure, breaker,
        failed => lane.last_failure_at.map(township_time),
    }
}

fn job(job: &JobStatus) -> Value {
    let outcome = job.last_outcome.as_deref();
    let said = match (outcome, job.failed) {
        (None, _) => "还没有运行".to_owned(),
        (Some(why), true) => in_words(why).said,
        (Some(said), false) => said.to_owned(),
    };
    context! {
        title => job.title, said, failed => job.failed, at => job.finished_at.map(township_time),
        next => township_time(job.next_slot),
    }
}

fn machine(machine: &MachineStatus) -> Value {
    let disks: Vec<(&str, String)> =
        machine.disks.iter().map(|disk| (disk.what.as_str(), size(disk.free_bytes))).collect();
    let certificates = machine.certificates.iter();
    let certificates: Vec<Value> = certificates
        .map(|ends| context! { key => ends.key, until => ends.until, days => ends.days_left })
        .collect();
    let backup = machine.backup.as_ref().map(|kept| {
        context! {
            at => kept.made_at, size => size(kept.bytes), hours => kept.age_seconds / 3_600,
        }
    });
    context! { disks, certificates, backup, planned => machine.backup_folder.is_some() }
}
