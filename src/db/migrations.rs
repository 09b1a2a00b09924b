//! The schema's versions, in order; each runs once, on whichever database.

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use super::Dialect;

/// A version's number, its name, and where it holds: nothing for both databases.
type Version = (i64, &'static str, Option<Dialect>, &'static str);

macro_rules! versions {
    ($($number:literal $name:literal $(($only:ident))?;)+) => {
        /// Every version there is. A test holds it against the folder.
        const VERSIONS: &[Version] = &[$((
            $number,
            $name,
            versions!(@only $($only)?),
            include_str!(concat!("../../migrations/", $name, ".sql")),
        )),+];
    };
    (@only $only:ident) => { Some(Dialect::$only) };
    (@only) => { None };
}

versions! {
    1 "0001_initial";
    2 "0002_feeds";
    3 "0003_pushes";
    4 "0004_due";
    5 "0005_messages";
    6 "0006_handoffs";
    7 "0007_numbers";
    8 "0008_duty_issue";
    9 "0009_photos";
    10 "0010_bundles";
    11 "0011_calendars";
    12 "0012_plans";
    13 "0013_fewer_indexes";
    14 "0014_leases_apart";
    15 "0015_settled_rows_apart";
    16 "0016_field_words";
    17 "0017_room_on_pages" (Postgres);
    18 "0018_casework_by_sets";
    20 "0020_withdrawn";
    21 "0021_held_debts";
    22 "0022_figures";
    23 "0023_figures_pages" (Postgres);
    24 "0024_owed_digests";
    25 "0025_delivery";
    26 "0026_following";
    27 "0027_imports_told";
    28 "0028_who_hears";
    29 "0029_links";
    30 "0030_noted";
    31 "0031_joined";
    33 "0033_inspections";
    34 "0034_mediations";
    35 "0035_audit_vouched";
    36 "0036_sealed_words";
    37 "0037_numbers_remembered";
    40 "0040_accounts";
    41 "0041_ledger";
    42 "0042_screens";
    43 "0043_residents_page";
    45 "0045_files";
    46 "0046_second_factor";
    49 "0049_words";
    50 "0050_said_to_be_there";
    52 "0052_near_numbers";
    54 "0054_brought_by";
    55 "0055_standing";
    56 "0056_begun_in_order";
    58 "0058_waiting_answers";
    59 "0059_ways_of_signing_in";
    61 "0061_ended";
    62 "0062_of_a_campaign";
    63 "0063_subjects_in_order";
    65 "0065_unanswered";
    66 "0066_ended_when";
    67 "0067_campaign_figures";
    68 "0068_jobs_alive";
    69 "0069_upload_attempts";
    70 "0070_number_forms";
    71 "0071_reminders_of_a_person";
    74 "0074_list_gaps";
    75 "0075_several_units";
}

/// The newest version of a database that this program knows.
pub(super) fn newest(dialect: Dialect) -> i64 {
    versions(dialect).into_iter().max().unwrap_or(0)
}

/// The newest version that this program knows, of whichever database.
pub fn versions_known() -> i64 {
    newest(Dialect::Sqlite).max(newest(Dialect::Postgres))
}

/// The numbers of a database's versions, in order.
pub fn versions(dialect: Dialect) -> Vec<i64> {
    here(dialect, i64::MAX).map(|(number, ..)| *number).collect()
}

fn here(dialect: Dialect, up_to: i64) -> impl Iterator<Item = &'static Version> {
    VERSIONS.iter().filter(move |(number, _, only, _)| {
        *number <= up_to && only.is_none_or(|only| only == dialect)
    })
}

/// The versions of a database, up to one of them.
pub(super) fn of(dialect: Dialect, up_to: i64) -> Migrator {
    let migration = |(number, name, _, sql): &Version| {
        // As sqlx names a file: what stands after the number, with blanks.
        let description = name.split_once('_').map_or(*name, |(_, rest)| rest).replace('_', " ");
        let sql = sql.into_sql_str();
        Migration::new(*number, Cow::Owned(description), MigrationType::Simple, sql, false)
    };
    Migrator::with_migrations(here(dialect, up_to).map(migration).collect())
}

#[cfg(test)]
mod tests {
    use super::VERSIONS;

    #[test]
    fn every_file_of_the_folder_is_a_version_in_its_order() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let listed: Vec<String> =
            VERSIONS.iter().map(|(_, name, ..)| format!("{name}.sql")).collect();
        assert_eq!(listed, files);
        for (number, name, ..) in VERSIONS {
            assert!(name.starts_with(&format!("{number:04}_")), "{name}");
        }
    }
}
