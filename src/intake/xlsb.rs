//! Binary workbooks (.xlsb), record by record: its cells, and what it says beside them.

use std::collections::HashMap;
use std::io::BufRead;

use super::bounds::{Bounds, MIB};
use super::number_format::NumberFormat;
use super::original::Original;
use super::package::{MOST_SHEETS, Package, too_many};
use super::refusal::ImportError;
use super::scan::{Facts, MOST_MERGED, Region, SheetInfo, extend};

/// No record is longer, in bytes.
const LONGEST_RECORD: usize = 16 << 20;
const MOST_FORMATS: usize = 130_000;
/// What a text takes in memory beside its letters.
const A_TEXT: u64 = 40;

/// What the sheets of a workbook share.
pub(super) struct Binary<'b> {
    original: &'b Original,
    package: Package<'b>,
    pub is_1904: bool,
    sheets: Vec<Sheet>,
    texts: Vec<String>,
    formats: Vec<NumberFormat>,
}

struct Sheet {
    name: String,
    path: String,
    is_hidden: bool,
    is_table: bool,
}

/// What stands in a cell.
pub(super) enum Value<'v> {
    Number(f64, Option<&'v NumberFormat>),
    Truth(bool),
    Text(&'v str),
    Error(&'static str),
}

/// A cell's row and column, from 1, and what stands there.
type Take<'t> = dyn FnMut(usize, usize, Value<'_>) -> Result<bool, ImportError> + 't;

impl<'b> Binary<'b> {
    pub fn open(original: &'b Original) -> Result<Binary<'b>, ImportError> {
        let package = Package::open(&original.file, &original.bytes)?;
        let mut binary = Binary {
            original,
            package,
            is_1904: false,
            sheets: Vec::new(),
            texts: Vec::new(),
            formats: Vec::new(),
        };
        let main = binary.package.main("xl/workbook.bin")?;
        binary.read_book(&main.folder, &main.name)?;
        binary.read_formats(&format!("{}styles.bin", main.folder))?;
        binary.read_texts(&format!("{}sharedStrings.bin", main.folder))?;
        Ok(binary)
    }

    fn bounds(&self) -> &'b Bounds {
        &self.original.bounds
    }

    fn read_book(&mut self, folder: &str, name: &str) -> Result<(), ImportError> {
        let targets = self.package.targets(folder, name)?;
        let (mut sheets, mut is_1904) = (Vec::new(), false);
        self.each_record(&format!("{folder}{name}"), |kind, data| {
            match kind {
                0x99 => is_1904 = data.first().is_some_and(|flags| flags & 1 == 1),
                0x9c => sheets.extend(sheet(data, &targets)),
                _ => {}
            }
            Ok(())
        })?;
        if sheets.len() > MOST_SHEETS {
            return Err(too_many(&self.original.file, "工作表", MOST_SHEETS));
        }
        (self.sheets, self.is_1904) = (sheets, is_1904);
        Ok(())
    }

    /// The number formats by the cells' styles.
    fn read_formats(&mut self, path: &str) -> Result<(), ImportError> {
        let (mut codes, mut formats, mut is_of_cells) = (HashMap::new(), Vec::new(), false);
        let file = self.original.file.as_str();
        self.each_record(path, |kind, data| {
            match kind {
                0x2c => {
                    if let (Some(id), Some((code, _))) = (u16_at(data, 0), wide(data, 2)) {
                        codes.insert(id, NumberFormat::of(&code));
                    }
                }
                0x269 => is_of_cells = true,
                0x26a => is_of_cells = false,
                0x2f if is_of_cells => {
                    let id = u16_at(data, 2).unwrap_or(0);
                    let known = codes.get(&id).cloned();
                    formats.push(known.unwrap_or_else(|| NumberFormat::builtin(id)));
                }
                _ => {}
            }
            if formats.len() + codes.len() > MOST_FORMATS {
                return Err(too_many(file, "单元格格式", MOST_FORMATS));
            }
            Ok(())
        })?;
        self.formats = formats;
        Ok(())
    }

    fn read_texts(&mut self, path: &str) -> Result<(), ImportError> {
        let (mut texts, mut held) = (Vec::new(), 0);
        let (file, limit) = (self.original.file.clone(), self.bounds().held_mib);
        self.each_record(path, |kind, data| {
            if kind == 0x13 {
                let (text, _) = wide(data, 1).unwrap_or_default();
                held += A_TEXT + text.len() as u64;
                texts.push(text);
            }
            if held > limit * MIB {
                let (file, what, size) = (file.clone(), "共用的文字", limit + 1);
                return Err(ImportError::TooBig { file, what, size, limit });
            }
            Ok(())
        })?;
        self.texts = texts;
        Ok(())
    }

    /// Looks at each record of a part, where there is one of that name.
    fn each_record(
        &mut self,
        path: &str,
        mut look: impl FnMut(u16, &[u8]) -> Result<(), ImportError>,
    ) -> Result<(), ImportError> {
        let (file, limit) = (self.original.file.as_str(), self.bounds().unpacked_mib);
        let Some(mut part) = self.package.part(path, limit * MIB)? else { return Ok(()) };
        let mut records = Records::of(&mut part, file);
        let mut read = Ok(());
        while read.is_ok() {
            match records.next() {
                Ok(Some((kind, data))) => read = look(kind, data),
                Ok(None) => break,
                Err(error) => read = Err(error),
            }
        }
        part.within("里面的表解开后", file, limit)?;
        read
    }

    /// What its sheets are; looks all of them through.
    pub fn sheets(&mut self) -> Result<Vec<SheetInfo>, ImportError> {
        let (mut found, mut unpacked) = (Vec::new(), 0);
        for index in 0..self.sheets.len() {
            let Sheet { name, path, is_hidden, is_table } = &self.sheets[index];
            let (name, path) = (name.clone(), path.clone());
            let (is_hidden, is_table) = (*is_hidden, *is_table);
            let facts = self.facts(&path, &mut unpacked)?;
            found.push(SheetInfo { name, is_hidden, is_table, facts });
        }
        Ok(found)
    }

    fn facts(&mut self, path: &str, unpacked: &mut u64) -> Result<Facts, ImportError> {
        let (file, limit) = (self.original.file.as_str(), self.bounds().unpacked_mib);
        let mut facts = Facts::default();
        let size = &mut 0;
        let left = *unpacked;
        self.each_record(path, |kind, data| {
            *size += data.len() as u64 + 2;
            if left + *size > limit * MIB {
                let (file, what, size) = (file.to_owned(), "各表解开后", limit + 1);
                return Err(ImportError::TooBig { file, what, size, limit });
            }
            note(&mut facts, kind, data);
            if facts.merged.len() > MOST_MERGED {
                return Err(too_many(file, "合并的单元格", MOST_MERGED));
            }
            Ok(())
        })?;
        *unpacked += *size;
        facts.merged.sort_by_key(|region| (region.top, region.left, region.bottom, region.right));
        facts.merged.dedup();
        Ok(facts)
    }

    /// Hands on the cells of the sheet of that place, as long as they are wanted.
    pub fn cells(&mut self, index: usize, take: &mut Take<'_>) -> Result<(), ImportError> {
        let (file, limit) = (self.original.file.as_str(), self.original.bounds.unpacked_mib);
        let Some(sheet) = self.sheets.get(index) else { return Ok(()) };
        let Some(mut part) = self.package.part(&sheet.path, limit * MIB)? else {
            return Err(ImportError::broken(file, "a sheet isn't there"));
        };
        let mut records = Records::of(&mut part, file);
        let mut row = 0;
        while let Some((kind, data)) = records.next()? {
            match kind {
                0x00 => row = u32_at(data, 0).map_or(0, |row| row as usize + 1),
                // The end of the cells.
                0x92 => break,
                _ => {
                    let Some(column) = u32_at(data, 0) else { continue };
                    let text;
                    let value = match kind {
                        // A text with formats within, a text, and what a formula says.
                        0x3e | 0x06 | 0x08 => {
                            let at = if kind == 0x3e { 9 } else { 8 };
                            text = wide(data, at).map(|(text, _)| text).unwrap_or_default();
                            Value::Text(&text)
                        }
                        0x07 => {
                            let index = u32_at(data, 8).unwrap_or(u32::MAX) as usize;
                            match self.texts.get(index) {
                                Some(text) => Value::Text(text),
                                None => return Err(ImportError::broken(file, "no such text")),
                            }
                        }
                        _ => match number_or_mark(kind, data, &self.formats) {
                            Some(value) => value,
                            None => continue,
                        },
                    };
                    if !take(row, column as usize + 1, value)? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

fn sheet(data: &[u8], targets: &HashMap<String, (String, String)>) -> Option<Sheet> {
    let (id, after) = wide(data, 8)?;
    let (name, _) = wide(data, after)?;
    let (path, kind) = targets.get(&id)?.clone();
    let is_hidden = u32_at(data, 0) != Some(0);
    Some(Sheet { name, path, is_hidden, is_table: kind.ends_with("/worksheet") })
}

/// What a sheet says beside its cells.
fn note(facts: &mut Facts, kind: u16, data: &[u8]) {
    let number = |at: usize| u32_at(data, at).map(|number| number as usize + 1);
    match kind {
        0x00 if data.get(11).is_some_and(|flags| flags & 0x10 != 0) => {
            if let Some(row) = number(0) {
                extend(&mut facts.hidden_rows, row, row);
            }
        }
        0x3c if data.get(16).is_some_and(|flags| flags & 1 == 1) => {
            if let (Some(first), Some(last)) = (number(0), number(4)) {
                extend(&mut facts.hidden_columns, first, last);
            }
        }
        0xb0 => {
            if let (Some(top), Some(bottom), Some(left), Some(right)) =
                (number(0), number(4), number(8), number(12))
            {
                facts.merged.push(Region { top, bottom, left, right });
            }
        }
        _ => {}
    }
}

fn number_or_mark<'v>(kind: u16, data: &[u8], formats: &'v [NumberFormat]) -> Option<Value<'v>> {
    let style = u32_at(data, 4).unwrap_or(0) & 0xff_ffff;
    let format = formats.get(style as usize);
    let flag = data.get(8).copied();
    match kind {
        0x02 => Some(Value::Number(short_number(u32_at(data, 8)?), format)),
        0x03 | 0x0b => Some(Value::Error(error_of(flag?))),
        0x04 | 0x0a => Some(Value::Truth(flag? != 0)),
        0x05 | 0x09 => {
            let bytes = data.get(8..16)?.try_into().ok()?;
            Some(Value::Number(f64::from_le_bytes(bytes), format))
        }
        _ => None,
    }
}

/// A number of 30 bits: whole or the upper part of a double, perhaps a hundred times too large.
fn short_number(bits: u32) -> f64 {
    let number = if bits & 2 != 0 {
        f64::from((bits as i32) >> 2)
    } else {
        f64::from_bits(u64::from(bits & !3) << 32)
    };
    if bits & 1 != 0 { number / 100.0 } else { number }
}

fn error_of(code: u8) -> &'static str {
    match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0f => "#VALUE!",
        0x17 => "#REF!",
        0x1d => "#NAME?",
        0x24 => "#NUM!",
        0x2b => "#GETTING_DATA",
        _ => "#N/A",
    }
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

/// A text with its length before it, and where it ends.
fn wide(data: &[u8], at: usize) -> Option<(String, usize)> {
    let length = u32_at(data, at)?;
    if length == u32::MAX {
        return Some((String::new(), at + 4));
    }
    let end = (at + 4).checked_add((length as usize).checked_mul(2)?)?;
    let letters = data.get(at + 4..end)?;
    Some((encoding_rs::UTF_16LE.decode_without_bom_handling(letters).0.into_owned(), end))
}

/// The records of a part.
struct Records<'r, R> {
    from: &'r mut R,
    file: &'r str,
    data: Vec<u8>,
}

impl<'r, R: BufRead> Records<'r, R> {
    fn of(from: &'r mut R, file: &'r str) -> Records<'r, R> {
        Records { from, file, data: Vec::new() }
    }

    fn byte(&mut self) -> std::io::Result<u8> {
        let mut byte = [0];
        self.from.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn head(&mut self) -> std::io::Result<(u16, usize)> {
        let first = self.byte()?;
        let mut kind = u16::from(first & 0x7f);
        if first & 0x80 != 0 {
            kind |= u16::from(self.byte()? & 0x7f) << 7;
        }
        let mut length = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        Ok((kind, length))
    }

    fn next(&mut self) -> Result<Option<(u16, &[u8])>, ImportError> {
        let broken = |why: std::io::Error| ImportError::broken(self.file, why);
        if self.from.fill_buf().map_err(broken)?.is_empty() {
            return Ok(None);
        }
        let file = self.file;
        let broken = |why: std::io::Error| ImportError::broken(file, why);
        let (kind, length) = self.head().map_err(broken)?;
        if length > LONGEST_RECORD {
            return Err(ImportError::broken(file, "a record is too long"));
        }
        self.data.resize(length, 0);
        self.from.read_exact(&mut self.data).map_err(broken)?;
        Ok(Some((kind, &self.data)))
    }
}
