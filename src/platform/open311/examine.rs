//! Asks an Open311 platform, changing nothing, and holds what comes back against the configuration.

use jiff::{SignedDuration, Timestamp};

use super::{Open311, whole_seconds};
use crate::clock::Clock;
use crate::delivery::http::Answer;
use crate::domain::reason::in_words;
use crate::platform::examine::{FAR_BACK, ROUND, unknown_words};
use crate::platform::freshness::cache_remark;
use crate::platform::interface::{Remark, clock_remark};
use crate::platform::records::{Record, read_list};

impl Open311 {
    pub(super) async fn examine_list(&self) -> Vec<Remark> {
        let mut remarks = Vec::new();
        if self.api_key.is_empty() {
            let text =
                "没有密钥；规范要求提交时带 api_key，不带的多半会被退回（平台确实不要的可以不写）";
            remarks.push(Remark::doubtful("platform.api_key_file", text));
        }
        let now = Clock::system().now();
        let from = whole_seconds(now.checked_sub(FAR_BACK).unwrap_or(now));
        let to = whole_seconds(now.checked_add(self.clock_skew).unwrap_or(now));
        let request = self.get("requests", &[("start_date", &from), ("end_date", &to)]);
        match self.ask(request).await {
            Err(none) => {
                let text = format!("请求清单没有回答（{}）", in_words(&none.reason).said);
                remarks.push(Remark::wrong("platform.endpoint", text));
            }
            Ok(answer) => remarks.extend(self.examine_answer(&answer, now)),
        }
        remarks
    }

    fn examine_answer(&self, answer: &Answer, now: Timestamp) -> Vec<Remark> {
        let ahead = answer.date.map(|date| date.duration_since(now));
        let clocks = ahead.and_then(|ahead| clock_remark(ahead, self.clock_skew));
        let mut remarks: Vec<Remark> = clocks.into_iter().chain(cache_remark(answer)).collect();
        if !answer.status.is_success() {
            remarks.push(self.refused(answer));
            return remarks;
        }
        match read_list(&answer.body, self.format) {
            Err(reason) => {
                let text = format!("请求清单看不懂（{reason}）：请核对 platform.endpoint 和它");
                remarks.push(Remark::wrong("platform.format", text));
            }
            Ok(listed) if listed.is_empty() => {
                let text = "最近 90 天的请求清单是空的：状态用语、编号等要等平台上有了请求才能核对";
                remarks.push(Remark::doubtful("platform.statuses", text));
            }
            Ok(listed) => remarks.extend(self.examine_listed(&listed, now)),
        }
        remarks
    }

    /// A platform that doesn't let itself be looked at.
    fn refused(&self, answer: &Answer) -> Remark {
        let (code, words) = (answer.status.as_u16(), self.words(answer));
        match code {
            401 | 403 => Remark::wrong(
                "platform.api_key_in",
                format!("平台不让看请求清单（HTTP {code} {words}）：查询也要密钥的，写 everywhere"),
            ),
            400 | 404 | 405 | 501 => Remark::doubtful(
                "platform.on_unknown",
                format!(
                    "平台不让按时间查请求清单（HTTP {code} {words}）：下落不明的上报没法核实，会照 on_unknown 处理；\
                     如果是 jurisdiction_id 或密钥的问题，请改"
                ),
            ),
            _ => Remark::doubtful(
                "platform.endpoint",
                format!("请求清单出错（HTTP {code} {words}）：请稍后再查"),
            ),
        }
    }

    fn examine_listed(&self, listed: &[Record], now: Timestamp) -> Vec<Remark> {
        let mut remarks = Vec::new();
        let has = |name: &str| listed.iter().any(|record| record.contains_key(name));
        if !has("service_request_id") {
            let names = listed.first().map(|record| {
                record.keys().map(String::as_str).take(12).collect::<Vec<_>>().join("、")
            });
            let text = format!(
                "请求清单里没有 service_request_id，有的是：{}：这不像 Open311 的回答",
                names.unwrap_or_default()
            );
            return vec![Remark::wrong("platform.endpoint", text)];
        }
        if !has("description") {
            let text = "请求清单里没有描述：下落不明的上报没法在里面认出来，会照 on_unknown 处理";
            remarks.push(Remark::doubtful("platform.on_unknown", text));
        }
        let words = listed.iter().filter_map(|record| record.get("status").cloned());
        remarks.extend(unknown_words("platform.statuses", &self.statuses, words));
        let ahead = |record: &Record| {
            let at: Timestamp = record.get("requested_datetime")?.parse().ok()?;
            Some(at.duration_since(now)).filter(|ahead| *ahead > SignedDuration::from_mins(30))
        };
        if listed.iter().any(|record| ahead(record).is_some()) {
            let text = "请求清单里有将来的时间：平台多半把本地时间写成了世界时";
            remarks.push(Remark::doubtful("platform.endpoint", text));
        }
        if ROUND.contains(&listed.len()) {
            let text = format!("请求清单正好是 {} 件，多半只是一页", listed.len());
            remarks.push(Remark::doubtful("platform.endpoint", text));
        }
        if remarks.is_empty() {
            let text = format!("请求清单有 {} 件，都看得懂", listed.len());
            remarks.push(Remark::well("platform.endpoint", text));
        }
        remarks
    }
}
