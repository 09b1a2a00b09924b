//! The platform: whether it can be put together, is there, and is what the configuration says.

use std::path::Path;

use crate::clock::{Chance, Clock};
use crate::daemon::platform;
use crate::domain::reason::{in_words, of_system};
use crate::platform::{Platform, Remark, Verdict};
use crate::settings::{Adapter, Settings, shown_url};

pub(super) async fn findings(settings: &Settings) -> Vec<Remark> {
    match platform(settings, &Clock::system(), &Chance::system()) {
        Ok(Some(platform)) => asked(settings, platform.as_ref()).await,
        Ok(None) if settings.platform.adapter == Adapter::Workbook => {
            folder(&settings.platform.folder)
        }
        Ok(None) => {
            vec![Remark::well("platform.adapter", "没有配置平台：要上报的问题会先存着")]
        }
        Err(error) => vec![Remark::wrong(key_of(settings), error.to_string())],
    }
}

/// What the platform itself says.
async fn asked(settings: &Settings, platform: &dyn Platform) -> Vec<Remark> {
    let endpoint = shown_url(&settings.platform.endpoint);
    let is_rest = settings.platform.adapter == Adapter::Rest;
    let mut remarks = match platform.service_gaps().await {
        Err(none) => {
            let text = format!(
                "{endpoint} 的服务清单取不到（{}）；请核对地址、jurisdiction_id 和 api_key",
                in_words(&none.reason).said
            );
            return vec![Remark::wrong("platform.endpoint", text)];
        }
        Ok(gaps) if gaps.is_empty() && is_rest => Vec::new(),
        Ok(gaps) if gaps.is_empty() => {
            vec![Remark::well("platform.endpoint", format!("{endpoint} 有回答，服务代码都在"))]
        }
        Ok(gaps) => gaps.iter().map(|gap| Remark::wrong(gap.key(), gap.to_string())).collect(),
    };
    let found = platform.examine().await;
    // What a description has no call for, nobody can be asked about.
    if is_rest && found.is_empty() {
        let text = "描述里没有一项可以查询（find、status、changes）：什么都没法核对，下落不明的会照 on_unknown 处理";
        remarks.push(Remark::doubtful("platform.file", text));
    }
    if is_rest && found.iter().all(|remark| remark.verdict != Verdict::Wrong) {
        let text = "提交不试发：submit、append、photo 的内容和回答在第一件上报时才见分晓，不对的会显示在状态页";
        remarks.push(Remark::well("submit", text));
    }
    remarks.extend(found);
    remarks
}

/// Where a platform that can't be put together has its fault.
fn key_of(settings: &Settings) -> &'static str {
    match settings.platform.adapter {
        Adapter::Rest => "platform.file",
        Adapter::None | Adapter::Open311 | Adapter::Workbook => "platform.api_key_file",
    }
}

/// Whether a hand-off could be written, and who else could read it.
fn folder(folder: &Path) -> Vec<Remark> {
    const KEY: &str = "platform.folder";
    let shown = folder.display();
    let mend = "请换一个文件夹，或改它的权限";
    if !folder.exists() {
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
        return vec![match writable(above.unwrap_or(Path::new("."))) {
            Ok(()) => Remark::well(KEY, format!("{shown} 还没有，用到时会建立")),
            Err(why) => Remark::wrong(
                KEY,
                format!("{shown} 还没有，也建不了（{}）；{mend}", of_system(why.kind())),
            ),
        }];
    }
    let mut remarks = Vec::new();
    for folder in [folder.to_owned(), folder.join("returns")] {
        match writable(&folder) {
            Ok(()) => {}
            Err(_) if !folder.exists() => {}
            Err(why) => {
                let text =
                    format!("{} 写不进去（{}）；{mend}", folder.display(), of_system(why.kind()));
                remarks.push(Remark::wrong(KEY, text));
            }
        }
    }
    if open_to_all(folder) {
        let text = format!("{shown} 谁都能看；里面有姓名和电话，请只留给上报的人（如 chmod 750）");
        remarks.push(Remark::doubtful(KEY, text));
    }
    if remarks.is_empty() {
        remarks.push(Remark::well(KEY, format!("上报交接单放在 {shown}")));
    }
    remarks
}

/// By making a file that has no name.
fn writable(folder: &Path) -> std::io::Result<()> {
    tempfile::tempfile_in(folder).map(drop)
}

#[cfg(unix)]
fn open_to_all(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(folder).is_ok_and(|found| found.permissions().mode() & 0o007 != 0)
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) -> bool {
    false
}
