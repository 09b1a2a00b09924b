//! A person's duties as a calendar (iCalendar, RFC 5545), to be subscribed to on a telephone.

use icalendar::{Component, Event, Property};
use jiff::civil::Date;

use super::hearers::Hearers;
use super::links::calendar_code;
use crate::domain::campaign::plus;
use crate::store::{Store, StoreError};

/// A calendar as it's served.
pub type Calendar = String;

/// What the person owes, each bundle on its date; `None` where the address isn't theirs.
pub async fn calendar(
    store: &Store,
    staff_id: &str,
    code: &str,
) -> Result<Option<Calendar>, StoreError> {
    let around = store.around();
    let staff = store.staff().await?;
    let person = staff.iter().find(|person| person.id == staff_id);
    let Some(person) = person.filter(|person| calendar_code(around, person) == code) else {
        return Ok(None);
    };
    let mut tx = store.begin().await?;
    let hearers = Hearers::on(&mut tx, around.clock.today()).await?;
    let bundles = tx.bundles_around(person).await?;
    let own: Vec<_> = bundles
        .iter()
        .filter(|bundle| hearers.owner(bundle).is_some_and(|owner| owner.id == person.id))
        .collect();
    let few: Vec<&str> =
        own.iter().filter(|bundle| bundle.open <= 5).map(|bundle| bundle.id.as_str()).collect();
    let labels = tx.bundle_labels(&few).await?;
    tx.rollback().await?;
    let now = around.clock.now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut calendar = icalendar::Calendar::new();
    calendar.name(&format!("走访任务（{}）", person.name)).timezone("Asia/Shanghai");
    for bundle in own {
        let names = labels.get(&bundle.id).map(|labels| labels.join("、")).unwrap_or_default();
        let to_do = bundle.kind.what_to_do();
        let text =
            if names.is_empty() { to_do.to_owned() } else { format!("{to_do}（{names}）") };
        let (area, count) = (hearers.area_name(&bundle.area_id), bundle.open);
        let mut event = Event::new();
        event
            .uid(&format!("{}@zoufang", bundle.id))
            .summary(&format!("{area} {} {count}项", bundle.kind))
            .description(&text)
            .append_property(whole_day("DTSTART", bundle.due_on))
            .append_property(whole_day("DTEND", plus(bundle.due_on, 1)))
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
