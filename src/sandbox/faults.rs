//! How the sandbox misbehaves: each fault with its probability.

use crate::clock::Chance;
use crate::words;

words! {
    /// What can go wrong at a platform.
    Fault {
        /// The connection stays open and nothing comes; the request may be stored.
        NoAnswer = "no-answer", "不回答";
        /// The connection is reset before anything is stored.
        ResetBefore = "reset-before", "存前断开";
        /// The connection is reset after the request was stored.
        ResetAfter = "reset-after", "存后断开";
        /// 500; the request may be stored.
        Error500 = "500", "服务器错误";
        /// 503 with Retry-After; nothing is stored.
        Busy503 = "503", "忙";
        /// The answer comes late.
        Slow = "slow", "慢";
        /// Answers about requests are repeated.
        Duplicate = "duplicate", "重复";
        /// Answers about requests come in any order, old ones among them.
        Reorder = "reorder", "乱序";
        /// A request is refused some time after it was received.
        Refuse = "refuse", "退回";
        /// A request is answered with a token, and its number comes later.
        Token = "token", "先给令牌";
    }
}

/// The probability of each fault.
#[derive(Debug, Clone, Default)]
pub struct Faults(Vec<(Fault, f64)>);

/// A fault specification that can't be understood.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "--fault 看不懂「{0}」。可以写 none、mild、harsh，或 名称=概率 用逗号隔开，如 no-answer=0.05,503=0.1；名称有：no-answer、reset-before、reset-after、500、503、slow、duplicate、reorder、refuse、token"
)]
pub struct FaultError(String);

impl Faults {
    /// Reads `none`, `mild`, `harsh` or `NAME=PROBABILITY,…`.
    ///
    /// ```
    /// use zoufang::sandbox::Faults;
    /// assert!(Faults::read("no-answer=0.05,503=0.1").is_ok());
    /// assert!(Faults::read("tired=1").is_err());
    /// ```
    pub fn read(text: &str) -> Result<Faults, FaultError> {
        match text {
            "none" | "" => return Ok(Faults::default()),
            "mild" => {
                return Faults::read(
                    "no-answer=0.01,reset-before=0.02,reset-after=0.03,500=0.02,503=0.03,slow=0.02,duplicate=0.1,reorder=0.1,refuse=0.04,token=0.1",
                );
            }
            "harsh" => {
                return Faults::read(
                    "no-answer=0.05,reset-before=0.1,reset-after=0.15,500=0.1,503=0.1,slow=0.05,duplicate=0.4,reorder=0.4,refuse=0.1,token=0.3",
                );
            }
            _ => {}
        }
        let one = |part: &str| -> Option<(Fault, f64)> {
            let (name, probability) = part.trim().split_once('=')?;
            let probability: f64 = probability.trim().parse().ok()?;
            Some((Fault::read(name.trim())?, probability))
                .filter(|_| (0.0..=1.0).contains(&probability))
        };
        text.split(',')
            .map(|part| one(part).ok_or_else(|| FaultError(part.trim().to_owned())))
            .collect::<Result<_, _>>()
            .map(Faults)
    }

    /// Whether `fault` happens now.
    pub fn happens(&self, fault: Fault, chance: &Chance) -> bool {
        let probability = self.0.iter().find(|(f, _)| *f == fault).map_or(0.0, |(_, p)| *p);
        probability > 0.0 && chance.fraction() < probability
    }
}
