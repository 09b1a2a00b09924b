//! What a workbook says beside its cells' values: hidden rows and columns, merged cells, formulas without a value. Reads
//! everything once, so that no part is larger than its directory pretends and nothing in it takes memory beyond bounds.

use std::collections::{HashMap, HashSet};
use std::io::BufRead;

use quick_xml::events::{BytesStart, Event};

use super::bounds::{Bounds, MIB};
use super::comments::{Comment, comments_of};
use super::original::Original;
use super::package::{Book, Counts, Package, Part, attribute, is_true, too_many, walk};
use super::refusal::{At, ImportError};
use super::row::cell_place;
use super::struck::{Struck, is_on};

/// A rectangle of cells, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Region {
    pub top: usize,
    pub bottom: usize,
    pub left: usize,
    pub right: usize,
}

/// What a sheet says beside its values. Rows and columns from 1.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// One after the other.
    pub hidden_rows: Vec<(usize, usize)>,
    pub hidden_columns: Vec<(usize, usize)>,
    /// By their first rows.
    pub merged: Vec<Region>,
    pub uncomputed: HashSet<(usize, usize)>,
    /// Values that stand so that the library passes over them.
    pub passed_over: HashMap<(usize, usize), PassedOver>,
    /// Marks of errors that the library doesn't know, in the order of the file.
    pub errors: Vec<((usize, usize), String)>,
    /// What is struck through, wholly or in part.
    pub struck: HashSet<(usize, usize)>,
    /// What people remarked on its cells.
    pub comments: Vec<Comment>,
    /// Whether some of its cells don't say where they are.
    pub is_placeless: bool,
    /// How numbers are shown, by the cells that need it.
    pub formats: HashMap<(usize, usize), usize>,
}

/// A value that the library passes over: in CDATA, or before its formula.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum PassedOver {
    Text(String),
    Number(f64),
    Other,
}

/// A sheet before its rows are read.
#[derive(Debug, Clone)]
pub(super) struct SheetInfo {
    pub name: String,
    pub is_hidden: bool,
    /// Not a chart.
    pub is_table: bool,
    pub facts: Facts,
}

impl Facts {
    pub fn hides_row(&self, row: usize) -> bool {
        let above = self.hidden_rows.partition_point(|(_, last)| *last < row);
        self.hidden_rows.get(above).is_some_and(|(first, _)| *first <= row)
    }
}

/// So many hidden rows or cells that can't be read are remembered.
const MOST: usize = 200_000;
/// So long a value may be that the library passes over.
const LONGEST_VALUE: usize = 32_767;
pub(super) const MOST_MERGED: usize = 200_000;
/// Excel knows 65,490 formats; each of them may stand in several lists.
const MOST_FORMATS: usize = 130_000;
/// What a format and a text take in memory beside their letters.
const A_FORMAT: u64 = 1_000;
const A_TEXT: u64 = 40;

/// Looks through every part of an .xlsx that is read; what its sheets say, in their order.
pub(super) fn look_through(original: &Original) -> Result<Vec<(String, Facts)>, ImportError> {
    let (file, bounds) = (original.file.as_str(), &original.bounds);
    let mut package = Package::open(file, &original.bytes)?;
    let book = package.book()?;
    let struck = look_through_shared(&mut package, &book.folder, file, bounds)?;
    let (mut facts, mut unpacked) = (Vec::new(), 0);
    for (sheet, path) in &book.sheets {
        let left = (bounds.unpacked_mib * MIB).saturating_sub(unpacked);
        let Some(mut part) = package.part(path, left)? else {
            facts.push((sheet.clone(), Facts::default()));
            continue;
        };
        let at = At { file, sheet: Some(sheet), row: 0, column: 1 };
        let scanned = scan_sheet(&mut part, at, bounds, (&book, &struck));
        unpacked += part.size;
        part.within("各表解开后", file, bounds.unpacked_mib)?;
        drop(part);
        let comments = comments_of(&mut package, path, file, bounds)?;
        facts.push((sheet.clone(), Facts { comments, ..scanned? }));
    }
    Ok(facts)
}

/// What cells share is held in memory as a whole: texts, formats, colours. Gives which of it is struck through.
fn look_through_shared(
    package: &mut Package<'_>,
    folder: &str,
    file: &str,
    bounds: &Bounds,
) -> Result<Struck, ImportError> {
    let (mut held, mut struck) = (0, Struck::default());
    for (name, scan) in [
        ("theme/theme1.xml", scan_formats as fn(&mut Scanned<'_>, &Event<'_>) -> _),
        ("styles.xml", scan_formats),
        ("sharedStrings.xml", scan_texts),
    ] {
        let left = (bounds.held_mib * MIB).saturating_sub(held);
        let Some(mut part) = package.part(&format!("{folder}{name}"), left)? else { continue };
        let mut scanned = Scanned { struck, ..Scanned::new(file, left) };
        let walked = walk(&mut part, file, |event| scan(&mut scanned, event));
        held += scanned.held();
        part.within("共用的文字和格式解开后", file, bounds.held_mib)?;
        walked?;
        if scanned.promised.is_some_and(|promised| promised > scanned.texts + left / A_TEXT) {
            return Err(ImportError::FalseCount { file: file.to_owned(), count: scanned.texts });
        }
        if held > bounds.held_mib * MIB {
            let (file, what, limit) = (file.to_owned(), "共用的文字和格式", bounds.held_mib);
            return Err(ImportError::TooBig { file, what, size: held / MIB, limit });
        }
        struck = scanned.struck;
    }
    Ok(struck)
}

/// What is held of a part.
struct Scanned<'s> {
    counts: Counts<'s>,
    left: u64,
    texts: u64,
    letters: u64,
    formats: u64,
    longest: u64,
    /// How many texts the part says that it has: the library makes room for them at once.
    promised: Option<u64>,
    struck: Struck,
}

impl<'s> Scanned<'s> {
    fn new(file: &'s str, left: u64) -> Scanned<'s> {
        const FORMATS: &[(&[&str], usize, &str)] = &[
            (&["xf"], MOST_FORMATS, "单元格格式"),
            (&["font", "fill", "border", "numFmt"], 2 * MOST_FORMATS, "字体、边框、底色等格式"),
        ];
        let (counts, struck) = (Counts::new(file, FORMATS), Struck::default());
        let (texts, letters, formats, longest, promised) = (0, 0, 0, 0, None);
        Scanned { counts, left, texts, letters, formats, longest, promised, struck }
    }

    /// Every format holds its own copy of what it names.
    fn held(&self) -> u64 {
        self.texts * A_TEXT + self.letters + self.formats * (A_FORMAT + self.longest)
    }
}

fn scan_formats(scanned: &mut Scanned<'_>, event: &Event<'_>) -> Result<(), ImportError> {
    scanned.struck.look_at_styles(event);
    if let Event::Start(tag) | Event::Empty(tag) = event {
        scanned.counts.count(tag)?;
        match tag.local_name().as_ref() {
            "xf" => scanned.formats += 1,
            "name" | "numFmt" => scanned.longest = scanned.longest.max(tag.len() as u64),
            _ => {}
        }
    }
    Ok(())
}

fn scan_texts(scanned: &mut Scanned<'_>, event: &Event<'_>) -> Result<(), ImportError> {
    scanned.struck.look_at_texts(event);
    match event {
        Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
            "si" => scanned.texts += 1,
            "sst" => {
                let promised = attribute(tag, "uniqueCount");
                // What is no number isn't read; what is too large for one is more than there is.
                let promised = promised
                    .filter(|count| !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()))
                    .map(|count| count.parse().unwrap_or(u64::MAX));
                scanned.promised = scanned.promised.max(promised);
            }
            _ => {}
        },
        Event::Text(text) => scanned.letters += text.len() as u64,
        // The library would read it as empty.
        Event::CData(_) => {
            return Err(ImportError::broken(scanned.counts.file, "CDATA among the texts"));
        }
        _ => {}
    }
    if scanned.held() > scanned.left {
        let (file, what) = (scanned.counts.file.to_owned(), "共用的文字");
        let limit = scanned.left / MIB;
        return Err(ImportError::TooBig { file, what, size: limit + 1, limit });
    }
    Ok(())
}

/// A cell as it's passed over.
#[derive(Default)]
struct Passing {
    is_in: bool,
    is_text: bool,
    is_error: bool,
    formula: bool,
    value: String,
    in_value: bool,
    /// Whether it's shared, true or false, or an error.
    is_other: bool,
    is_passed_over: bool,
    /// Whether its value is the place of a shared text.
    is_shared: bool,
    is_struck: bool,
}

/// A sheet as it's passed over.
struct Sheet<'s> {
    at: At<'s>,
    facts: Facts,
    passing: Passing,
    /// That its formulas have yet to be computed.
    is_to_be_computed: bool,
    /// That rows are hidden where nothing else is said.
    is_hidden: bool,
    merged: HashSet<Region>,
    struck: &'s Struck,
}

fn scan_sheet(
    part: &mut Part<impl BufRead>,
    at: At<'_>,
    bounds: &Bounds,
    (book, struck): (&Book, &Struck),
) -> Result<Facts, ImportError> {
    let mut sheet = Sheet {
        at,
        facts: Facts::default(),
        passing: Passing::default(),
        is_to_be_computed: book.is_to_be_computed,
        is_hidden: false,
        merged: HashSet::new(),
        struck,
    };
    let walked = walk(part, at.file, |event| sheet.take(event));
    if part.is_torn() && sheet.passing.is_in {
        return Err(ImportError::long_cell(&sheet.at, bounds));
    }
    walked?;
    let mut facts = sheet.facts;
    facts.merged = sheet.merged.into_iter().collect();
    facts.merged.sort_by_key(|region| (region.top, region.left));
    Ok(facts)
}

impl Sheet<'_> {
    fn take(&mut self, event: &Event<'_>) -> Result<(), ImportError> {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::Empty(tag) => {
                self.start(tag)?;
                self.end(tag.local_name().as_ref());
                Ok(())
            }
            Event::Text(text) => {
                let passing = &mut self.passing;
                if passing.in_value && passing.value.len() < 100 {
                    passing.value.push_str(AsRef::<str>::as_ref(text).trim());
                }
                Ok(())
            }
            Event::CData(text) => {
                let passing = &mut self.passing;
                let room = LONGEST_VALUE.saturating_sub(passing.value.len());
                let text: &str = text.as_ref();
                passing.value.extend(text.chars().take(room));
                passing.is_passed_over |= passing.in_value;
                Ok(())
            }
            Event::End(tag) => {
                self.end(tag.local_name().as_ref());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), ImportError> {
        match tag.local_name().as_ref() {
            "c" => self.start_cell(tag),
            "v" => self.passing.in_value = true,
            "t" if self.passing.is_text => self.passing.in_value = true,
            "f" => {
                self.passing.is_passed_over |= !self.passing.value.is_empty();
                self.passing.formula = true;
            }
            "row" => self.start_row(tag),
            "strike" => self.passing.is_struck |= is_on(tag),
            "sheetFormatPr" => self.is_hidden = is_true(tag, "zeroHeight"),
            "col" if is_true(tag, "hidden") || is_zero(tag, "width") => {
                let number = |name| attribute(tag, name).and_then(|number| number.parse().ok());
                if let (Some(first), Some(last)) = (number("min"), number("max")) {
                    extend(&mut self.facts.hidden_columns, first, last);
                }
            }
            "mergeCell" => {
                self.merged.extend(attribute(tag, "ref").and_then(|range| region(&range)));
                if self.merged.len() > MOST_MERGED {
                    return Err(too_many(self.at.file, "合并的单元格", MOST_MERGED));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn start_cell(&mut self, tag: &BytesStart<'_>) {
        match attribute(tag, "r").and_then(|place| cell_place(&place)) {
            Some((row, column)) => (self.at.row, self.at.column) = (row, column),
            None => self.facts.is_placeless = true,
        }
        let kind = attribute(tag, "t").unwrap_or_default();
        self.passing = Passing {
            is_in: true,
            is_text: matches!(kind.as_str(), "str" | "inlineStr"),
            is_error: kind == "e",
            is_other: matches!(kind.as_str(), "s" | "b" | "e" | "d"),
            is_shared: kind == "s",
            is_struck: self.struck.is_style_of(tag),
            ..Passing::default()
        };
    }

    fn start_row(&mut self, tag: &BytesStart<'_>) {
        let row = attribute(tag, "r").and_then(|row| row.parse().ok());
        (self.at.row, self.at.column) = (row.unwrap_or(self.at.row + 1), 1);
        let says = |name| attribute(tag, name).is_some();
        let by_default = self.is_hidden && !says("hidden") && !says("ht");
        if is_true(tag, "hidden") || is_zero(tag, "ht") || by_default {
            extend(&mut self.facts.hidden_rows, self.at.row, self.at.row);
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "v" | "t" => self.passing.in_value = false,
            "c" => {
                let passing = std::mem::take(&mut self.passing);
                self.end_cell(&passing);
                self.at.column += 1;
            }
            _ => {}
        }
    }

    fn end_cell(&mut self, passing: &Passing) {
        let (place, facts) = ((self.at.row, self.at.column), &mut self.facts);
        let is_without = passing.value.is_empty() && !passing.is_text;
        let is_uncomputed = passing.formula && (is_without || self.is_to_be_computed);
        if is_uncomputed && facts.uncomputed.len() < MOST {
            facts.uncomputed.insert(place);
        }
        let is_struck =
            passing.is_struck || passing.is_shared && self.struck.is_text(&passing.value);
        if is_struck && facts.struck.len() < MOST {
            facts.struck.insert(place);
        }
        // The library takes the first text where the place of one is none.
        let is_nowhere = passing.is_shared && passing.value.contains(|c: char| !c.is_ascii_digit());
        if (passing.is_passed_over || is_nowhere) && facts.passed_over.len() < MOST {
            let value = passing.value.trim();
            let kept = match value.parse() {
                _ if passing.is_other => PassedOver::Other,
                _ if passing.is_text => PassedOver::Text(passing.value.clone()),
                Ok(number) => PassedOver::Number(number),
                Err(_) => PassedOver::Other,
            };
            facts.passed_over.insert(place, kept);
        }
        if passing.is_error && !is_known_error(&passing.value) && facts.errors.len() < MOST {
            facts.errors.push((place, passing.value.clone()));
        }
    }
}

/// The marks of errors that the library reads.
fn is_known_error(text: &str) -> bool {
    let known = ["#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", ""];
    known.contains(&text)
}

/// Adds rows or columns to ranges that grow downward.
pub(super) fn extend(ranges: &mut Vec<(usize, usize)>, first: usize, last: usize) {
    let room = ranges.len() < MOST;
    match ranges.last_mut() {
        Some((_, before)) if *before + 1 == first => *before = last,
        _ if room => ranges.push((first, last)),
        _ => {}
    }
}

fn is_zero(tag: &BytesStart<'_>, name: &str) -> bool {
    attribute(tag, name).and_then(|value| value.parse::<f64>().ok()).is_some_and(|size| size == 0.0)
}

fn region(range: &str) -> Option<Region> {
    let (first, last) = range.split_once(':')?;
    let ((top, left), (bottom, right)) = (cell_place(first)?, cell_place(last)?);
    Some(Region { top, bottom, left, right })
}
