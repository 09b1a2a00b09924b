//! The platform refused issues (退回): the centre hears it at once, with the platform's words and what can be done.

use super::centre::{Word, tell_centre};
use crate::db::{Result, Tx};
use crate::domain::duty::DutyKind;
use crate::domain::mask;
use crate::domain::workdays::month_and_day;

/// An issue that came back.
#[derive(Debug, Clone)]
pub(super) struct CameBack {
    pub number: String,
    pub area_id: String,
    /// The round that the platform wouldn't have.
    pub round: i64,
    pub reason: String,
}

/// Tells the centre of each.
pub(super) async fn tell(tx: &mut Tx, back: &[CameBack]) -> Result<()> {
    for one in back {
        let area = tx.area_tree().await?.get(&one.area_id).map(|area| area.name.clone());
        let within = tx.campaign().returned_within;
        let by = tx.context().workdays.plus(tx.today(), within);
        let date = month_and_day(by);
        tell_centre(tx, &word(one, &area.unwrap_or_default(), &date)).await?;
    }
    Ok(())
}

fn word(back: &CameBack, area: &str, by: &str) -> Word {
    let CameBack { number, round, reason, .. } = back;
    // How the program names it isn't the platform's words.
    let said = reason.strip_prefix("refused: ").unwrap_or(reason);
    let said = match said.trim() {
        "" => "（平台没有说明原因）".to_owned(),
        said => mask::numbers(said),
    };
    let body = format!(
        "{area}的问题 {number} 被平台退回。\n平台原话：{said}\n请在{by}前处理，可以：\n\
         · 重新分类：在问题分类表里填新的层级、类别后导入；\n\
         · 补正再报：弄清平台要什么，照原来的分类再导入一次，就重新上报；\n\
         · 自行办结：改为镇村自办，办好后交办理结果表；\n\
         · 平台其实已经办了的，由专人认定办结；不是问题的，作废。\n\
         反映的原话、是哪一户、怎么联系，登录后在「我的任务」里点开这件看。\n\
         网格员在下一次提醒里也会知道。"
    );
    Word {
        topic: format!("{}-{number}-{round}", DutyKind::Returned.code()),
        title: format!("【走访】平台退回：{number}，{by}前处理"),
        body,
    }
}
