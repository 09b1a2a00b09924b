//! What people remark on cells (批注): it's read nowhere, and that is said.

use std::collections::HashSet;

use quick_xml::events::Event;

use super::bounds::{Bounds, MIB};
use super::package::{Package, attribute, straight, walk};
use super::refusal::ImportError;
use super::row::cell_place;
use super::text::short;

/// So many are remembered of a sheet.
const MOST: usize = 1_000;
/// So much of one is held.
const LONGEST: usize = 400;

/// What somebody remarked on a cell. Row and column from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comment {
    pub row: usize,
    pub column: usize,
    pub text: String,
}

impl Comment {
    /// One that says anything.
    pub fn of(row: usize, column: usize, text: &str) -> Option<Comment> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(Comment { row, column, text })
    }

    /// What is said of it.
    pub fn told(&self) -> String {
        format!("有批注「{}」：批注不读，要登记的请写到格子里；不用登记的不必管", short(&self.text))
    }
}

/// Remembers one.
pub(super) fn note_comment(comments: &mut Vec<Comment>, comment: Comment) {
    if comments.len() < MOST {
        comments.push(comment);
    }
}

/// What is remarked on the cells of a sheet of an .xlsx. A conversation stands in a part of its own; of its cell the other part
/// only says that it's there.
pub(super) fn comments_of(
    package: &mut Package<'_>,
    sheet: &str,
    file: &str,
    bounds: &Bounds,
) -> Result<Vec<Comment>, ImportError> {
    let (folder, name) = sheet.rsplit_once('/').unwrap_or(("", sheet));
    let targets = package.targets(&format!("{folder}/"), name)?;
    let of_kind = |kind: &str| {
        let own = targets.values().filter(|(_, of)| of.ends_with(kind));
        let mut paths: Vec<String> = own.map(|(path, _)| straight(path)).collect();
        paths.sort();
        paths
    };
    let mut found: Vec<Comment> = Vec::new();
    for paths in [of_kind("/threadedComment"), of_kind("/comments")] {
        let known: HashSet<(usize, usize)> = found.iter().map(|of| (of.row, of.column)).collect();
        for path in paths {
            let others = read(package, &path, file, bounds)?;
            let new = others.into_iter().filter(|of| !known.contains(&(of.row, of.column)));
            new.for_each(|comment| note_comment(&mut found, comment));
        }
    }
    found.sort_by_key(|comment| (comment.row, comment.column));
    Ok(found)
}

fn read(
    package: &mut Package<'_>,
    path: &str,
    file: &str,
    bounds: &Bounds,
) -> Result<Vec<Comment>, ImportError> {
    let limit = bounds.held_mib;
    let Some(mut part) = package.part(path, limit * MIB)? else { return Ok(Vec::new()) };
    let (mut found, mut place, mut is_in, mut said) = (Vec::new(), None, false, String::new());
    let walked = walk(&mut part, file, |event| {
        match event {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "comment" | "threadedComment" => {
                    place = attribute(tag, "ref").and_then(|of| cell_place(&of));
                    said.clear();
                }
                "t" | "text" => is_in = true,
                _ => {}
            },
            Event::Text(text) if is_in && said.len() < LONGEST => {
                said.push_str(&text.xml10_content());
            }
            Event::End(tag) => match tag.local_name().as_ref() {
                "comment" | "threadedComment" => {
                    let comment = place.and_then(|(row, column)| Comment::of(row, column, &said));
                    comment.into_iter().for_each(|comment| note_comment(&mut found, comment));
                }
                "t" | "text" => is_in = false,
                _ => {}
            },
            _ => {}
        }
        Ok(())
    });
    part.within("批注解开后", file, limit)?;
    walked?;
    Ok(found)
}
