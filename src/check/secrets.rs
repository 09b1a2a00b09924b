//! The secrets that are given: whether each stands in one place only, and whether others can read its file.

use std::path::Path;

use crate::platform::Remark;
use crate::private_file::too_wide;
use crate::settings::{Given, Settings, all_given};

pub(super) fn findings(settings: &Settings) -> Vec<Remark> {
    all_given(settings).iter().filter_map(doubt).collect()
}

fn doubt(given: &Given<'_>) -> Option<Remark> {
    let Given { key, value, file_key, file } = given;
    if file.as_os_str().is_empty() {
        return None;
    }
    if !value.is_empty() {
        let text = format!("{key} 和 {file_key} 都写了，用的是 {key}：请只留一处");
        return Some(Remark::doubtful(*file_key, text));
    }
    let text = format!("{}；组是服务的也可以用 640", readable(file)?);
    Some(Remark::doubtful(*file_key, text))
}

/// That others can read a file, and what to do.
pub(super) fn readable(file: &Path) -> Option<String> {
    let (mode, file) = (too_wide(file)?, file.display());
    Some(format!("{file} 别人也能读写（权限 {mode:04o}）：请用 chmod 600 {file} 改为只有服务能读"))
}
