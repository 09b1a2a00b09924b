//! Whether the house stands as docs/ARCHITECTURE.md says: read from the sources as text, so that it holds for what isn't
//! built here too. What fails and isn't in the list of exceptions must be mended; an exception that no longer is one must
//! leave the list.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod exceptions;
mod lexer;
mod map;

use std::path::Path;

use exceptions::EXCEPTIONS;
use map::{File, Map, functions, names, texts};

/// Each room, and the rooms that it may use: only such as stand above it here, so that arrows can't go in a circle.
const ROOMS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("clock", &[]),
    ("private_file", &[]),
    ("picture", &[]),
    ("cell_text", &[]),
    ("templates", &["domain"]),
    ("tls", &["domain"]),
    ("seal", &["clock", "domain", "private_file"]),
    ("db", &["domain", "clock", "seal", "private_file"]),
    ("backup", &["domain", "clock", "seal", "private_file", "db"]),
    ("app", &["domain", "clock", "seal", "picture", "db"]),
    ("delivery", &["domain", "clock", "seal", "db", "app"]),
    ("intake", &["domain", "clock", "seal", "private_file", "cell_text", "db", "app"]),
    ("settings", &["domain", "clock", "seal", "db", "delivery", "intake"]),
    ("schedule", &["domain", "clock", "db", "app"]),
    (
        "reports",
        &["domain", "clock", "seal", "private_file", "cell_text", "templates", "db", "app"],
    ),
    // The workbooks that come back from a portal are read as any workbook.
    (
        "platform",
        &[
            "domain",
            "clock",
            "seal",
            "private_file",
            "cell_text",
            "db",
            "app",
            "delivery",
            "settings",
            "intake",
        ],
    ),
    ("wecom", &["clock", "delivery"]),
    (
        "notify",
        &["domain", "clock", "seal", "templates", "db", "app", "delivery", "settings", "wecom"],
    ),
    ("identity", &["domain", "clock", "seal", "delivery", "settings", "wecom"]),
    ("sandbox", &["domain", "clock"]),
    (
        "daemon",
        &[
            "domain",
            "clock",
            "seal",
            "tls",
            "private_file",
            "db",
            "backup",
            "app",
            "delivery",
            "settings",
            "schedule",
            "intake",
            "reports",
            "platform",
            "notify",
            "identity",
        ],
    ),
    (
        "check",
        &[
            "domain",
            "clock",
            "seal",
            "tls",
            "private_file",
            "db",
            "backup",
            "delivery",
            "settings",
            "reports",
            "platform",
            "notify",
            "identity",
            "daemon",
        ],
    ),
    (
        "web",
        &[
            "domain", "clock", "seal", "tls", "db", "backup", "app", "delivery", "settings",
            "schedule", "intake", "reports", "platform", "notify", "identity", "daemon",
        ],
    ),
    (
        "rehearsal",
        &["domain", "clock", "seal", "db", "app", "settings", "intake", "sandbox", "daemon"],
    ),
    (
        "demo",
        &[
            "domain",
            "clock",
            "seal",
            "private_file",
            "db",
            "app",
            "delivery",
            "settings",
            "schedule",
            "intake",
            "reports",
            "platform",
            "notify",
            "sandbox",
            "daemon",
            "web",
            "rehearsal",
        ],
    ),
    (
        "cli",
        &[
            "domain",
            "clock",
            "seal",
            "private_file",
            "tls",
            "db",
            "backup",
            "app",
            "delivery",
            "settings",
            "schedule",
            "intake",
            "reports",
            "platform",
            "notify",
            "sandbox",
            "daemon",
            "check",
            "web",
            "rehearsal",
            "demo",
        ],
    ),
];

/// A time or a chance that isn't handed in.
const OUTSIDE: &[&[&str]] = &[
    &["SystemTime"],
    &["Instant", "now"],
    &["Timestamp", "now"],
    &["Zoned", "now"],
    &["thread", "sleep"],
    &["time", "sleep"],
    &["time", "interval"],
    &["rand"],
    &["OsRng"],
    &["Uuid", "new_v4"],
    &["Uuid", "now_v7"],
];

/// How SQL begins, where it stands in a text.
const SQL: &[&str] = &[
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE",
    "PRAGMA ",
    "BEGIN IMMEDIATE",
];

const LINES_OF_A_FILE: usize = 500;
const LINES_OF_A_FUNCTION: usize = 60;

/// What doesn't hold: by which rule, what it is, and how to see it.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    rule: &'static str,
    what: String,
    detail: String,
}

fn finding(rule: &'static str, what: impl Into<String>, detail: impl Into<String>) -> Finding {
    Finding { rule, what: what.into(), detail: detail.into() }
}

/// Everything that doesn't hold in these files.
fn findings(files: Vec<File>) -> Vec<Finding> {
    let map = Map::new(files);
    let mut found: Vec<Finding> = map.files.iter().flat_map(of_file).collect();
    found.extend(arrows(&map));
    found.extend(circles(&map));
    found
}

fn of_file(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    let path = file.path.as_str();
    if !file.source.starts_with("//!") {
        found.push(finding("doc", path, "doesn't open with //!"));
    }
    let lines = file.source.lines().count();
    if lines > LINES_OF_A_FILE {
        found.push(finding("long file", path, format!("{lines} lines")));
    }
    for (name, lines) in functions(&file.tokens) {
        if lines > LINES_OF_A_FUNCTION {
            found.push(finding(
                "long function",
                format!("{path} {name}"),
                format!("{lines} lines"),
            ));
        }
    }
    if file.room() != "db" {
        let text = texts(&file.tokens).find(|text| SQL.iter().any(|sql| text.contains(sql)));
        let text = text.map(|text| text.lines().next().unwrap_or_default().to_owned());
        let sqlx = names(&file.tokens, &["sqlx"]).then(|| "sqlx".to_owned());
        found.extend(sqlx.or(text).map(|why| finding("sql", path, why)));
    }
    if file.room() != "clock" {
        let outside = OUTSIDE.iter().filter(|words| names(&file.tokens, words));
        found.extend(
            outside.map(|words| finding("outside", format!("{path} {}", words.join("::")), "")),
        );
    }
    found
}

/// Rooms that use what they mustn't know.
fn arrows(map: &Map) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for (place, uses) in map.uses.iter().enumerate() {
        let (path, from) = (&map.files[place].path, map.files[place].room());
        if from.is_empty() {
            continue;
        }
        let Some((_, allowed)) = ROOMS.iter().find(|(room, _)| *room == from) else {
            found.push(finding("arrow", path, format!("the room {from} isn't on the map")));
            continue;
        };
        for (target, name) in uses {
            let to = map.files[*target].room();
            if to != from && !allowed.contains(&to) {
                let what = format!("{path} -> {to}");
                if !found.iter().any(|finding| finding.what == what) {
                    found.push(finding("arrow", what, format!("it uses {name}")));
                }
            }
        }
    }
    found
}

/// Files that lead back to themselves within their room. Circles through a room's front that is excepted aren't told
/// once more for each file that turns to it.
fn circles(map: &Map) -> Vec<Finding> {
    let excepted =
        |path: &str| EXCEPTIONS.iter().any(|(rule, what, _)| (*rule, *what) == ("circle", path));
    let is_front = |place: &usize| map.is_front(*place);
    let (fronts, others): (Vec<usize>, Vec<usize>) = (0..map.files.len()).partition(is_front);
    let mut found: Vec<Finding> =
        fronts.iter().filter_map(|place| circle(map, *place, &[])).collect();
    let passed: Vec<usize> =
        fronts.into_iter().filter(|place| excepted(&map.files[*place].path)).collect();
    found.extend(others.into_iter().filter_map(|place| circle(map, place, &passed)));
    found
}

fn circle(map: &Map, place: usize, but: &[usize]) -> Option<Finding> {
    let way = map.circle(place, but)?;
    let mut detail = String::new();
    for pair in way.windows(2) {
        let name = &map.uses[pair[0]][&pair[1]];
        detail.push_str(&format!("-> {} ({name}) ", map.files[pair[1]].module.join("::")));
    }
    Some(finding("circle", map.files[place].path.as_str(), detail))
}

fn read(folder: &Path, files: &mut Vec<File>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            read(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap();
            files.push(File::new(name, &std::fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn the_house_stands() {
    let mut files = Vec::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let found = findings(files);
    let listed = |f: &Finding| {
        EXCEPTIONS.iter().any(|(rule, what, _)| (*rule, *what) == (f.rule, f.what.as_str()))
    };
    let mut report = String::new();
    for new in found.iter().filter(|finding| !listed(finding)) {
        report.push_str(&format!(
            "mend it: (\"{}\", \"{}\", …): {}\n",
            new.rule, new.what, new.detail
        ));
    }
    for (rule, what, _) in EXCEPTIONS {
        if !found.iter().any(|f| (f.rule, f.what.as_str()) == (*rule, *what)) {
            report.push_str(&format!("remove it from tests/house/exceptions.rs: {rule}: {what}\n"));
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

#[test]
fn arrows_go_one_way() {
    for (place, (room, uses)) in ROOMS.iter().enumerate() {
        for used in *uses {
            assert!(ROOMS[..place].iter().any(|(above, _)| above == used), "{room} uses {used}");
        }
    }
}

/// What is found in these sources.
fn found_in(sources: &[(&str, &str)]) -> Vec<String> {
    let file = |(path, source): &(&str, &str)| File::new(path, &format!("//! A file.\n{source}"));
    let found = findings(sources.iter().map(file).collect());
    found.into_iter().map(|finding| format!("{}: {}", finding.rule, finding.what)).collect()
}

#[test]
fn an_arrow_against_the_order_is_found_wherever_the_path_stands() {
    let store = ("src/db/mod.rs", "pub struct Store;");
    for source in [
        "use crate::db::Store;",
        "fn f() { crate::db::g() }",
        "use crate::{clock::X, db::{self, Store}};",
    ] {
        assert_eq!(
            found_in(&[("src/domain/a.rs", source), store]),
            ["arrow: src/domain/a.rs -> db"],
            "{source}"
        );
    }
    let fine = "// crate::db::Store\nconst TEXT: &str = \"crate::db\"; #[cfg(test)] mod tests { use crate::db::Store; }";
    assert!(found_in(&[("src/domain/a.rs", fine), store]).is_empty());
    assert_eq!(found_in(&[("src/attic/a.rs", "")]), ["arrow: src/attic/a.rs"]);
}

#[test]
fn a_circle_is_found_through_names_that_are_handed_on_and_through_methods() {
    let room = ("src/db/mod.rs", "mod a; mod b; pub use a::A; pub use b::B;");
    let (a, b) = (
        ("src/db/a.rs", "use super::B; pub struct A;"),
        ("src/db/b.rs", "use super::A; pub struct B;"),
    );
    assert_eq!(found_in(&[room, a, b]), ["circle: src/db/a.rs", "circle: src/db/b.rs"]);
    assert!(found_in(&[room, a, ("src/db/b.rs", "pub struct B;")]).is_empty());
    let a = ("src/db/a.rs", "impl Tx { fn one(&self) { self.two() } }");
    let b = ("src/db/b.rs", "impl Tx { fn two(&self) { self.one() } }");
    assert_eq!(found_in(&[room, a, b]), ["circle: src/db/a.rs", "circle: src/db/b.rs"]);
    let b = ("src/db/b.rs", "impl Tx { fn two(&self) { self.three() } }");
    assert!(found_in(&[room, a, b]).is_empty());
}

#[test]
fn sql_time_length_and_a_missing_word_are_found() {
    let sql = "const Q: &str = r#\"SELECT 1\"#;";
    assert_eq!(found_in(&[("src/web/a.rs", sql)]), ["sql: src/web/a.rs"]);
    assert_eq!(found_in(&[("src/web/a.rs", "fn f() { sqlx::query(q) }")]), ["sql: src/web/a.rs"]);
    assert!(found_in(&[("src/db/a.rs", sql)]).is_empty());
    let time = "fn f() { jiff::Timestamp::now() }";
    assert_eq!(found_in(&[("src/web/a.rs", time)]), ["outside: src/web/a.rs Timestamp::now"]);
    assert!(found_in(&[("src/clock.rs", time)]).is_empty());
    let long = format!("fn f(x: [u8; 2]) {{{}}}", "\n".repeat(60));
    assert_eq!(found_in(&[("src/web/a.rs", &long)]), ["long function: src/web/a.rs f"]);
    assert_eq!(found_in(&[("src/web/a.rs", &"\n".repeat(500))]), ["long file: src/web/a.rs"]);
    let bare = findings(vec![File::new("src/web/mod.rs", "mod a;")]);
    assert_eq!(bare, [finding("doc", "src/web/mod.rs", "doesn't open with //!")]);
}
