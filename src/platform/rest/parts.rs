//! What each call's templates have.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use minijinja::value::merge_maps;
use minijinja::{Value, context};

use super::description::Description;
use crate::clock::local_text;
use crate::db::{Dispatch, Message, Photo};
use crate::domain::issue::EventKind;
use crate::domain::referral::{described, marked, neutral};
use crate::platform::encode::encode;
use crate::platform::templates::referral_parts;

/// What the templates of the call of that name have, on an example.
pub(super) fn example(description: &Description, call: &str) -> Value {
    let at = Timestamp::UNIX_EPOCH;
    let page = context! { page => 1 };
    match call {
        "submit" => submission_parts(description, &Dispatch::example()),
        "find" => merge_maps([page, reference_parts("R"), window(at, at)]),
        "photo" => photo_parts(&Photo::example()),
        "find_photo" => merge_maps([page, photo_parts(&Photo::example()), window(at, at)]),
        "append" => message_parts(&Message::example()),
        "find_message" => merge_maps([page, message_parts(&Message::example()), window(at, at)]),
        "status" => context! { ids => ["1"], id => "1", page => 1 },
        _ => context! { cursor => "1", cursor_local => "1", page => 1 },
    }
}

/// What a submission's templates have: the platform's codes in place of ours.
pub(super) fn submission_parts(description: &Description, dispatch: &Dispatch) -> Value {
    let area = dispatch.area_code.as_ref();
    let area_code = area.map(|code| description.areas.get(code).unwrap_or(code).clone());
    let own = context! {
        category_code => description.categories.get(&dispatch.category),
        area_code => area_code.unwrap_or_default(),
    };
    merge_maps([referral_parts(dispatch), own])
}

/// What a look's templates have.
pub(super) fn reference_parts(reference: &str) -> Value {
    context! { reference, mark => marked(reference) }
}

/// What a message's templates have.
pub(super) fn message_parts(message: &Message) -> Value {
    let Message { reference, remote_id, remote_word, event, text, at } = message;
    let satisfaction = match event {
        EventKind::Satisfied | EventKind::AnswerCorrected => "satisfied",
        EventKind::Reopened => "unsatisfied",
        _ => "",
    };
    context! {
        reference, mark => marked(reference), id => remote_id,
        status => remote_word.clone().unwrap_or_default(), event => event.code(), satisfaction,
        text => neutral(text), description => described(text, "", reference),
        time => at.to_string(), time_local => local_text(*at),
    }
}

/// What a photo's templates have.
pub(super) fn photo_parts(photo: &Photo) -> Value {
    let Photo { reference, remote_id, file_name, media_type, bytes, .. } = photo;
    context! {
        reference, mark => marked(reference), id => remote_id, file_name, media_type,
        base64 => STANDARD.encode(bytes),
    }
}

/// A window of time, as templates have it.
pub(super) fn window(from: Timestamp, to: Timestamp) -> Value {
    context! { from => from.to_string(), to => to.to_string(),
    from_local => local_text(from), to_local => local_text(to) }
}

/// What a path's template has: numbers and cursors are encoded, unless the template sees to that itself.
pub(super) fn in_path(path: &str, parts: &Value) -> Value {
    if path.contains("urlencode") {
        return parts.clone();
    }
    let mut encoded: BTreeMap<&str, Value> = BTreeMap::new();
    for name in ["id", "cursor"] {
        if let Some(text) = parts.get_attr(name).ok().as_ref().and_then(Value::as_str) {
            encoded.insert(name, Value::from(encode(text)));
        }
    }
    let ids = parts.get_attr("ids").ok().and_then(|ids| ids.try_iter().ok());
    if let Some(ids) = ids {
        let ids: Vec<String> = ids.map(|id| encode(&id.to_string())).collect();
        encoded.insert("ids", Value::from(ids));
    }
    merge_maps([Value::from_iter(encoded), parts.clone()])
}
