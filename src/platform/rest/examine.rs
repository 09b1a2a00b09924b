//! Asks the platform, changing nothing, and holds what comes back against the description: each pointer, code and page
//! rule, the signature and the clock. What is found names the key of the description that it's about.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use minijinja::value::merge_maps;
use minijinja::{Value, context};

use super::answer::{field, items};
use super::description::{AnswerRules, Call, Description};
use super::parts::{message_parts, photo_parts, reference_parts, window};
use super::pointers::{lists, scalars};
use super::there::There;
use super::unwritten::unwritten;
use crate::clock::{Clock, local_text};
use crate::db::{Message, Photo};
use crate::delivery::http::Answer;
use crate::delivery::json;
use crate::delivery::sample::sample;
use crate::domain::mask;
use crate::domain::reason::in_words;
use crate::platform::NoContact;
use crate::platform::examine::{FAR_BACK, ROUND, unknown_words};
use crate::platform::freshness::cache_remark;
use crate::platform::interface::{Remark, clock_remark};
use crate::platform::templates::Templates;
use crate::platform::times::Times;

/// A reference that can't exist: numbers begin with a year.
pub(super) const NOBODY: &str = "CHECK0000-000000-R0";
/// A number that hardly exists.
pub(super) const NO_NUMBER: &str = "0";

/// Who asks.
#[async_trait]
pub(super) trait Asks: Sync {
    /// One call, and its answer as it came.
    async fn ask_for(&self, call: &Call, parts: &Value) -> Result<Answer, NoContact>;
}

/// What is examined.
pub(super) struct Examiner<'e> {
    pub description: &'e Description,
    pub templates: &'e Templates,
    pub clock: &'e Clock,
    pub clock_skew: Duration,
    pub times: &'e Times,
    pub asks: &'e dyn Asks,
}

impl Examiner<'_> {
    pub(super) async fn examine_calls(&self) -> Vec<Remark> {
        let now = self.clock.now();
        let description = self.description;
        let mut remarks = unwritten(description);
        let mut there = Vec::new();
        if let Some(call) = &description.find {
            let to = now.checked_add(self.clock_skew).unwrap_or(now);
            let asked = |from| merge_maps([reference_parts(NOBODY), window(from, to)]);
            let hour = now.checked_sub(SignedDuration::from_hours(1)).unwrap_or(now);
            let far = now.checked_sub(FAR_BACK).unwrap_or(now);
            there = self.examine_find(call, asked(hour), asked(far), &mut remarks).await;
        }
        if let Some(call) = &description.status {
            self.examine_status(call, &there, &mut remarks).await;
        }
        if let Some(changes) = &description.changes {
            let parts = match changes.next_cursor {
                Some(_) => context! { cursor => "", cursor_local => "" },
                None => context! { cursor => now.to_string(), cursor_local => local_text(now) },
            };
            let value = self.examine_call("changes", &changes.call, parts, &mut remarks).await;
            if let (Some(at), Some(value)) = (&changes.next_cursor, value)
                && field(&value, Some(at)).is_none()
            {
                remarks.push(nowhere("changes.next_cursor", at, &scalars(&value)));
            }
        }
        let told = Message { remote_id: NO_NUMBER.to_owned(), ..Message::example() };
        if let Some(call) = &description.find_message {
            let parts = merge_maps([message_parts(&told), window(now, now)]);
            self.examine_call("find_message", call, parts, &mut remarks).await;
        }
        if let Some(call) = &description.find_photo {
            let photo = Photo { remote_id: NO_NUMBER.to_owned(), ..Photo::example() };
            let parts = merge_maps([photo_parts(&photo), window(now, now)]);
            self.examine_call("find_photo", call, parts, &mut remarks).await;
        }
        remarks.extend(self.unlike_the_rest());
        remarks
    }

    /// One call: how it went, and what of its answer fits. Gives the answer where it could be read.
    pub(super) async fn examine_call(
        &self,
        name: &'static str,
        call: &Call,
        parts: Value,
        remarks: &mut Vec<Remark>,
    ) -> Option<serde_json::Value> {
        let begun = remarks.len();
        let value = self.asked(name, call, &parts, 1, remarks).await?;
        let things = found(&call.answer, &value);
        self.examine_things(name, &call.answer, &things, remarks);
        if remarks.len() == begun {
            let text = match things.len() {
                0 => "有回答，看得懂；没有内容，其中各项的指针要等有了内容才能核对".to_owned(),
                count => format!("有回答，{count} 项都看得懂"),
            };
            remarks.push(Remark::well(name, text));
        }
        Some(value)
    }

    /// The look by which what may have arrived is found: all of "exactly once" hangs on it. Gives what is there.
    async fn examine_find(
        &self,
        call: &Call,
        near: Value,
        far: Value,
        remarks: &mut Vec<Remark>,
    ) -> Vec<There> {
        let begun = remarks.len();
        let Some(value) = self.asked("find", call, &near, 1, remarks).await else {
            return Vec::new();
        };
        let by_time = ["from", "to", "from_local", "to_local"].map(|name| self.names(call, name));
        let by_time = by_time.contains(&true);
        let count = found(&call.answer, &value).len();
        if !by_time && count > 0 {
            let text = format!("查一个不可能有的编号，却给了 {count} 件：查询条件没有起作用");
            remarks.push(Remark::wrong("find.path", text));
        }
        // What lies further back shows whether pointers meet anything.
        let value = match by_time {
            true => self.asked("find", call, &far, 1, remarks).await.unwrap_or(value),
            false => value,
        };
        let things = found(&call.answer, &value);
        self.examine_things("find", &call.answer, &things, remarks);
        if by_time || count > 0 {
            self.examine_pages(call, &far, &value, remarks).await;
        }
        if remarks.len() == begun && things.is_empty() {
            let text = "有回答，看得懂；查不到任何一件，find.answer.id 和 find.answer.reference 是否指对还没法核对：\
                        平台上有了一件以后请再查一次";
            remarks.push(Remark::doubtful("find.answer", text));
        } else if remarks.len() == begun {
            let text = format!("有回答，{} 件都看得懂", things.len());
            remarks.push(Remark::well("find", text));
        }
        There::listed(&call.answer, &things)
    }

    /// Asks; what went wrong is remarked.
    pub(super) async fn asked(
        &self,
        name: &'static str,
        call: &Call,
        parts: &Value,
        page: usize,
        remarks: &mut Vec<Remark>,
    ) -> Option<serde_json::Value> {
        let answer = match self.asks.ask_for(call, &context! { page, ..parts.clone() }).await {
            Ok(answer) => answer,
            Err(none) => {
                remarks.push(unreached(name, &none));
                return None;
            }
        };
        if let Some(remark) = self.clocks(&answer).filter(|remark| !remarks.contains(remark)) {
            remarks.push(remark);
        }
        if let Some(refused) = refused(name, call, &answer) {
            remarks.push(refused);
            return None;
        }
        let value = match json::read(&answer.body) {
            Ok(value) => value,
            Err(_) => {
                let begins = sample(&answer.body);
                let text = format!("回答不是 JSON，开头是「{begins}」：多半是地址或网关不对");
                remarks.push(Remark::wrong(format!("{name}.path"), text));
                return None;
            }
        };
        let misread = examine_frame(name, &call.answer, &value);
        let readable = misread.is_empty();
        remarks.extend(misread);
        readable.then_some(value)
    }

    /// Whether a call's templates name something.
    fn names(&self, call: &Call, name: &str) -> bool {
        call.templates().any(|template| self.templates.names(template, name))
    }

    /// A signature is good for some minutes, and a window of time is the platform's.
    fn clocks(&self, answer: &Answer) -> Option<Remark> {
        let now = Clock::system().now();
        let clock = answer.date.map(|date| date.duration_since(now));
        let clock = clock.and_then(|ahead| clock_remark(ahead, self.clock_skew));
        clock.or_else(|| cache_remark(answer))
    }

    /// The fields of things: whether each pointer meets something in any of them.
    pub(super) fn examine_things(
        &self,
        name: &str,
        rules: &AnswerRules,
        things: &[&serde_json::Value],
        remarks: &mut Vec<Remark>,
    ) {
        let Some(first) = things.first() else { return };
        let pointers = [
            ("id", &rules.id, true),
            ("reference", &rules.reference, name.starts_with("find")),
            ("status", &rules.status, true),
            ("time", &rules.time, true),
            ("update_id", &rules.update_id, true),
        ];
        for (key, at, must) in pointers {
            let Some(at) = at.as_ref().filter(|_| must) else { continue };
            if things.iter().all(|thing| field(thing, Some(at)).is_none()) {
                remarks.push(nowhere(&format!("{name}.answer.{key}"), at, &scalars(first)));
            }
        }
        if let Some(at) = &rules.text
            && things.iter().all(|thing| field(thing, Some(at)).is_none())
        {
            let key = format!("{name}.answer.text");
            let text = format!(
                "{} 件都没有 {at}：还没有答复，或指错了；有的是：{}",
                things.len(),
                scalars(first)
            );
            remarks.push(Remark::doubtful(key, text));
        }
        let at = |at: &Option<String>| things.iter().find_map(|thing| field(thing, at.as_ref()));
        if let Some(text) = at(&rules.time) {
            remarks.extend(self.examine_time(name, rules, &text));
        }
        let words = things.iter().filter_map(|thing| field(thing, rules.status.as_ref()));
        remarks.extend(unknown_words("statuses", &self.description.statuses, words));
    }

    fn examine_time(&self, name: &str, rules: &AnswerRules, text: &str) -> Option<Remark> {
        let key = format!("{name}.answer.time_format");
        let Some(at) = self.times.read(text, &rules.time_format) else {
            return Some(Remark::wrong(key, format!("「{text}」不是这样的时间")));
        };
        let allowed = SignedDuration::try_from(self.clock_skew).unwrap_or_default();
        let ahead = at.duration_since(self.clock.now());
        let years = SignedDuration::from_hours(24 * 365 * 30);
        let wrong = ahead > allowed || ahead < -years;
        let text = format!("「{text}」照这样读是 {}：时区或单位多半不对", local_text(at));
        (wrong && !self.clock.is_rehearsal()).then(|| Remark::wrong(key, text))
    }

    /// Whether there are pages, and one after the other.
    async fn examine_pages(
        &self,
        call: &Call,
        parts: &Value,
        first: &serde_json::Value,
        remarks: &mut Vec<Remark>,
    ) {
        let count = found(&call.answer, first).len();
        if !self.names(call, "page") {
            if call.answer.page_size.is_some() {
                let text = "写了 page_size，地址或内容里却没有 {{ page }}：后面的页读不到";
                remarks.push(Remark::wrong("find.path", text));
            } else if ROUND.contains(&count) {
                let text = format!(
                    "正好给了 {count} 件，可能只是一页：平台有分页的，请在这里用上 {{{{ page }}}}"
                );
                remarks.push(Remark::doubtful("find.path", text));
            }
            return;
        }
        if let Some(size) = call.answer.page_size.filter(|size| count > *size) {
            let text = format!("平台一页给了 {count} 件，比这里写的 {size} 多：这一项可以不写");
            remarks.push(Remark::doubtful("find.answer.page_size", text));
        }
        if count > 0
            && let Some(second) = self.asked("find", call, parts, 2, remarks).await
        {
            self.turned(call, (first, count), &second, remarks);
        }
    }

    /// Whether the second page is another, and whether the first was full.
    fn turned(
        &self,
        call: &Call,
        (first, count): (&serde_json::Value, usize),
        second: &serde_json::Value,
        remarks: &mut Vec<Remark>,
    ) {
        let next = found(&call.answer, second);
        if !next.is_empty() && next == found(&call.answer, first) {
            let text =
                "第 2 页和第 1 页一样：page 没有起作用，或者平台没有第 2 页就把最后一页再给一遍";
            remarks.push(Remark::doubtful("find.path", text));
            return;
        }
        let size = call.answer.page_size.filter(|size| count < *size && !next.is_empty());
        if let Some(size) = size {
            let text = format!(
                "第 1 页只有 {count} 件，第 2 页却还有：平台一页其实是 {count} 件，这里写了 {size}；这一项可以不写"
            );
            remarks.push(Remark::wrong("find.answer.page_size", text));
        }
    }

    /// Whether what is given carries what it's known by afterwards, where nobody cuts it off.
    fn marked(&self) -> Vec<Remark> {
        let call = &self.description.submit;
        let has = |name: &str| self.names(call, name);
        if has("description") || has("reference") {
            return Vec::new();
        }
        vec![if has("mark") {
            let text = "用 {{ description }} 代替 {{ text ~ mark }}：编号在前后各有一处，描述被截断了也认得出来";
            Remark::doubtful("submit.body", text)
        } else {
            let text = "没有 {{ description }} 或 {{ reference }}：发出去的以后认不出来，下落不明时没法核实";
            Remark::wrong("submit.body", text)
        }]
    }

    /// What is only given can't be tried; but where it's read otherwise than everything that was asked, one of them is
    /// likely a slip.
    fn unlike_the_rest(&self) -> Vec<Remark> {
        let mut remarks = self.marked();
        let asked: Vec<(&str, &Call)> =
            self.description.calls().filter(|(n, _)| is_asked(n)).collect();
        for (name, call) in self.description.calls().filter(|(name, _)| !is_asked(name)) {
            let mut unlike = |key: &str, of: &dyn Fn(&AnswerRules) -> String| {
                let own = of(&call.answer);
                let others: BTreeSet<String> = asked
                    .iter()
                    .map(|(_, call)| of(&call.answer))
                    .filter(|o| !o.is_empty())
                    .collect();
                if !own.is_empty() && !others.is_empty() && !others.contains(&own) {
                    let others = others.into_iter().collect::<Vec<_>>().join("、");
                    let text =
                        format!("写的是「{own}」，查询用的都是「{others}」：提交不能试，请核对");
                    remarks.push(Remark::doubtful(format!("{name}.answer.{key}"), text));
                }
            };
            unlike("code", &|rules| rules.code.clone().unwrap_or_default());
            unlike("message", &|rules| rules.message.clone().unwrap_or_default());
            unlike("done", &|rules| rules.done.join("、"));
            unlike("busy", &|rules| rules.busy.join("、"));
            unlike("id", &|rules| rules.id.clone().unwrap_or_default());
        }
        remarks
    }
}

/// The things of an answer whose frame was found right.
pub(super) fn found<'v>(
    rules: &AnswerRules,
    value: &'v serde_json::Value,
) -> Vec<&'v serde_json::Value> {
    items(rules, value).unwrap_or_default()
}

fn is_asked(name: &str) -> bool {
    !matches!(name, "submit" | "append" | "photo")
}

fn nowhere(key: &str, at: &str, there: &str) -> Remark {
    Remark::wrong(key, format!("指针 {at} 在回答里没有；有的是：{there}"))
}

/// The answer around the things: its code, its words, its list.
fn examine_frame(name: &str, rules: &AnswerRules, value: &serde_json::Value) -> Vec<Remark> {
    let mut remarks = Vec::new();
    if let Some(at) = &rules.code {
        match field(value, Some(at)) {
            None => remarks.push(nowhere(&format!("{name}.answer.code"), at, &scalars(value))),
            Some(code) if rules.done.contains(&code) => {}
            Some(code) if rules.unauthenticated.contains(&code) => {
                let words = field(value, rules.message.as_ref()).unwrap_or_default();
                let text =
                    format!("平台回答「{code}」（{words}）：不认我们，请核对密钥和这里的每一项");
                remarks.push(Remark::wrong("authentication", text));
            }
            Some(code) if rules.busy.contains(&code) || rules.refused.contains(&code) => {
                let words = field(value, rules.message.as_ref()).unwrap_or_default();
                let text = format!(
                    "平台回答「{code}」（{words}），这里写的是忙或拒绝：请稍后再查，或核对这个代码"
                );
                remarks.push(Remark::wrong(format!("{name}.answer.busy"), text));
            }
            Some(code) => {
                let words = field(value, rules.message.as_ref()).unwrap_or_default();
                let text = format!(
                    "平台回答 {at} =「{code}」（{words}），done 里只有：{}；要么没写全，要么 {name}.path 或 {name}.body 不对",
                    rules.done.join("、")
                );
                return vec![Remark::wrong(format!("{name}.answer.done"), text)];
            }
        }
    }
    if let Some(at) = &rules.items {
        let there = value.pointer(at);
        if !there.is_some_and(|there| there.is_array() || there.is_object() || there.is_null()) {
            remarks.push(nowhere(&format!("{name}.answer.items"), at, &lists(value)));
        }
    }
    if let Some(at) = &rules.total {
        let count = field(value, Some(at)).and_then(|count| count.parse::<usize>().ok());
        if count.is_none_or(|count| count < found(rules, value).len()) {
            remarks.push(nowhere(&format!("{name}.answer.total"), at, &scalars(value)));
        }
    }
    if let Some(at) = rules.message.as_ref().filter(|_| rules.code.is_some())
        && value.pointer(at).is_none()
    {
        remarks.push(nowhere(&format!("{name}.answer.message"), at, &scalars(value)));
    }
    remarks
}

fn unreached(name: &str, none: &NoContact) -> Remark {
    let reason = none.own_fault();
    let key = match reason.split_once(':') {
        Some(("no_token", _)) => "authentication".to_owned(),
        _ if reason.len() < none.reason.len() => format!("{name}.path"),
        _ => "platform.endpoint".to_owned(),
    };
    Remark::wrong(key, format!("[{name}] 没有得到回答（{}）", in_words(reason).said))
}

/// What HTTP's own code says is wrong.
fn refused(name: &str, call: &Call, answer: &Answer) -> Option<Remark> {
    let code = answer.status.as_u16();
    let words: String = answer.body.chars().filter(|c| !c.is_control()).take(80).collect();
    let words = mask::numbers(&words);
    let said = format!("[{name}] 平台回答 HTTP {code}「{words}」");
    let wrong = |key: &str, what: &str| Some(Remark::wrong(key, format!("{said}：{what}")));
    let by_number = call.path.contains("id");
    match code {
        200..=299 => None,
        300..=399 => wrong(&format!("{name}.path"), "被指到别的地址，请写最后的地址"),
        401 | 403 | 407 => wrong(
            "authentication",
            "不认我们。请核对密钥、authentication 里的每一项（签名的 text、headers、encoding、algorithm、key_id）和本机时间",
        ),
        404 | 410 if by_number && name != "find" => {
            let text =
                format!("{said}：问的是不存在的编号，这样也对；其中各项要等有了编号才能核对");
            Some(Remark::doubtful(name, text))
        }
        404 | 410 => wrong(&format!("{name}.path"), "没有这个地址"),
        405 => wrong(&format!("{name}.method"), "不许用这个方法"),
        415 => wrong(&format!("{name}.content_type"), "不收这种内容"),
        429 | 500..=599 => {
            Some(Remark::doubtful("platform.endpoint", format!("{said}：平台忙或出错，请稍后再查")))
        }
        _ => wrong(&format!("{name}.path"), "请核对地址、内容和抬头里的每一项"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_does_not_fit_is_named_by_its_key() {
        let rules = |items: &str| AnswerRules {
            code: Some("/code".to_owned()),
            done: vec!["0".to_owned()],
            items: Some(items.to_owned()),
            ..AnswerRules::default()
        };
        let value = serde_json::json!({"code": "200", "data": {"list": []}});
        let found = examine_frame("find", &rules("/data/rows"), &value);
        assert_eq!((found.len(), &*found[0].key), (1, "find.answer.done"));
        let value = serde_json::json!({"code": "0", "data": {"list": []}});
        let found = examine_frame("find", &rules("/data/rows"), &value);
        assert_eq!((found.len(), &*found[0].key), (1, "find.answer.items"));
        assert!(found[0].text.contains("/data/list"), "{}", found[0].text);
    }
}
