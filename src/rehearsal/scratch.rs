//! What a rehearsal works with: a folder of its own that is gone afterwards, the record's copy in it, and the operator's
//! configuration with everything taken out of it that would reach anybody.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::options::NotPlayed;
use crate::db::{Looked, Standard, Store, shown_address};
use crate::settings::{Adapter, Settings};

/// So long the stand-in is waited for where it's told not to answer: the clock stands still meanwhile.
const TIMEOUT: Duration = Duration::from_millis(800);

/// The folder with the copy; what is personal in it is sealed as in the record.
pub(super) struct Scratch {
    folder: TempDir,
    /// Who takes what is to be referred in reality.
    pub adapter: Adapter,
}

impl Scratch {
    /// Copies the record that is configured.
    pub async fn copy(settings: &Settings) -> anyhow::Result<Scratch> {
        let Looked { standard, .. } = Store::look(&settings.database.url).await?;
        if matches!(standard, Standard::Absent | Standard::Empty) {
            let database = shown_address(&settings.database.url);
            let text = format!(
                "数据库 {database} 里还什么都没有：请先导入区划表、走访人员表、走访对象表和走访安排表，再演练"
            );
            return Err(NotPlayed(text).into());
        }
        let folder = tempfile::Builder::new()
            .prefix("zoufang-rehearsal-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir()?;
        let scratch = Scratch { folder, adapter: settings.platform.adapter };
        Store::copy(&settings.database.url, &scratch.url()).await?;
        Ok(scratch)
    }

    fn url(&self) -> String {
        format!("sqlite://{}", self.folder.path().join("record.db").display())
    }

    /// The operator's configuration over the copy, with the stand-in platform at `address`: nothing else is ever asked or told.
    pub fn settings(&self, given: &Settings, address: &str) -> Settings {
        let mut settings = given.clone();
        settings.database.url = self.url();
        settings.privacy.memory_file = self.folder.path().join("memory");
        // A copy's backups would take the place of the record's.
        settings.backup.folder = PathBuf::new();
        settings.backup.key_file = PathBuf::new();
        let platform = &mut settings.platform;
        platform.endpoint = address.to_owned();
        platform.folder = self.folder.path().join("handoffs");
        if platform.adapter != Adapter::Workbook {
            platform.adapter = Adapter::Open311;
            // What only another kind of platform would understand stays out.
            platform.messages = false;
            platform.photos = false;
        }
        let files = [
            &mut platform.file,
            &mut platform.api_key_file,
            &mut platform.ca_file,
            &mut platform.client_certificate_file,
            &mut platform.push.secret_file,
        ];
        files.into_iter().for_each(|file| *file = PathBuf::new());
        let words = [
            &mut platform.api_key,
            &mut platform.proxy,
            &mut platform.times,
            &mut platform.charset,
            &mut platform.push.secret,
            &mut settings.notify.proxy,
        ];
        words.into_iter().for_each(String::clear);
        // What its codes mean is the platform's own, too.
        let http = &mut settings.platform.http;
        [&mut http.done, &mut http.refused, &mut http.busy].into_iter().for_each(Vec::clear);
        settings.platform.timeout = TIMEOUT;
        settings
    }

    /// What people are told, without addresses that would lead nowhere: pages are of the real service only.
    pub fn without_links(&self, text: &str, public_url: &str) -> String {
        let opens = format!("{}/digests/", public_url.trim_end_matches('/'));
        if public_url.is_empty() {
            return text.to_owned();
        }
        let mut parts = text.split(opens.as_str());
        let mut shown = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
                .unwrap_or(part.len());
            shown.push_str(&format!("{opens}……{}", &part[end..]));
        }
        shown
    }
}
