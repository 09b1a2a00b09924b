//! 工作牌: one for each who visits, with a place for the photo.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;

use super::super::qr::code_of;
use super::super::reading::Reading;
use super::super::{ReportError, Result};
use super::press::{Press, town};
use crate::db::{StaffMember, media_type};
use crate::domain::reason::of_system;
use crate::domain::staff::Role;

/// What stands on a badge.
#[derive(Debug, Serialize)]
pub struct Badge {
    number: String,
    name: String,
    unit: String,
    roles: String,
    /// The photo, as it's put into a page; nothing where there's none yet.
    photo: Option<String>,
    code: Option<String>,
}

pub fn badges(reading: &Reading, press: &Press) -> Result<Vec<Badge>> {
    let areas = reading.areas();
    let visits = |person: &&StaffMember| {
        let roles = [Role::Visitor, Role::GridMember, Role::VillageCadre, Role::VillageLead];
        areas.contains(&person.area_id) && person.roles.iter().any(|role| roles.contains(role))
    };
    let people = reading.roster.holders.all().into_iter().filter(visits);
    people.map(|person| badge(reading, press, person)).collect()
}

fn badge(reading: &Reading, press: &Press, person: &StaffMember) -> Result<Badge> {
    let roles: Vec<&str> = person.roles.iter().map(|role| role.chinese()).collect();
    // What it says can be read where there's no network.
    let said = format!(
        "{}大走访 {} {} {}",
        town(reading),
        person.name,
        person.number,
        reading.plan.hotline
    );
    let photo = press.photos.as_deref().map(|folder| photo(folder, &person.number)).transpose()?;
    Ok(Badge {
        number: person.number.clone(),
        name: person.name.clone(),
        unit: person.unit.clone(),
        roles: roles.join("、"),
        photo: photo.flatten(),
        code: code_of(said.trim_end()),
    })
}

/// A person's photo in a folder.
fn photo(folder: &Path, number: &str) -> Result<Option<String>> {
    let names = ["jpg", "jpeg", "png"].map(|ending| folder.join(format!("{number}.{ending}")));
    let Some(file) = names.into_iter().find(|file| file.is_file()) else { return Ok(None) };
    let bytes = std::fs::read(&file).map_err(|why| ReportError::File {
        file: file.display().to_string(),
        why: of_system(why.kind()).to_owned(),
    })?;
    let kind = media_type(&bytes);
    Ok(kind.map(|kind| format!("data:{kind};base64,{}", BASE64.encode(&bytes))))
}
