//! The package of an .xlsx: its parts are found by their relations, as the library finds them, so that nothing is read
//! that wasn't looked through first.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use super::bounds::MIB;
use super::refusal::ImportError;

/// No piece of XML between two tags is longer, in bytes.
const LONGEST_PIECE: usize = 16 << 20;
/// Tags stand no deeper within each other.
pub(super) const DEEPEST: usize = 100;
/// The parts that say what others are for have no more than so many bytes.
const LONGEST_DIRECTORY: u64 = 32 * MIB;
const MOST_RELATIONS: usize = 100_000;
pub(super) const MOST_SHEETS: usize = 2_000;
const MOST_NAMES: usize = 200_000;

/// A package and where its parts lie.
pub(super) struct Package<'b> {
    file: &'b str,
    archive: ZipArchive<Cursor<&'b [u8]>>,
    /// The entries by their names in small letters, with the slashes of an address.
    entries: HashMap<String, String>,
}

/// Where the part lies that says what the workbook is.
pub(super) struct Main {
    /// With its slash.
    pub folder: String,
    pub name: String,
}

/// What the workbook's own part says.
#[derive(Default)]
pub(super) struct Book {
    /// The folder in which its parts lie.
    pub folder: String,
    /// The sheets' names and the parts that they are, in their order.
    pub sheets: Vec<(String, String)>,
    /// That its formulas are to be computed once it's opened.
    pub is_to_be_computed: bool,
}

impl<'b> Package<'b> {
    pub fn open(file: &'b str, bytes: &'b [u8]) -> Result<Package<'b>, ImportError> {
        let archive = ZipArchive::new(Cursor::new(bytes));
        let archive = archive.map_err(|why| ImportError::broken(file, why))?;
        let names = archive.file_names().flatten();
        let entries = names.map(|name| (address(&name), name.into_owned())).collect();
        Ok(Package { file, archive, entries })
    }

    /// A part that may be unpacked to so many bytes, where there is one of that name.
    pub fn part(
        &mut self,
        path: &str,
        left: u64,
    ) -> Result<Option<Part<impl BufRead + use<'_, 'b>>>, ImportError> {
        let Some(name) = self.entries.get(&address(path)) else { return Ok(None) };
        let entry =
            self.archive.by_name(name).map_err(|why| ImportError::broken(self.file, why))?;
        Ok(Some(Part::of(entry, left)))
    }

    /// The part that says what the workbook is; `usual` where no relation names it.
    pub fn main(&mut self, usual: &str) -> Result<Main, ImportError> {
        let mut target = None;
        self.directory("_rels/.rels", |tag| {
            let kind = attribute(tag, "Type").unwrap_or_default();
            if kind.ends_with("/relationships/officeDocument") {
                target = attribute(tag, "Target");
            }
        })?;
        let target = target.unwrap_or_else(|| usual.to_owned());
        let target = target.trim_start_matches('/');
        let (folder, name) = target.rsplit_once('/').unwrap_or(("", target));
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        Ok(Main { folder, name: name.to_owned() })
    }

    /// What a part is related to: the others' names and what they are, by the names of the relations.
    pub fn targets(
        &mut self,
        folder: &str,
        name: &str,
    ) -> Result<HashMap<String, (String, String)>, ImportError> {
        let mut targets = HashMap::new();
        self.directory(&format!("{folder}_rels/{name}.rels"), |tag| {
            if let (Some(id), Some(target)) = (attribute(tag, "Id"), attribute(tag, "Target")) {
                let path = target.strip_prefix('/').map(str::to_owned);
                let path = path.unwrap_or_else(|| format!("{folder}{target}"));
                targets.insert(id, (path, attribute(tag, "Type").unwrap_or_default()));
            }
        })?;
        Ok(targets)
    }

    /// Reads what the workbook says of itself.
    pub fn book(&mut self) -> Result<Book, ImportError> {
        let Main { folder, name } = self.main("xl/workbook.xml")?;
        let targets = self.targets(&folder, &name)?;
        let mut book = Book { folder: folder.clone(), ..Book::default() };
        self.directory(&format!("{folder}{name}"), |tag| match tag.local_name().as_ref() {
            "sheet" => {
                let path = attribute_last(tag, "id").and_then(|id| targets.get(&id));
                let name = attribute(tag, "name").unwrap_or_default();
                book.sheets.push((name, path.map(|(path, _)| path.clone()).unwrap_or_default()));
            }
            "calcPr" => book.is_to_be_computed = is_true(tag, "fullCalcOnLoad"),
            _ => {}
        })?;
        Ok(book)
    }

    /// Looks at each tag of a part that says what others are for, within what such a part may hold.
    fn directory(
        &mut self,
        path: &str,
        mut look: impl FnMut(&BytesStart<'_>),
    ) -> Result<(), ImportError> {
        let file = self.file;
        let Some(mut part) = self.part(path, LONGEST_DIRECTORY)? else { return Ok(()) };
        let mut counts = Counts::new(
            file,
            &[
                (&["Relationship"], MOST_RELATIONS, "工作簿里的关联"),
                (&["sheet"], MOST_SHEETS, "工作表"),
                (&["definedName"], MOST_NAMES, "工作簿里定义的名称"),
            ],
        );
        let walked = walk(&mut part, file, |event| {
            if let Event::Start(tag) | Event::Empty(tag) = event {
                counts.count(tag)?;
                look(tag);
            }
            Ok(())
        });
        part.within("工作簿的目录解开后", file, LONGEST_DIRECTORY / MIB)?;
        walked
    }
}

/// An entry's name without what doesn't tell it from others.
pub(super) fn address(name: &str) -> String {
    name.replace('\\', "/").to_ascii_lowercase()
}

/// A path without its steps back: xl/worksheets/../comments1.xml.
pub(super) fn straight(path: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for step in path.split('/') {
        match step {
            "." | "" => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    steps.join("/")
}

/// How many of some elements there are, of which no file needs more.
pub(super) struct Counts<'c> {
    pub file: &'c str,
    kinds: &'c [(&'c [&'c str], usize, &'static str)],
    counts: Vec<usize>,
}

impl<'c> Counts<'c> {
    pub fn new(file: &'c str, kinds: &'c [(&'c [&'c str], usize, &'static str)]) -> Counts<'c> {
        Counts { file, kinds, counts: vec![0; kinds.len()] }
    }

    pub fn count(&mut self, tag: &BytesStart<'_>) -> Result<(), ImportError> {
        let name = tag.local_name();
        let known = self.kinds.iter().position(|(names, ..)| names.contains(&name.as_ref()));
        let Some(index) = known else { return Ok(()) };
        self.counts[index] += 1;
        let (_, limit, what) = self.kinds[index];
        if self.counts[index] > limit { Err(too_many(self.file, what, limit)) } else { Ok(()) }
    }
}

pub(super) fn too_many(file: &str, what: &'static str, limit: usize) -> ImportError {
    ImportError::TooMany { file: file.to_owned(), what, limit }
}

/// A part as it's unpacked, to its bound.
pub(super) struct Part<R> {
    from: R,
    pub size: u64,
    left: u64,
    /// How many bytes were read since the last tag.
    piece: usize,
}

impl<R: Read> Part<BufReader<R>> {
    pub fn of(entry: R, left: u64) -> Part<BufReader<R>> {
        Part { from: BufReader::new(entry), size: 0, left, piece: 0 }
    }
}

impl<R> Part<R> {
    pub fn within(&self, what: &'static str, file: &str, limit: u64) -> Result<(), ImportError> {
        if self.size <= self.left {
            return Ok(());
        }
        let size = limit + 1;
        Err(ImportError::TooBig { file: file.to_owned(), what, size, limit })
    }

    /// Whether a piece between two tags was too long.
    pub fn is_torn(&self) -> bool {
        self.piece > LONGEST_PIECE
    }
}

impl<R: BufRead> Read for Part<R> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let from = self.fill_buf()?;
        let length = from.len().min(to.len());
        to[..length].copy_from_slice(&from[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Part<R> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.size > self.left || self.is_torn() {
            return Err(std::io::Error::other("too large"));
        }
        self.from.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(bytes) = self.from.fill_buf() {
            let read = &bytes[..amount.min(bytes.len())];
            self.piece = match read.iter().rposition(|byte| *byte == b'<') {
                Some(at) => read.len() - at,
                None => self.piece + read.len(),
            };
        }
        self.size += amount as u64;
        self.from.consume(amount);
    }
}

/// Looks at each event of a part.
pub(super) fn walk(
    part: &mut Part<impl BufRead>,
    file: &str,
    mut look: impl FnMut(&Event<'_>) -> Result<(), ImportError>,
) -> Result<(), ImportError> {
    let mut xml = Reader::from_reader(part);
    xml.config_mut().check_end_names = false;
    let (mut depth, mut buffer) = (0_usize, Vec::new());
    loop {
        buffer.clear();
        let event = match xml.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(_) if xml.get_ref().is_torn() => {
                let limit = LONGEST_PIECE as u64 / MIB;
                let (file, what, size) = (file.to_owned(), "工作簿里的一段标记", limit + 1);
                return Err(ImportError::TooBig { file, what, size, limit });
            }
            Err(error) => return Err(ImportError::broken(file, error)),
        };
        match &event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof => return Ok(()),
            _ => {}
        }
        if depth > DEEPEST {
            return Err(too_many(file, "工作簿里层层相套的标记", DEEPEST));
        }
        look(&event)?;
    }
}

pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut all = tag.attributes();
    let mut all = all.with_checks(false).flatten();
    all.find(|attribute| attribute.key.local_name().as_ref() == name).and_then(|of| text_of(&of))
}

/// Of several the last one, as the library takes it.
fn attribute_last(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut all = tag.attributes();
    let all = all.with_checks(false).flatten();
    let named = all.filter(|attribute| attribute.key.local_name().as_ref() == name);
    named.last().and_then(|of| text_of(&of))
}

fn text_of(attribute: &Attribute<'_>) -> Option<String> {
    let value = AsRef::<str>::as_ref(&attribute.value);
    quick_xml::escape::unescape(value).map(|text| text.into_owned()).ok()
}

pub(super) fn is_true(tag: &BytesStart<'_>, name: &str) -> bool {
    attribute(tag, name).is_some_and(|value| value == "1" || value == "true")
}
