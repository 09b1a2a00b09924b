//! Which kinds of platform a history lives with, by seed; and how a township is configured for them.

use zoufang::clock::Chance;
use zoufang::sandbox::{
    Charset, Description, PROFILES, Pages, Parameters, Profile, Shape, Times, Window,
};

/// One kind, or two together.
pub struct Kinds(Vec<&'static Profile>);

impl Kinds {
    pub fn drawn(seed: u64) -> Kinds {
        let chance = Chance::seeded(seed ^ 0x200);
        let count = if chance.fraction() < 0.3 { 1 } else { 2 };
        Kinds((0..count).map(|_| &PROFILES[chance.below(PROFILES.len())]).collect())
    }

    /// As the sandbox takes them.
    pub fn names(&self) -> String {
        self.0.iter().map(|kind| kind.name).collect::<Vec<_>>().join(",")
    }

    /// Whether nothing can be asked about what arrived: lists are refused, show no words, or show only so many of the
    /// newest whatever time is asked for. What isn't known is held there for a person.
    pub fn are_blind(&self) -> bool {
        let behaviour = Profile::read(&self.names()).unwrap();
        // A strict one takes no `page`.
        let strict = behaviour.parameters == Some(Parameters::Strict);
        let no_pages = behaviour.paging.is_some_and(|paging| strict || paging.pages == Pages::None);
        behaviour.look.is_some()
            || behaviour.description == Some(Description::Null)
            || (no_pages && behaviour.window == Some(Window::Ignored))
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
        Some(Shape::NullForNone) | None => "",
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

/// What any adapter is told of them: a character set that nobody says, a zone that is said wrongly.
pub fn telling(names: &str) -> String {
    let behaviour = Profile::read(names).unwrap();
    let charset = match behaviour.charset {
        Some(Charset::GbkUnsaid) => "gb18030",
        _ => "",
    };
    let times = match behaviour.times {
        Some(Times::LocalCalledUtc) => "Asia/Shanghai",
        _ => "",
    };
    format!("charset = '{charset}'\ntimes = '{times}'\n")
}

/// The lines under `[platform]` by which a township speaks with them, whichever they are.
pub fn configuration(names: &str) -> String {
    let key_in = if names.contains("key-everywhere") { "everywhere" } else { "submissions" };
    format!(
        "api_key = 'k'\napi_key_in = '{key_in}'\nattributes = [{{ code = 'easting', value = '1' }}, \
         {{ code = 'northing', value = '1' }}, {{ code = 'fixmystreet_id', value = '{{{{ reference }}}}' }}]\n\
         statuses.'in progress' = 'in_progress'\n{}",
        telling(names)
    )
}
