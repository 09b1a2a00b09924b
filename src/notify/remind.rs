//! The reconciler of reminders: tells what is due today, then writes each person's digest of it; and what would be told.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::civil::Date;

use super::digest::{Audience, Draft, items};
use super::links;
use super::messages::Messages;
use super::recipients::Recipients;
use crate::app::remind::{self, GROUPS, Told};
use crate::db::{
    Context, DIGEST, Form, NewLink, NewNotice, Open, Session, Store, StoreError, ToldGroup, Word,
};
use crate::domain::escalation::Day;
use crate::domain::workdays::WorkingTime;

/// When people are told, and in which words.
#[derive(Debug, Clone)]
pub struct ReminderRules {
    pub hours: WorkingTime,
    pub messages: Messages,
    /// The address under which readers reach this service's pages; empty where they can't.
    pub public_url: String,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reminded {
    pub people: usize,
    pub duties: i64,
    /// Duties of which somebody heard in place of whoever was meant.
    pub stood_in: i64,
    /// Duties of which nobody could be told at a step.
    pub unheard: i64,
}

/// How many people's digests are written in a turn.
const PEOPLE: i64 = 100;

/// Writes the digests that are owed today, in short turns: whatever restarts lie between, nobody hears of the same
/// step twice and nobody gets two digests a day. Outside working days and hours it does nothing; what is due then is
/// due on the next.
///
/// # Errors
/// Where the record can't be read or written, or a template can't be filled in: the next run goes on from there.
pub async fn remind(store: &Store, rules: &ReminderRules) -> Result<Reminded, StoreError> {
    let now = store.context().clock.local();
    if !rules.hours.contains(now) {
        return Ok(Reminded::default());
    }
    let day = now.date();
    let mut snapshot = store.snapshot().await?;
    let resumed = !snapshot.owed_digests(day, "", 1).await?.is_empty();
    if !resumed && snapshot.some_due_groups(day, 1).await?.is_empty() {
        snapshot.end().await?;
        return Ok(Reminded::default());
    }
    let recipients = recipients_on(&mut snapshot, rules, day).await?;
    snapshot.end().await?;
    let open = if resumed {
        remind::carry_over(store, day).await?;
        Open::Now
    } else {
        Open::Then
    };
    let Told { duties, stood_in, unheard } = tell(store, &recipients, day).await?;
    let people = write_digests(store, rules, &recipients, day, open).await?;
    Ok(Reminded { people, duties, stood_in, unheard })
}

/// Who is told on a day; with who shares an address, where messages give addresses of pages.
pub(super) async fn recipients_on(
    session: &mut Session,
    rules: &ReminderRules,
    day: Date,
) -> Result<Arc<Recipients>, StoreError> {
    let mut recipients = Recipients::on(session, day).await?;
    if !rules.public_url.is_empty() {
        recipients.sharing = session.sharing_addresses().await?;
    }
    Ok(Arc::new(recipients))
}

/// Tells every step that is due by `day`.
async fn tell(store: &Store, recipients: &Recipients, day: Date) -> Result<Told, StoreError> {
    let Recipients { roster, away, .. } = recipients;
    let mut all = Told::default();
    while let Some(told) = remind::tell(store, roster, away, day, GROUPS).await? {
        all += told;
    }
    Ok(all)
}

/// Writes the digests of all who are owed one. Who has come out of reach stays owed theirs.
async fn write_digests(
    store: &Store,
    rules: &ReminderRules,
    recipients: &Arc<Recipients>,
    day: Date,
    open: Open,
) -> Result<usize, StoreError> {
    let (mut people, mut after) = (0, String::new());
    loop {
        let mut snapshot = store.snapshot().await?;
        let owed = snapshot.owed_digests(day, &after, PEOPLE).await?;
        let Some(last) = owed.last().cloned() else {
            snapshot.end().await?;
            return Ok(people);
        };
        let owed: Vec<&str> = owed.iter().map(String::as_str).collect();
        let on = day.to_string();
        let heard = Heard {
            told: snapshot.told_to_each(&owed, &on, open).await?,
            words: snapshot.words_of(&owed, &on).await?,
            waiting: None,
        };
        let links = Links::Given;
        let notices = notices(&mut snapshot, store, rules, recipients, day, heard, links).await?;
        snapshot.end().await?;
        let mut digests: HashMap<String, Vec<NewNotice>> =
            owed.iter().map(|person| ((*person).to_owned(), Vec::new())).collect();
        digests.retain(|person, _| !recipients.routes(person).is_empty());
        for notice in notices {
            digests.entry(notice.staff_id.clone()).or_default().push(notice);
        }
        people += remind::pay_digests(store, digests).await?;
        after = last;
    }
}

/// What would be sent on `day` as things stand now; nothing is changed.
///
/// # Errors
/// Where the record can't be read, or a template can't be filled in.
pub async fn preview(
    store: &Store,
    rules: &ReminderRules,
    day: Date,
) -> Result<Vec<NewNotice>, StoreError> {
    // Before the snapshot: each has one of the few readers at a time.
    let words = super::standing::words_on(store, day).await?;
    let mut snapshot = store.snapshot().await?;
    let recipients = Arc::new(Recipients::on(&mut snapshot, day).await?);
    let told_today = snapshot.told_on(day).await?;
    let mut told: BTreeMap<String, Vec<ToldGroup>> = BTreeMap::new();
    let mut page = snapshot.due_groups(day, "", PAGE).await?;
    while let Some(last) = page.last().map(|group| group.id.clone()) {
        let heard = snapshot.heard(&page).await?;
        let Recipients { roster, away, plan, .. } = recipients.as_ref();
        let workdays = &snapshot.context().workdays;
        let on = Day { on: day, plan, workdays, roster, away, told_today: &told_today };
        for group in page {
            for reminder in on.decide(&group, &heard).reminders {
                let (step, instead_of) = (reminder.step, reminder.instead_of);
                let group = group.clone();
                told.entry(reminder.staff).or_default().push(ToldGroup { group, step, instead_of });
            }
        }
        page = snapshot.due_groups(day, &last, PAGE).await?;
    }
    let (links, heard) = (Links::Shown, Heard { told, words, waiting: None });
    let notices = notices(&mut snapshot, store, rules, &recipients, day, heard, links).await?;
    snapshot.end().await?;
    Ok(notices)
}

/// How many groups are held at once.
pub(super) const PAGE: i64 = 4_000;

/// Whether the addresses in messages lead anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    Given,
    /// A preview shows that there will be one.
    Shown,
}

/// What people hear on a day, by person.
pub(super) struct Heard {
    pub told: BTreeMap<String, Vec<ToldGroup>>,
    pub words: HashMap<String, Vec<Word>>,
    /// For which channels it waits, where it was written before; else it's written for all that reach them.
    pub waiting: Option<HashMap<String, Vec<String>>>,
}

impl Heard {
    /// The channels for which a person's digest is written.
    fn channels(&mut self, recipients: &Recipients, person: &str) -> Vec<String> {
        match &mut self.waiting {
            Some(waiting) => waiting.remove(person).unwrap_or_default(),
            None => recipients.routes(person).to_vec(),
        }
    }
}

/// What each person was told, as a digest for each of their channels. The words are put together beside the async
/// threads.
pub(super) async fn notices(
    session: &mut Session,
    store: &Store,
    rules: &ReminderRules,
    recipients: &Arc<Recipients>,
    day: Date,
    heard: Heard,
    links: Links,
) -> Result<Vec<NewNotice>, StoreError> {
    let mut drafts = drafts(recipients, heard);
    let few: Vec<&str> = drafts.iter().flat_map(|drafted| drafted.draft.few()).collect();
    let labels = session.group_labels(&few).await?;
    drafts.iter_mut().for_each(|drafted| drafted.draft.put_names(&labels));
    let owners: BTreeSet<&str> = drafts.iter().flat_map(|drafted| drafted.draft.owners()).collect();
    let phones = session.phones(&owners.into_iter().collect::<Vec<_>>()).await?;
    drafts.iter_mut().for_each(|drafted| drafted.draft.put_phones(&phones));
    let (store, rules, recipients) = (store.clone(), rules.clone(), Arc::clone(recipients));
    let write = move || {
        let mut notices = Vec::new();
        for drafted in drafts {
            let writing = Writing {
                context: store.context(),
                rules: &rules,
                recipients: &recipients,
                day,
                links,
            };
            notices.extend(writing.write(&drafted)?);
        }
        Ok(notices)
    };
    tokio::task::spawn_blocking(write).await.map_err(|why| StoreError::Rule(why.to_string()))?
}

/// Whose digest it is, and by which channels it goes.
struct Drafted {
    person: String,
    channels: Vec<String>,
    draft: Draft,
}

/// A digest for each who hears anything.
fn drafts(recipients: &Recipients, mut heard: Heard) -> Vec<Drafted> {
    let people: BTreeSet<String> = heard.told.keys().chain(heard.words.keys()).cloned().collect();
    let drafted = |person: String| {
        let items = items(recipients, heard.told.remove(&person).unwrap_or_default());
        let words = heard.words.remove(&person).unwrap_or_default();
        if items.is_empty() && words.is_empty() {
            return None;
        }
        let draft = Draft::new(recipients, &person, items, words);
        let channels = heard.channels(recipients, &person);
        Some(Drafted { person, channels, draft })
    };
    people.into_iter().filter_map(drafted).collect()
}

/// What a person's digest is written by.
struct Writing<'w> {
    context: &'w Context,
    rules: &'w ReminderRules,
    recipients: &'w Recipients,
    day: Date,
    links: Links,
}

impl Writing<'_> {
    /// A person's digest, for each of their channels: where others read too, without a link of theirs or a telephone.
    fn write(&self, drafted: &Drafted) -> Result<Vec<NewNotice>, StoreError> {
        let Writing { rules, recipients, day, .. } = *self;
        let Drafted { person, channels, draft } = drafted;
        let link = self.link(person, channels);
        let address = match (&link, self.links) {
            (Some(link), Links::Given) => links::digest(&rules.public_url, &link.token),
            (Some(_), Links::Shown) => links::digest(&rules.public_url, "……"),
            (None, _) => String::new(),
        };
        let own = draft.digest(&recipients.plan, day, address, Audience::Reader);
        let several = draft.digest(&recipients.plan, day, String::new(), Audience::Several);
        let several = rules.messages.render("digest.txt", &several)?;
        let mut notices = Vec::new();
        for channel in channels {
            let form = self.form(channel);
            let (body, html) = match form {
                Form::Group => (several.clone(), None),
                Form::Short => (rules.messages.render("sms.txt", &own)?, None),
                Form::Text => (rules.messages.render("digest.txt", &own)?, None),
                Form::Mail => (
                    rules.messages.render("digest.txt", &own)?,
                    Some(rules.messages.render("digest.html", &own)?),
                ),
            };
            let is_own = form != Form::Group;
            notices.push(NewNotice {
                staff_id: person.clone(),
                channel: channel.clone(),
                on: day,
                topic: DIGEST.to_owned(),
                title: own.title.clone(),
                body,
                html,
                several: is_own.then(|| several.clone()),
                link: link.clone().filter(|_| is_own),
            });
        }
        Ok(notices)
    }

    fn form(&self, channel: &str) -> Form {
        self.context.channel(channel).map_or(Form::Text, |channel| channel.form)
    }

    /// An address of the digest's page, where any of these channels is the reader's own. Where somebody else has the same
    /// address, or another program hands the message on, whoever signs is asked who they are.
    fn link(&self, person: &str, routes: &[String]) -> Option<NewLink> {
        let own = || routes.iter().filter(|route| self.form(route) != Form::Group);
        if self.rules.public_url.is_empty() || own().next().is_none() {
            return None;
        }
        let needs = |route: &String| self.context.channel(route).and_then(|channel| channel.needs);
        let handed_on = own().any(|route| needs(route).is_none());
        let asks = handed_on || self.recipients.sharing.contains(person);
        Some(NewLink { token: self.context.link_token(), asks })
    }
}
