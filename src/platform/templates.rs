//! Templates in minijinja's language, compiled once, known by their own text; and what they have of a referral.

use minijinja::{AutoEscape, Environment, Template, UndefinedBehavior, Value, context};

use super::NoContact;
use crate::db::Dispatch;
use crate::domain::referral::marked;

/// What templates have of a referral, whatever the platform.
pub(super) fn referral_parts(dispatch: &Dispatch) -> Value {
    context! {
        reference => dispatch.reference,
        mark => marked(&dispatch.reference),
        number => dispatch.issue_number,
        previous => dispatch.previous.clone().unwrap_or_default(),
        category => dispatch.category.chinese(),
        urgency => dispatch.urgency.code(),
        text => dispatch.text,
        resident => dispatch.resident,
        contact => dispatch.contact.clone().unwrap_or_default(),
        address => dispatch.address.clone().unwrap_or_default(),
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
            Some(name) => {
                Err(NoContact::misconfigured(format!("{{{{ {name} }}}} is not known here")))
            }
            None => Ok(()),
        }
    }

    fn get(&self, text: &str) -> Result<Template<'_, '_>, NoContact> {
        self.0.get_template(text).map_err(wrong)
    }
}

fn wrong(error: minijinja::Error) -> NoContact {
    NoContact::misconfigured(error.to_string())
}
