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


def pdf_of(file, to):
    """As LibreOffice or Chromium prints it."""
    if file.suffix == ".html":
        pdf = to / (file.stem + ".pdf")
        chromium = os.environ.get("CHROMIUM", "chromium")
        subprocess.run([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer",
                        f"--user-data-dir={to}/profile", f"--print-to-pdf={pdf}", file.resolve().as_uri()],
                       check=True, capture_output=True)
        return pdf
    subprocess.run(["soffice", "--headless", "--convert-to", "pdf", "--outdir", str(to), str(file)],
                   check=True, capture_output=True)
    return to / (file.stem + ".pdf")


tables = sorted(folder.glob("*.xlsx"))
assert len(tables) == 11, tables
for file in tables:
    look_through(file)
kinds = [min(kind.glob("*.docx")) for kind in folder.iterdir() if any(kind.glob("*.docx"))]
pages = sorted((folder / "印制").glob("*.html"))
pages += [min(kind.glob("*.html")) for kind in (folder / "印制").iterdir() if kind.is_dir()]
with tempfile.TemporaryDirectory() as scratch:
    for file in tables + kinds + pages:
        pdf = pdf_of(file, pathlib.Path(scratch))
        subprocess.run(["pdftoppm", "-r", "60", "-png", str(pdf), str(pictures / f"{file.parent.name}-{file.stem}")], check=True)
print(f"looked at {len(tables)} tables, {len(kinds)} documents, {len(pages)} pages")
