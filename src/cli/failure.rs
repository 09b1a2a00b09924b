//! What went wrong, for whoever typed the command: in Chinese, with what to do. What only a technician reads is folded away.

use super::WrongInput;
use crate::db::StoreError;
use crate::domain::health::Fault;
use crate::domain::reason::{is_chinese, of_system};

/// By which option the technician's text is asked for; it may stand anywhere on the line.
pub(super) const DETAILS: &str = "--details";

/// Says an error.
pub(super) fn in_words(error: &anyhow::Error, details: bool) -> String {
    let said = said(error);
    let detail = format!("{error:#}");
    if detail == said {
        return said;
    }
    if details {
        format!("{said}\n技术细节：{detail}")
    } else {
        format!("{said}\n要看技术细节，再加上 {DETAILS}")
    }
}

fn said(error: &anyhow::Error) -> String {
    if let Some(WrongInput(text)) = error.downcast_ref() {
        return text.clone();
    }
    let of_store = error.chain().find_map(|cause| cause.downcast_ref::<StoreError>());
    if let Some(of_store) = of_store {
        return of_record(of_store);
    }
    let own = error.to_string();
    if is_chinese(&own) {
        return own;
    }
    let of_system_ = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    match of_system_ {
        Some(why) => format!("没有完成：{}", of_system(why.kind())),
        None => "出错了，没有完成".to_owned(),
    }
}

/// What is wrong with the record; where it's the database's state, what that is and what to do.
fn of_record(error: &StoreError) -> String {
    match error.fault() {
        Fault::Other(_) => match error {
            StoreError::Database(_) => {
                "没有完成：数据库出错。请看看 database.url 写得对不对、磁盘和数据库的日志，再执行一次".to_owned()
            }
            StoreError::Migrate(_) => {
                "没有完成：数据库升级不了，数据没有改动。请先停下服务，再执行一次".to_owned()
            }
            other => other.to_string(),
        },
        fault => format!("没有完成：{fault}，然后把这条命令再执行一次"),
    }
}
