//! What an issue's page shows: how it stands, what is owed next and by whom, how it came here, and what may be done.

use minijinja::context;
use serde::Serialize;

use super::issue_lines::{Clear, attempts, holdings, lines, mediations, visits};
use super::ledger_wanted::Wanted;
use super::links;
use super::visit_form::MOST_PHOTOS;
use super::who::{Fields, Who};
use super::words::on_a_page;
use crate::app::issue_acts::{Act, Next, Standpoint, standpoint};
use crate::app::shown::reveal_pass;
use crate::clock::local_text;
use crate::daemon::Daemon;
use crate::db::{
    AnsweredVisit, IssueAnswer, IssueReferral, IssueSheet, MediationRow, StoreError, Timeline, What,
};
use crate::domain::duty::Warning;
use crate::domain::holder::holder;
use crate::domain::issue::{Category, Event, Level, State as Stage, Urgency};
use crate::domain::there::to_do;
use crate::domain::visit::Satisfaction;

/// What is said above the page.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub wrong: String,
    pub stale: bool,
    /// Whether all of it is shown.
    pub revealed: bool,
}

/// All of an issue.
pub(super) struct Whole {
    standpoint: Standpoint,
    sheet: IssueSheet,
    timeline: Timeline,
    referrals: Vec<IssueReferral>,
    answers: Vec<IssueAnswer>,
    /// Of its resident: day, kind, answer.
    visits: Vec<(String, String, Option<String>)>,
    /// The places of its photos, and what opens them for whoever was shown all of it.
    photos: Vec<i64>,
    pass: String,
    area: String,
}

/// All of the issue of a number; nothing where it's none of theirs to see.
pub(super) async fn whole(
    daemon: &Daemon,
    who: &Who,
    number: &str,
) -> Result<Option<Whole>, StoreError> {
    let mut record = daemon.pages.snapshot().await?;
    let Some(standpoint) = standpoint(&mut record, &who.person, number).await? else {
        record.end().await?;
        return Ok(None);
    };
    let sheet = record.issue_sheet(number).await?;
    let referrals = record.issue_referrals(&sheet.id).await?;
    let answers = record.issue_answers(&sheet.id).await?;
    let visits = record.visits_of_resident(&sheet.resident_id).await?;
    let photos = record.photos_of(&sheet.id).await?;
    let pass = reveal_pass(&record, &who.person, number);
    let tree = record.area_tree().await?;
    record.end().await?;
    let timeline = daemon.pages.timeline(number).await?;
    let area = tree.get(&sheet.area_id).map(|area| area.name.clone()).unwrap_or_default();
    Ok(Some(Whole { standpoint, sheet, timeline, referrals, answers, visits, photos, pass, area }))
}

/// What the page's template is filled with.
pub(super) fn values(
    daemon: &Daemon,
    whole: &Whole,
    fields: &Fields,
    said: Said,
) -> Result<minijinja::Value, StoreError> {
    let Whole { standpoint, sheet, timeline, referrals, answers, .. } = whole;
    let context = daemon.store.context();
    let clear = Clear { all: standpoint.is_theirs || said.revealed, sheet };
    let issue = &standpoint.issue;
    let has_department = daemon.pages.campaign().unit_of(issue).is_some();
    let of_subject = Wanted { subject: sheet.subject_number.clone(), ..Wanted::default() };
    let how = context! {
        state => issue.state.chinese(), area => whole.area, to_area => links::wall(&sheet.area_id),
        class => issue.class.map(|class| context! {
            level => class.level.chinese(), category => class.category.chinese(), urgency => class.urgency.chinese(),
        }),
        holder => holder(issue, has_department).map(|holder| holder.chinese()),
        text => clear.text(), resident => clear.resident(), contact => clear.contact(),
        subject => sheet.subject_number, to_subject => of_subject.address(),
        kind => sheet.subject_kind.map(|kind| kind.chinese()),
        visitor => sheet.visitor, visited_on => sheet.visited_on.to_string(), visits => visits(&whole.visits),
        due => sheet.due_on.map(|on| on.to_string()), ended => issue.is_ended(), photos => album(whole, clear.all),
        masked => !clear.all, may_reveal => standpoint.may_reveal && !clear.all,
        referrals => referrals.iter().map(|one| referral(one, &clear)).collect::<Vec<_>>(),
        mediations => mediations(&standpoint.mediations, context, &clear)?,
        holdings => holdings(&timeline.holdings, context.clock.now()),
        next => standpoint.next.iter().map(|next| owed(daemon, next)).collect::<Vec<_>>(),
        lines => lines(timeline, answers, &clear, &daemon.settings.platform.statuses), warnings => warnings(daemon, whole),
    };
    let pass = if clear.all { whole.pass.as_str() } else { "" };
    let acts = shown_acts(standpoint, clear.all);
    let forms = context! {
        number => standpoint.row.number, version => standpoint.row.version, round => issue.round,
        heard => standpoint.heard(), pass, to_follow => to_follow(&standpoint.mediations),
        acts => acts.iter().map(|act| act.code()).collect::<Vec<_>>(),
        grave => acts.iter().copied().filter(|act| is_said_and_confirmed(*act))
            .map(|act| (act.code(), act.chinese(), hint(act))).collect::<Vec<_>>(),
        levels => Level::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        categories => Category::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        urgencies => Urgency::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        chosen => issue.class.map(|class| context! {
            level => class.level.code(), category => class.category.code(), urgency => class.urgency.code(),
        }),
        answers => Satisfaction::ALL.iter().map(|one| (one.code(), one.chinese())).collect::<Vec<_>>(),
        answered => standpoint.answered.as_ref().map(answered).transpose()?,
        f => fields.0, wrong => said.wrong, stale => said.stale, place => "issues",
    };
    Ok(context! { ..how, ..forms })
}

/// What was answered last, as it's recorded.
fn answered(visit: &AnsweredVisit) -> Result<String, StoreError> {
    Ok(format!("{} 的回访登记的是「{}」", visit.visited_on, visit.answer()?))
}

/// What is offered: whoever stands above takes note of nothing that they weren't shown.
fn shown_acts(standpoint: &Standpoint, clear: bool) -> Vec<Act> {
    let mut acts = standpoint.acts.clone();
    acts.retain(|act| *act != Act::TakeNote || clear || !standpoint.signs_what_is_shown());
    acts
}

/// The days of the mediations that are still to be seen to again, with when.
fn to_follow(rows: &[MediationRow]) -> Vec<(String, String)> {
    let open = rows.iter().filter(|row| row.is_open());
    let named = open.map(|row| (row.mediated_on.clone(), format!("{} 的调解", row.mediated_on)));
    named.collect()
}

/// Its photos, where they're shown; and whether this person may add some.
fn album(whole: &Whole, clear: bool) -> minijinja::Value {
    let (standpoint, at) = (&whole.standpoint, links::photos(&whole.standpoint.row.number));
    let pass = if standpoint.is_theirs { String::new() } else { format!("?shown={}", whole.pass) };
    let shown: Vec<String> =
        whole.photos.iter().filter(|_| clear).map(|place| format!("{at}/{place}{pass}")).collect();
    context! {
        count => whole.photos.len(), shown, add_at => at, most => MOST_PHOTOS,
        may_add => standpoint.is_theirs && whole.photos.len() < MOST_PHOTOS,
    }
}

/// What asks for a reason and a tick, and nothing else.
fn is_said_and_confirmed(act: Act) -> bool {
    act.needs_a_reason() || matches!(act, Act::Release | Act::Resubmit)
}

/// What it means, where its name doesn't say it all.
const fn hint(act: Act) -> &'static str {
    match act {
        Act::Release => "马上上报到平台，不再等审核期满",
        Act::Return => "还没有发出的不再上报，问题退回重新分类或自行办理",
        Act::Resubmit => "照原来的分类重新上报；平台要补的写在补充说明里，随这一次的内容报去",
        Act::Override => "平台一直没有答复，但确实已经办了的",
        Act::Void => "不是问题，或者群众撤回的；与别的重复的，用「并入另一个问题」",
        Act::Reopen => "办结、作废有误的；群众不满意的，登记回访就会重新办理",
        Act::CorrectAnswer => {
            "上次回访的答复听错、点错了的。改成满意：销号，还没有报出去的不再上报；改成不满意：重新办理，要上报的再次上报平台"
        }
        _ => "",
    }
}

/// What is still to be done on the platform by hand, where nothing more is asked of it.
fn warnings(daemon: &Daemon, whole: &Whole) -> Vec<String> {
    let is_overridden = whole.timeline.entries.iter().any(|entry| {
        matches!(entry.what, What::Happened { event: Event::PlatformOverridden { .. }, .. })
    });
    let asks_no_more = whole.standpoint.issue.state == Stage::Void
        || is_overridden && whole.standpoint.issue.platform_finished;
    let told = daemon.store.context().messages;
    let referrals = whole.referrals.iter().filter(|_| asks_no_more);
    let said = referrals.filter_map(|referral| to_do(&referral.place, &referral.reference, told));
    said.map(|text| on_a_page(&text)).collect()
}

fn referral(referral: &IssueReferral, clear: &Clear<'_>) -> minijinja::Value {
    let at = referral.delivered_at.map(local_text).unwrap_or_default();
    context! {
        reference => referral.reference, round => referral.round, place => referral.place.in_words(&referral.numbers), at,
        attempts => attempts(referral, clear),
    }
}

/// Something that is owed next, as it's shown.
#[derive(Debug, Serialize)]
struct Owed {
    what: &'static str,
    to_do: &'static str,
    due: String,
    warning: Warning,
    word: &'static str,
    owners: String,
}

fn owed(daemon: &Daemon, next: &Next) -> Owed {
    let (plan, today) = (daemon.pages.campaign(), daemon.store.context().clock.today());
    let warning = plan.warning(next.due_on, today);
    let owners: Vec<&str> = next.owners.iter().map(|(_, name)| name.as_str()).collect();
    Owed {
        what: next.kind.chinese(),
        to_do: next.kind.what_to_do_here(next.holder),
        due: next.due_on.to_string(),
        warning,
        word: match warning {
            Warning::Red => "▲ 超期",
            Warning::Yellow => "● 临近",
            Warning::Green => "■ 正常",
        },
        owners: owners.join("、"),
    }
}
