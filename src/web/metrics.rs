//! The status as Prometheus metrics, beside the counters that the rooms keep themselves.
//!
//! What the status says is written out for each scrape and kept nowhere: a series lives as long as what it shows.

use std::fmt::Write;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::status::{CertificateStatus, LaneStatus, MachineStatus, Status};
use crate::delivery::GateState;
use crate::domain::health::Verdict;

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Starts counting. Without it the counters go nowhere; a second call changes nothing.
pub fn record() {
    RECORDER.get_or_init(|| PrometheusBuilder::new().install_recorder().ok());
    metrics::describe_counter!("zoufang_attempts_total", "Attempts to deliver, by how they ended.");
    let refused = "Requests without the secret that they needed, by route.";
    metrics::describe_counter!("zoufang_auth_refused_total", refused);
    let slowed = "Requests that weren't heard because their address was wrong too often, by route.";
    metrics::describe_counter!("zoufang_auth_slowed_total", slowed);
    let foreign = "Requests that called the service by a name that isn't its own.";
    metrics::describe_counter!("zoufang_foreign_host_total", foreign);
    let refused = "Connections for which there was no room.";
    metrics::describe_counter!("zoufang_connections_refused_total", refused);
}

/// All metrics in Prometheus's text form.
pub fn render(status: &Status) -> String {
    let mut page = Page::default();
    service(&mut page, status);
    campaign(&mut page, status);
    machine(&mut page, &status.machine);
    lanes(&mut page, &status.lanes);
    let counters = RECORDER.get().and_then(Option::as_ref).map(PrometheusHandle::render);
    page.0 + &counters.unwrap_or_default()
}

fn service(page: &mut Page, status: &Status) {
    let verdict = match status.verdict {
        Verdict::Green => 0.0,
        Verdict::Yellow => 1.0,
        Verdict::Red => 2.0,
    };
    page.gauge("zoufang_verdict", "0 is green, 1 yellow, 2 red.", verdict);
    let help = "Seconds since the record was last written to see whether it can be.";
    if let Some(seconds) = status.heartbeat_seconds {
        page.gauge("zoufang_heartbeat_age_seconds", help, seconds);
    }
    let help = "The longest time for which this process held the writer.";
    page.gauge("zoufang_longest_turn_seconds", help, status.longest_turn_ms as f64 / 1000.0);
    if let Some(ends) = status.certificate_ends {
        let help = "When the certificate ends that the service shows, in seconds since 1970.";
        page.gauge("zoufang_certificate_ends_seconds", help, ends.as_second() as f64);
    }
    let failed =
        status.jobs.iter().map(|job| ([("job", job.name.as_str())], i64::from(job.failed)));
    page.gauges("zoufang_job_failed", "Whether a job's last run failed.", failed);
}

fn campaign(page: &mut Page, status: &Status) {
    let figures = &status.figures;
    for (name, help, value) in [
        ("zoufang_subjects", "Who is to be visited.", figures.subjects),
        ("zoufang_subjects_visited", "Who of them was.", figures.visited),
        ("zoufang_residents", "Residents who were met.", figures.residents),
        ("zoufang_residents_revisited", "Who of them was met again.", figures.revisited),
        ("zoufang_notices_delivered", "Notices that reached somebody.", figures.notices),
        (
            "zoufang_closed_without_answer",
            "What the platform closed without a word for the resident.",
            status.closed_without_answer,
        ),
    ] {
        page.gauge(name, help, value as f64);
    }
    let help = "People whom no channel reaches, or one doesn't any more.";
    page.gauge("zoufang_unreachable", help, status.unreachable as f64);
    let issues = figures.issues.iter().map(|(state, count)| ([("state", state.as_str())], *count));
    page.gauges("zoufang_issues", "Issues by state.", issues);
    let late =
        status.late_issues.iter().map(|(holder, count)| ([("holder", holder.as_str())], *count));
    page.gauges("zoufang_issues_late", "Issues past their date, by who has the ball.", late);
    let open = status.duties.iter().map(|duty| ([("kind", duty.kind.as_str())], duty.open));
    page.gauges("zoufang_duties_open", "Duties that are owed.", open);
    let late = status.duties.iter().map(|duty| ([("kind", duty.kind.as_str())], duty.late));
    page.gauges("zoufang_duties_late", "Duties that are owed and past their date.", late);
}

fn machine(page: &mut Page, machine: &MachineStatus) {
    let free =
        machine.disks.iter().map(|disk| ([("place", disk.place.as_str())], bytes(disk.free_bytes)));
    page.gauges("zoufang_disk_free_bytes", "Bytes left on the disk of each place of ours.", free);
    let help = "1 where pages of the record were found damaged, else 0.";
    page.gauge("zoufang_damaged", help, f64::from(machine.damaged));
    let help =
        "1 where the record's file or its lock was taken away from under the service, else 0.";
    page.gauge("zoufang_lost", help, f64::from(machine.lost));
    let help = "By how many seconds the machine's clock was put forward (or back, below zero) in the last day.";
    page.gauge("zoufang_clock_step_seconds", help, machine.clock_step_seconds as f64);
    let left = |ends: &CertificateStatus| ends.days_left.saturating_mul(86_400);
    let ends = machine.certificates.iter().map(|ends| ([("key", ends.key.as_str())], left(ends)));
    let help = "Seconds, in whole days, until a certificate ends; below zero after.";
    page.gauges("zoufang_certificate_left_seconds", help, ends);
    if machine.backup_folder.is_some() {
        let help = "Seconds since the newest backup was made; absent where there is none.";
        page.head("zoufang_backup_age_seconds", help);
        let age = machine.backup.iter().map(|backup| backup.age_seconds as f64);
        age.for_each(|age| page.line("zoufang_backup_age_seconds", &[], age));
        let size = machine.backup.as_ref().map_or(0, |backup| backup.bytes);
        page.gauge(
            "zoufang_backup_bytes",
            "The length of the newest backup; 0 where there is none.",
            size as f64,
        );
    }
}

fn bytes(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn lanes(page: &mut Page, lanes: &[LaneStatus]) {
    let states = lanes.iter().flat_map(|lane| {
        [
            ("queued", lane.queued),
            ("in_flight", lane.in_flight),
            ("handed", lane.handed),
            ("unknown", lane.unknown),
            ("held", lane.held),
            ("stuck", lane.stuck),
            ("refused", lane.refused),
            ("delivered", lane.delivered),
        ]
        .map(|(state, count)| ([("lane", lane.name.as_str()), ("state", state)], count))
    });
    page.gauges("zoufang_outbox", "Debts of the outbox.", states);
    let oldest =
        lanes.iter().map(|lane| ([("lane", lane.name.as_str())], lane.oldest_seconds.unwrap_or(0)));
    page.gauges("zoufang_outbox_oldest_seconds", "The age of the oldest debt still owed.", oldest);
    let open = lanes.iter().filter_map(|lane| {
        let open = matches!(lane.breaker?, GateState::Open { .. });
        Some(([("lane", lane.name.as_str())], i64::from(open)))
    });
    page.gauges("zoufang_breaker_open", "Whether a lane's circuit breaker is open.", open);
}

/// Prometheus's text form.
#[derive(Default)]
struct Page(String);

impl Page {
    /// A gauge of one series.
    fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.head(name, help);
        self.line(name, &[], value);
    }

    /// A gauge of a series for each of what there is.
    fn gauges<'a, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl Iterator<Item = ([(&'a str, &'a str); N], i64)>,
    ) {
        self.head(name, help);
        for (labels, value) in series {
            self.line(name, &labels, value as f64);
        }
    }

    // A string takes whatever is written into it.
    fn head(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        if !labels.is_empty() {
            let labels: Vec<String> = labels
                .iter()
                .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
                .collect();
            let _ = write!(self.0, "{{{}}}", labels.join(","));
        }
        let _ = writeln!(self.0, " {value}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_may_hold_anything() {
        let mut page = Page::default();
        page.gauges("a", "b.", [([("lane", "x\"\\\n")], 3)].into_iter());
        assert_eq!(page.0, "# HELP a b.\n# TYPE a gauge\na{lane=\"x\\\"\\\\\\n\"} 3\n");
    }
}
