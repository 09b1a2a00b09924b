//! An .xlsx with notes: everything in it stays as it is (sheets, widths, formats, formulas), wrong cells get a ground of their
//! own, and a column behind the table says what is wrong in each row.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Cursor, Read, Write};

use quick_xml::events::{BytesEnd, BytesStart, Event};
use quick_xml::{Reader, Writer};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::package::{Package, address, attribute};
use super::row::{cell_place, letters};

/// What is noted on a sheet. Rows and columns from 1.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// The column of the notes.
    pub column: usize,
    pub notes: BTreeMap<usize, String>,
    pub wrong: BTreeSet<(usize, usize)>,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The workbook with marks on sheets, by their names.
pub(super) fn marked(bytes: &[u8], marks: &BTreeMap<String, Marks>) -> Result<Vec<u8>, Failure> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    let book = Package::open("", bytes)?.book()?;
    let of_path: BTreeMap<String, &Marks> = book
        .sheets
        .iter()
        .filter_map(|(name, path)| Some((address(path), marks.get(name)?)))
        .collect();
    let of = |name: &str| of_path.get(&address(name)).copied();
    let names: Vec<String> = (0..archive.len())
        .map(|at| Ok(archive.by_index_raw(at)?.name()?.into_owned()))
        .collect::<Result<_, Failure>>()?;
    let mut used = BTreeSet::new();
    for (at, name) in names.iter().enumerate() {
        if let Some(marks) = of(name) {
            styles_of(BufReader::new(archive.by_index(at)?), marks, &mut used)?;
        }
    }
    let styles_path = address(&format!("{}styles.xml", book.folder));
    let is_styles = |name: &str| address(name) == styles_path;
    let mut styles = Styles::default();
    let mut new_styles = None;
    if let Some(at) = names.iter().position(|name| is_styles(name)) {
        let mut text = String::new();
        archive.by_index(at)?.read_to_string(&mut text)?;
        let (mended, given) = with_ground(&text, &used)?;
        (styles.0, new_styles) = (given, Some(mended));
    }
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    for (at, name) in names.iter().enumerate() {
        match (of(name), &new_styles) {
            (Some(marks), _) => {
                out.start_file(name.as_str(), SimpleFileOptions::default())?;
                let from = BufReader::new(archive.by_index(at)?);
                Sheet::new(marks, &styles, Writer::new(&mut out)).rewrite(from)?;
            }
            (None, Some(mended)) if is_styles(name) => {
                out.start_file(name.as_str(), SimpleFileOptions::default())?;
                out.write_all(mended)?;
            }
            _ => out.raw_copy_file(archive.by_index_raw(at)?)?,
        }
    }
    Ok(out.finish()?.into_inner())
}

/// Which style has the ground of a wrong cell, by the style that the cell had.
#[derive(Default)]
struct Styles(BTreeMap<usize, usize>);

/// Where a sheet's reader stands.
#[derive(Default)]
struct Place {
    row: usize,
    column: usize,
}

impl Place {
    fn row(&mut self, tag: &BytesStart<'_>) {
        let row = attribute(tag, "r").and_then(|row| row.parse().ok());
        (self.row, self.column) = (row.unwrap_or(self.row + 1), 0);
    }

    fn cell(&mut self, tag: &BytesStart<'_>) {
        let place = attribute(tag, "r").and_then(|place| cell_place(&place));
        (self.row, self.column) = place.unwrap_or((self.row, self.column + 1));
    }
}

fn style(tag: &BytesStart<'_>) -> usize {
    attribute(tag, "s").and_then(|style| style.parse().ok()).unwrap_or(0)
}

/// Which styles the wrong cells of a sheet have.
fn styles_of(from: impl BufRead, marks: &Marks, used: &mut BTreeSet<usize>) -> Result<(), Failure> {
    let mut reader = Reader::from_reader(from);
    let (mut place, mut buffer) = (Place::default(), Vec::new());
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer)? {
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "row" => place.row(&tag),
                "c" => {
                    place.cell(&tag);
                    if marks.wrong.contains(&(place.row, place.column)) {
                        used.insert(style(&tag));
                    }
                }
                _ => {}
            },
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// The styles with one more ground, and each of these styles once more with it; and where those stand.
fn with_ground(
    text: &str,
    used: &BTreeSet<usize>,
) -> Result<(Vec<u8>, BTreeMap<usize, usize>), Failure> {
    let mut reader = Reader::from_str(text);
    let mut grounds = Grounds {
        used,
        within: Vec::new(),
        fills: 0,
        styles: 0,
        style: Vec::new(),
        copies: Vec::new(),
        given: BTreeMap::new(),
        to: Writer::new(Vec::new()),
    };
    loop {
        match reader.read_event()? {
            Event::Eof => return Ok((grounds.to.into_inner(), grounds.given)),
            event => grounds.take(event)?,
        }
    }
}

/// The part of the styles as it's written again.
struct Grounds<'u> {
    used: &'u BTreeSet<usize>,
    /// The tags that are open.
    within: Vec<String>,
    fills: usize,
    styles: usize,
    /// The style that is being read, and those that are wanted once more.
    style: Vec<Event<'static>>,
    copies: Vec<(usize, Vec<Event<'static>>)>,
    given: BTreeMap<usize, usize>,
    to: Writer<Vec<u8>>,
}

impl Grounds<'_> {
    fn take(&mut self, event: Event<'_>) -> Result<(), Failure> {
        let name = name_of(&event);
        let in_style = self.is_in("cellXfs") && name == "xf"
            || self.within.iter().any(|part| part == "cellXfs") && self.is_in("xf");
        if in_style {
            self.style.push(event.clone().into_owned());
        }
        match &event {
            Event::Start(tag) => {
                self.within.push(name.clone());
                if matches!(name.as_str(), "fills" | "cellXfs") {
                    return Ok(self.to.write_event(Event::Start(without(tag, "count")))?);
                }
            }
            Event::Empty(_) => self.ended(&name),
            Event::End(tag) => {
                self.within.pop();
                self.ended(&name);
                match name.as_str() {
                    "fills" => self.add_ground(tag.name().as_ref()),
                    "cellXfs" => self.add_styles()?,
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(self.to.write_event(event)?)
    }

    fn is_in(&self, name: &str) -> bool {
        self.within.last().is_some_and(|open| open == name)
    }

    /// An element is whole.
    fn ended(&mut self, name: &str) {
        if name == "fill" && self.is_in("fills") {
            self.fills += 1;
        }
        if name == "xf" && self.is_in("cellXfs") {
            let style = std::mem::take(&mut self.style);
            if self.used.contains(&self.styles) {
                self.copies.push((self.styles, style));
            }
            self.styles += 1;
        }
    }

    fn add_ground(&mut self, name: &str) {
        let p = prefix_of(name);
        let ground = format!(
            "<{p}fill><{p}patternFill patternType=\"solid\"><{p}fgColor rgb=\"FFFFC7CE\"/><{p}bgColor indexed=\"64\"/></{p}patternFill></{p}fill>"
        );
        self.to.get_mut().extend_from_slice(ground.as_bytes());
    }

    fn add_styles(&mut self) -> Result<(), Failure> {
        for (style, events) in std::mem::take(&mut self.copies) {
            for (at, event) in events.into_iter().enumerate() {
                let event = if at == 0 { grounded(event, self.fills) } else { event };
                self.to.write_event(event)?;
            }
            self.given.insert(style, self.styles);
            self.styles += 1;
        }
        Ok(())
    }
}

fn name_of(event: &Event<'_>) -> String {
    match event {
        Event::Start(tag) | Event::Empty(tag) => tag.local_name().as_ref().to_owned(),
        Event::End(tag) => tag.local_name().as_ref().to_owned(),
        _ => String::new(),
    }
}

/// A style with another ground.
fn grounded(event: Event<'static>, fill: usize) -> Event<'static> {
    let with = |tag: &BytesStart<'_>| {
        let mut tag = without(&without(tag, "fillId"), "applyFill");
        tag.push_attribute(("fillId", fill.to_string().as_str()));
        tag.push_attribute(("applyFill", "1"));
        tag
    };
    match event {
        Event::Start(tag) => Event::Start(with(&tag)),
        Event::Empty(tag) => Event::Empty(with(&tag)),
        event => event,
    }
}

/// A tag without one of its attributes.
fn without(tag: &BytesStart<'_>, name: &str) -> BytesStart<'static> {
    let mut kept = BytesStart::new(tag.name().as_ref().to_owned());
    for own in tag.attributes().with_checks(false).flatten() {
        if own.key.as_ref() != name {
            kept.push_attribute(own);
        }
    }
    kept
}

/// What stands before a tag's own name, such as `x:`.
fn prefix_of(name: &str) -> &str {
    name.rfind(':').map_or("", |colon| &name[..=colon])
}

/// A sheet as it's written again.
struct Sheet<'m, W: Write> {
    marks: &'m Marks,
    styles: &'m Styles,
    to: Writer<W>,
    place: Place,
    /// The last column that has a width of its own.
    widths: usize,
    has_widths: bool,
    /// Whether the row's note is written.
    is_noted: bool,
}

impl<'m, W: Write> Sheet<'m, W> {
    fn new(marks: &'m Marks, styles: &'m Styles, to: Writer<W>) -> Sheet<'m, W> {
        let place = Place::default();
        Sheet { marks, styles, to, place, widths: 0, has_widths: false, is_noted: true }
    }

    fn rewrite(mut self, from: impl BufRead) -> Result<(), Failure> {
        let mut reader = Reader::from_reader(from);
        let (mut buffer, mut dropping) = (Vec::new(), None);
        loop {
            buffer.clear();
            let event = reader.read_event_into(&mut buffer)?;
            // What stood in the notes' column before.
            if let Some(name) = &dropping {
                if matches!(&event, Event::End(tag) if tag.local_name().as_ref() == *name) {
                    dropping = None;
                }
                continue;
            }
            match event {
                Event::Eof => return Ok(()),
                Event::Start(tag) => dropping = self.start(tag)?,
                Event::Empty(tag) => self.empty(tag)?,
                Event::End(tag) => self.end(tag)?,
                event => self.to.write_event(event)?,
            }
        }
    }

    /// Gives back what is dropped to its end.
    fn start(&mut self, tag: BytesStart<'_>) -> Result<Option<&'static str>, Failure> {
        match tag.local_name().as_ref() {
            "dimension" => return Ok(Some("dimension")),
            "cols" => self.has_widths = true,
            "col" => self.width(&tag),
            "sheetData" => self.widths_at_last(&tag)?,
            "row" => {
                self.open_row(&tag)?;
                return Ok(None);
            }
            "c" => {
                let Some(tag) = self.cell(&tag)? else { return Ok(Some("c")) };
                self.to.write_event(Event::Start(tag))?;
                return Ok(None);
            }
            _ => {}
        }
        self.to.write_event(Event::Start(tag))?;
        Ok(None)
    }

    fn empty(&mut self, tag: BytesStart<'_>) -> Result<(), Failure> {
        match tag.local_name().as_ref() {
            "dimension" => return Ok(()),
            "cols" => return Ok(()),
            "col" => self.width(&tag),
            "sheetData" => self.widths_at_last(&tag)?,
            "row" => {
                self.open_row(&tag)?;
                let end = tag.to_end().into_owned();
                return self.end(end);
            }
            "c" => {
                let Some(tag) = self.cell(&tag)? else { return Ok(()) };
                return Ok(self.to.write_event(Event::Empty(tag))?);
            }
            _ => {}
        }
        Ok(self.to.write_event(Event::Empty(tag))?)
    }

    fn end(&mut self, tag: BytesEnd<'_>) -> Result<(), Failure> {
        let name = tag.name().as_ref().to_owned();
        match tag.local_name().as_ref() {
            "row" => self.note(&name)?,
            "cols" if self.widths < self.marks.column => self.own_width(prefix_of(&name))?,
            _ => {}
        }
        Ok(self.to.write_event(Event::End(tag))?)
    }

    fn open_row(&mut self, tag: &BytesStart<'_>) -> Result<(), Failure> {
        self.place.row(tag);
        self.is_noted = !self.marks.notes.contains_key(&self.place.row);
        let tag = if self.is_noted { tag.to_owned() } else { without(tag, "spans") };
        Ok(self.to.write_event(Event::Start(tag))?)
    }

    /// A cell's tag as it's written; nothing in the notes' column, where notes of an earlier copy may stand.
    fn cell(&mut self, tag: &BytesStart<'_>) -> Result<Option<BytesStart<'static>>, Failure> {
        self.place.cell(tag);
        if !self.marks.notes.is_empty() && self.place.column >= self.marks.column {
            let name = tag.name().as_ref().to_owned();
            self.note(&name)?;
            if self.place.column == self.marks.column {
                return Ok(None);
            }
        }
        let is_wrong = self.marks.wrong.contains(&(self.place.row, self.place.column));
        match self.styles.0.get(&style(tag)).filter(|_| is_wrong) {
            None => Ok(Some(tag.to_owned())),
            Some(style) => {
                let mut tag = without(tag, "s");
                tag.push_attribute(("s", style.to_string().as_str()));
                Ok(Some(tag))
            }
        }
    }

    /// Writes the row's note, once.
    fn note(&mut self, name: &str) -> Result<(), Failure> {
        let row = self.place.row;
        if std::mem::replace(&mut self.is_noted, true) {
            return Ok(());
        }
        let Some(text) = self.marks.notes.get(&row) else { return Ok(()) };
        let (prefix, place) = (prefix_of(name), letters(self.marks.column - 1));
        let text = quick_xml::escape::escape(text.as_str());
        write!(
            self.to.get_mut(),
            "<{prefix}c r=\"{place}{row}\" t=\"inlineStr\"><{prefix}is><{prefix}t xml:space=\"preserve\">{text}</{prefix}t></{prefix}is></{prefix}c>"
        )?;
        Ok(())
    }

    fn width(&mut self, tag: &BytesStart<'_>) {
        let last = attribute(tag, "max").and_then(|last| last.parse().ok());
        self.widths = self.widths.max(last.unwrap_or(0));
    }

    fn own_width(&mut self, prefix: &str) -> Result<(), Failure> {
        let column = self.marks.column;
        write!(
            self.to.get_mut(),
            "<{prefix}col min=\"{column}\" max=\"{column}\" width=\"60\" customWidth=\"1\"/>"
        )?;
        Ok(())
    }

    /// Where a sheet has no widths of its own.
    fn widths_at_last(&mut self, tag: &BytesStart<'_>) -> Result<(), Failure> {
        if self.has_widths || self.marks.notes.is_empty() {
            return Ok(());
        }
        let name = tag.name().as_ref().to_owned();
        let prefix = prefix_of(&name);
        write!(self.to.get_mut(), "<{prefix}cols>")?;
        self.own_width(prefix)?;
        write!(self.to.get_mut(), "</{prefix}cols>")?;
        Ok(())
    }
}
