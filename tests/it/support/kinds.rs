//! Which kinds of platform a history lives with, by seed; and how a township is configured for them.

use zoufang::clock::Chance;
use zoufang::sandbox::{PROFILES, Pages, Parameters, Profile, Shape, Times};

/// Kinds that can't be asked about what arrived: what isn't known is held there for a person.
const BLIND: [&str; 4] = ["no-list-404", "no-list-400", "no-list-500", "accela"];
/// Kinds towards which the engine isn't proved yet.
const NOT_YET: [&str; 4] = ["fixmystreet", "gbk-unsaid", "bom", "slashed-numbers"];

/// One kind, or two together.
pub struct Kinds(Vec<&'static Profile>);

impl Kinds {
    pub fn drawn(seed: u64) -> Kinds {
        let chance = Chance::seeded(seed ^ 0x200);
        let known: Vec<&Profile> =
            PROFILES.iter().filter(|profile| !NOT_YET.contains(&profile.name)).collect();
        let count = if chance.fraction() < 0.3 { 1 } else { 2 };
        Kinds((0..count).map(|_| known[chance.below(known.len())]).collect())
    }

    /// As the sandbox takes them.
    pub fn names(&self) -> String {
        self.0.iter().map(|kind| kind.name).collect::<Vec<_>>().join(",")
    }

    /// Whether nothing can be asked about what arrived.
    pub fn are_blind(&self) -> bool {
        self.0.iter().any(|kind| BLIND.contains(&kind.name))
    }
}

/// A description of the same platform for the rest adapter.
pub fn description(names: &str) -> String {
    let behaviour = Profile::read(names).unwrap();
    let everywhere = behaviour.parameters == Some(Parameters::KeyEverywhere);
    let key = if everywhere { "&api_key=k" } else { "" };
    let page = match behaviour.paging.map(|paging| paging.pages) {
        Some(Pages::FromOne | Pages::LastAgain) => "&page={{ page }}",
        Some(Pages::FromZero) => "&page={{ page - 1 }}",
        Some(Pages::None) | None => "",
    };
    let items = match behaviour.shape {
        Some(Shape::Wrapped) => "items = '/service_requests'",
        None => "",
    };
    let time = match behaviour.times {
        Some(Times::WithoutZone) => "time_format = 'local'",
        _ => "",
    };
    format!(
        r#"
name = "动物园"
status_batch = 20
[submit]
method = "POST"
path = "/requests.json"
content_type = "application/x-www-form-urlencoded"
body = "service_code={{{{ category_code }}}}&address_string={{{{ area_name | urlencode }}}}&description={{{{ description | urlencode }}}}&api_key=k&attribute[easting]=1&attribute[northing]=1&attribute[fixmystreet_id]=1"
[submit.answer]
{items}
id = "/service_request_id"
[find]
path = "/requests.json?start_date={{{{ from | urlencode }}}}&end_date={{{{ to | urlencode }}}}{page}{key}"
[find.answer]
{items}
id = "/service_request_id"
reference = "/description"
[status]
path = "/requests.json?service_request_id={{{{ ids | join(',') | urlencode }}}}{key}"
[status.answer]
{items}
id = "/service_request_id"
status = "/status"
text = "/status_notes"
time = "/updated_datetime"
{time}
[categories]
living_environment = "living_environment"
public_security = "public_security"
basic_healthcare = "basic_healthcare"
culture_sports = "culture_sports"
basic_education = "basic_education"
social_assistance = "social_assistance"
other = "other"
[statuses]
open = "received"
accepted = "accepted"
in_progress = "in_progress"
"in progress" = "in_progress"
closed = "resolved"
rejected = "refused"
"#
    )
}

/// The lines under `[platform]` by which a township speaks with them, whichever they are.
pub fn configuration(names: &str) -> String {
    let key_in = if names.contains("key-everywhere") { "everywhere" } else { "submissions" };
    format!(
        "api_key = 'k'\napi_key_in = '{key_in}'\nattributes = [{{ code = 'easting', value = '1' }}, \
         {{ code = 'northing', value = '1' }}, {{ code = 'fixmystreet_id', value = '{{{{ reference }}}}' }}]\n\
         statuses.'in progress' = 'in_progress'\n"
    )
}
