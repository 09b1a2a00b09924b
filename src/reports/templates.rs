//! The words of what is handed in and handed out: template files that an operator can change.

use std::path::Path;

use minijinja::Environment;
use serde::Serialize;

use super::{ReportError, Result};
use crate::templates::{Flaw, Flawed, add_all, environment};

/// Every template, as it's built in.
const BUILT_IN: [(&str, &str); 10] = [
    ("branch_summary.txt", include_str!("../../config/reports/branch_summary.txt")),
    ("unit_report.txt", include_str!("../../config/reports/unit_report.txt")),
    ("self_check.txt", include_str!("../../config/reports/self_check.txt")),
    ("look_back.txt", include_str!("../../config/reports/look_back.txt")),
    ("town_summary.txt", include_str!("../../config/reports/town_summary.txt")),
    ("leaflet.txt", include_str!("../../config/reports/leaflet.txt")),
    ("leaflet.html", include_str!("../../config/reports/leaflet.html")),
    ("badges.html", include_str!("../../config/reports/badges.html")),
    ("cards.html", include_str!("../../config/reports/cards.html")),
    ("forms.html", include_str!("../../config/reports/forms.html")),
];

/// The templates.
#[derive(Debug, Clone)]
pub struct Templates(Environment<'static>);

impl Templates {
    /// The built-in ones, with the files of `folder` over them.
    ///
    /// # Errors
    /// A file that can't be read, or isn't a template, is named.
    pub fn read(folder: &Path) -> Result<Templates> {
        let mut environment = environment();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        add_all(&mut environment, folder, &BUILT_IN, |_, text| text)?;
        Ok(Templates(environment))
    }

    /// Fills in the template of that name.
    ///
    /// # Errors
    /// Where it can't be filled in.
    pub fn render(&self, name: &str, values: impl Serialize) -> Result<String> {
        let wrong = |error| ReportError::Template { file: name.to_owned(), why: said(&error) };
        let template = self.0.get_template(name).map_err(wrong)?;
        template.render(values).map_err(wrong)
    }
}

impl From<Flawed> for ReportError {
    fn from(Flawed { file, why }: Flawed) -> ReportError {
        let why = match why {
            Flaw::Unreadable(why) => why.to_owned(),
            Flaw::NotUnderstood(error) => said(&error),
        };
        ReportError::Template { file, why }
    }
}

/// Where a template is wrong.
fn said(error: &minijinja::Error) -> String {
    match error.line() {
        Some(line) => format!("第 {line} 行看不懂，请对照自带的模板改"),
        None => "看不懂，请对照自带的模板改".to_owned(),
    }
}
