//! What a description doesn't say and can't be done without: a place in an answer, or what means that it's done.

use super::description::{AnswerRules, Description};
use crate::platform::interface::Remark;

/// Each, by its key.
pub(super) fn unwritten(description: &Description) -> Vec<Remark> {
    let Description { submit, find, status, changes, push, .. } = description;
    let mut remarks = Vec::new();
    let mut lacks = |key: &str, is_there: bool, without: &str| {
        if !is_there {
            let text = format!("描述文件里没有写：{without}");
            remarks.push(Remark::wrong(key, text));
        }
    };
    if let Some(find) = find {
        let AnswerRules { id, reference, .. } = &find.answer;
        lacks("find.answer.id", id.is_some(), "平台编号在回答的哪里，查到了也不知道是哪一件");
        let without = "回答里哪一处带着我们的编号，查到了也认不出来，下落不明的一直没法断定";
        lacks("find.answer.reference", reference.is_some(), without);
    }
    let followed = [
        ("status.answer", status.as_ref().map(|call| &call.answer)),
        ("changes.answer", changes.as_ref().map(|changes| &changes.call.answer)),
        ("push", push.as_ref()),
    ];
    for (place, rules) in followed {
        let Some(AnswerRules { id, status, .. }) = rules else { continue };
        let without = "平台编号在回答的哪里，不知道办理进展是哪一件的";
        lacks(&format!("{place}.id"), id.is_some(), without);
        let without = "办理状态在回答的哪里，不知道办到了哪一步";
        lacks(&format!("{place}.status"), status.is_some(), without);
    }
    let calls = [
        ("submit", Some(submit)),
        ("find", find.as_ref()),
        ("status", status.as_ref()),
        ("changes", changes.as_ref().map(|changes| &changes.call)),
    ];
    for (name, call) in calls {
        let Some(AnswerRules { code, done, .. }) = call.map(|call| &call.answer) else { continue };
        let without = "写了 code，没有写哪些代码表示成功，成功了也认不出来";
        lacks(&format!("{name}.answer.done"), code.is_none() || !done.is_empty(), without);
    }
    remarks
}
