//! Workbooks that lie about their size, or keep what they say where nobody looks: each is read as it's shown, or refused.

use std::io::{Cursor, Write};
use std::time::Duration;

use cfb::CompoundFile;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;
use zoufang::clock::Stopwatch;
use zoufang::intake::{Incoming, Options};

use crate::awkward::{at_work, refused, taken};

const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A container of the older form with one stream.
pub fn container(stream: &str, bytes: &[u8]) -> Vec<u8> {
    let mut container = CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    container.create_stream(format!("/{stream}")).unwrap().write_all(bytes).unwrap();
    container.flush().unwrap();
    container.into_inner().into_inner()
}

fn zipped(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// What an .xlsx is made of beside its cells.
#[derive(Default)]
struct Made<'m> {
    book: &'m str,
    texts: &'m str,
    styles: &'m str,
    beside: &'m str,
    behind: &'m str,
    named: Option<&'m str>,
}

fn row(number: usize, cells: &[&str]) -> String {
    let letters = ('A'..='Z').zip(cells).filter(|(_, cell)| !cell.is_empty());
    let cells = letters.map(|(letter, cell)| match cell.strip_prefix('<') {
        Some(rest) => format!("<c r=\"{letter}{number}\" {rest}"),
        None => format!("<c r=\"{letter}{number}\" t=\"inlineStr\"><is><t>{cell}</t></is></c>"),
    });
    format!("<row r=\"{number}\">{}</row>", cells.collect::<String>())
}

impl Made<'_> {
    fn of(&self, rows: &str) -> Vec<u8> {
        let name = self.named.unwrap_or("xl/workbook.xml");
        let (folder, file) = name.rsplit_once('/').unwrap();
        let related = |kind: &str, id: &str, target: &str| {
            format!("<Relationship Id=\"{id}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>")
        };
        let relations = |inner: String| format!("<Relationships>{inner}</Relationships>").into();
        let sheet = format!(
            "<worksheet>{}<sheetData>{rows}</sheetData>{}</worksheet>",
            self.beside, self.behind
        );
        let book = format!(
            "<workbook xmlns:r=\"{RELATIONS}\"><sheets><sheet name=\"表\" sheetId=\"1\" r:id=\"a\"/></sheets>{}</workbook>",
            self.book
        );
        let at = |part: &str| format!("{folder}/{part}");
        let texts = if self.texts.is_empty() { ">" } else { self.texts };
        zipped(&[
            ("[Content_Types].xml", b"<Types/>".to_vec()),
            ("_rels/.rels", relations(related("officeDocument", "b", name))),
            (name, book.into()),
            (
                &at(&format!("_rels/{file}.rels")),
                relations(related("worksheet", "a", "sheets/1.xml")),
            ),
            (&at("sheets/1.xml"), sheet.into()),
            (&at("SharedStrings.xml"), format!("<sst {texts}</sst>").into()),
            (&at("styles.xml"), format!("<styleSheet>{}</styleSheet>", self.styles).into()),
        ])
    }
}

fn two_rows(second: &[&str]) -> String {
    row(1, &["对象编号", "走访人员"]) + &row(2, second)
}

const SUBJECTS: &[&str] = &["对象编号", "对象类型", "对象名称", "所属村", "地址"];

/// A sheet of the older binary form: records before the sheet's, and the sheet's own.
pub fn binary(globals: &[(u16, Vec<u8>)], sheet: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let record = |(kind, data): &(u16, Vec<u8>)| {
        let length = u16::try_from(data.len()).unwrap();
        [&kind.to_le_bytes()[..], &length.to_le_bytes(), data].concat()
    };
    let begin = |kind: u8| (0x809, [&[0, 6, kind, 0][..], &[0; 12]].concat());
    let end = (0x0a, Vec::new());
    let mut before = vec![begin(5)];
    before.extend(globals.iter().cloned());
    let length: usize = before.iter().map(|of| record(of).len()).sum();
    // The sheet's place, that it's seen and a table, and its name.
    let at = u32::try_from(length + 4 + 10 + 4).unwrap();
    before.push((0x85, [&at.to_le_bytes()[..], &[0, 0, 2, 0, b's', b'h']].concat()));
    before.push(end.clone());
    let mut all = before;
    all.push(begin(0x10));
    all.extend(sheet.iter().cloned());
    all.push(end);
    let stream: Vec<u8> = all.iter().flat_map(record).collect();
    container("Workbook", &stream)
}

pub fn place(row: u16, column: u16, style: u16) -> Vec<u8> {
    [row.to_le_bytes(), column.to_le_bytes(), style.to_le_bytes()].concat()
}

pub fn label(row: u16, column: u16, text: &str) -> (u16, Vec<u8>) {
    let letters: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let length = u16::try_from(letters.len() / 2).unwrap();
    (0x204, [place(row, column, 0), length.to_le_bytes().to_vec(), vec![1], letters].concat())
}

pub fn labels(row: u16, texts: &[&str]) -> Vec<(u16, Vec<u8>)> {
    let texts = (0..).zip(texts).filter(|(_, text)| !text.is_empty());
    texts.map(|(column, text)| label(row, column, text)).collect()
}

pub fn open_document(rows: &str) -> Vec<u8> {
    styled_document("", "", rows)
}

/// An Open Document with styles that have names of their own, and with those of its cells.
fn styled_document(named: &str, own: &str, rows: &str) -> Vec<u8> {
    let styles = format!(
        "<office:document-styles><office:styles>{named}</office:styles></office:document-styles>"
    );
    let content = format!(
        "<office:document-content><office:automatic-styles>{own}</office:automatic-styles><office:body><office:spreadsheet><table:table table:name=\"表\">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"
    );
    zipped(&[
        ("META-INF/manifest.xml", b"<manifest/>".to_vec()),
        ("styles.xml", styles.into()),
        ("content.xml", content.into()),
    ])
}

pub fn open_row(cells: &[&str]) -> String {
    let cell = |text: &&str| match text.strip_prefix('<') {
        Some(rest) => format!("<table:table-cell {rest}"),
        None => format!(
            "<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
        ),
    };
    format!("<table:table-row>{}</table:table-row>", cells.iter().map(cell).collect::<String>())
}

/// What is refused here, for the list of all refusals.
pub fn wrong_files() -> Vec<(&'static str, Vec<u8>)> {
    let head = two_rows(&["H1", "褚走"]);
    let texts = "uniqueCount=\"88888888888\"><si><t>甲</t></si>";
    let names = "<definedName name=\"a\"/>".repeat(200_001);
    let deep = "<a>".repeat(101) + &"</a>".repeat(101);
    let far = [labels(0, &["对象编号", "走访人员"]), labels(1, &["H1", "褚走"])].concat();
    let far = [far, vec![label(65_535, 250, "x")]].concat();
    let again = "<table:table-row table:number-rows-repeated=\"18446744073709551615\"><table:table-cell office:value-type=\"string\"><text:p>H1</text:p></table:table-cell></table:table-row>";
    let (utf8, gbk) = ("对象编号,走访人员\n", encoding_rs::GB18030.encode("H1,褚走访员\n"));
    vec![
        ("p1.xlsx", Made { texts, ..Made::default() }.of(&head)),
        ("p2.xlsx", Made { book: &names, ..Made::default() }.of(&head)),
        ("p3.xlsx", Made { behind: &deep, ..Made::default() }.of(&head)),
        ("p4.xls", binary(&[], &far)),
        ("p5.ods", open_document(&(open_row(&["对象编号", "走访人员"]) + again))),
        ("p6.csv", [utf8.as_bytes(), &gbk.0].concat()),
        ("p7.xls", binary(&[(0x2f, vec![1, 0, 1, 0, 1, 0])], &far)),
        ("p8.ofd", zipped(&[("OFD.xml", Vec::new())])),
        ("p9.heic", b"\0\0\0\x18ftypheic\0\0".to_vec()),
        ("q1.tar", [&b"v.csv"[..], &[0; 600]].concat()),
        ("q2.xlsx", Made::default().of(&two_rows(&["<t=\"e\"><v>#SPILL!</v></c>", "褚走"]))),
        ("q3.xlsx", Made::default().of(&two_rows(&["<t=\"b\"><v>1</v></c>", "褚走"]))),
        ("q4.csv", "对象编号,走访人员\n3月5日,褚走\n2022/3/5,褚走\n".into()),
    ]
}

#[tokio::test]
async fn what_takes_memory_beyond_its_size_is_refused_at_once() {
    let head = two_rows(&["H1", "褚走"]);
    let formats = format!("<cellXfs>{}</cellXfs>", "<xf/>".repeat(130_001));
    let empty = "><si><t/></si>".to_owned() + &"<si><t/></si>".repeat(10);
    let long = [&[0; 8][..], &8_000_u16.to_le_bytes(), &[0], &[b'x'; 8_000]].concat();
    let cells = (0..200).map(|row| (0xfd, [place(row, 0, 0), vec![0; 4]].concat()));
    let cells: Vec<(u16, Vec<u8>)> = cells.collect();
    let few = Options {
        bounds: zoufang::intake::Bounds { held_mib: 0, ..Default::default() },
        ..Options::default()
    };
    let watch = Stopwatch::start();
    for (name, bytes, options, expected) in [
        (
            "formats.xlsx",
            Made { styles: &formats, ..Made::default() }.of(&head),
            &Options::default(),
            "单元格格式超过",
        ),
        ("texts.xls", binary(&[(0xfc, long)], &cells), &few, "展开后有"),
        ("texts.xlsx", Made { texts: &empty, ..Made::default() }.of(&head), &few, "共用的文字"),
        (
            "promise.xls",
            binary(&[], &[(0x200, [[0; 4], [255; 4], [0, 0, 255, 255], [0; 4]].concat())]),
            &Options::default(),
            "展开后有",
        ),
    ] {
        let error = Incoming::look(name, bytes, options).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    }
    assert!(watch.elapsed() < Duration::from_secs(60), "{:?}", watch.elapsed());
}

#[tokio::test]
async fn merged_cells_are_found_whatever_the_workbook_is_called() {
    let fixture = at_work().await;
    let rows = row(1, &["对象编号", "走访人员"]) + &row(2, &["H1", "褚走"]) + &row(3, &["H2", ""]);
    let behind = "<mergeCells><mergeCell ref=\"B2:B3\"/><mergeCell ref=\"B2:B3\"/></mergeCells>";
    for (name, named) in [("a.xlsx", "xl/other7.xml"), ("b.xlsx", "xl\\workbook.xml")] {
        let named = named.replace('\\', "/");
        let made = Made { behind, named: Some(&named), ..Made::default() };
        let report = taken(&fixture, name, made.of(&rows)).await;
        assert_eq!(report.rows, 2, "{name}");
    }
}

#[tokio::test]
async fn a_number_is_taken_as_it_is_shown_in_every_form() {
    let fixture = at_work().await;
    let subject = |number: &str| row(1, SUBJECTS) + &row(2, &[number, "家庭", "张三", "高桥村"]);
    let styles = "<numFmts><numFmt numFmtId=\"170\" formatCode=\"&quot;杨&quot;000\"/></numFmts><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"170\"/></cellXfs>";
    let made = Made { styles, ..Made::default() };
    taken(&fixture, "n.xlsx", made.of(&subject("<s=\"1\"><v>7</v></c>"))).await;
    let format = [&[170, 0, 4, 0, 0][..], b"0000"].concat();
    let globals =
        [(0x41e, format), (0xe0, vec![0; 20]), (0xe0, [&[0, 0, 170, 0][..], &[0; 16]].concat())];
    let mut sheet = labels(0, SUBJECTS);
    sheet.push((0x203, [place(1, 0, 1), 8_f64.to_le_bytes().to_vec()].concat()));
    sheet.extend(labels(1, &["", "家庭", "李四", "高桥村"]));
    taken(&fixture, "n.xls", binary(&globals, &sheet)).await;
    let shown =
        "<office:value-type=\"float\" office:value=\"9\"><text:p>H009</text:p></table:table-cell>";
    let table = open_row(SUBJECTS) + &open_row(&[shown, "家庭", "王五", "高桥村"]);
    taken(&fixture, "n.ods", open_document(&table)).await;
    let wrapped =
        "对象编号,对象类型,对象名称,所属村\n=\"00011\",家庭,孙六,高桥村\n'00012,家庭,周七,高桥村\n";
    taken(&fixture, "n.csv", wrapped).await;
    let mut snapshot = fixture.store.snapshot().await.unwrap();
    let numbers = ["杨007", "0008", "H009", "00011", "00012"];
    assert_eq!(snapshot.subjects_numbered(&numbers).await.unwrap().len(), numbers.len());
    snapshot.end().await.unwrap();
    let percent = "<cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"9\"/></cellXfs>";
    let made = Made { styles: percent, ..Made::default() };
    let error = refused(&fixture, "p.xlsx", made.of(&subject("<s=\"1\"><v>7</v></c>"))).await;
    assert!(error.contains("第 2 行第 1 列") && error.contains("别的样子"), "{error}");
    let day = "<cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs>";
    let made = Made { styles: day, ..Made::default() };
    let error = refused(&fixture, "d.xlsx", made.of(&subject("<s=\"1\"><v>44625</v></c>"))).await;
    assert!(error.contains("当成了日期"), "{error}");
}

#[tokio::test]
async fn a_formula_that_was_never_worked_out_is_refused_where_it_stands() {
    let fixture = at_work().await;
    let subject =
        |address: &str| row(1, SUBJECTS) + &row(2, &["H91", "家庭", "张三", "高桥村", address]);
    let book = "<calcPr fullCalcOnLoad=\"1\"/>";
    let made = Made { book, ..Made::default() };
    let error = refused(&fixture, "f.xlsx", made.of(&subject("<><f>A1</f><v>0</v></c>"))).await;
    assert!(error.contains("第 2 行第 5 列「地址」") && error.contains("公式"), "{error}");
    let mut sheet = labels(0, SUBJECTS);
    sheet.extend(labels(1, &["H91", "家庭", "张三", "高桥村"]));
    let value = [3, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0];
    sheet.push((0x06, [place(1, 4, 0), value.to_vec()].concat()));
    let error = refused(&fixture, "f.xls", binary(&[], &sheet)).await;
    assert!(error.contains("第 2 行第 5 列「地址」") && error.contains("公式"), "{error}");
    // Cells that don't say where they are, one of them blank.
    let rows = row(1, &["对象编号", "备注", "走访人员"])
        + "<row r=\"2\"><c t=\"inlineStr\"><is><t>H2</t></is></c><c/><c><f>A1</f></c></row>";
    let error = refused(&fixture, "g.xlsx", Made::default().of(&rows)).await;
    assert!(error.contains("第 2 行第 3 列「走访人员」") && error.contains("公式"), "{error}");
}

#[tokio::test]
async fn what_is_hidden_is_named_in_every_form() {
    let fixture = at_work().await;
    let table = [labels(0, &["对象编号", "走访人员"]), labels(1, &["H1", "褚走"])].concat();
    let hidden = [
        (0x7d, [1, 0, 1, 0, 0, 8, 0, 0, 1, 0, 0, 0].to_vec()),
        (0x208, [&[1, 0][..], &[0; 10], &[0x20, 0, 0, 0]].concat()),
    ];
    let told = taken(&fixture, "h.xls", binary(&[], &[&hidden[..], &table].concat())).await;
    let told = told.understood().join("\n");
    assert!(
        told.contains("隐藏的行也读了：第 2 行") && told.contains("隐藏的列也在表里：走访人员"),
        "{told}"
    );
    let columns = "<table:table-column/><table:table-column table:visibility=\"collapse\"/>";
    let table = open_row(&["对象编号", "走访人员"]) + &open_row(&["H2", "褚走"]);
    let told = taken(&fixture, "h.ods", open_document(&(columns.to_owned() + &table))).await;
    let told = told.understood().join("\n");
    assert!(told.contains("隐藏的列也在表里：走访人员"), "{told}");
    let beside =
        "<sheetFormatPr zeroHeight=\"1\"/><cols><col min=\"2\" max=\"2\" width=\"0\"/></cols>";
    let made = Made { beside, ..Made::default() };
    let told = taken(&fixture, "h.xlsx", made.of(&two_rows(&["H3", "卫访"]))).await;
    let told = told.understood().join("\n");
    assert!(
        told.contains("隐藏的行也读了") && told.contains("隐藏的列也在表里：走访人员"),
        "{told}"
    );
}

#[tokio::test]
async fn a_text_of_an_open_document_is_what_it_says_and_not_how_it_sounds() {
    let fixture = at_work().await;
    let head = open_row(&["对象编号", "走访人员"]);
    let value = "<office:value-type=\"string\" office:string-value=\"H1\"/>";
    let ruby = "<office:value-type=\"string\"><text:p><text:ruby><text:ruby-base>褚走</text:ruby-base><text:ruby-text>chu zou</text:ruby-text></text:ruby></text:p></table:table-cell>";
    let report =
        taken(&fixture, "r.ods", open_document(&(head.clone() + &open_row(&[value, ruby])))).await;
    assert_eq!((report.rows, report.added + report.changed + report.same), (1, 1));
    let wrong = "<office:value-type=\"string\" calcext:value-type=\"error\"><text:p>Err:508</text:p></table:table-cell>";
    let error =
        refused(&fixture, "e.ods", open_document(&(head + &open_row(&[wrong, "褚走"])))).await;
    assert!(error.contains("第 2 行第 1 列") && error.contains("Err:508"), "{error}");
}

#[tokio::test]
async fn a_sentence_of_two_lines_is_no_open_quote() {
    let fixture = at_work().await;
    let table = "对象编号,走访人员,备注,说明\nH1,褚走,甲,\"先说一,再说二,又说三,完\n先做一,再做二,又做三,完\"\n";
    assert_eq!(taken(&fixture, "q.csv", table).await.rows, 1);
    let open = "对象编号,走访人员,备注,说明\nH1,褚走,甲,\"乙\nH2,褚走,甲,乙\nH3,褚走,甲,乙\"\n";
    assert!(refused(&fixture, "o.csv", open).await.contains("第 2 行第 4 列"));
}

#[tokio::test]
async fn a_long_piece_beside_the_cells_is_read_and_days_from_1904_may_have_a_time() {
    let fixture = at_work().await;
    let ranges: String = (2..130_000).map(|row| format!("A{row}:B{row} ")).collect();
    let behind = format!("<conditionalFormatting sqref=\"{ranges}\"/>");
    let made = Made { behind: &behind, ..Made::default() };
    assert_eq!(taken(&fixture, "c.xlsx", made.of(&two_rows(&["H1", "褚走"]))).await.rows, 1);
    let head = row(1, &["走访日期", "走访人员", "对象编号", "群众姓名", "有无问题"]);
    let visit = row(2, &["<><v>43163.375</v></c>", "褚走", "H1", "王建国", "无"]);
    let made = Made { book: "<workbookPr date1904=\"1\"/>", ..Made::default() };
    assert_eq!(taken(&fixture, "d.xlsx", made.of(&(head + &visit))).await.added, 1);
}

#[tokio::test]
async fn two_rows_of_one_number_are_not_made_one() {
    let fixture = at_work().await;
    let head = row(1, &["对象编号", "走访人员"]);
    let twice = head + &row(2, &["H1", "褚走"]) + &row(2, &["H2", "褚走"]);
    let error = refused(&fixture, "twice.xlsx", Made::default().of(&twice)).await;
    assert!(error.contains("可能损坏") && error.contains("另存为"), "{error}");
}

#[tokio::test]
async fn what_is_struck_through_is_asked_about() {
    let fixture = at_work().await;
    let styles = "<fonts><font/><font><strike/></font><font><strike val=\"0\"/></font></fonts><cellXfs><xf fontId=\"0\"/><xf fontId=\"1\"/><xf fontId=\"2\"/></cellXfs>";
    let texts =
        "><si><t>褚走</t></si><si><r><t>褚</t></r><r><rPr><strike/></rPr><t>走</t></r></si>";
    let made = Made { styles, texts, ..Made::default() };
    for struck in [
        "<s=\"1\" t=\"s\"><v>0</v></c>",
        "<t=\"s\"><v>1</v></c>",
        "<t=\"inlineStr\"><is><r><rPr><strike/></rPr><t>褚走</t></r></is></c>",
    ] {
        let error = refused(&fixture, "s.xlsx", made.of(&two_rows(&["H1", struck]))).await;
        assert!(error.contains("第 2 行第 2 列") && error.contains("删除线"), "{error}");
    }
    let rows = row(1, &["对象编号", "走访人员", "<s=\"1\"/>"])
        + &row(2, &["H1", "<s=\"2\" t=\"s\"><v>0</v></c>", "<s=\"1\"/>"]);
    assert_eq!(taken(&fixture, "t.xlsx", made.of(&rows)).await.same, 1);
}

/// A style as LibreOffice writes it: for what it is, its name, what it comes of, and what it says of a text.
fn style(of: &str, name: &str, parent: &str, says: &str) -> String {
    format!(
        "<style:style style:name=\"{name}\" style:family=\"{of}\" style:parent-style-name=\"{parent}\"><style:text-properties {says}/></style:style>"
    )
}

const BY_STYLE: &str =
    "style:text-line-through-style=\"solid\" style:text-line-through-type=\"single\"";
const BY_TYPE: &str = "style:text-line-through-type=\"single\"";
const NOT: &str = "style:text-line-through-style=\"none\" style:text-line-through-type=\"none\"";

#[tokio::test]
async fn what_is_struck_through_in_an_open_document_is_asked_about() {
    let fixture = at_work().await;
    let named = style("table-cell", "划掉", "Default", BY_STYLE);
    let own = [
        style("table-cell", "ce1", "Default", BY_STYLE),
        style("table-cell", "ce2", "划掉", ""),
        style("table-cell", "ce3", "划掉", NOT),
        style("text", "T1", "", BY_TYPE),
        style("text", "T2", "", NOT),
        style("paragraph", "P1", "", BY_STYLE),
        // Of another kind, by the same name.
        style("paragraph", "ce3", "", BY_STYLE),
        style("text", "ce4", "", BY_STYLE),
    ];
    let head = open_row(&["对象编号", "走访人员"]);
    let made = |before: &str, row: &str, cell: &str| {
        let cells = open_row(&["H1", cell]).replacen("<table:table-row>", row, 1);
        styled_document(&named, &own.concat(), &format!("{before}{head}{cells}"))
    };
    let cell = |more: &str, text: &str| {
        format!("<office:value-type=\"string\" {more}><text:p>{text}</text:p></table:table-cell>")
    };
    let plain = "<table:table-row>";
    let span = |style: &str| format!("褚<text:span text:style-name=\"{style}\">走</text:span>");
    let of = |style: &str| format!("table:style-name=\"{style}\"");
    let paragraph = "<office:value-type=\"string\"><text:p text:style-name=\"P1\">褚走</text:p></table:table-cell>";
    let columns = |style: &str| {
        format!(
            "<table:table-column/><table:table-column table:number-columns-repeated=\"9\" table:default-cell-style-name=\"{style}\"/>"
        )
    };
    let row = |style: &str| format!("<table:table-row table:default-cell-style-name=\"{style}\">");
    for (index, struck) in [
        made("", plain, &cell(&of("ce1"), "褚走")),
        made("", plain, &cell(&of("ce2"), "褚走")),
        made("", plain, &cell("", &span("T1"))),
        made("", plain, paragraph),
        made(&columns("划掉"), plain, &cell("", "褚走")),
        made("", &row("ce2"), &cell("", "褚走")),
    ]
    .into_iter()
    .enumerate()
    {
        let error = refused(&fixture, "s.ods", struck).await;
        let where_to = if index == 5 { "第 2 行第 1 列" } else { "第 2 行第 2 列" };
        let is_said = error.contains("第 2 行第 2 列") || error.contains(where_to);
        assert!(is_said && error.contains("删除线"), "{index}: {error}");
    }
    for (index, plain) in [
        made("", plain, &cell(&of("ce3"), "褚走")),
        made("", plain, &cell(&of("ce4"), &span("T2"))),
        made(&columns("划掉"), &row("Default"), &cell("", "褚走")),
        made(&columns("ce2"), plain, &cell(&of("ce3"), "褚走")),
    ]
    .into_iter()
    .enumerate()
    {
        // Other cells of a struck column are the header's, which nobody takes for a row.
        let report = taken(&fixture, &format!("t{index}.ods"), plain).await;
        assert_eq!((report.rows, report.same), (1, 1), "{index}");
    }
}

#[tokio::test]
async fn what_a_merged_cell_covers_in_an_open_document_is_asked_about() {
    let fixture = at_work().await;
    let covered = |text: &str| {
        format!(
            "<table:covered-table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:covered-table-cell>"
        )
    };
    let merged = |columns: usize, rows: usize, text: &str| {
        format!(
            "<table:table-cell office:value-type=\"string\" table:number-columns-spanned=\"{columns}\" table:number-rows-spanned=\"{rows}\"><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let row = |cells: &[String]| format!("<table:table-row>{}</table:table-row>", cells.concat());
    let head = open_row(&["对象编号", "走访人员"]);
    let plain = |text: &str| {
        format!(
            "<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let beside = row(&[merged(2, 1, "H1"), covered("卫访")]);
    let error = refused(&fixture, "a.ods", open_document(&format!("{head}{beside}"))).await;
    assert!(error.contains("第 2 行第 2 列「走访人员」"), "{error}");
    assert!(error.contains("看得见的是「H1」") && error.contains("还存着「卫访」"), "{error}");
    let first = row(&[plain("H1"), merged(1, 2, "褚走")]);
    let below = |text: &str| row(&[plain("H2"), covered(text)]);
    let error =
        refused(&fixture, "b.ods", open_document(&format!("{head}{first}{}", below("卫访")))).await;
    assert!(error.contains("第 3 行第 2 列") && error.contains("看得见的是「褚走」"), "{error}");
    let blank = row(&[merged(1, 2, ""), plain("褚走")]);
    let under = row(&[covered("H2"), plain("褚走")]);
    let error = refused(&fixture, "c.ods", open_document(&format!("{head}{blank}{under}"))).await;
    assert!(error.contains("第 3 行第 1 列") && error.contains("看得见的是空白"), "{error}");
    // What is kept beneath and says the same, and what is beneath and blank.
    for text in ["褚走", ""] {
        let whole = open_document(&format!("{head}{first}{}", below(text)));
        assert_eq!(taken(&fixture, &format!("d{text}.ods"), whole).await.rows, 2);
    }
}

fn with_parts(bytes: Vec<u8>, parts: &[(&str, String)]) -> Vec<u8> {
    let mut zip = ZipWriter::new_append(Cursor::new(bytes)).unwrap();
    for (name, part) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(part.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn what_is_remarked_on_a_cell_is_said_not_to_be_read() {
    let fixture = at_work().await;
    let related = |kind: &str, id: usize, target: &str| {
        format!("<Relationship Id=\"r{id}\" Type=\"http://x/{kind}\" Target=\"{target}\"/>")
    };
    let comment = |place: &str, text: &str| {
        format!(
            "<comment ref=\"{place}\"><text><r><t>张三:</t></r><r><t>{text}</t></r></text></comment>"
        )
    };
    let parts = [
        (
            "xl/sheets/_rels/1.xml.rels",
            format!(
                "<Relationships>{}{}</Relationships>",
                related("comments", 1, "../comments1.xml"),
                related("threadedComment", 2, "../threaded/1.xml"),
            ),
        ),
        (
            "xl/comments1.xml",
            format!(
                "<comments><commentList>{}{}{}</commentList></comments>",
                comment("A1", "怎么填"),
                comment("A2", "这户\n不要了"),
                comment("B2", "[线程批注]"),
            ),
        ),
        (
            "xl/threaded/1.xml",
            "<ThreadedComments><threadedComment ref=\"B2\" id=\"1\"><text>走访人换了</text></threadedComment></ThreadedComments>".to_owned(),
        ),
    ];
    let made = with_parts(Made::default().of(&two_rows(&["H1", "褚走"])), &parts);
    let told = taken(&fixture, "c.xlsx", made).await.understood().join("\n");
    for said in [
        "第 2 行第 1 列「对象编号」：有批注「张三:这户 不要了」",
        "第 2 行第 2 列「走访人员」：有批注「走访人换了」",
    ] {
        assert!(told.contains(said), "{said} in {told}");
    }
    assert!(!told.contains("怎么填") && !told.contains("线程批注"), "{told}");
    let note = "<office:annotation><dc:creator>张三</dc:creator><text:p>不要了</text:p></office:annotation>";
    let cell =
        format!("<office:value-type=\"string\">{note}<text:p>褚走</text:p></table:table-cell>");
    let rows = open_row(&["对象编号", "走访人员"]) + &open_row(&["H2", &cell]);
    let told = taken(&fixture, "c.ods", open_document(&rows)).await.understood().join("\n");
    assert!(told.contains("第 2 行第 2 列「走访人员」：有批注「不要了」"), "{told}");
}

#[tokio::test]
async fn a_formula_may_give_nothing() {
    let fixture = at_work().await;
    let head = open_row(SUBJECTS);
    let subject = |address: &str| open_row(&["H91", "家庭", "张三", "高桥村", address]);
    // As LibreOffice writes it: an empty text has its paragraph and no type.
    let nothing = "<table:formula=\"of:=&quot;&quot;\"><text:p/></table:table-cell>";
    let report =
        taken(&fixture, "n.ods", open_document(&format!("{head}{}", subject(nothing)))).await;
    assert_eq!(report.added, 1);
    let uncomputed = "<table:formula=\"of:=[.A1]\"/>";
    let error =
        refused(&fixture, "u.ods", open_document(&format!("{head}{}", subject(uncomputed)))).await;
    assert!(error.contains("第 2 行第 5 列「地址」") && error.contains("公式"), "{error}");
}

#[tokio::test]
async fn a_text_that_isnt_there_is_not_the_first_one() {
    let fixture = at_work().await;
    let made = Made { texts: "><si><t>褚走</t></si>", ..Made::default() };
    let rows = two_rows(&["H1", "<t=\"s\"><v>-1</v></c>"]);
    let error = refused(&fixture, "t.xlsx", made.of(&rows)).await;
    assert!(error.contains("第 2 行第 2 列") && error.contains("不合规矩"), "{error}");
}
