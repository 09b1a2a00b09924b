//! The words of messages: template files that an operator can change.

use std::path::Path;

use minijinja::Environment;
use serde::Serialize;

use crate::db::StoreError;
use crate::templates::{Flaw, Flawed, add_all, environment};

/// Every message's template, as it's built in.
const BUILT_IN: [(&str, &str); 5] = [
    ("card.txt", include_str!("../../config/messages/card.txt")),
    ("digest.txt", include_str!("../../config/messages/digest.txt")),
    ("digest.html", include_str!("../../config/messages/digest.html")),
    ("page.html", include_str!("../../config/messages/page.html")),
    ("sms.txt", include_str!("../../config/messages/sms.txt")),
];

/// What digests say besides their readers' duties.
const WORDS: [(&str, &str); 3] = [
    ("digest.txt", "\n{% for word in words %}{{ word.title }}\n{{ word.body }}\n{% endfor %}"),
    (
        "digest.html",
        "{% for word in words %}<h2>{{ word.title }}</h2><pre>{{ word.body }}</pre>{% endfor %}",
    ),
    (
        "page.html",
        "{% for word in digest.words %}<h2>{{ word.title }}</h2><pre>{{ word.body }}</pre>{% endfor %}",
    ),
];

/// A message's template can't be read, or can't be filled in.
#[derive(Debug, thiserror::Error)]
#[error("消息模板 {file}：{why}")]
pub struct MessageError {
    pub file: String,
    pub why: String,
}

impl From<Flawed> for MessageError {
    fn from(Flawed { file, why }: Flawed) -> MessageError {
        let why = match why {
            Flaw::Unreadable(why) => why.to_owned(),
            Flaw::NotUnderstood(error) => error.to_string(),
        };
        MessageError { file, why }
    }
}

impl From<MessageError> for StoreError {
    fn from(error: MessageError) -> StoreError {
        StoreError::Rule(error.to_string())
    }
}

/// An operator's template of a version before there were words in digests says them at its end, so that none is lost.
fn with_words(name: &str, text: String) -> String {
    let Some((_, words)) = WORDS.iter().find(|(of, _)| *of == name) else { return text };
    match text.contains("words") {
        true => text,
        false => text + words,
    }
}

/// The templates of messages.
#[derive(Debug, Clone)]
pub struct Messages(Environment<'static>);

impl Messages {
    /// The built-in templates, with the files of `folder` over them.
    ///
    /// # Errors
    /// A file that can't be read, or isn't a template, is named.
    pub fn read(folder: &Path) -> Result<Messages, MessageError> {
        let mut environment = environment();
        add_all(&mut environment, folder, &BUILT_IN, with_words)?;
        Ok(Messages(environment))
    }

    /// Fills in the template of that name.
    pub fn render(&self, name: &str, values: impl Serialize) -> Result<String, MessageError> {
        let wrong = |error: minijinja::Error| MessageError {
            file: name.to_owned(),
            why: error.to_string(),
        };
        let template = self.0.get_template(name).map_err(wrong)?;
        Ok(template.render(values).map_err(wrong)?.trim_end().to_owned())
    }
}
