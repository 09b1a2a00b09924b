//! What may be done with one issue on its page, and what its form says of it.

use jiff::civil::Date;

use crate::domain::issue::{Category, Class, Event, Issue, Level, Urgency};
use crate::domain::rights::Right;
use crate::domain::staff::Role;
use crate::domain::visit::Satisfaction;
use crate::words;

words! {
    /// What may be done.
    Act {
        TakeNote = "take_note", "签收";
        Classify = "classify", "分类";
        Begin = "begin", "着手办理";
        Finish = "finish", "登记办理结果";
        /// What waits for the centre's review goes to the platform now.
        Release = "release", "审核通过，上报";
        /// What hasn't gone to the platform yet doesn't.
        Return = "return", "退回，不上报";
        /// What came back goes there again as it was classified.
        Resubmit = "resubmit", "补正后再报";
        Override = "override", "认定平台已办结";
        Mediate = "mediate", "登记调解";
        /// Whether what was agreed on at a mediation is kept.
        FollowUp = "follow_up_mediation", "登记调解回访";
        Merge = "merge", "并入另一个问题";
        Void = "void", "作废";
        Reopen = "reopen", "重新办理";
        /// What the resident answered at the last revisit was heard or put down wrongly.
        CorrectAnswer = "correct_answer", "更正回访结果";
    }
}

impl Act {
    /// The right that it asks for.
    pub const fn right(self) -> Right {
        match self {
            Act::TakeNote => Right::Acknowledge,
            Act::Classify => Right::Classify,
            Act::Begin => Right::Begin,
            Act::Finish => Right::Finish,
            Act::Release | Act::Return | Act::Resubmit => Right::DecideDebt,
            Act::Mediate | Act::FollowUp => Right::Mediate,
            Act::CorrectAnswer => Right::CorrectAnswer,
            Act::Override | Act::Merge | Act::Void | Act::Reopen => Right::DecideIssue,
        }
    }

    /// Whether why it's done has to be said.
    pub const fn needs_a_reason(self) -> bool {
        matches!(self, Act::Return | Act::Override | Act::Void | Act::Reopen | Act::CorrectAnswer)
    }

    /// Whether it's recorded of a mediation, which changes nothing of the issue.
    pub const fn is_of_mediation(self) -> bool {
        matches!(self, Act::Mediate | Act::FollowUp)
    }

    /// Whether it can't be taken back, whatever its form says.
    pub const fn is_grave(self) -> bool {
        self.needs_a_reason() || matches!(self, Act::Release | Act::Resubmit | Act::Merge)
    }
}

/// What is done, with what is said of it.
#[derive(Debug, Clone)]
pub struct Doing {
    pub act: Act,
    /// How far the issue was when the page was shown.
    pub version: i64,
    pub class: Option<Class>,
    /// A result, or a reason.
    pub said: String,
    /// The number of the issue that it's a duplicate of.
    pub other: String,
    /// What the resident really answered.
    pub answer: Option<Satisfaction>,
    pub mediated: Option<Mediated>,
    /// How far its mediations were when the page was shown, where the form says it.
    pub heard: Option<usize>,
    /// What shows that all of it was shown to them.
    pub shown: String,
    /// That it can't be undone was read.
    pub confirmed: bool,
}

/// What is said of a mediation.
#[derive(Clone, Default)]
pub struct Mediated {
    pub on: Option<Date>,
    pub mediator: String,
    pub parties: String,
    /// Empty where they didn't agree.
    pub agreement: String,
    pub follow_up_on: Option<Date>,
    /// Of which day's mediation it's seen whether the agreement is kept.
    pub of: Option<Date>,
    pub kept: Option<bool>,
}

impl std::fmt::Debug for Mediated {
    /// Personal: not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mediated").finish_non_exhaustive()
    }
}

impl Doing {
    /// All that is said with it.
    pub fn texts(&self) -> impl Iterator<Item = &String> {
        let mediated = self.mediated.iter();
        let mediated = mediated.flat_map(|said| [&said.mediator, &said.parties, &said.agreement]);
        [&self.said, &self.other].into_iter().chain(mediated)
    }

    /// One of which nothing is said yet, to see whether the issue allows it now.
    pub fn sample(act: Act, issue: &Issue) -> Doing {
        let class =
            Class { level: Level::Town, category: Category::Other, urgency: Urgency::Normal };
        Doing {
            act,
            version: 0,
            class: Some(issue.class.unwrap_or(class)),
            said: "示例".to_owned(),
            other: String::new(),
            answer: None,
            mediated: None,
            heard: None,
            shown: String::new(),
            confirmed: false,
        }
    }

    /// What happens to the issue by it, in that person's name; nothing where it isn't the issue's.
    pub fn event(&self, issue: &Issue, by: &str) -> Option<Event> {
        let said = self.said.clone();
        let classified =
            |Class { level, category, urgency }| Event::Classified { level, category, urgency };
        match self.act {
            Act::TakeNote => {
                Some(Event::Acknowledged { by: by.to_owned(), role: Role::GridMember })
            }
            Act::Classify => self.class.map(classified),
            Act::Resubmit => issue.class.map(classified),
            Act::Begin => Some(Event::Started),
            Act::Finish => Some(Event::TownFinished { result: said }),
            Act::Return => Some(Event::Refused { reason: said }),
            Act::Override => Some(Event::PlatformOverridden { by: by.to_owned(), reason: said }),
            Act::Void => Some(Event::Voided { reason: said }),
            Act::Merge => Some(Event::Voided { reason: self.merged() }),
            Act::Reopen => Some(Event::Reopened { reason: said }),
            Act::Release | Act::Mediate | Act::FollowUp | Act::CorrectAnswer => None,
        }
    }

    /// All that happens to the issue by it, in its order.
    pub fn events(&self, issue: &Issue, by: &str) -> Vec<Event> {
        // What the platform asked for besides goes there with it.
        let supplement = (self.act == Act::Resubmit && !self.said.trim().is_empty())
            .then(|| Event::Supplemented { text: self.said.clone() });
        supplement.into_iter().chain(self.event(issue, by)).collect()
    }

    fn merged(&self) -> String {
        match self.said.trim() {
            "" => format!("与 {} 重复，并入该件", self.other),
            said => format!("与 {} 重复，并入该件：{said}", self.other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::action_in_words;

    #[test]
    fn each_act_has_words_in_the_audit() {
        for act in Act::ALL {
            assert!(action_in_words(act.code()).is_some(), "{act}");
        }
    }
}
