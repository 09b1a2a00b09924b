//! Templates in minijinja's language, compiled once, known by their own text; and what they have of a referral.

use minijinja::{AutoEscape, Environment, Template, UndefinedBehavior, Value, context};

use super::NoContact;
use crate::db::Dispatch;
use crate::domain::referral::{described, marked, neutral};
use crate::settings::mistakes::nearest;

/// What templates have of a referral, whatever the platform.
pub(super) fn referral_parts(dispatch: &Dispatch) -> Value {
    context! {
        reference => dispatch.reference,
        mark => marked(&dispatch.reference),
        description => described(&dispatch.text, "", &dispatch.reference),
        number => dispatch.issue_number,
        previous => dispatch.previous.clone().unwrap_or_default(),
        category => dispatch.category.chinese(),
        urgency => dispatch.urgency.code(),
        text => neutral(&dispatch.text),
        resident => neutral(&dispatch.resident),
        contact => dispatch.contact.clone().unwrap_or_default(),
        address => neutral(dispatch.address.as_deref().unwrap_or_default()),
        area_code => dispatch.area_code.clone().unwrap_or_default(),
        area_name => dispatch.area_name,
        uploader => dispatch.uploader.clone().unwrap_or_default(),
        centre => dispatch.centre.clone().unwrap_or_default(),
    }
}

/// What a platform's description has to be filled in.
#[derive(Debug)]
pub(super) struct Templates(Environment<'static>);

impl Templates {
    /// Compiles each.
    ///
    /// # Errors
    /// The first that isn't a template.
    pub fn new<'t>(texts: impl IntoIterator<Item = &'t str>) -> Result<Templates, NoContact> {
        let mut environment = Environment::new();
        // A name that doesn't exist is a mistake in the file, not an empty text on the platform.
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        // What a text is for can't be told from its last letters.
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        for text in texts {
            environment.add_template_owned(text.to_owned(), text.to_owned()).map_err(wrong)?;
        }
        Ok(Templates(environment))
    }

    /// Filled in.
    pub fn render(&self, text: &str, parts: &Value) -> Result<String, NoContact> {
        self.get(text)?.render(parts).map_err(wrong)
    }

    /// What a template names must be something that the call has: a filter would take nothing for null.
    pub fn check_names(&self, text: &str, parts: &Value) -> Result<(), NoContact> {
        let known = |name: &String| parts.get_attr(name).is_ok_and(|value| !value.is_undefined());
        match self.get(text)?.undeclared_variables(false).into_iter().find(|name| !known(name)) {
            Some(name) => Err(NoContact::misconfigured(unknown_name(&name, parts))),
            None => Ok(()),
        }
    }

    /// Whether a template names something.
    pub fn names(&self, text: &str, name: &str) -> bool {
        self.get(text).is_ok_and(|template| template.undeclared_variables(false).contains(name))
    }

    fn get(&self, text: &str) -> Result<Template<'_, '_>, NoContact> {
        self.0.get_template(text).map_err(wrong)
    }
}

/// What a template may name instead.
fn unknown_name(name: &str, parts: &Value) -> String {
    let names = parts.try_iter().into_iter().flatten();
    let mut known: Vec<String> = names.map(|name| name.to_string()).collect();
    known.sort();
    let near = nearest(name, known.iter().map(String::as_str));
    let near = near.map(|near| format!("；是不是「{near}」？")).unwrap_or_default();
    format!("{{{{ {name} }}}} 在这里没有，可以用：{}{near}", known.join("、"))
}

/// What a template can be made of, for whoever misspelt one.
const FILTERS: [&str; 12] = [
    "tojson",
    "urlencode",
    "join",
    "default",
    "upper",
    "lower",
    "trim",
    "replace",
    "first",
    "last",
    "length",
    "round",
];

fn wrong(error: minijinja::Error) -> NoContact {
    use minijinja::ErrorKind::{SyntaxError, UnknownFilter};
    let line = error.line().map(|line| format!("第 {line} 行")).unwrap_or_default();
    let detail = error.detail().unwrap_or_default();
    NoContact::misconfigured(match error.kind() {
        UnknownFilter => {
            let given = detail.split(' ').nth(1).unwrap_or_default();
            let near = nearest(given, FILTERS.into_iter());
            let near = near.map(|near| format!("；是不是「{near}」？")).unwrap_or_default();
            format!("模板{line}没有「{given}」这个过滤器，常用的有：{}{near}", FILTERS.join("、"))
        }
        SyntaxError => format!("模板{line}写法不对（{detail}）"),
        _ => format!("模板{line}填不出来（{error}）"),
    })
}
