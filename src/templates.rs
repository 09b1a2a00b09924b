//! Template files: those that are built in, with an operator's own over them.

use std::path::Path;

use minijinja::{AutoEscape, Environment, Error};

use crate::domain::reason::of_system;

/// A template that can't be used: its file, or its name where it's built in.
#[derive(Debug)]
pub struct Flawed {
    pub file: String,
    pub why: Flaw,
}

/// Why.
#[derive(Debug)]
pub enum Flaw {
    /// The system won't let it be read.
    Unreadable(&'static str),
    /// It's no template.
    NotUnderstood(Error),
}

/// An environment in which what is written for a browser is escaped, and nothing else.
pub fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
    });
    environment
}

/// Adds the built-in templates, with the files of `folder` over them (none where it's empty), each as `mended` gives it.
///
/// # Errors
/// The first that can't be read, or isn't a template.
pub fn add_all(
    environment: &mut Environment<'static>,
    folder: &Path,
    built_in: &[(&'static str, &'static str)],
    mended: impl Fn(&str, String) -> String,
) -> Result<(), Flawed> {
    for (name, built_in) in built_in.iter().copied() {
        let file = folder.join(name);
        let own = !folder.as_os_str().is_empty() && file.exists();
        let flawed = |why| {
            let file = if own { file.display().to_string() } else { name.to_owned() };
            Flawed { file, why }
        };
        let text = match own {
            true => std::fs::read_to_string(&file)
                .map_err(|why| flawed(Flaw::Unreadable(of_system(why.kind()))))?,
            false => built_in.to_owned(),
        };
        environment
            .add_template_owned(name, mended(name, text))
            .map_err(|error| flawed(Flaw::NotUnderstood(error)))?;
    }
    Ok(())
}
