//! Backups: whether any are planned, could be made, and are as young as planned; and whether others can read a key.

use std::path::Path;

use super::secrets::readable;
use crate::backup::{BackupError, Kept, newest, tool};
use crate::clock::Clock;
use crate::daemon::backups;
use crate::db::{Original, database_file};
use crate::domain::health::size;
use crate::domain::reason::of_system;
use crate::platform::Remark;
use crate::private_file::folder_of;
use crate::settings::Settings;

const FOLDER: &str = "backup.folder";
const KEY: &str = "backup.key_file";
/// A day and some patience.
const OLD_HOURS: i64 = 26;

pub(super) async fn findings(settings: &Settings) -> Vec<Remark> {
    let mut remarks = keys(settings);
    let folder = &settings.backup.folder;
    if folder.as_os_str().is_empty() {
        let text = "没有设备份：机器坏了，登记的就全没了。请写上备份放在哪个文件夹，并用 zoufang key 生成 backup.key_file";
        remarks.push(Remark::doubtful(FOLDER, text));
        return remarks;
    }
    remarks.push(match backups(settings).key() {
        Ok(key) => {
            let text = format!(
                "备份密钥可用（指纹 {}），请确认另存了一份，并且不和备份放在一起",
                key.fingerprint()
            );
            Remark::well(KEY, text)
        }
        Err(why) => Remark::wrong(KEY, why.to_string()),
    });
    remarks.push(placed(folder));
    remarks.extend(server_tools(settings).await);
    remarks
}

/// The keys that others can read.
fn keys(settings: &Settings) -> Vec<Remark> {
    let files =
        [("privacy.key_file", &settings.privacy.key_file), (KEY, &settings.backup.key_file)];
    let wide = files.into_iter().filter_map(|(key, file)| Some((key, readable(file)?)));
    wide.map(|(key, text)| {
        let text = format!("{text}；服务启动时，属于它自己的会自己改");
        Remark::doubtful(key, text)
    })
    .collect()
}

/// Whether one could be written, and how old the last is.
fn placed(folder: &Path) -> Remark {
    let shown = folder.display();
    let there = folder.ancestors().find(|above| above.is_dir()).unwrap_or(Path::new("."));
    let there = if there.as_os_str().is_empty() { folder_of(folder) } else { there };
    // By making a file that has no name.
    if let Err(why) = tempfile::tempfile_in(there) {
        let why = of_system(why.kind());
        return Remark::wrong(
            FOLDER,
            format!("{shown} 写不进去（{why}）；请换一个文件夹，或改它的权限"),
        );
    }
    match newest(folder) {
        Err(why) => Remark::wrong(FOLDER, why.to_string()),
        Ok(None) => Remark::doubtful(
            FOLDER,
            format!("{shown} 里还没有备份：服务启动后会做一份，或现在用 zoufang backup 做"),
        ),
        Ok(Some(Kept { file, made_at, bytes })) => {
            let age = Clock::system().local().duration_since(made_at).as_hours();
            let at = made_at.strftime("%Y-%m-%d %H:%M");
            let last = format!("最近一份 {at}（{}），{}", size(bytes), file.display());
            if age > OLD_HOURS {
                let text = format!(
                    "{last}，已有 {age} 小时，比计划的旧：服务是否在运行？也可以用 zoufang backup 马上做一份"
                );
                return Remark::doubtful(FOLDER, text);
            }
            Remark::well(FOLDER, last)
        }
    }
}

/// Whether PostgreSQL's own programs are there, and new enough.
async fn server_tools(settings: &Settings) -> Vec<Remark> {
    let url = &settings.database.url;
    if database_file(url).is_some() {
        return Vec::new();
    }
    // That the server doesn't answer is said of the database.
    let Ok(mut server) = Original::at(url).await else { return Vec::new() };
    let version = server.server_version().await;
    // It was only asked.
    let _ = server.close().await;
    let Ok(version) = version else { return Vec::new() };
    let missing = |name: &str| -> Option<BackupError> { tool(name, version).err() };
    let missing = ["pg_dump", "pg_restore"].into_iter().filter_map(missing);
    missing.map(|why| Remark::wrong(FOLDER, why.to_string())).collect()
}
