//! What form a file has, by its bytes, whatever its name says; what isn't a table is named as such, with the cure.

use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use super::bounds::{Bounds, MIB};
use super::original::{Form, Original};
use super::refusal::ImportError;

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
const SAVE_AS: &str = "请用 Excel 或 WPS 打开，另存为 .xlsx，再导入";

fn form_of(name: &str, bytes: &[u8]) -> Result<Form, Other> {
    let known = |what, cure| Err(Other::Known { what, cure });
    if bytes.starts_with(b"PK") {
        return form_of_archive(bytes);
    }
    if bytes.starts_with(&OLE[..4]) {
        return form_of_ole(bytes);
    }
    if bytes.starts_with(b"%PDF") {
        return known(" PDF 文件", "请向发来的人要表格本身（.xlsx），不要打印成 PDF 的");
    }
    if bytes.starts_with(b"\x89PNG") || bytes.starts_with(b"\xff\xd8\xff") {
        return known("图片", "请向发来的人要表格本身（.xlsx）");
    }
    if bytes.starts_with(b"{\\rtf") {
        return known("写字板文档", "请把里面的表格复制到 Excel 或 WPS，存为 .xlsx，再导入");
    }
    if bytes.starts_with(b"Rar!")
        || bytes.starts_with(b"7z\xbc\xaf")
        || bytes.starts_with(b"\x1f\x8b")
    {
        return known("压缩包", "请先解压，再导入里面的表格");
    }
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(1_024)]).to_lowercase();
    let start = start.trim_start_matches(['\u{feff}', ' ', '\r', '\n', '\t']);
    if start.starts_with('<') {
        return known("网页或标记文本（只是改了扩展名的表格）", SAVE_AS);
    }
    let lower = name.to_lowercase();
    let named = |ends: &[&str]| ends.iter().any(|end| lower.ends_with(end));
    if !bytes.is_empty() && named(&[".xlsx", ".xlsm", ".xls", ".xlsb", ".et", ".ods", ".numbers"]) {
        return Err(Other::Broken("开头不是工作簿的标记".to_owned()));
    }
    Ok(Form::Text)
}

fn form_of_archive(bytes: &[u8]) -> Result<Form, Other> {
    let archive = zip::ZipArchive::new(Cursor::new(bytes))
        .map_err(|error| Other::Broken(error.to_string()))?;
    let has = |name: &str| archive.index_for_name(name).is_some();
    let starts = |start: &str| archive.file_names().flatten().any(|name| name.starts_with(start));
    if has("xl/workbook.bin") {
        return Ok(Form::Xlsb);
    }
    if has("content.xml") && has("META-INF/manifest.xml") {
        return form_of_open_document(bytes);
    }
    let known = |what, cure| Err(Other::Known { what, cure });
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

/// The older container: its directory names what it holds, in UTF-16.
fn form_of_ole(bytes: &[u8]) -> Result<Form, Other> {
    let named = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        bytes.windows(wide.len()).any(|window| window == wide)
    };
    if named("EncryptedPackage") || named("EncryptionInfo") {
        return Err(PROTECTED);
    }
    if named("WordDocument") {
        let cure = "请把里面的表格复制到 Excel 或 WPS，存为 .xlsx，再导入";
        return Err(Other::Known { what: "文字文档", cure });
    }
    if named("Workbook") || named("Book") {
        return Ok(Form::Xls);
    }
    Err(Other::Broken("没有工作簿".to_owned()))
}
