//! An official document (公文格式, GB/T 9704): A4, margins, fonts, line pitch and page numbers, as a .docx.
//!
//! Text comes as lines: `# ` the title, `= ` whose it is under the title, `## ` a first heading (黑体), `### ` a second one (楷体),
//! `> ` set to the right, `| a | b |` a row of a table, anything else a paragraph. `【…】` is marked: a person writes there.

use std::io::{Cursor, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::plain::bare;

/// The document's bytes.
///
/// # Errors
/// Where it can't be packed.
pub fn docx(text: &str, title: &str) -> std::io::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let core = CORE.replace("{title}", &escaped(title));
    let document = document(text);
    let parts: [(&str, &str); 9] = [
        ("[Content_Types].xml", CONTENT_TYPES),
        ("_rels/.rels", RELATIONS),
        ("docProps/core.xml", &core),
        ("word/document.xml", &document),
        ("word/styles.xml", STYLES),
        ("word/settings.xml", SETTINGS),
        ("word/_rels/document.xml.rels", DOCUMENT_RELATIONS),
        ("word/footer1.xml", &footer("right")),
        ("word/footer2.xml", &footer("left")),
    ];
    for (name, part) in parts {
        zip.start_file(name, stored).map_err(std::io::Error::other)?;
        zip.write_all(part.as_bytes())?;
    }
    Ok(zip.finish().map_err(std::io::Error::other)?.into_inner())
}

fn document(text: &str) -> String {
    let mut body = String::new();
    let mut lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        if line.starts_with('|') {
            let mut rows = vec![cells(line)];
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                rows.push(cells(row));
            }
            body.push_str(&table(&rows));
            continue;
        }
        let marks = [
            ("### ", "Second"),
            ("## ", "First"),
            ("# ", "Title"),
            ("= ", "Whose"),
            ("> ", "Sign"),
        ];
        let marked =
            marks.iter().find_map(|(mark, style)| Some((line.strip_prefix(mark)?, *style)));
        let (words, style) = marked.unwrap_or((line, "Body"));
        // Whoever signs never stands alone on a page.
        let is_signed = lines.peek().is_some_and(|next| next.starts_with("> "));
        body.push_str(&paragraph(words, style, is_signed));
    }
    DOCUMENT.replace("{body}", &body)
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// A paragraph, perhaps kept on one page with the next.
fn paragraph(words: &str, style: &str, keeps: bool) -> String {
    let keep = if keeps { "<w:keepNext/>" } else { "" };
    format!("<w:p><w:pPr><w:pStyle w:val=\"{style}\"/>{keep}</w:pPr>{}</w:p>", runs(words))
}

/// What a person is to write is marked.
fn runs(words: &str) -> String {
    let mut runs = String::new();
    let mut rest = words;
    while let Some((before, from)) = rest.split_once('【') {
        let Some((inside, after)) = from.split_once('】') else { break };
        runs.push_str(&run(before, ""));
        runs.push_str(&run(
            &format!("【{inside}】"),
            "<w:rPr><w:highlight w:val=\"yellow\"/></w:rPr>",
        ));
        rest = after;
    }
    runs + &run(rest, "")
}

fn run(words: &str, form: &str) -> String {
    if words.is_empty() {
        return String::new();
    }
    format!("<w:r>{form}<w:t xml:space=\"preserve\">{}</w:t></w:r>", escaped(words))
}

/// The width of the type area, in twentieths of a point: 156 mm.
const WIDTH: usize = 8_844;

fn table(rows: &[Vec<&str>]) -> String {
    let widths = widths(rows);
    let grid: String = widths.iter().map(|w| format!("<w:gridCol w:w=\"{w}\"/>")).collect();
    let mut table = format!("<w:tbl>{TABLE}<w:tblGrid>{grid}</w:tblGrid>");
    for (place, row) in rows.iter().enumerate() {
        let (head, style) = match place {
            0 => ("<w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>", "CellHead"),
            _ => ("<w:trPr><w:cantSplit/></w:trPr>", "Cell"),
        };
        table.push_str(&format!("<w:tr>{head}"));
        for (column, width) in widths.iter().enumerate() {
            let words = row.get(column).copied().unwrap_or_default();
            table.push_str(&format!(
                "<w:tc><w:tcPr><w:tcW w:w=\"{width}\" w:type=\"dxa\"/><w:vAlign w:val=\"center\"/></w:tcPr>{}</w:tc>",
                paragraph(words, style, false)
            ));
        }
        table.push_str("</w:tr>");
    }
    table + "</w:tbl>"
}

/// How wide the columns of a table are, by the longest that stands in each.
fn widths(rows: &[Vec<&str>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(1).max(1);
    let wide = |text: &&str| text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    let longest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(wide).max().unwrap_or(0_usize).clamp(6, 24) + 2
    };
    let weights: Vec<usize> = (0..columns).map(longest).collect();
    let all: usize = weights.iter().sum();
    weights.iter().map(|weight| WIDTH * weight / all).collect()
}

fn escaped(text: &str) -> String {
    // What XML takes no other way is left out.
    let taken = |c: &char| !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')) || *c == '\t';
    let mut escaped = String::new();
    for character in bare(text).chars().filter(taken) {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The page's number between dashes, outside: on the right of odd pages and on the left of even ones, an em from the edge.
fn footer(side: &str) -> String {
    FOOTER
        .replace("{side}", side)
        .replace("{indent}", if side == "right" { "w:right" } else { "w:left" })
}

const CONTENT_TYPES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/><Override PartName="/word/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.styles+xml"/><Override PartName="/word/settings.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.settings+xml"/><Override PartName="/word/footer1.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.footer+xml"/><Override PartName="/word/footer2.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.footer+xml"/><Override PartName="/docProps/core.xml" ContentType="application/vnd.openxmlformats-package.core-properties+xml"/></Types>"#;

const RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" Target="docProps/core.xml"/></Relationships>"#;

const CORE: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></cp:coreProperties>"#;

const DOCUMENT_RELATIONS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/settings" Target="settings.xml"/><Relationship Id="rId3" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footer" Target="footer1.xml"/><Relationship Id="rId4" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footer" Target="footer2.xml"/></Relationships>"#;

const SETTINGS: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:settings xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:evenAndOddHeaders/><w:characterSpacingControl w:val="compressPunctuation"/></w:settings>"#;

// A4; 37 mm above, 28 mm on the binding side, 26 mm and 35 mm elsewhere: the type area is 156 by 225 mm, 22 lines of 28 characters.
const DOCUMENT: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><w:body>{body}<w:sectPr><w:footerReference w:type="default" r:id="rId3"/><w:footerReference w:type="even" r:id="rId4"/><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="2098" w:right="1474" w:bottom="1985" w:left="1588" w:header="851" w:footer="1588" w:gutter="0"/><w:pgNumType w:start="1"/><w:docGrid w:type="lines" w:linePitch="579"/></w:sectPr></w:body></w:document>"#;

const TABLE: &str = r#"<w:tblPr><w:tblW w:w="8844" w:type="dxa"/><w:jc w:val="center"/><w:tblBorders><w:top w:val="single" w:sz="6"/><w:left w:val="single" w:sz="6"/><w:bottom w:val="single" w:sz="6"/><w:right w:val="single" w:sz="6"/><w:insideH w:val="single" w:sz="6"/><w:insideV w:val="single" w:sz="6"/></w:tblBorders><w:tblLayout w:type="fixed"/></w:tblPr>"#;

const FOOTER: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:ftr xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:p><w:pPr><w:pStyle w:val="Footer"/><w:ind {indent}="280"/><w:jc w:val="{side}"/></w:pPr><w:r><w:t xml:space="preserve">— </w:t></w:r><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText xml:space="preserve"> PAGE </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>1</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r><w:r><w:t xml:space="preserve"> —</w:t></w:r></w:p></w:ftr>"#;

// 二号 is 22 points, 三号 16, 四号 14; a line is 28.95 points high.
const STYLES: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:docDefaults><w:rPrDefault><w:rPr><w:rFonts w:ascii="Times New Roman" w:hAnsi="Times New Roman" w:eastAsia="仿宋" w:cs="Times New Roman"/><w:sz w:val="32"/><w:szCs w:val="32"/><w:lang w:val="en-US" w:eastAsia="zh-CN"/></w:rPr></w:rPrDefault></w:docDefaults>
<w:style w:type="paragraph" w:default="1" w:styleId="Body"><w:name w:val="Normal"/><w:pPr><w:spacing w:line="579" w:lineRule="exact"/><w:ind w:firstLineChars="200" w:firstLine="640"/><w:jc w:val="both"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/><w:basedOn w:val="Body"/><w:pPr><w:spacing w:before="0" w:after="0" w:line="680" w:lineRule="exact"/><w:ind w:firstLineChars="0" w:firstLine="0"/><w:jc w:val="center"/></w:pPr><w:rPr><w:rFonts w:eastAsia="方正小标宋简体"/><w:sz w:val="44"/><w:szCs w:val="44"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Whose"><w:name w:val="Subtitle"/><w:basedOn w:val="Body"/><w:pPr><w:spacing w:before="120" w:after="579"/><w:ind w:firstLineChars="0" w:firstLine="0"/><w:jc w:val="center"/></w:pPr><w:rPr><w:rFonts w:eastAsia="楷体"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="First"><w:name w:val="heading 1"/><w:basedOn w:val="Body"/><w:pPr><w:keepNext/><w:outlineLvl w:val="0"/></w:pPr><w:rPr><w:rFonts w:eastAsia="黑体"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Second"><w:name w:val="heading 2"/><w:basedOn w:val="Body"/><w:pPr><w:keepNext/><w:outlineLvl w:val="1"/></w:pPr><w:rPr><w:rFonts w:eastAsia="楷体"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Sign"><w:name w:val="Signature"/><w:basedOn w:val="Body"/><w:pPr><w:ind w:firstLineChars="0" w:firstLine="0" w:rightChars="400" w:right="1280"/><w:jc w:val="right"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Cell"><w:name w:val="Cell"/><w:basedOn w:val="Body"/><w:pPr><w:snapToGrid w:val="0"/><w:spacing w:line="360" w:lineRule="atLeast"/><w:ind w:firstLineChars="0" w:firstLine="0"/><w:jc w:val="center"/></w:pPr><w:rPr><w:sz w:val="24"/><w:szCs w:val="24"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="CellHead"><w:name w:val="Cell Head"/><w:basedOn w:val="Cell"/><w:rPr><w:rFonts w:eastAsia="黑体"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Footer"><w:name w:val="footer"/><w:basedOn w:val="Body"/><w:pPr><w:spacing w:line="240" w:lineRule="auto"/><w:ind w:firstLineChars="0" w:firstLine="0"/></w:pPr><w:rPr><w:rFonts w:ascii="宋体" w:hAnsi="宋体" w:eastAsia="宋体"/><w:sz w:val="28"/><w:szCs w:val="28"/></w:rPr></w:style>
</w:styles>"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_the_paragraphs_of_an_official_document() {
        let text = "# 总结\n= 第一总支\n\n## 一、情况\n走访 <3> 户。【请写做法】好\n| 村 | 数 |\n| 高桥村 | 3 |\n> 2022年4月15日\n";
        let document = document(text);
        assert!(
            document.contains(
                "<w:pStyle w:val=\"Title\"/></w:pPr><w:r><w:t xml:space=\"preserve\">总结"
            )
        );
        assert!(document.contains("走访 &lt;3&gt; 户。"), "{document}");
        assert!(document.contains(
            "<w:highlight w:val=\"yellow\"/></w:rPr><w:t xml:space=\"preserve\">【请写做法】"
        ));
        assert_eq!(document.matches("<w:tr>").count(), 2);
        assert!(document.contains("w:top=\"2098\""));
        let bytes = docx(text, "总结").unwrap();
        assert!(zip::ZipArchive::new(Cursor::new(bytes)).unwrap().len() == 9);
    }
}
