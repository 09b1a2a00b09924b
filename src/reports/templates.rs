//! The words of what is handed in and handed out: template files that an operator can change.

use std::path::{Path, PathBuf};

use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde::Serialize;

use super::plain::shielded;
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

/// So many steps filling in a template takes at most: the longest that are built in take a tenth of it.
const MOST_STEPS: u64 = 5_000_000;

/// The templates.
#[derive(Debug, Clone)]
pub struct Templates {
    environment: Environment<'static>,
    /// Where an operator's own are; empty for none.
    folder: PathBuf,
}

impl Templates {
    /// The built-in ones, with the files of `folder` over them.
    ///
    /// # Errors
    /// A file that can't be read, or isn't a template, is named.
    pub fn read(folder: &Path) -> Result<Templates> {
        let mut environment = environment();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(MOST_STEPS));
        add_all(&mut environment, folder, &BUILT_IN, |_, text| text)?;
        Ok(Templates { environment, folder: folder.to_owned() })
    }

    /// Fills in the template of that name. In one that is read line by line no value is more than words.
    ///
    /// # Errors
    /// Where it can't be filled in.
    pub fn render(&self, name: &str, values: impl Serialize) -> Result<String> {
        let wrong = |why| ReportError::Template { file: self.file(name), why };
        let not_understood = |error: minijinja::Error| wrong(said(&error));
        let template = self.environment.get_template(name).map_err(not_understood)?;
        if name.ends_with(".html") {
            return template.render(values).map_err(not_understood);
        }
        let values = shielded(values).map_err(|_| wrong("填不进去".to_owned()))?;
        template.render(values).map_err(not_understood)
    }

    /// What a template is called, for whoever is to mend it.
    fn file(&self, name: &str) -> String {
        let own = self.folder.join(name);
        let is_own = !self.folder.as_os_str().is_empty() && own.exists();
        if is_own { own.display().to_string() } else { name.to_owned() }
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
    let what = match error.kind() {
        ErrorKind::UndefinedError => "用了没有的变量",
        ErrorKind::OutOfFuel => "循环太多，填不完",
        _ => "看不懂",
    };
    match error.line() {
        Some(line) => format!("第 {line} 行{what}，请对照自带的模板改"),
        None => format!("{what}，请对照自带的模板改"),
    }
}
