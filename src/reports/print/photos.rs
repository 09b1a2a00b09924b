//! Photos for badges: which files of a folder are whose.

use std::collections::HashMap;
use std::fs::DirEntry;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::super::{ReportError, Result};
use super::badges::Badge;
use crate::db::media_type;
use crate::domain::reason::of_system;

/// A photo is smaller, in bytes: the page holds them all.
const LARGEST: u64 = 20 << 20;

/// What became of the photos in a folder.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Photos {
    /// How many badges have theirs.
    pub used: usize,
    /// Who has none: the name and number of each.
    pub without: Vec<String>,
    /// The files that weren't used, and why not.
    pub unused: Vec<(String, &'static str)>,
}

/// Puts each photo of a folder on its badge.
///
/// # Errors
/// Where there's no such folder, or it can't be read.
pub(super) fn put(folder: &Path, badges: &mut [Badge]) -> Result<Photos> {
    let unread = |why: std::io::Error| ReportError::of_file(folder, why.kind());
    let entries: std::io::Result<Vec<DirEntry>> =
        std::fs::read_dir(folder).map_err(unread)?.collect();
    let mut entries = entries.map_err(unread)?;
    entries.sort_by_key(DirEntry::file_name);
    let places: HashMap<String, usize> =
        badges.iter().enumerate().map(|(at, badge)| (badge.number.clone(), at)).collect();
    let mut photos = Photos::default();
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        // What systems leave there by themselves.
        if name.starts_with('.') {
            continue;
        }
        match place(&name, &places, badges).and_then(|at| Ok((at, photo(&entry)?))) {
            Ok((at, photo)) => badges[at].photo = Some(photo),
            Err(why) => photos.unused.push((name, why)),
        }
    }
    photos.used = badges.iter().filter(|badge| badge.photo.is_some()).count();
    let without = badges.iter().filter(|badge| badge.photo.is_none());
    photos.without = without.map(|badge| format!("{}（{}）", badge.name, badge.number)).collect();
    Ok(photos)
}

/// Whose badge a file of that name is for.
fn place(
    name: &str,
    places: &HashMap<String, usize>,
    badges: &[Badge],
) -> std::result::Result<usize, &'static str> {
    let (number, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    if !["jpg", "jpeg", "png"].contains(&ending.to_lowercase().as_str()) {
        return Err("名字不是以 .jpg、.jpeg 或 .png 结尾的");
    }
    let at = *places.get(number).ok_or("没有这个编号的工作牌")?;
    match badges[at].photo {
        Some(_) => Err("这个编号已经有一张照片了"),
        None => Ok(at),
    }
}

/// A photo, as it's put into a page.
fn photo(entry: &DirEntry) -> std::result::Result<String, &'static str> {
    let said = |why: std::io::Error| of_system(why.kind());
    // Of the entry itself, wherever a link leads.
    let about = entry.metadata().map_err(said)?;
    if about.is_symlink() {
        return Err("是一个链接，请换成文件");
    }
    if !about.is_file() {
        return Err("不是文件");
    }
    if about.len() == 0 {
        return Err("是空的");
    }
    if about.len() > LARGEST {
        return Err("太大了，请压缩");
    }
    let bytes = std::fs::read(entry.path()).map_err(said)?;
    let kind = media_type(&bytes).ok_or("不是图片，或这种图片用不了")?;
    Ok(format!("data:{kind};base64,{}", BASE64.encode(&bytes)))
}
