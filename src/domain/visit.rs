//! 走访: one meeting with one resident.

use crate::words;

words! {
    /// Which visit this is.
    VisitKind {
        First = "first", "走访" | "首次走访" | "第一轮";
        Revisit = "revisit", "回访" | "第二轮";
        SpotCheck = "spot_check", "入户抽查" | "抽查";
    }
}

words! {
    /// What the resident says at the revisit (plan, 三(四)).
    Satisfaction {
        Satisfied = "satisfied", "满意" | "非常满意";
        Fairly = "fairly", "基本满意" | "比较满意";
        Dissatisfied = "dissatisfied", "不满意";
    }
}

impl Satisfaction {
    /// Whether the issue may be closed (销号) on this answer.
    pub const fn closes(self) -> bool {
        !matches!(self, Satisfaction::Dissatisfied)
    }
}
