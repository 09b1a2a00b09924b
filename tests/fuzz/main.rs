//! What comes from outside, changed at random: workbooks, csv, a platform's XML and descriptions of platforms. Nothing panics,
//! hangs, or costs more memory than the bounds allow.
//!
//!     cargo test --test fuzz                                     # a few seconds of each
//!     FUZZ_SECONDS=3600 cargo test --release --test fuzz csv     # an hour of one
//!     FUZZ_SEED=7 cargo test --test fuzz                         # another walk; the seed of a failure is printed

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]
#![allow(clippy::disallowed_methods, reason = "it runs for so many seconds of real time")]

mod change;

use std::io::{Cursor, Read, Write};
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use change::{Chance, changed};
use tokio::runtime::Runtime;
use zoufang::intake::{Bounds, Incoming, Options};

/// How many panics there were, and how many of them in the reader of workbooks, each of which is a refusal.
static PANICS: AtomicUsize = AtomicUsize::new(0);
static REFUSED: AtomicUsize = AtomicUsize::new(0);
/// The longest that one input may take.
const LONGEST: Duration = Duration::from_secs(20);
/// The most memory that the process may have while it takes one, in MiB.
const MOST_MIB: u64 = 1_500;

fn seconds() -> u64 {
    std::env::var("FUZZ_SECONDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3)
}

fn seed() -> u64 {
    std::env::var("FUZZ_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(1)
}

/// What is being taken, and since when.
type Current = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

/// Gives `take` what chance makes of the seeds, for so many seconds.
fn fuzz(name: &str, make: impl Fn(&mut Chance) -> Vec<u8>, take: impl Fn(&[u8])) {
    let shown = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // A reader of others' that panics is caught where it's called, and the file refused.
        if info.location().is_some_and(|at| at.file().contains("/calamine-")) {
            REFUSED.fetch_add(1, Ordering::SeqCst);
            return;
        }
        PANICS.fetch_add(1, Ordering::SeqCst);
        shown(info);
    }));
    let current = Current::default();
    watch(name, current.clone());
    let mut chance = Chance::new(seed());
    let until = Instant::now() + Duration::from_secs(seconds());
    let mut count = 0_u64;
    while Instant::now() < until {
        let input = make(&mut chance);
        let before = PANICS.load(Ordering::SeqCst);
        *current.lock().unwrap() = Some((Instant::now(), input.clone()));
        let ended = panic::catch_unwind(AssertUnwindSafe(|| take(&input)));
        *current.lock().unwrap() = None;
        if ended.is_err() || PANICS.load(Ordering::SeqCst) > before {
            panic!("{name}: input {count} of seed {} panics, {}", seed(), kept(name, &input));
        }
        count += 1;
    }
    println!(
        "{name}: {count} inputs in {} s, at most {} MiB, {} refused where the reader panicked",
        seconds(),
        memory("VmHWM:"),
        REFUSED.load(Ordering::SeqCst)
    );
    drop(panic::take_hook());
}

fn kept(name: &str, input: &[u8]) -> String {
    let file = std::env::temp_dir().join(format!("zoufang-fuzz-{name}.bin"));
    std::fs::write(&file, input).unwrap();
    format!("kept as {}", file.display())
}

/// Ends the process where an input never ends, or costs too much memory: it's kept.
fn watch(name: &str, current: Current) {
    let name = name.to_owned();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(100));
            let Some((since, input)) = current.lock().unwrap().clone() else { continue };
            let took = since.elapsed();
            if took > LONGEST || took > LONGEST / 10 && memory("VmRSS:") > MOST_MIB {
                let kept = kept(&name, &input);
                eprintln!("{name}: {took:?}, {} MiB, seed {}, {kept}", memory("VmRSS:"), seed());
                std::process::exit(101);
            }
        }
    });
}

/// How much memory the process has, or had at the most, in MiB.
fn memory(which: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(which));
    let kib = line.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) / 1_024
}

fn options() -> Options {
    let bounds =
        Bounds { file_mib: 8, unpacked_mib: 64, held_mib: 32, rows: 20_000, ..Bounds::default() };
    Options { bounds, ..Options::default() }
}

/// The files of other programs' habits with one of these endings.
fn habits(endings: &[&str]) -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files/habits");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |file: &std::path::PathBuf| file.file_name().unwrap().to_string_lossy().into_owned();
    files
        .iter()
        .filter(|file| endings.iter().any(|ending| name(file).ends_with(ending)))
        .map(|file| (name(file), std::fs::read(file).unwrap()))
        .collect()
}

fn look(runtime: &Runtime, name: &str, bytes: &[u8]) {
    // Taken or refused: either is well, but for one at which the reader panicked.
    let before = REFUSED.load(Ordering::SeqCst);
    let looked = runtime.block_on(Incoming::look(name, bytes.to_vec(), &options()));
    match looked {
        Err(error) => assert!(error.to_string().contains(name), "{error}"),
        // Other targets, beside this one, read no workbooks.
        Ok(_) if name.ends_with("csv") => {}
        Ok(_) => assert_eq!(REFUSED.load(Ordering::SeqCst), before, "taken all the same"),
    }
}

const TABLE: &str = "走访日期,走访人员,对象编号,群众姓名,联系方式,反映问题,有无问题,责任层级,类别,轻重缓急\n2022-03-05,Z6,H1,王建国,10000000101,\"路灯\n不亮\",有,镇村自办,居住环境,急\n";
const WORDS: &[&str] = &[
    "\"",
    ",",
    ";",
    "\t",
    "，",
    "|",
    "\r\n",
    "\u{feff}",
    "\u{fffd}",
    "\u{e863}",
    "\u{3000}",
    "=1+1",
    "#N/A",
    "3.7E+11",
    "1904",
    "走访日期",
    "对象编号",
    "合计",
    "sep=;",
    "9999999999999999",
    "2022年3月5日",
    "44625.5",
    "-1",
    "\u{202e}",
    "\0",
];

#[test]
fn csv() {
    let runtime = Runtime::new().unwrap();
    let mut seeds: Vec<Vec<u8>> =
        habits(&["csv", "tsv"]).into_iter().map(|(_, bytes)| bytes).collect();
    seeds.push(TABLE.as_bytes().to_vec());
    let words: Vec<&[u8]> = WORDS.iter().map(|word| word.as_bytes()).collect();
    let take = |bytes: &[u8]| {
        look(&runtime, "f.csv", bytes);
        for cell in String::from_utf8_lossy(bytes).split([',', '\n']).take(60) {
            let _ = zoufang::intake::read_date(cell);
        }
    };
    fuzz("csv", |chance| changed(chance, &seeds, &words), take);
}

/// The parts of an archive, one of them changed within.
fn repacked(chance: &mut Chance, bytes: &[u8], words: &[&[u8]]) -> Option<Vec<u8>> {
    let mut from = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let which = chance.below(from.len());
    let mut to = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..from.len() {
        let mut part = from.by_index(at).ok()?;
        let name = part.name().ok()?.into_owned();
        let mut inner = Vec::new();
        part.read_to_end(&mut inner).ok()?;
        if at == which {
            inner = changed(chance, &[inner], words);
        }
        to.start_file(name, zip::write::SimpleFileOptions::default()).ok()?;
        to.write_all(&inner).ok()?;
    }
    Some(to.finish().ok()?.into_inner())
}

const XML_WORDS: &[&str] = &[
    "<row r=\"1048576\">",
    "r=\"XFD1048576\"",
    "r=\"A0\"",
    "r=\"\"",
    "t=\"s\"",
    "t=\"e\"",
    "t=\"inlineStr\"",
    "<v>999999999</v>",
    "<v>-1</v>",
    "<v>1e308</v>",
    "<mergeCell ref=\"A1:XFD1048576\"/>",
    "<mergeCell ref=\"B2:A1\"/>",
    "s=\"4294967295\"",
    "&#0;",
    "&amp;",
    "<f>1+1</f>",
    "hidden=\"1\"",
    "<c>",
    "</c>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "table:number-rows-repeated=\"1048576\"",
    "table:number-columns-repeated=\"16384\"",
    "min=\"1\" max=\"16384\"",
    "count=\"4294967295\"",
    "date1904=\"1\"",
];

#[test]
fn workbook() {
    let runtime = Runtime::new().unwrap();
    let seeds = habits(&["xlsx", "xls", "ods"]);
    let words: Vec<&[u8]> = XML_WORDS.iter().chain(WORDS).map(|word| word.as_bytes()).collect();
    let make = |chance: &mut Chance| {
        let (_, bytes) = &seeds[chance.below(seeds.len())];
        match chance.below(8) {
            0 => changed(chance, std::slice::from_ref(bytes), &words),
            _ => repacked(chance, bytes, &words)
                .unwrap_or_else(|| changed(chance, std::slice::from_ref(bytes), &words)),
        }
    };
    fuzz("workbook", make, |bytes| look(&runtime, "f.xlsx", bytes));
}

#[test]
fn xml() {
    let seeds = [
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><service_requests><request><service_request_id>7</service_request_id><status>open</status><description><![CDATA[路灯 [CHD2022-000001-R1]]]></description></request></service_requests>",
        "<errors><error><code>400</code><description>jurisdiction_id &lt;none&gt; &#x5c71;</description></error></errors>",
    ];
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    let words: Vec<&[u8]> = XML_WORDS.iter().chain(WORDS).map(|word| word.as_bytes()).collect();
    let take = |bytes: &[u8]| {
        // An error is an answer too.
        let _ = zoufang::delivery::xml::read(&String::from_utf8_lossy(bytes));
    };
    fuzz("xml", |chance| changed(chance, &seeds, &words), take);
}

#[test]
fn description() {
    let seeds: Vec<Vec<u8>> = [
        include_str!("../../config/platforms/gateway.toml"),
        include_str!("../../config/platforms/oauth-feed.toml"),
    ]
    .iter()
    .map(|seed| seed.as_bytes().to_vec())
    .collect();
    let words = [
        "{{",
        "}}",
        "{%",
        "%}",
        "{{ 1 / 0 }}",
        "{% for i in range(9) %}",
        "[submit]",
        "= \"\"",
        "= 99999999999999999999",
        "/a/0/~1",
        "\"\"\"",
        "body",
        "answer",
        "-1",
        "pages",
        "{{ text|urlencode }}",
        "{{ x.y.z }}",
    ];
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let take = |bytes: &[u8]| {
        let _ = zoufang::platform::rest::understand(&String::from_utf8_lossy(bytes));
    };
    fuzz("description", |chance| changed(chance, &seeds, &words), take);
}
