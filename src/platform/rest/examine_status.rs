//! Asks how matters stand that the platform has, so that every pointer of [status] is held against real ones.

use std::collections::BTreeSet;

use minijinja::context;

use super::answer::{field, list};
use super::description::{AnswerRules, Call};
use super::examine::{Examiner, NO_NUMBER, found};
use super::there::There;
use crate::domain::referral::reference_in;
use crate::platform::interface::Remark;

/// No more are asked about.
const MOST: usize = 50;
/// A text that is shorter may be equal by chance.
const TELLING: usize = 4;

impl Examiner<'_> {
    /// How those that are there stand; where none is, how a number that hardly exists is answered.
    pub(super) async fn examine_status(
        &self,
        call: &Call,
        there: &[There],
        remarks: &mut Vec<Remark>,
    ) {
        let mut known = BTreeSet::new();
        let some = there.iter().filter(|there| known.insert(there.number()));
        let asked: Vec<&There> = some.take(self.description.status_batch.min(MOST)).collect();
        if asked.is_empty() {
            let parts = context! { ids => [NO_NUMBER], id => NO_NUMBER };
            self.examine_call("status", call, parts, remarks).await;
            return;
        }
        let begun = remarks.len();
        let ids: Vec<&str> = asked.iter().map(|there| there.number()).collect();
        let parts = context! { ids, id => ids[0] };
        let Some(value) = self.asked("status", call, &parts, 1, remarks).await else { return };
        let things = found(&call.answer, &value);
        self.examine_things("status", &call.answer, &things, remarks);
        remarks.extend(answered(&call.answer, &asked, &things));
        self.examine_batch(call, &ids, &things, remarks).await;
        if remarks.len() == begun {
            let text = format!("问了平台上的 {} 件，都看得懂", things.len());
            remarks.push(Remark::well("status", text));
        }
    }
}

impl Examiner<'_> {
    /// Whether so many may be asked about at once: what wasn't answered is, where it's asked about alone.
    async fn examine_batch(
        &self,
        call: &Call,
        ids: &[&str],
        things: &[&serde_json::Value],
        remarks: &mut Vec<Remark>,
    ) {
        let answered: Vec<String> =
            things.iter().filter_map(|thing| field(thing, call.answer.id.as_ref())).collect();
        let left_out = ids.iter().find(|id| !answered.iter().any(|answered| answered == **id));
        let Some(left_out) = left_out.filter(|_| !answered.is_empty()) else { return };
        let parts = context! { ids => [left_out], id => left_out };
        let Some(value) = self.asked("status", call, &parts, 1, remarks).await else { return };
        let (asked, count) = (ids.len(), answered.len());
        let remark = match found(&call.answer, &value).is_empty() {
            false => Remark::wrong(
                "status_batch",
                format!(
                    "一次问了平台上有的 {asked} 件，只回答了 {count} 件，没有回答的单独问又有：请写 status_batch = {count}"
                ),
            ),
            true => Remark::doubtful(
                "status.path",
                format!(
                    "查询时列出的 {left_out}，问它办到哪一步却没有回答：列出的可能不都让我们看"
                ),
            ),
        };
        remarks.push(remark);
    }
}

/// Whether what is answered is about what was asked, and says what the platform says.
fn answered(rules: &AnswerRules, asked: &[&There], things: &[&serde_json::Value]) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let number = |thing: &serde_json::Value| field(thing, rules.id.as_ref());
    let of = |number: &str| asked.iter().find(|there| there.number() == number);
    let known = |thing: &serde_json::Value| of(&number(thing)?);
    if let Some(other) = things.iter().filter_map(|thing| number(thing)).find(|n| of(n).is_none()) {
        let text =
            format!("问的是平台上的 {} 等，回答里却是「{other}」：指错了", asked[0].number());
        remarks.push(Remark::wrong("status.answer.id", text));
    } else if things.is_empty() {
        let text = format!("问了平台上有的 {} 等，却一件也没有回答", asked[0].number());
        remarks.push(Remark::wrong("status.path", text));
    }
    let goes_on_as_itself = |thing: &&&serde_json::Value| {
        number(thing).is_some_and(|own| list(thing, rules.successors.as_ref()).contains(&own))
    };
    if let Some(own) = things.iter().find(goes_on_as_itself).and_then(|thing| number(thing)) {
        let text = format!("{own} 的后续编号就是它自己：指的不是并入或拆分后的编号");
        remarks.push(Remark::wrong("status.answer.successors", text));
    }
    let is_ours = |thing: &&&serde_json::Value| {
        let text = field(thing, rules.text.as_ref()).unwrap_or_default();
        let is_same = known(thing).is_some_and(|there| there.words() == text);
        reference_in(&text).is_some() || is_same && text.chars().count() >= TELLING
    };
    if things.iter().any(|thing| is_ours(&thing)) {
        let text = "指的是问题本身的内容，不是平台的答复：群众会收到自己说过的话";
        remarks.push(Remark::wrong("status.answer.text", text));
    }
    remarks
}
