//! The status as Prometheus metrics, beside the counters that the rooms keep themselves.

use std::sync::OnceLock;

use metrics::gauge;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::status::{Status, Verdict};

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Starts counting. Without it the counters go nowhere; a second call changes nothing.
pub fn record() {
    RECORDER.get_or_init(|| PrometheusBuilder::new().install_recorder().ok());
}

/// All metrics in Prometheus's text form.
pub fn render(status: &Status) -> String {
    record();
    gauge!("zoufang_verdict").set(match status.verdict {
        Verdict::Green => 0.0,
        Verdict::Yellow => 1.0,
        Verdict::Red => 2.0,
    });
    let figures = &status.figures;
    for (name, value) in [
        ("zoufang_subjects", figures.subjects),
        ("zoufang_subjects_visited", figures.visited),
        ("zoufang_residents", figures.residents),
        ("zoufang_residents_revisited", figures.revisited),
        ("zoufang_notices_delivered", figures.notices),
    ] {
        gauge!(name).set(value as f64);
    }
    for (state, count) in &figures.issues {
        gauge!("zoufang_issues", "state" => state.clone()).set(*count as f64);
    }
    for duty in &status.duties {
        gauge!("zoufang_duties_open", "kind" => duty.kind.clone()).set(duty.open as f64);
        gauge!("zoufang_duties_late", "kind" => duty.kind.clone()).set(duty.late as f64);
    }
    for lane in &status.lanes {
        for (state, count) in [
            ("queued", lane.queued),
            ("in_flight", lane.in_flight),
            ("handed", lane.handed),
            ("unknown", lane.unknown),
            ("held", lane.held),
            ("stuck", lane.stuck),
            ("refused", lane.refused),
            ("delivered", lane.delivered),
        ] {
            gauge!("zoufang_outbox", "lane" => lane.name.clone(), "state" => state)
                .set(count as f64);
        }
        gauge!("zoufang_outbox_oldest_seconds", "lane" => lane.name.clone())
            .set(lane.oldest_seconds.unwrap_or(0) as f64);
    }
    RECORDER.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}
