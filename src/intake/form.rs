//! What form a file has, by its bytes, whatever its name says; what isn't a table is named as such, with the cure.

use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use super::bounds::{Bounds, MIB};
use super::delimited::decode;
use super::original::{Form, Original};
use super::package::address;
use super::refusal::ImportError;
use super::xls;

/// Reads a file that isn't too big.
pub(super) fn read_bounded(
    path: &Path,
    name: &str,
    bounds: &Bounds,
) -> Result<Vec<u8>, ImportError> {
    let unreadable = |why: std::io::Error| ImportError::io(name, &why);
    let opened = std::fs::File::open(path).map_err(unreadable)?;
    let metadata = opened.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    let (size, limit) = (metadata.len(), bounds.file_mib);
    if size > limit * MIB {
        let (file, size) = (name.to_owned(), size / MIB);
        return Err(ImportError::TooBig { file, what: "文件", size, limit });
    }
    let mut bytes = Vec::new();
    opened.take(limit * MIB).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// Knows a file's form by what stands in it.
pub(super) fn original(
    name: &str,
    bytes: Vec<u8>,
    bounds: Bounds,
) -> Result<Original, ImportError> {
    let form = match form_of(name, &bytes) {
        Ok(form) => form,
        Err(other) => return Err(other.refused(name)),
    };
    Ok(Original { file: name.to_owned(), bytes: Arc::new(bytes), form, bounds })
}

/// What isn't a table, or none that can be read.
enum Other {
    Known { what: &'static str, cure: &'static str },
    Broken(String),
}

impl Other {
    fn refused(self, file: &str) -> ImportError {
        match self {
            Other::Known { what, cure } => {
                ImportError::NotATable { file: file.to_owned(), what, cure }
            }
            Other::Broken(why) => ImportError::broken(file, why),
        }
    }
}

const OLE: [u8; 8] = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
const ASK: &str = "请向发来的人要表格本身（.xlsx）";
const SAVE_AS: &str = "请用 Excel 或 WPS 打开，另存为 .xlsx，再导入";

fn form_of(name: &str, bytes: &[u8]) -> Result<Form, Other> {
    if bytes.starts_with(b"PK") {
        return form_of_archive(bytes);
    }
    if bytes.starts_with(&OLE[..4]) {
        return form_of_ole(bytes);
    }
    if let Some((what, cure)) = other_form(bytes) {
        return Err(Other::Known { what, cure });
    }
    let lower = name.to_lowercase();
    let named = |ends: &[&str]| ends.iter().any(|end| lower.ends_with(end));
    let ends = [".xlsx", ".xlsm", ".xls", ".xlsb", ".et", ".ods", ".numbers"];
    // Many programs call a table of text that Excel opens a workbook.
    if !bytes.is_empty() && named(&ends) && !is_table_of_text(bytes) {
        return Err(Other::Broken("开头不是工作簿的标记".to_owned()));
    }
    Ok(Form::Text)
}

/// Whether lines of text stand there, with marks between their cells.
fn is_table_of_text(bytes: &[u8]) -> bool {
    let start = decode(&bytes[..bytes.len().min(4_096)]);
    let is_text = |c: char| !c.is_control() || matches!(c, '\t' | '\r' | '\n');
    let first = start.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    start.chars().all(is_text) && first.contains(['\t', ',', '，', ';'])
}

/// What it is, where it's neither a workbook nor text, and what to do.
fn other_form(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let starts = |marks: &[&[u8]]| marks.iter().any(|mark| bytes.starts_with(mark));
    let at = |place: usize, mark: &[u8]| bytes.get(place..).is_some_and(|b| b.starts_with(mark));
    if starts(&[b"%PDF"]) {
        return Some((" PDF 文件", "请向发来的人要表格本身（.xlsx），不要打印成 PDF 的"));
    }
    if starts(&[b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*"])
        || starts(&[b"RIFF"]) && at(8, b"WEBP")
        || starts(&[b"BM"]) && at(6, &[0; 4])
        || at(4, b"ftyp")
            && [&b"heic"[..], b"heix", b"mif1", b"msf1", b"avif"].iter().any(|b| at(8, b))
    {
        return Some(("图片", ASK));
    }
    if at(4, b"ftyp") || starts(&[b"RIFF", b"ID3", b"OggS", b"\x1a\x45\xdf\xa3"]) {
        return Some(("录音或录像，不是表格", ASK));
    }
    if starts(&[b"{\\rtf"]) {
        return Some(("写字板文档", "请把里面的表格复制到 Excel 或 WPS，存为 .xlsx，再导入"));
    }
    if starts(&[b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b", b"BZh", b"\xfd7zXZ"]) || at(257, b"ustar") {
        return Some(("压缩包", "请先解压，再导入里面的表格"));
    }
    let start = decode(&bytes[..bytes.len().min(4_096)]);
    let text = start.trim_start_matches(['\u{feff}', ' ', '\r', '\n', '\t']).to_lowercase();
    if text.starts_with('<') || text.starts_with("mime-version:") {
        return Some(("网页或标记文本（只是改了扩展名的表格）", SAVE_AS));
    }
    if starts(&[b"\xff\xfe\0\0", b"\0\0\xfe\xff"]) || is_of_four_bytes(bytes) {
        return Some((
            "用少见的编码（每个字占四个字节）存的文本",
            "请用 Excel 或 WPS 打开原表，另存为 .xlsx，再导入",
        ));
    }
    // Text has hardly any of the zeros that programs write.
    let zeros = start.chars().filter(|c| *c == '\0').count();
    (zeros * 32 > start.chars().count()).then_some(("别的程序的文件，不是表格", ASK))
}

/// Whether every character of a beginning stands on four bytes, as UTF-32 has them.
fn is_of_four_bytes(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(4_096) / 4 * 4];
    let quads = || start.chunks_exact(4);
    let is_char = |code: u32| char::from_u32(code).is_some_and(|c| c != '\0');
    start.len() >= 16
        && (quads().all(|quad| is_char(u32::from_le_bytes([quad[0], quad[1], quad[2], quad[3]])))
            || quads()
                .all(|quad| is_char(u32::from_be_bytes([quad[0], quad[1], quad[2], quad[3]]))))
}

/// A workbook has some dozens of parts; their list is held in memory.
const MOST_PARTS: usize = 65_000;

fn form_of_archive(bytes: &[u8]) -> Result<Form, Other> {
    if bytes.windows(4).filter(|mark| *mark == b"PK\x01\x02").count() > MOST_PARTS {
        return Err(Other::Known { what: "装了几万个文件的压缩包", cure: ASK });
    }
    let archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| Other::Broken(error.to_string()))?;
    let names: Vec<String> = archive.file_names().flatten().map(|name| address(&name)).collect();
    let has = |name: &str| names.iter().any(|known| *known == address(name));
    let starts = |start: &str| names.iter().any(|known| known.starts_with(&address(start)));
    if has("xl/workbook.bin") {
        return Ok(Form::Xlsb);
    }
    if has("content.xml") && has("META-INF/manifest.xml") {
        return form_of_open_document(bytes);
    }
    let known = |what, cure| Err(Other::Known { what, cure });
    if has("OFD.xml") {
        return known("版式文件（不能改的电子文件）", ASK);
    }
    if starts("Index/") || has("Index.zip") {
        return known("苹果 Numbers 文件", "请在 Numbers 里选「文件 > 导出到 > Excel」，再导入");
    }
    if starts("word/") {
        return known("文字文档", "请把里面的表格复制到 Excel 或 WPS，存为 .xlsx，再导入");
    }
    if starts("ppt/") {
        return known("演示文稿", "请把里面的表格复制到 Excel 或 WPS，存为 .xlsx，再导入");
    }
    if has("[Content_Types].xml") || starts("xl/") {
        return Ok(Form::Xlsx);
    }
    known("压缩包", "请先解压，再导入里面的表格")
}

fn form_of_open_document(bytes: &[u8]) -> Result<Form, Other> {
    let broken = |error: zip::result::ZipError| Other::Broken(error.to_string());
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    let mut manifest = Vec::new();
    let entry = archive.by_name("META-INF/manifest.xml").map_err(broken)?;
    entry.take(MIB).read_to_end(&mut manifest).map_err(|error| Other::Broken(error.to_string()))?;
    if String::from_utf8_lossy(&manifest).contains("encryption-data") {
        return Err(PROTECTED);
    }
    Ok(Form::Ods)
}

const PROTECTED: Other = Other::Known {
    what: "加了密码的文件",
    cure: "请用 Excel 或 WPS 打开，去掉打开密码，另存后再导入",
};

/// The older container: what it is stands at its top.
fn form_of_ole(bytes: &[u8]) -> Result<Form, Other> {
    let Some(streams) = xls::streams(bytes) else {
        return Err(Other::Broken("容器读不出来".to_owned()));
    };
    let has = |name: &str| streams.iter().any(|known| known == name);
    if has("encryptedpackage") || has("encryptioninfo") {
        return Err(PROTECTED);
    }
    if has("workbook") || has("book") {
        return if xls::is_protected(bytes) { Err(PROTECTED) } else { Ok(Form::Xls) };
    }
    if has("worddocument") {
        let cure = "请把里面的表格复制到 Excel 或 WPS，存为 .xlsx，再导入";
        return Err(Other::Known { what: "文字文档", cure });
    }
    if has("powerpoint document") {
        let cure = "请把里面的表格复制到 Excel 或 WPS，存为 .xlsx，再导入";
        return Err(Other::Known { what: "演示文稿", cure });
    }
    Err(Other::Broken("没有工作簿".to_owned()))
}
