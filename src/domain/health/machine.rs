//! The machine and the files: room on the disks, the record's file and its lock, damage, the clock, certificates, backups.

use jiff::civil::DateTime;

use super::finding::{Finding, minute, red, yellow};

/// What to do about a damaged record.
pub(super) const CORRUPT: &str = "数据库文件损坏。请停下服务，先把坏的那份另存，再用 zoufang restore 恢复最近的备份；磁盘坏了先换磁盘";

/// What is known of the machine.
#[derive(Debug, Clone, Default)]
pub struct MachineFacts {
    pub disks: Vec<DiskFacts>,
    /// What was taken away from under the service.
    pub lost: Option<Lost>,
    /// What the database says of its own damage.
    pub damage: Option<String>,
    pub clock: Option<ClockFacts>,
    pub certificates: Vec<CertificateFacts>,
    pub backup: Option<BackupFacts>,
    /// The files of keys that others can read, each with its rights.
    pub open_keys: Vec<(String, String)>,
    /// Jobs whose turns can't be noted, and why.
    pub unnoted_jobs: Vec<(String, String)>,
}

/// The disk on which something of ours lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskFacts {
    /// What lies there, such as 数据库, and where.
    pub what: String,
    pub place: String,
    /// In bytes; of `needed` there should be as much, for what is done there.
    pub free: u64,
    pub needed: u64,
}

/// Something that was opened and isn't there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The database's file was removed, or another put in its place.
    Database(String),
    /// The lock's file was.
    Lock(String),
}

/// The machine's clock was put forward or back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockFacts {
    /// By how many seconds: forward above zero.
    pub seconds: i64,
    /// What the clock showed after it.
    pub at: DateTime,
}

/// A certificate that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whose, by the key of the configuration.
    pub key: String,
    pub until: DateTime,
    /// Below zero where it's over.
    pub days_left: i64,
}

/// The backups that are planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupFacts {
    pub folder: String,
    /// When the last was made, and how many hours ago.
    pub last: Option<(DateTime, i64)>,
    /// For how many hours they have been planned here, as far as this process knows.
    pub planned_for: i64,
}

/// Below so many bytes nothing else matters.
const DISK_RED: u64 = 200 << 20;
/// Below so many there's a day or two.
const DISK_YELLOW: u64 = 1 << 30;
/// A backup is made each day; so many hours are a day and some patience, and three days.
const BACKUP_YELLOW: i64 = 26;
const BACKUP_RED: i64 = 74;
/// So many days before a certificate's end.
const CERTIFICATE_YELLOW: i64 = 30;
const CERTIFICATE_RED: i64 = 3;
/// A clock that was put that far is no matter of keeping time.
const CLOCK_RED: i64 = 3_600;

pub(super) fn findings(facts: &MachineFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(facts.lost.as_ref().map(lost));
    findings.extend(facts.damage.as_ref().map(|detail| {
        red(format!("{CORRUPT}。哪里坏了，用 zoufang doctor 看")).detailed(Some(detail.clone()))
    }));
    findings.extend(facts.disks.iter().filter_map(disk));
    findings.extend(facts.clock.as_ref().map(clock));
    findings.extend(facts.certificates.iter().filter_map(certificate));
    findings.extend(facts.backup.as_ref().and_then(backup));
    findings.extend(facts.open_keys.iter().map(|(file, rights)| {
        yellow(format!(
            "密钥文件 {file} 别人也能读写（权限 {rights}）：请改为只有服务能读，如 chmod 600 {file}"
        ))
    }));
    findings.extend(facts.unnoted_jobs.iter().map(|(title, why)| {
        red(format!("定时任务「{title}」运行过没有记不进数据库，会一再重试：请检查磁盘和数据库"))
            .detailed(Some(why.clone()))
    }));
    findings
}

fn lost(lost: &Lost) -> Finding {
    red(match lost {
        Lost::Database(file) => format!(
            "数据库文件 {file} 在服务运行时被删掉或换掉了，服务写的已不是那里的那一份：请马上停下服务，不要再动这些文件，用 zoufang restore 恢复最近的备份后再启动（换数据库只用 zoufang restore，先停服务）"
        ),
        Lost::Lock(file) => format!(
            "锁文件 {file} 在服务运行时被删掉或换掉了，别的程序会以为数据库没有人用：请重新启动服务，不要删它"
        ),
    })
}

fn disk(disk: &DiskFacts) -> Option<Finding> {
    let DiskFacts { what, place, free, needed } = disk;
    let left = size(*free);
    if *free < DISK_RED {
        return Some(red(format!(
            "{what}所在的磁盘（{place}）只剩 {left}，快写不进去了：请马上腾出空间"
        )));
    }
    let short = *free < DISK_YELLOW || free < needed;
    short.then(|| {
        let needed = size((*needed).max(DISK_YELLOW));
        yellow(format!("{what}所在的磁盘（{place}）只剩 {left}，至少要留 {needed}：请腾出空间"))
    })
}

/// So many bytes, as people say it.
///
/// ```
/// use zoufang::domain::health::size;
/// assert_eq!((size(0), size(5 << 20), size(3 << 30)), ("0 KB".to_owned(), "5.0 MB".to_owned(), "3.0 GB".to_owned()));
/// ```
pub fn size(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "one digit is shown")]
    let of = |unit: u64| bytes as f64 / unit as f64;
    match bytes {
        0..0x10_0000 => format!("{} KB", bytes >> 10),
        0x10_0000..0x4000_0000 => format!("{:.1} MB", of(1 << 20)),
        _ => format!("{:.1} GB", of(1 << 30)),
    }
}

fn clock(clock: &ClockFacts) -> Finding {
    let ClockFacts { seconds, at } = clock;
    let way = if *seconds > 0 { "往前" } else { "往回" };
    let far = seconds.unsigned_abs();
    let at = minute(*at);
    let said = format!(
        "这台机器的时钟{way}跳了 {far} 秒（跳到 {at}，也可能是机器休眠过）：提醒和上报时间以它为准，请核对时间，并检查对时服务是否在运行"
    );
    if seconds.abs() >= CLOCK_RED { red(said) } else { yellow(said) }
}

fn certificate(certificate: &CertificateFacts) -> Option<Finding> {
    let CertificateFacts { key, until, days_left } = certificate;
    let until = minute(*until);
    match *days_left {
        ..0 => Some(red(format!("{key} 的证书已在 {until} 到期，对方或我们会拒绝连接：请换新的"))),
        left @ 0..CERTIFICATE_RED => {
            Some(red(format!("{key} 的证书 {until} 到期，只剩 {left} 天：请马上换新的")))
        }
        left @ CERTIFICATE_RED..CERTIFICATE_YELLOW => {
            Some(yellow(format!("{key} 的证书 {until} 到期，还有 {left} 天：请换新的")))
        }
        _ => None,
    }
}

fn backup(backup: &BackupFacts) -> Option<Finding> {
    let BackupFacts { folder, last, planned_for } = backup;
    let cure = "请看定时任务「备份」为什么没有成功，或用 zoufang backup 马上做一份";
    let (age, said) = match last {
        Some((at, age)) => (*age, format!("最近一份备份是 {} 的，在 {folder}", minute(*at))),
        None => (*planned_for, format!("{folder} 里还没有一份备份")),
    };
    if age > BACKUP_RED {
        return Some(red(format!("{said}，已经超过三天：{cure}")));
    }
    (age > BACKUP_YELLOW).then(|| yellow(format!("{said}，该有新的了：{cure}")))
}
