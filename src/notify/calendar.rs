//! A person's duties as a calendar (iCalendar, RFC 5545), to be subscribed to on a telephone.

use icalendar::{Component, Event, Property};
use jiff::civil::Date;

use super::links::calendar_code;
use super::recipients::Recipients;
use crate::app::accounts::is_let_in;
use crate::db::{StaffMember, Store, StoreError};
use crate::domain::campaign::plus;

/// A calendar as it's served.
pub type Calendar = String;

/// What the person owes, each group on its date; `None` where the address isn't theirs.
pub async fn calendar(
    store: &Store,
    staff_id: &str,
    code: &str,
) -> Result<Option<Calendar>, StoreError> {
    let context = store.context();
    let mut record = store.snapshot().await?;
    let staff = record.staff().await?;
    let person = staff.iter().find(|person| person.id == staff_id);
    let is_theirs =
        |person: &&StaffMember| is_let_in(person) && calendar_code(context, person) == code;
    let Some(person) = person.filter(is_theirs) else {
        record.end().await?;
        return Ok(None);
    };
    let recipients = Recipients::on(&mut record, context.clock.today()).await?;
    let groups = record.groups_around(person).await?;
    let own: Vec<_> = groups
        .iter()
        .filter(|group| recipients.owner(group).is_some_and(|owner| owner.id == person.id))
        .collect();
    let few: Vec<&str> =
        own.iter().filter(|group| group.open <= 5).map(|group| group.id.as_str()).collect();
    let labels = record.group_labels(&few).await?;
    record.end().await?;
    let now = context.clock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut calendar = icalendar::Calendar::new();
    calendar.name(&format!("走访任务（{}）", person.name)).timezone("Asia/Shanghai");
    for group in own {
        let names = labels.get(&group.id).map(|labels| labels.join("、")).unwrap_or_default();
        let to_do = group.what_to_do();
        let text =
            if names.is_empty() { to_do.to_owned() } else { format!("{to_do}（{names}）") };
        let (area, count) = (recipients.area_name(&group.area_id), group.open);
        let mut event = Event::new();
        event
            .uid(&format!("{}@zoufang", group.id))
            .summary(&format!("{area} {} {count}项", group.kind))
            .description(&text)
            .append_property(whole_day("DTSTART", group.due_on))
            .append_property(whole_day("DTEND", plus(group.due_on, 1)))
            .add_property("DTSTAMP", &now)
            // It doesn't make anybody busy.
            .add_property("TRANSP", "TRANSPARENT");
        calendar.push(event.done());
    }
    Ok(Some(calendar.done().to_string()))
}

/// A date without a time of day (RFC 5545, 3.3.4).
fn whole_day(name: &str, on: Date) -> Property {
    let mut property = Property::new(name, on.strftime("%Y%m%d").to_string());
    property.add_parameter("VALUE", "DATE");
    property.done()
}
