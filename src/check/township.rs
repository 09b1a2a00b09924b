//! The plan, the key and the record against one another: whether the key opens what is sealed there, and whether the plan
//! fits the township that the record holds.

use std::collections::HashSet;

use crate::clock::Clock;
use crate::daemon::{load_campaign, load_key, look_at_store};
use crate::db::{Looked, Standard, Store, StoreError, shown_address};
use crate::domain::campaign::Campaign;
use crate::domain::health::Fault;
use crate::domain::obligations::PlanFile;
use crate::domain::township::{Gap, Township, of_coming, of_plan};
use crate::platform::Remark;
use crate::settings::Settings;

/// How the database stands.
pub(super) fn database(settings: &Settings, looked: &Result<Looked, StoreError>) -> Remark {
    let key = "database.url";
    let address = shown_address(&settings.database.url);
    match looked {
        Err(error) => Remark::wrong(key, of_store(error)),
        Ok(Looked { standard, .. }) => {
            let said = match standard {
                Standard::Absent => "还没有，启动时会建立",
                Standard::Empty => "可以打开，是空的，启动时会建表",
                Standard::Older => "可以打开，启动时会升级",
                Standard::Same => "可以打开，版本一致",
            };
            Remark::well(key, format!("{address} {said}"))
        }
    }
}

/// What is wrong with the record, in words.
fn of_store(error: &StoreError) -> String {
    match (error, error.fault()) {
        (StoreError::Database(_), Fault::Other(_)) => {
            "打不开：请看看地址、账号和数据库的日志".to_owned()
        }
        (StoreError::Database(_), fault) => fault.to_string(),
        (other, _) => other.to_string(),
    }
}

/// Whether the key can be used, and is the one that sealed what the record holds.
pub(super) async fn key(settings: &Settings, looked: &Result<Looked, StoreError>) -> Remark {
    let name = "privacy.key_file";
    let sealer = match load_key(settings).await {
        Ok(sealer) => sealer,
        Err(error) => return Remark::wrong(name, error.to_string()),
    };
    let found = sealer.fingerprint();
    let known = looked.as_ref().ok().and_then(|looked| looked.key.as_deref());
    match known {
        Some(expected) if !sealer.knows(expected) => {
            let expected = expected.to_owned();
            Remark::wrong(name, StoreError::WrongKey { expected, found }.to_string())
        }
        Some(_) => {
            Remark::well(name, format!("密钥与数据库相符（指纹 {found}），请确认另存了一份"))
        }
        None => Remark::well(name, format!("密钥可用（指纹 {found}），请确认另存了一份")),
    }
}

/// What of the plan and of the township doesn't fit.
pub(super) async fn findings(
    settings: &Settings,
    looked: &Result<Looked, StoreError>,
) -> Vec<Remark> {
    let rehearsal = looked.as_ref().ok().and_then(|looked| looked.rehearsal);
    let clock = rehearsal.map_or_else(Clock::system, Clock::beside);
    let today = clock.today();
    let remarks = |gaps: Vec<Gap>| -> Vec<Remark> {
        gaps.into_iter().map(|gap| Remark::doubtful(gap.key, gap.text)).collect()
    };
    let Ok(file) = load_campaign(&settings.campaign.file) else { return Vec::new() };
    if !matches!(looked, Ok(Looked { standard: Standard::Same, .. })) {
        return remarks(of_plan(&file, today));
    }
    // What stands in the way was said of the database or the key.
    let Ok(store) = look_at_store(settings, clock).await else {
        return remarks(of_plan(&file, today));
    };
    let found = of_record(&store, &file).await;
    store.close().await;
    match found {
        Ok(gaps) => remarks(gaps),
        Err(error) => vec![Remark::wrong("database.url", of_store(&error))],
    }
}

/// Of the plan in effect; and where the file holds another that could be applied, of that before it is.
async fn of_record(store: &Store, file: &Campaign) -> Result<Vec<Gap>, StoreError> {
    let (plan, today) = (store.campaign(), store.context().clock.today());
    let mut gaps = of_plan(&plan, today);
    let how = store.plan_file();
    gaps.extend(how.cure().map(|text| Gap { key: "campaign.file", text: text.to_owned() }));
    gaps.extend(township(store, &plan).await?);
    if how == PlanFile::Differs {
        let unapplied = store.plans().unapplied(file, today);
        gaps.extend(unapplied.map(|why| Gap { key: "campaign.file", text: why.to_string() }));
        let known: HashSet<String> = gaps.iter().map(|gap| gap.text.clone()).collect();
        let coming = coming(store, file).await?.into_iter();
        let news = coming.filter(|gap| !known.contains(&gap.text));
        let named = |gap: Gap| {
            let text = format!("方案文件里的「{}」还没有生效：{}", file.name, gap.text);
            Gap { text, ..gap }
        };
        gaps.extend(news.map(named));
    }
    Ok(gaps)
}

/// All that is to be known of a plan before it takes the place of the one in effect.
///
/// # Errors
/// Where the record can't be read.
pub async fn coming(store: &Store, plan: &Campaign) -> Result<Vec<Gap>, StoreError> {
    let context = store.context();
    let today = context.clock.today();
    let mut gaps = of_coming(plan, &store.campaign(), &context.workdays, today);
    gaps.extend(of_plan(plan, today));
    gaps.extend(township(store, plan).await?);
    Ok(gaps)
}

async fn township(store: &Store, plan: &Campaign) -> Result<Vec<Gap>, StoreError> {
    let tree = store.area_tree().await?;
    if tree.all().next().is_none() {
        let text = "区划表还没有导入：先导入区划表、走访人员表、走访对象表和走访安排表";
        return Ok(vec![Gap { key: "区划表", text: text.to_owned() }]);
    }
    let staff = store.staff().await?;
    let silent = store.without_channel().await?;
    let out_of_reach: HashSet<String> = silent.into_iter().map(|person| person.id).collect();
    let mut record = store.snapshot().await?;
    let mut unassigned: Vec<(String, i64)> =
        record.unassigned_by_area().await?.into_iter().collect();
    let left = record.left_behind().await?;
    record.end().await?;
    unassigned
        .sort_by_key(|(id, _)| tree.get(id).map(|area| (area.code.clone(), area.name.clone())));
    let held = store.held_by_areas().await?.into_iter();
    let subjects: Vec<(String, i64)> = held.map(|of| (of.area_id, of.subjects)).collect();
    let township = Township {
        tree: &tree,
        staff: &staff,
        out_of_reach: &out_of_reach,
        unassigned: &unassigned,
        left: &left,
        subjects: &subjects,
    };
    Ok(township.gaps(plan))
}
