#!/usr/bin/env python3
"""Looks at what `zoufang demo` handed in: each workbook as openpyxl reads it, and every kind of file as a picture.

    python3 tests/papers/look.py zoufang-demo/上报材料 PICTURES

Needs openpyxl, LibreOffice (calc, writer), a Chromium (CHROMIUM, else `chromium`), pdftoppm and Chinese fonts.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

import openpyxl

folder, pictures = map(pathlib.Path, sys.argv[1:3])
pictures.mkdir(parents=True, exist_ok=True)


def look_through(file):
    """Its sheets have what official tables have, and what they add up to is what stands in them."""
    for sheet in openpyxl.load_workbook(file).worksheets:
        assert sheet["A1"].value and sheet["A1"].font.name == "方正小标宋简体", file
        assert sheet["A2"].value.startswith("填报单位："), file
        assert sheet.print_title_rows == "$3:$3", (file, sheet.print_title_rows)
        assert sheet.page_setup.orientation == "landscape" and sheet.page_setup.paperSize in ("8", "9", 8, 9), file
        assert sheet.sheet_properties.pageSetUpPr.fitToPage and sheet.page_setup.fitToHeight in (0, "0"), file
        assert "&P" in sheet.oddFooter.center.text, file
        rows = [row for row in sheet.iter_rows(min_row=4, values_only=True) if isinstance(row[0], int)]
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1)), file
        assert any("签字" in str(row[0] or "") for row in sheet.iter_rows(values_only=True)), file


def pdfs_by_libreoffice(files, to):
    """All in one process, with a profile of its own: where it makes nothing, it says so and its status is 0."""
    assert len({file.stem for file in files}) == len(files), files
    told = subprocess.run(["soffice", f"-env:UserInstallation={(to / 'office').as_uri()}", "--headless",
                           "--convert-to", "pdf", "--outdir", str(to), *map(str, files)],
                          check=True, capture_output=True, text=True, errors="replace")
    pdfs = [to / (file.stem + ".pdf") for file in files]
    assert all(pdf.exists() for pdf in pdfs), (sorted(pdf.name for pdf in pdfs if not pdf.exists()), told.stdout, told.stderr)
    return pdfs


def pdf_by_chromium(page, to):
    pdf = to / f"{page.parent.name}-{page.stem}-page.pdf"
    chromium = os.environ.get("CHROMIUM", "chromium")
    subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
                    f"--user-data-dir={to}/profile", f"--print-to-pdf={pdf}", page.resolve().as_uri()],
                   check=True, capture_output=True)
    return pdf


tables = sorted(folder.glob("*.xlsx"))
assert len(tables) == 11, tables
for file in tables:
    look_through(file)
kinds = [min(kind.glob("*.docx")) for kind in folder.iterdir() if any(kind.glob("*.docx"))]
pages = sorted((folder / "印制").glob("*.html"))
pages += [min(kind.glob("*.html")) for kind in (folder / "印制").iterdir() if kind.is_dir()]
with tempfile.TemporaryDirectory() as scratch:
    scratch = pathlib.Path(scratch)
    pdfs = pdfs_by_libreoffice(tables + kinds, scratch) + [pdf_by_chromium(page, scratch) for page in pages]
    for file, pdf in zip(tables + kinds + pages, pdfs, strict=True):
        subprocess.run(["pdftoppm", "-r", "60", "-png", str(pdf), str(pictures / f"{file.parent.name}-{file.stem}")], check=True)
print(f"looked at {len(tables)} tables, {len(kinds)} documents, {len(pages)} pages")
