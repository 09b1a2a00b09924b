//! What a report of a breach of discipline 违纪反映 is of (plan, 四(二)).

use crate::words;

words! {
    /// What is reported.
    BreachKind {
        Meal = "meal", "在村、企业等就餐" | "就餐";
        Gift = "gift", "收受群众礼品" | "收礼";
        Other = "other", "其他违纪" | "其他";
    }
}
