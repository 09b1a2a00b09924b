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
/// That there's no such folder; the first that can't be read, is empty, or isn't a template.
pub fn add_all(
    environment: &mut Environment<'static>,
    folder: &Path,
    built_in: &[(&'static str, &'static str)],
    mended: impl Fn(&str, String) -> String,
) -> Result<(), Flawed> {
    let has_own = !folder.as_os_str().is_empty();
    if has_own && !folder.is_dir() {
        let why = Flaw::Unreadable("没有这个文件夹：请核对路径；不用自己的模板，就留空");
        return Err(Flawed { file: folder.display().to_string(), why });
    }
    for (name, built_in) in built_in.iter().copied() {
        let file = folder.join(name);
        let own = has_own && file.symlink_metadata().is_ok();
        let flawed = |why| {
            let file = if own { file.display().to_string() } else { name.to_owned() };
            Flawed { file, why }
        };
        let text = match own {
            true => own_text(&file).map_err(|why| flawed(Flaw::Unreadable(why)))?,
            false => built_in.to_owned(),
        };
        environment
            .add_template_owned(name, mended(name, text))
            .map_err(|error| flawed(Flaw::NotUnderstood(error)))?;
    }
    Ok(())
}

/// What an operator wrote, without the mark that some editors put before it.
fn own_text(file: &Path) -> Result<String, &'static str> {
    let text = std::fs::read_to_string(file).map_err(|why| of_system(why.kind()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if text.trim().is_empty() {
        return Err("是空的：请写上内容；要用自带的模板，就删掉这个文件");
    }
    Ok(text.to_owned())
}
